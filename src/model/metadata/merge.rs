//! Merge patches of JSON objects (RFC 7396).
//!
//! Not SQLite's `json_patch`: to that a name ends at a NUL, and of two members with one name it changes the first, where
//! those who read the object take the last.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Result;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt::Formatter;

/// An object with what a patch asks for. A value that the patch does not name stays byte for byte.
pub(crate) fn merged(object: &str, patch: &str) -> Result<String> {
    let Members(old) = serde_json::from_str(object)?;
    let Members(patch) = serde_json::from_str(patch)?;
    let last_old = last_of_each(&old);
    let last_change = last_of_each(&patch);
    let mut members = Vec::with_capacity(old.len() + patch.len());
    for (index, (name, value)) in old.iter().enumerate() {
        match last_change.get(name.as_str()).and_then(|change| patch.get(*change)) {
            None => members.push(member(name, value.get())?),
            Some((_, change)) => {
                if last_old.get(name.as_str()) == Some(&index) && !is_null(change) {
                    members.push(member(name, &changed(Some(value), change)?)?);
                }
            }
        }
    }
    for (index, (name, change)) in patch.iter().enumerate() {
        let is_new = !last_old.contains_key(name.as_str()) && last_change.get(name.as_str()) == Some(&index);
        if is_new && !is_null(change) {
            members.push(member(name, &changed(None, change)?)?);
        }
    }
    Ok(format!("{{{}}}", members.join(",")))
}

fn changed(old: Option<&RawValue>, change: &RawValue) -> Result<String> {
    if !is_object(change) {
        return Ok(change.get().to_owned());
    }
    let old = old.filter(|old| is_object(old)).map_or("{}", RawValue::get);
    merged(old, change.get())
}

fn member(name: &str, value: &str) -> Result<String> {
    Ok(format!("{}:{value}", serde_json::to_string(name)?))
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

fn last_of_each<'a>(members: &'a [(String, &RawValue)]) -> HashMap<&'a str, usize> {
    let numbered = members.iter().enumerate();
    numbered.map(|(index, (name, _))| (name.as_str(), index)).collect()
}

/// The members of an object in their order, the same name as often as it is there.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, wanted: &mut Formatter<'_>) -> std::fmt::Result {
        wanted.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_as_it_is_written() {
        let object = "{ \"a\" : 1.50, \"b\": {\"x\" : [ 1e0 ] , \"y\": 12345678901234567890123}, \"c\": null }";
        let expected = "{\"a\":1.50,\"b\":{\"x\":[ 1e0 ],\"y\":2},\"c\":null}";
        assert_eq!(merged(object, r#"{"b":{"y":2}}"#).unwrap(), expected);
    }

    #[test]
    fn of_two_members_with_one_name_the_last_counts() {
        assert_eq!(
            merged(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":4}"#).unwrap(),
            r#"{"b":2,"a":4}"#
        );
        assert_eq!(merged(r#"{"a":1,"a":3}"#, r#"{"a":null}"#).unwrap(), "{}");
        assert_eq!(
            merged("{}", r#"{"a":1,"a":{"b":1},"a":{"c":1}}"#).unwrap(),
            r#"{"a":{"c":1}}"#
        );
        assert_eq!(merged("{}", r#"{"a":1,"a":null}"#).unwrap(), "{}");
    }

    #[test]
    fn a_name_goes_on_behind_a_nul() {
        let merged = merged(r#"{"a":1}"#, r#"{"a\u0000":2}"#).unwrap();
        assert_eq!(merged, r#"{"a":1,"a\u0000":2}"#);
    }
}
