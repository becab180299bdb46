//! The JSON array of Gemma.cpp sessions, both ways (docs/formats.md, "gemma-sessions").

use super::carried::{self, Field};
use super::draft::{self, Remarks, Unit};
use super::export::{Exported, Out};
use super::fields::Fields;
use super::input::Input;
use super::json::{Json, stream};
use super::taker::{Conversation, Taker};
use crate::error::Result;
use crate::model::{MessageRef, NewMessage, NewSession, Role, Tokens};

/// What other fields are kept under in metadata.
const EXTRAS: &str = "gemma-sessions";

/// The window that a Gemma.cpp session has if nobody chose another.
const DEFAULT_CONTEXT: u64 = 8192;

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    stream::each_conversation(input, None, taker, |value, place, taker| {
        take_session(&value, place, taker)
    })
}

/// Takes one session in, as it stands in the array, and in each row of the database.
pub(crate) fn take_session(value: &Json, place: String, taker: &mut Taker<'_>) -> Result<()> {
    let id = value.get("session_id").and_then(Json::id);
    let mut remarks = Remarks::default();
    match messages(value, &place, &mut remarks) {
        Ok(messages) => {
            let conversation = conversation(value, id, place, &mut remarks);
            draft::hand_over(conversation, messages, remarks, taker)
        }
        Err(reason) => {
            taker.fail(&id.unwrap_or_default(), place, reason);
            Ok(())
        }
    }
}

fn conversation(value: &Json, id: Option<String>, place: String, remarks: &mut Remarks) -> Conversation {
    let mut time = |key: &str| remarks.time(value.get(key), Unit::Millis, || format!("{place}, {key}"));
    let (created, updated) = (time("created_at"), time("last_activity"));
    let window = value.get("max_context_tokens");
    let window_tokens = window.and_then(Json::count).filter(|tokens| *tokens > 0);
    if let (Some(window), None) = (window, window_tokens) {
        remarks.changed(
            &place,
            format!("its max_context_tokens is {window}; it has the store's"),
        );
    }
    let mut fields = Fields::of(value);
    fields.pass(&[
        "session_id",
        "max_context_tokens",
        "total_tokens",
        "created_at",
        "last_activity",
        "conversation_history",
    ]);
    let metadata = draft::with_extras(None, EXTRAS, fields.rest(), "other fields", remarks);
    Conversation {
        place,
        session: NewSession {
            id,
            window_tokens,
            metadata,
            ..NewSession::default()
        },
        created,
        updated,
        ..Conversation::default()
    }
}

fn messages(value: &Json, place: &str, remarks: &mut Remarks) -> std::result::Result<Vec<NewMessage>, String> {
    let history = match value.get("conversation_history") {
        Some(history @ Json::Array(_)) => history.items(),
        Some(other) => return Err(format!("its conversation_history is {}, not an array", other.kind())),
        None if value.get("session_id").is_some() => &[],
        None => return Err("it has neither a session_id nor a conversation_history: it is no session".to_owned()),
    };
    let mut messages = Vec::with_capacity(history.len());
    for (index, entry) in history.iter().enumerate() {
        let number = index + 1;
        let role = match entry.get("role").map(|role| (role.count(), role)) {
            Some((Some(0), _)) => Role::User,
            Some((Some(1), _)) => Role::Assistant,
            Some((Some(2), _)) => Role::System,
            Some((_, role)) => return Err(format!("message {number} has the role {role}; it must be 0, 1 or 2")),
            None => return Err(format!("message {number} has no role")),
        };
        let content = entry.text_of("content");
        let content = content.ok_or_else(|| format!("message {number} has no content that is a string"))?;
        let created = remarks.time(entry.get("timestamp"), Unit::Millis, || {
            format!("{place}, message {number}")
        });
        let mut message = draft::message(role, content, created);
        message.tokens = tokens(entry, content, number, place, remarks);
        let mut fields = Fields::of(entry);
        fields.pass(&["role", "content", "timestamp", "token_count"]);
        message.metadata = draft::with_extras(None, EXTRAS, fields.rest(), "other fields of messages", remarks);
        messages.push(message);
    }
    Ok(messages)
}

/// A count of 0 stands where the host did not count.
fn tokens(entry: &Json, content: &str, number: usize, place: &str, remarks: &mut Remarks) -> Tokens {
    let Some(value) = entry.get("token_count") else {
        return Tokens::Count;
    };
    match value.count().and_then(|count| u32::try_from(count).ok()) {
        Some(0) if !content.is_empty() => Tokens::Count,
        Some(count) if count <= crate::model::message::MAX_MESSAGE_TOKENS => Tokens::Given(count),
        _ => {
            remarks.changed(
                format!("{place}, message {number}"),
                format!("its token_count is {value}; it is counted anew"),
            );
            Tokens::Count
        }
    }
}

/// Writes the array.
#[derive(Default)]
pub(crate) struct Exporter {
    sessions: u64,
    messages: u64,
}

impl super::export::Exporter for Exporter {
    fn begin(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text("[")
    }

    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()> {
        let info = session.info;
        out.text(if self.sessions == 0 { "\n" } else { ",\n" })?;
        self.sessions += 1;
        self.messages = 0;
        out.text("{\"session_id\":")?;
        out.json(&info.id)?;
        let rest = format!(
            ",\"max_context_tokens\":{},\"total_tokens\":{},\"created_at\":{},\"last_activity\":{},\"conversation_history\":[",
            info.window_tokens.unwrap_or(DEFAULT_CONTEXT),
            info.token_total,
            info.created.div_euclid(1000),
            info.updated.div_euclid(1000),
        );
        out.text(&rest)?;
        carried::count_session(out, session, &[Field::Times, Field::Window]);
        Ok(())
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        let role = match message.role {
            Role::User => 0,
            Role::Assistant | Role::Tool => 1,
            Role::System | Role::Developer => 2,
        };
        out.lost("roles tool, kept as assistant", u64::from(message.role == Role::Tool));
        out.lost(
            "roles developer, kept as system",
            u64::from(message.role == Role::Developer),
        );
        carried::count_message(out, message, &[Field::MessageTimes, Field::Tokens]);
        out.lost(
            "microseconds of times",
            u64::from(message.created.rem_euclid(1000) != 0),
        );
        out.text(if self.messages == 0 { "" } else { "," })?;
        self.messages += 1;
        out.text(&format!("{{\"role\":{role},\"content\":"))?;
        out.json(&message.content)?;
        out.text(&format!(
            ",\"timestamp\":{},\"token_count\":{}}}",
            message.created.div_euclid(1000),
            message.tokens
        ))
    }

    fn end_session(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text("]}")
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text("\n]\n")
    }
}
