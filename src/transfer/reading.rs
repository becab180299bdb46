//! What the formats for people to read have in common: what is shown of a text, of a time, of a session and of its tool calls.

use super::export::{Exported, Out};
use crate::model::text::acts_unseen;
use crate::model::{MessageRef, Micros, Role, Status, turn};
use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A text in which nothing acts unseen: control characters and those that turn the direction of writing are shown as symbols.
/// Line ends become line feeds.
pub(super) fn visible<'a>(text: &'a str, out: &mut Out<'_>) -> Cow<'a, str> {
    if !text.chars().any(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut count = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !is_shown(c) {
            shown.push(c);
        } else if c != '\r' || chars.peek() != Some(&'\n') {
            push_symbol(&mut shown, c);
            count += 1;
        }
    }
    out.lost("control characters", count);
    Cow::Owned(shown)
}

fn is_shown(c: char) -> bool {
    acts_unseen(c) && !matches!(c, '\n' | '\t')
}

fn push_symbol(text: &mut String, c: char) {
    let symbol = match u32::from(c) {
        control @ 0..0x20 => char::from_u32(0x2400 + control),
        0x7f => Some('\u{2421}'),
        _ => None,
    };
    match symbol {
        Some(symbol) => text.push(symbol),
        None => drop(write!(text, "[U+{:04X}]", u32::from(c))),
    }
}

/// The same in one line.
pub(super) fn one_line(text: &str, out: &mut Out<'_>) -> String {
    visible(text, out).replace(['\n', '\t'], " ")
}

/// A role as a heading.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "System",
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::Tool => "Tool",
        Role::Developer => "Developer",
    }
}

/// A moment, where the calendar has it.
pub(super) fn moment(time: Micros) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time)
}

/// A time to read.
pub(super) fn utc(time: Micros) -> String {
    match moment(time) {
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => format!("{time} µs after 1970"),
    }
}

/// What a session is called: its title, else its name, else its id.
pub(super) fn heading(session: &Exported<'_>, out: &mut Out<'_>) -> String {
    let info = session.info;
    let names = [Some(info.title.as_str()), info.name.as_deref()];
    let chosen = names.into_iter().flatten().find(|text| !text.trim().is_empty());
    one_line(chosen.unwrap_or(&info.id), out)
}

/// Something to know about a session.
pub(super) struct Fact<'a> {
    pub(super) label: &'static str,
    pub(super) value: Known<'a>,
}

/// What there is to know: somebody's own words, a time, or ours.
pub(super) enum Known<'a> {
    Labels(Vec<&'a str>),
    Time(Micros),
    Words(String),
    /// A message of another session.
    Behind(&'a str, u32),
}

/// What is told of a session in front of its messages.
pub(super) fn facts<'a>(session: &Exported<'a>) -> Vec<Fact<'a>> {
    let info = session.info;
    let label = |text: &'a str| (!text.is_empty()).then(|| Known::Labels(vec![text]));
    let tags: Vec<&str> = info.tags.iter().map(String::as_str).collect();
    let status = (info.status != Status::Active).then(|| info.status.name());
    let seconds = |time: Micros| format!("{} s after the last change", time / 1_000_000);
    let parent = info.parent_id.as_deref();
    [
        ("Session", label(&info.id)),
        ("Name", info.name.as_deref().and_then(label)),
        ("User", label(&info.user_id)),
        ("Model", label(&info.model)),
        ("Tags", Some(Known::Labels(tags)).filter(|_| !info.tags.is_empty())),
        ("Status", status.map(|status| Known::Words(status.to_owned()))),
        ("Created", Some(Known::Time(info.created))),
        ("Changed", Some(Known::Time(info.updated))),
        ("Expires", info.expires.map(Known::Time)),
        ("Kept for", info.expires_after.map(|time| Known::Words(seconds(time)))),
        (
            "Messages",
            Some(Known::Words(format!(
                "{}, {} tokens",
                info.message_count, info.token_total
            ))),
        ),
        (
            "Window",
            info.window_tokens
                .map(|tokens| Known::Words(format!("{tokens} tokens"))),
        ),
        (
            "Limit",
            info.max_bytes.map(|bytes| Known::Words(format!("{bytes} bytes"))),
        ),
        ("Forked from", parent.map(|id| Known::Behind(id, info.fork_seq))),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some(Fact { label, value: value? }))
    .collect()
}

/// The name of the file that was given with a message, and its type; "" if none was.
pub(super) fn file_given(message: &MessageRef<'_>) -> String {
    let (name, kind) = message.metadata.map(turn::file_given).unwrap_or_default();
    match kind.as_str() {
        "" => name,
        _ => format!("{name} ({kind})"),
    }
}

/// What neither Markdown nor plain text shows of a session.
pub(super) fn count_losses_of_session(session: &Exported<'_>, out: &mut Out<'_>) {
    let has_metadata = session.info.metadata.trim() != "{}" && !session.info.metadata.is_empty();
    out.lost("metadata of sessions", u64::from(has_metadata));
    out.lost("idempotency keys", session.receipts.len() as u64);
}

/// The same of a message.
pub(super) fn count_losses_of_message(message: &MessageRef<'_>, out: &mut Out<'_>) {
    out.lost("metadata of messages", u64::from(message.metadata.is_some()));
    out.lost("token counts", 1);
}

/// Messages 1 to some, in words.
pub(super) fn messages_through(seq: u32) -> String {
    match seq {
        1 => "Message 1 is".to_owned(),
        _ => format!("Messages 1 to {seq} are"),
    }
}

/// A call of a tool, to read.
#[derive(Debug)]
pub(super) struct Call {
    /// Its id; "" if it has none.
    pub(super) id: String,
    /// The tool; "" where it is not said as in the OpenAI chat API.
    pub(super) name: String,
    /// What it is called with: JSON in lines, or a text; all of the call where it has no name.
    pub(super) arguments: String,
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The calls that a message makes.
fn calls(json: &str) -> Vec<Call> {
    let calls: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    calls.into_iter().map(call).collect()
}

fn call(json: &RawValue) -> Call {
    let fields = fields(json);
    let function = fields.get("function").copied().map(self::fields).unwrap_or_default();
    let name = text(function.get("name"));
    let arguments = if name.is_empty() || says_more(&fields, &function) {
        in_lines(json.get()).into_owned()
    } else {
        arguments(function.get("arguments"))
    };
    Call {
        id: text(fields.get("id")),
        name,
        arguments,
    }
}

fn fields(json: &RawValue) -> Fields<'_> {
    serde_json::from_str(json.get()).unwrap_or_default()
}

fn text(json: Option<&&RawValue>) -> String {
    json.and_then(|json| serde_json::from_str(json.get()).ok())
        .unwrap_or_default()
}

/// Mostly JSON in a string.
fn arguments(json: Option<&&RawValue>) -> String {
    let Some(json) = json else { return String::new() };
    let inside: Option<String> = serde_json::from_str(json.get()).ok();
    in_lines(inside.as_deref().unwrap_or(json.get())).into_owned()
}

/// Whether a call says more than what is shown of one that is like all others.
fn says_more(call: &Fields<'_>, function: &Fields<'_>) -> bool {
    let has_others = |fields: &Fields<'_>, known: &[&str]| fields.keys().any(|name| !known.contains(&name.as_str()));
    has_others(call, &["id", "type", "function"])
        || has_others(function, &["name", "arguments"])
        || call.get("type").is_some_and(|kind| kind.get() != "\"function\"")
}

/// The tools that the last assistant message called, for the results that follow.
#[derive(Default)]
pub(super) struct LastCalls(Vec<(String, String)>);

impl LastCalls {
    /// The tool that a message gives the result of, or the call that it answers; "" if that is not known.
    pub(super) fn answered_by<'a>(&'a self, message: &MessageRef<'a>) -> &'a str {
        let id = message.tool_call_id.unwrap_or_default();
        let found = self.0.iter().find(|(call, name)| call == id && !name.is_empty());
        found.map_or(id, |(_, name)| name)
    }

    /// Remembers the calls of a message that is written.
    pub(super) fn note(&mut self, message: &MessageRef<'_>) -> Vec<Call> {
        let calls = message.tool_calls.map(calls).unwrap_or_default();
        if !calls.is_empty() {
            self.0 = calls.iter().map(|call| (call.id.clone(), call.name.clone())).collect();
        }
        calls
    }
}

/// Whether a text is a JSON object or array.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// A JSON object or array with each of its values in a line of its own, everything else as it was; any other text as it is.
pub(super) fn in_lines(text: &str) -> Cow<'_, str> {
    let indented = if is_json(text) { indented(text) } else { None };
    indented.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// `None` where lines would make more of it than can be read.
fn indented(json: &str) -> Option<String> {
    let most = json.len() * 4 + 4096;
    let mut lines = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut rest = json.trim();
    while let Some(c) = rest.chars().next() {
        let length = token_length(rest);
        let (token, behind) = rest.split_at(length);
        rest = behind.trim_start();
        match c {
            '{' | '[' if rest.starts_with(['}', ']']) => lines.push(c),
            '{' | '[' => {
                depth += 1;
                lines.push(c);
                new_line(&mut lines, depth);
            }
            '}' | ']' => {
                if !lines.ends_with(['{', '[']) {
                    depth -= 1;
                    new_line(&mut lines, depth);
                }
                lines.push(c);
            }
            ',' => {
                lines.push(c);
                new_line(&mut lines, depth);
            }
            ':' => lines.push_str(": "),
            _ => lines.push_str(token),
        }
        if lines.len() > most {
            return None;
        }
    }
    Some(lines)
}

fn new_line(lines: &mut String, depth: usize) {
    lines.push('\n');
    lines.extend(std::iter::repeat_n("  ", depth));
}

/// How long the first string, number, word or sign of a JSON text is.
fn token_length(json: &str) -> usize {
    let bytes = json.as_bytes();
    if bytes.first() == Some(&b'"') {
        let mut escaped = false;
        let end = bytes.iter().skip(1).position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        return end.map_or(json.len(), |end| end + 2);
    }
    let end = json.find(|c: char| c.is_ascii_whitespace() || "{}[],:\"".contains(c));
    end.unwrap_or(json.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_gets_lines_and_keeps_its_order_and_its_numbers() {
        let json = r#"{"b":[1.50,{}, [ ],"a\"]{,\\"],"a":{"x":1e400,"b":null}}"#;
        let lines = "{\n  \"b\": [\n    1.50,\n    {},\n    [],\n    \"a\\\"]{,\\\\\"\n  ],\n  \"a\": {\n    \"x\": 1e400,\n    \"b\": null\n  }\n}";
        assert_eq!(in_lines(json), lines);
    }

    #[test]
    fn json_that_is_nested_to_make_spaces_of_it_stays_as_it_is() {
        let json = format!("{}{}{}", "[".repeat(100), "1,".repeat(9_000) + "1", "]".repeat(100));
        assert_eq!(in_lines(&json), json);
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(in_lines(&deep), deep);
    }

    #[test]
    fn a_call_like_all_others_shows_its_arguments_and_another_all_of_it() {
        let usual =
            calls(r#"[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"z\":1,\"a\":2}"}}]"#);
        let [call] = &usual[..] else { panic!("{usual:?}") };
        assert_eq!((call.id.as_str(), call.name.as_str()), ("c1", "f"));
        assert_eq!(call.arguments, "{\n  \"z\": 1,\n  \"a\": 2\n}");
        for unusual in [
            r#"[{"id":"c1","function":{"name":"f","arguments":"{}","strict":true}}]"#,
            r#"[{"type":"custom","custom":{"name":"f","input":"x"}}]"#,
            r#"[{"index":0,"function":{"name":"f"}}]"#,
        ] {
            let found = calls(unusual).remove(0).arguments;
            let without_spaces: String = found.split_whitespace().collect();
            assert_eq!(format!("[{without_spaces}]"), unusual);
        }
    }

    proptest! {
        #[test]
        fn lines_change_nothing_of_what_json_says(text in any::<Vec<(String, i64, Option<bool>)>>()) {
            let json = serde_json::to_string(&text).unwrap();
            let read: Vec<(String, i64, Option<bool>)> = serde_json::from_str(&in_lines(&json)).unwrap();
            prop_assert_eq!(read, text);
        }
    }
}
