//! JSON that callers attach: metadata (an object) and tool calls (an array).
//!
//! It is checked on the way in and kept byte for byte as it came.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashMap;

/// Checks that a text is one JSON object.
pub fn check_object(what: &str, json: &str) -> Result<()> {
    serde_json::from_str::<HashMap<String, IgnoredAny>>(json)
        .map(drop)
        .map_err(|error| Error::invalid(format!("{what} is not a JSON object: {error}")))
}

/// One entry of an assistant message's `tool_calls`: the parts that Turnkeep itself reads.
#[derive(Debug, Deserialize)]
struct ToolCall {
    id: Option<String>,
}

/// The ids of the calls that an assistant message makes; `None` for a call without an id.
///
/// The shape is that of the OpenAI chat API: an array of objects, each with an optional string `id`.
pub fn tool_call_ids(json: &str) -> Result<Vec<Option<String>>> {
    let calls: Vec<ToolCall> = serde_json::from_str(json).map_err(|error| {
        Error::invalid(format!(
            "tool_calls is not a JSON array of calls as in the OpenAI chat API: {error}"
        ))
    })?;
    if calls.is_empty() {
        return Err(Error::invalid(
            "tool_calls is an empty array; leave it out for a message without calls",
        ));
    }
    Ok(calls.into_iter().map(|call| call.id).collect())
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
