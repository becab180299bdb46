//! JSON that callers attach: metadata (an object) and tool calls (an array).
//!
//! It is checked on the way in and kept byte for byte as it came.

use crate::error::{Error, Result};
use serde_json::{Map, Value};

pub(crate) mod merge;

/// Parses with the limits of every later reader: 128 levels, numbers that a double holds.
fn parse(what: &str, shape: &str, json: &str) -> Result<Value> {
    serde_json::from_str(json).map_err(|error| Error::invalid(format!("{what} is not {shape}: {error}")))
}

/// Checks that a text is one JSON object.
pub fn check_object(what: &str, json: &str) -> Result<()> {
    if parse(what, "a JSON object", json)?.is_object() {
        return Ok(());
    }
    Err(Error::invalid(format!("{what} is JSON, but not an object")))
}

/// The ids of the calls that an assistant message makes; `None` for a call without an id.
///
/// The shape is that of the OpenAI chat API: an array of objects, each with an optional string `id`.
pub fn tool_call_ids(json: &str) -> Result<Vec<Option<String>>> {
    const SHAPE: &str = "a JSON array of calls as in the OpenAI chat API";
    let parsed = parse("tool_calls", SHAPE, json)?;
    let calls = parsed.as_array().filter(|calls| !calls.is_empty());
    let calls = calls.ok_or_else(|| {
        Error::invalid(format!(
            "tool_calls is not {SHAPE}; leave it out for a message without calls"
        ))
    })?;
    calls.iter().map(|call| call_id(call, SHAPE)).collect()
}

fn call_id(call: &Value, shape: &str) -> Result<Option<String>> {
    let call = call
        .as_object()
        .ok_or_else(|| Error::invalid(format!("tool_calls is not {shape}: a call is not an object")))?;
    match call.get("id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => Ok(Some(id.clone())),
        Some(_) => Err(Error::invalid(format!(
            "tool_calls is not {shape}: a call's id is not a string"
        ))),
    }
}

/// What the library itself notes in the metadata of a message begins with this.
const NOTES: &str = "turnkeep:";

/// A JSON object with a note of the library's in front, and what is in the caller's behind it as it came.
pub fn with_note(metadata: Option<&str>, name: &str, note: &Value) -> String {
    let inside = metadata.and_then(|json| json.trim_start().strip_prefix('{'));
    let inside = inside.unwrap_or("}");
    let comma = if inside.trim_start().starts_with('}') { "" } else { "," };
    format!("{{{}:{note}{comma}{inside}", Value::from(format!("{NOTES}{name}")))
}

/// A JSON object with a note in place of the one with the same name.
pub fn with_new_note(metadata: Option<&str>, name: &str, note: &Value) -> String {
    let (mut notes, own) = split_notes(metadata.unwrap_or("{}"));
    notes.remove(name);
    let kept = notes
        .iter()
        .rev()
        .fold(own, |json, (name, note)| with_note(Some(&json), name, note));
    with_note(Some(&kept), name, note)
}

/// The notes of the library in a JSON object, and the object without them.
pub fn split_notes(metadata: &str) -> (Map<String, Value>, String) {
    let mut notes = Map::new();
    let mut rest = metadata.to_owned();
    while let Some((name, note, without)) = first_note(&rest) {
        notes.insert(name, note);
        rest = without;
    }
    (notes, rest)
}

/// The note at the beginning of an object, if there is one; a note stands nowhere else.
fn first_note(metadata: &str) -> Option<(String, Value, String)> {
    let inside = metadata.strip_prefix('{')?;
    let (name, behind_name) = first_value(inside)?;
    let name = name.as_str()?.strip_prefix(NOTES)?.to_owned();
    let (note, behind) = first_value(behind_name.strip_prefix(':')?)?;
    let rest = behind.strip_prefix(',').unwrap_or(behind);
    Some((name, note, format!("{{{rest}")))
}

fn first_value(json: &str) -> Option<(Value, &str)> {
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, json.get(values.byte_offset()..)?))
}

#[cfg(test)]
mod note_tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_note_comes_back_and_leaves_the_callers_text_as_it_was() {
        for own in ["{}", r#"{"b": 1.50, "a":[ ]}"#, r#"{ "x":"turnkeep:" }"#] {
            let noted = with_note(Some(own), "origin", &json!({"seq": 7}));
            let noted = with_note(Some(&noted), "exchange", &json!({"name": "a\"b"}));
            assert!(check_object("metadata", &noted).is_ok(), "{noted}");
            let (notes, rest) = split_notes(&noted);
            assert_eq!(notes.get("origin"), Some(&json!({"seq": 7})));
            assert_eq!(notes.get("exchange"), Some(&json!({"name": "a\"b"})));
            assert_eq!(rest, own);
        }
        let (notes, rest) = split_notes(&with_note(None, "origin", &json!(1)));
        assert_eq!((notes.len(), rest.as_str()), (1, "{}"));
    }

    #[test]
    fn a_note_takes_the_place_of_one_with_its_name_and_leaves_the_others() {
        let noted = with_note(Some(r#"{"a":1}"#), "origin", &json!("x"));
        let noted = with_note(Some(&noted), "exchange", &json!(7));
        let again = with_new_note(Some(&noted), "origin", &json!("y"));
        assert_eq!(again, r#"{"turnkeep:origin":"y","turnkeep:exchange":7,"a":1}"#);
        assert_eq!(with_new_note(None, "origin", &json!("y")), r#"{"turnkeep:origin":"y"}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_an_object_and_nothing_else() {
        assert!(check_object("metadata", r#"{"a": [1, null]}"#).is_ok());
        for bad in ["", "[]", "null", "{", "{} {}", "{\"a\": NaN}"] {
            assert!(check_object("metadata", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nesting_of_a_million_levels_is_refused_without_a_crash() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(check_object("metadata", &deep).is_err());
    }

    #[test]
    fn tool_calls_are_an_array_of_objects_with_optional_ids() {
        let ids = tool_call_ids(r#"[{"id":"a","type":"function"},{"function":{}}]"#).unwrap();
        assert_eq!(ids, [Some("a".to_owned()), None]);
        for bad in ["[]", "{}", "[1]", r#"[{"id":7}]"#, "null"] {
            assert!(tool_call_ids(bad).is_err(), "{bad:?}");
        }
    }
}
