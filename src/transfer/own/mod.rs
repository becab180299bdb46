//! Turnkeep's own format: JSON Lines that carry everything a store keeps of its sessions (docs/formats.md).
//!
//! The first line says what it is and in which version, the last one how much there is, so that a file that was cut short is
//! known as such. Between them each session's line is followed by those of its messages.

pub(crate) mod read;
pub(crate) mod write;

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    version: u32,
}

/// A session; what is left out is empty.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionLine<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    user_id: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    title: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    model: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    summary: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_zero")]
    summary_tokens: u32,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Json<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Cow<'a, str>>,
    created: i64,
    updated: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_after: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    revision: u64,
    /// The id of what it was forked from.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    parent: Option<Cow<'a, str>>,
    /// The last message that both had then.
    #[serde(default, skip_serializing_if = "is_zero")]
    fork_seq: u32,
    /// Whose messages, up to which one, are also its own: they are not repeated.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    shares: Option<At<'a>>,
    /// A session that comes later shares messages of it.
    #[serde(default, skip_serializing_if = "is_false")]
    shared: bool,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    receipts: Vec<ReceiptOf<'a>>,
}

/// A message of another session.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct At<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    seq: u32,
}

/// The receipt of an append with an idempotency key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptOf<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    first_seq: u32,
    last_seq: u32,
    revision: u64,
}

/// A message of the session whose line came before it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageLine<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    seq: u32,
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
    tokens: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    estimated: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pinned: bool,
    created: i64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Json<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Json<'a>>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    sessions: u64,
    messages: u64,
}

/// JSON that a store keeps byte for byte: as it is where that fits into a line, else as a string of it.
struct Json<'a>(Cow<'a, str>);

impl Serialize for Json<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let fits = !self.0.starts_with('"') && !self.0.chars().any(char::is_control);
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(raw) if fits && raw.get().len() == self.0.len() => raw.serialize(serializer),
            _ => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('"') {
            return serde_json::from_str(raw)
                .map(|text: String| Self(Cow::Owned(text)))
                .map_err(serde::de::Error::custom);
        }
        Ok(Self(Cow::Borrowed(raw)))
    }
}

fn is_empty(text: &str) -> bool {
    text.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

fn parse<'a, T: Deserialize<'a>>(number: u64, line: &'a [u8]) -> Result<T> {
    serde_json::from_slice(line).map_err(|error| {
        Error::invalid(format!(
            "line {number} is not what the format turnkeep has there: {error}; nothing was taken in"
        ))
    })
}
