//! Fields of a store out of what several of the databases keep alike: roles, states, metadata, tool calls.

use super::rows::Values;
use crate::error::{Error, Result};
use crate::model::{NewMessage, Role, Status, ids, metadata};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The note in a message's metadata with its id in the source.
const SOURCE_NOTE: &str = "source";

pub(super) fn role(values: &Values<'_>) -> Result<Role> {
    let name = values.text("role")?;
    match name.as_deref() {
        Some("system") => Ok(Role::System),
        Some("user") => Ok(Role::User),
        Some("assistant") => Ok(Role::Assistant),
        Some("tool") => Ok(Role::Tool),
        Some("developer") => Ok(Role::Developer),
        other => Err(Error::invalid(format!(
            "{}: role is '{}'; it must be system, user, assistant, tool or developer",
            values.place(),
            other.unwrap_or_default()
        ))),
    }
}

/// What is said; NULL is nothing, which is worth telling where no call stands in its place.
pub(super) fn content(values: &mut Values<'_>, makes_calls: bool) -> Result<String> {
    let content = values.text("content")?;
    if content.is_none() && !makes_calls {
        values.changes.push("its content is NULL; it is empty now".to_owned());
    }
    Ok(content.unwrap_or_default())
}

/// A session's state, and the name of one that a store does not have.
pub(super) fn status(values: &mut Values<'_>) -> Result<(Option<Status>, Option<String>)> {
    let name = values.text("status")?;
    Ok(match name.as_deref() {
        None | Some("" | "active") => (None, None),
        Some("archived") => (Some(Status::Archived), None),
        Some("deleted" | "trashed") => (Some(Status::Trashed), None),
        Some(other) => {
            values.changes.push(format!(
                "its status is '{other}', which a session here cannot have; it is active, and that stands in its metadata"
            ));
            (None, name)
        }
    })
}

/// The JSON object of a column, byte for byte; what is none is kept in one as a text.
pub(super) fn object(values: &mut Values<'_>, column: &str) -> Result<Option<String>> {
    let Some(text) = values.text(column)? else {
        return Ok(None);
    };
    if matches!(text.trim(), "" | "{}" | "null") {
        return Ok(None);
    }
    let reason = match metadata::check_object(column, &text) {
        Ok(()) if metadata::split_notes(text.trim_start()).0.is_empty() => return Ok(Some(text)),
        Ok(()) => format!("{column} begins with a name that begins with 'turnkeep:'; these are the library's"),
        Err(error) => error.message().to_owned(),
    };
    values
        .changes
        .push(format!("{reason}; it is kept as the text '{column}' in the metadata"));
    Ok(Some(json!({ column: text }).to_string()))
}

/// An object with more fields in front. One that is there already is not overwritten: the new one gets another name.
pub(super) fn joined(own: Option<String>, more: Vec<(&'static str, Value)>) -> Option<String> {
    if more.is_empty() {
        return own;
    }
    let text = own.as_deref().unwrap_or("{}");
    let taken: Value = serde_json::from_str(text).unwrap_or_default();
    let fields = more.into_iter().map(|(name, value)| {
        let name = match taken.get(name) {
            None => name.to_owned(),
            Some(_) => format!("{name} (column)"),
        };
        format!("{}:{value}", Value::from(name))
    });
    let fields = fields.collect::<Vec<_>>().join(",");
    let rest = text.trim_start().strip_prefix('{').unwrap_or("}");
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    Some(format!("{{{fields}{comma}{rest}"))
}

/// Metadata with the message's id in the source in front.
pub(super) fn with_source(own: Option<String>, note: &Value) -> String {
    metadata::with_note(own.as_deref(), SOURCE_NOTE, note)
}

/// The calls of an assistant in the shape of the OpenAI chat API, as they stand there; `None` for none.
pub(super) fn calls(json: &str) -> Result<Option<String>> {
    if matches!(json.trim(), "" | "null" | "[]" | "{}") {
        return Ok(None);
    }
    for id in metadata::tool_call_ids(json)?.iter().flatten() {
        ids::check_id("a call's id in tool_calls", id)?;
    }
    Ok(Some(json.to_owned()))
}

/// Some programs have no columns for calls, what a result answers and the model, and keep them in the metadata, where they
/// stay: a store has fields for them, too.
pub(super) fn fill_from_metadata(message: &mut NewMessage, changes: &mut Vec<String>) {
    let json = message.metadata.as_deref().unwrap_or("{}");
    let Ok(own) = serde_json::from_str::<HashMap<String, &RawValue>>(json) else {
        return;
    };
    let text = |name: &str| {
        let text: String = serde_json::from_str(own.get(name)?.get()).ok()?;
        Some(text).filter(|text| !text.is_empty())
    };
    let tool_call_id = text("tool_call_id").filter(|_| message.role == Role::Tool);
    let model = text("model");
    match (message.role, own.get("tool_calls")) {
        (Role::Assistant, Some(value)) if message.tool_calls.is_none() => match calls(value.get()) {
            Ok(calls) => message.tool_calls = calls,
            Err(error) => changes.push(format!("{error}; they stay in its metadata alone")),
        },
        _ => {}
    }
    message.tool_call_id = message.tool_call_id.take().or(tool_call_id);
    message.model = message.model.take().or(model);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_front_of_the_metadata_and_overwrite_nothing() {
        let more = || vec![("cost", json!(0.5)), ("error", json!("a\"b"))];
        assert_eq!(joined(None, more()).unwrap(), r#"{"cost":0.5,"error":"a\"b"}"#);
        let own = Some(r#" {"cost": 1.50 }"#.to_owned());
        assert_eq!(
            joined(own, more()).unwrap(),
            r#"{"cost (column)":0.5,"error":"a\"b","cost": 1.50 }"#
        );
        assert_eq!(joined(Some("{ }".to_owned()), Vec::new()).unwrap(), "{ }");
    }
}
