//! The shapes of what is written as JSON: documented in the help, only ever added to.

use crate::output::clean::is_steering;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt::Write as _;
use turnkeep::model::{Durability, Event, MessageFlags, MessageRef, Micros, Problems, SessionInfo};

pub(crate) fn session(session: &SessionInfo) -> Value {
    json!({
        "id": session.id,
        "user_id": session.user_id,
        "name": session.name,
        "title": session.title,
        "model": session.model,
        "status": session.status.name(),
        "tags": session.tags,
        "summary": session.summary,
        "metadata": parsed(&session.metadata),
        "window_tokens": session.window_tokens,
        "created": time(session.created),
        "updated": time(session.updated),
        "expires": session.expires.map(time),
        "expires_after_ms": session.expires_after.map(|after| after / 1000),
        "parent_id": session.parent_id,
        "fork_seq": session.fork_seq,
        "messages": session.message_count,
        "tokens": session.token_total,
        "bytes": session.bytes,
        "max_bytes": session.max_bytes,
        "revision": session.revision,
    })
}

pub(crate) fn sessions<'a>(many: impl IntoIterator<Item = &'a SessionInfo>) -> Value {
    many.into_iter().map(session).collect()
}

pub(crate) fn message(message: MessageRef<'_>) -> Value {
    json!({
        "seq": message.place.seq,
        "role": message.role.name(),
        "content": message.content,
        "tokens": message.tokens,
        "estimated": message.flags.contains(MessageFlags::ESTIMATED),
        "pinned": message.flags.contains(MessageFlags::PINNED),
        "turn": message.place.turn,
        "total_tokens": message.place.total_tokens,
        "created": time(message.created),
        "tool_calls": message.tool_calls.map(parsed),
        "tool_call_id": message.tool_call_id,
        "model": message.model,
        "metadata": message.metadata.map(parsed),
    })
}

/// A message as chat APIs want it: what is absent is left out.
pub(crate) fn prompt_message(message: MessageRef<'_>) -> Value {
    let mut object = json!({ "role": message.role.name(), "content": message.content });
    if let Some(calls) = message.tool_calls {
        object = with(object, "tool_calls", parsed(calls));
    }
    if let Some(id) = message.tool_call_id {
        object = with(object, "tool_call_id", id);
    }
    object
}

pub(crate) fn event(event: &Event) -> Value {
    let some = |id: &str| (!id.is_empty()).then(|| id.to_owned());
    json!({
        "number": event.number,
        "at": time(event.at),
        "kind": kind(event),
        "session_id": some(&event.session_id),
        "other_session_id": some(&event.other_session_id),
        "revision": event.revision,
        "first_seq": event.first_seq,
        "last_seq": event.last_seq,
        "count": event.count,
    })
}

/// Adds the problems of a report to what it says besides.
pub(crate) fn with_problems(report: Value, problems: &Problems) -> Value {
    let report = with(report, "problems", problems.listed.clone());
    with(report, "problem_count", problems.count)
}

/// An object with a field more.
pub(crate) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert(name.to_owned(), value.into());
    }
    object
}

pub(crate) fn kind(event: &Event) -> &'static str {
    event.kind.c_name().to_str().unwrap_or_default()
}

pub(crate) fn durability(durability: Durability) -> &'static str {
    match durability {
        Durability::Disk => "disk",
        Durability::Os => "os",
        Durability::Deferred => "deferred",
        Durability::Memory => "memory",
    }
}

/// RFC 3339, UTC, to the microsecond; a time that no calendar has is its number.
pub(crate) fn time(at: Micros) -> Value {
    match DateTime::from_timestamp_micros(at) {
        Some(at) => at.to_rfc3339_opts(SecondsFormat::Micros, true).into(),
        None => at.into(),
    }
}

/// JSON that was checked when it was kept.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}

/// A number of a report.
pub(crate) fn number(report: &Value, name: &str) -> u64 {
    report.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// In one line.
pub(crate) fn line(value: &Value) -> String {
    harmless(&value.to_string()).into_owned()
}

/// Laid out for people.
pub(crate) fn pretty(value: &Value) -> String {
    harmless(&format!("{value:#}")).into_owned()
}

/// JSON escapes the controls of ASCII itself. The others stand in strings only, so they can be escaped from outside.
fn harmless(json: &str) -> Cow<'_, str> {
    let steers = |c: char| c != '\n' && is_steering(c);
    if !json.contains(steers) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if steers(c) {
            // A string takes everything; all of these have four digits.
            let _written = write!(escaped, "\\u{:04x}", c as u32);
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_steers_no_terminal_and_means_the_same() {
        let value = json!({ "a\u{9b}": "\u{1b}[0m\u{7f}\u{202E}\n漢" });
        for text in [line(&value), pretty(&value)] {
            assert!(!text.chars().any(|c| c != '\n' && is_steering(c)), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn a_time_is_utc_to_the_microsecond() {
        assert_eq!(time(1_795_132_800_000_001), json!("2026-11-20T00:00:00.000001Z"));
        assert_eq!(time(i64::MAX), json!(i64::MAX));
    }
}
