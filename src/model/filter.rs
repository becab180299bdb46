//! Which sessions: one filter for lists, counts, search and changes to many at once.

use super::{Micros, Status, ids};
use crate::error::{Error, Result};
use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Which sessions. What is empty or `None` asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only this owner's; "" is nobody's.
    pub user_id: Option<String>,
    /// Only in these states; empty is active and archived ones.
    pub statuses: Vec<Status>,
    /// With every one of these tags.
    pub all_tags: Vec<String>,
    /// With at least one of these tags.
    pub any_tags: Vec<String>,
    /// Held with this model.
    pub model: Option<String>,
    /// With this text in its name or title, whatever the case and the accents.
    pub text: Option<String>,
    /// With metadata that meets every one of these.
    pub metadata: Vec<MetadataCondition>,
    /// Created in this time.
    pub created: TimeRange,
    /// Last changed in this time.
    pub updated: TimeRange,
    /// Expiring in this time.
    pub expires: TimeRange,
    /// Forked from the session with this id.
    pub parent_id: Option<String>,
    /// With messages, or without.
    pub has_messages: Option<bool>,
}

/// From a time on, and before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment inside.
    pub from: Option<Micros>,
    /// The first moment after it.
    pub before: Option<Micros>,
}

/// What a place in a session's metadata must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataCondition {
    /// Where: a JSON Pointer (RFC 6901), "/project/name"; "" is the whole object.
    pub pointer: String,
    /// How it compares with the value.
    pub comparison: Comparison,
    /// What it is compared with: JSON; ignored for [`Comparison::Exists`].
    pub value: Value,
}

/// How two values compare. Less and greater hold between two numbers or two strings only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Comparison {
    /// There is something, null included.
    Exists = 1,
    /// The same value.
    Equal = 2,
    /// Less than the value.
    Less = 3,
    /// Greater than the value.
    Greater = 4,
}

impl Filter {
    /// Checks every field by itself.
    pub fn check(&self) -> Result<()> {
        if let Some(user_id) = &self.user_id {
            ids::check_label("user_id", user_id)?;
        }
        for tag in self.all_tags.iter().chain(&self.any_tags) {
            ids::check_id("a tag", tag)?;
        }
        if let Some(model) = &self.model {
            ids::check_label("model", model)?;
        }
        if let Some(id) = &self.parent_id {
            ids::check_id("parent_id", id)?;
        }
        self.metadata.iter().try_for_each(MetadataCondition::check)?;
        self.created.check("created")?;
        self.updated.check("updated")?;
        self.expires.check("expires")
    }
}

impl Comparison {
    /// The comparison with this number.
    pub fn from_number(number: i32) -> Result<Self> {
        match number {
            1 => Ok(Self::Exists),
            2 => Ok(Self::Equal),
            3 => Ok(Self::Less),
            4 => Ok(Self::Greater),
            other => Err(Error::invalid(format!("comparison is {other}; it must be 1 to 4"))),
        }
    }
}

impl MetadataCondition {
    fn check(&self) -> Result<()> {
        check_pointer(&self.pointer)?;
        let ordered = matches!(self.comparison, Comparison::Less | Comparison::Greater);
        if ordered && !self.value.is_number() && !self.value.is_string() {
            return Err(Error::invalid(format!(
                "what '{}' is compared with is neither a number nor a string; only these are less or greater",
                self.pointer
            )));
        }
        Ok(())
    }

    /// Whether a session's metadata meets the condition.
    pub fn holds(&self, metadata: &Value) -> bool {
        let Some(found) = metadata.pointer(&self.pointer) else {
            return false;
        };
        match self.comparison {
            Comparison::Exists => true,
            Comparison::Equal => is_same(found, &self.value),
            Comparison::Less => order(found, &self.value) == Some(Ordering::Less),
            Comparison::Greater => order(found, &self.value) == Some(Ordering::Greater),
        }
    }
}

/// Checks that a text is a JSON Pointer: empty, or steps that begin with a slash, with ~0 for ~ and ~1 for a slash.
fn check_pointer(pointer: &str) -> Result<()> {
    let begins = pointer.is_empty() || pointer.starts_with('/');
    let escapes = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if begins && escapes {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the metadata path '{pointer}' is not a JSON Pointer: every step begins with a slash, like /project/name, and ~ is \
         written ~0, a slash in a name ~1"
    )))
}

/// As JSON has it: 1, 1.0 and 1e0 are one number, and the order of an object's members says nothing.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => order_of_numbers(one, other) == Some(Ordering::Equal),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}

/// The order of two numbers, or of two strings by their code points.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => order_of_numbers(one, other),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Exact for whole numbers; a double stands for what is not one.
fn order_of_numbers(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(pointer: &str, comparison: Comparison, value: Value) -> bool {
        let metadata = json!({
            "a": {"b": [10, {"c": null}]}, "n": 1.0, "big": 9_007_199_254_740_993_i64, "s": "b",
            "": "empty", "x/y": 1, "m~n": 2, "$.a": 3
        });
        MetadataCondition {
            pointer: pointer.to_owned(),
            comparison,
            value,
        }
        .holds(&metadata)
    }

    #[test]
    fn a_pointer_finds_what_rfc_6901_says() {
        for there in ["", "/a", "/a/b/0", "/a/b/1/c", "/", "/x~1y", "/m~0n", "/$.a"] {
            assert!(holds(there, Comparison::Exists, Value::Null), "{there}");
        }
        for missing in [
            "/b",
            "/a/b/2",
            "/a/b/00",
            "/a/b/-",
            "/a/b/+0",
            "/a/b/1/c/d",
            "/x/y",
            "/n/0",
        ] {
            assert!(!holds(missing, Comparison::Exists, Value::Null), "{missing}");
        }
    }

    #[test]
    fn values_compare_as_json_has_them() {
        assert!(holds("/n", Comparison::Equal, json!(1)));
        assert!(holds("/a/b", Comparison::Equal, json!([10.0, {"c": null}])));
        assert!(!holds("/n", Comparison::Equal, json!("1")));
        assert!(!holds("/big", Comparison::Equal, json!(9_007_199_254_740_992_i64)));
        assert!(holds("/big", Comparison::Greater, json!(9_007_199_254_740_992_i64)));
        assert!(holds("/s", Comparison::Less, json!("c")) && !holds("/s", Comparison::Less, json!("b")));
        assert!(!holds("/s", Comparison::Greater, json!(0)) && !holds("/a", Comparison::Less, json!(9)));
        assert!(!holds("/missing", Comparison::Less, json!(9)));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for bad in ["a", "a/b", "$.a", "/a~", "/a~2", "/~", " /a"] {
            assert!(check_pointer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_numbers_and_strings_have_an_order() {
        let with = |value| MetadataCondition {
            pointer: "/a".to_owned(),
            comparison: Comparison::Less,
            value,
        };
        assert!(with(json!(1)).check().is_ok() && with(json!("a")).check().is_ok());
        for bad in [json!(null), json!(true), json!([1]), json!({})] {
            assert!(with(bad).check().is_err());
        }
    }
}
