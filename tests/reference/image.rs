//! All that a store shows of its sessions, and all that it should show by the model, to be compared as a whole.

use crate::model::{Kept, Line, Model, Turn};
use crate::seen::{all, listed};
use crate::support::{self, text};
use std::collections::BTreeMap;
use turnkeep::model::{MessageFlags, SessionInfo, Status};
use turnkeep::view::MessageView;
use turnkeep::{Session, Store};

/// Every session, and the order in which they are listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Image {
    pub(crate) sessions: BTreeMap<String, SessionImage>,
    listed: Vec<String>,
}

/// A session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionImage {
    pub(crate) messages: Vec<MessageImage>,
    turns: Vec<Turn>,
    head_seq: usize,
    token_total: u64,
    bytes: u64,
    revision: u64,
    title: String,
    summary: String,
    name: Option<String>,
    status: Status,
    metadata: serde_json::Value,
    tags: Vec<String>,
    parent: Option<String>,
    fork_seq: usize,
    window_tokens: Option<u64>,
    max_bytes: Option<u64>,
    expires: (Option<i64>, Option<i64>),
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MessageImage {
    role: i32,
    pub(crate) content: String,
    tokens: u32,
    turn: u32,
    pinned: bool,
    metadata: String,
    tool_calls: String,
    tool_call_id: String,
}

impl Image {
    pub(crate) fn of_model(model: &Model) -> Self {
        let sessions = model.sessions.iter();
        Self {
            sessions: sessions
                .map(|(id, kept)| (id.clone(), SessionImage::of_model(kept)))
                .collect(),
            listed: model.list(&all()),
        }
    }

    pub(crate) fn of_store(store: &Store) -> Self {
        let listed = listed(store, &all());
        let sessions = listed.iter();
        let sessions = sessions.map(|id| (id.clone(), SessionImage::of_store(&store.open_session(id).unwrap())));
        Self {
            sessions: sessions.collect(),
            listed,
        }
    }
}

impl SessionImage {
    fn of_model(kept: &Kept) -> Self {
        let messages = kept.messages.iter().zip(1..);
        Self {
            messages: messages
                .map(|(line, seq)| MessageImage::of_model(line, kept.turn(seq)))
                .collect(),
            turns: kept.turns(),
            head_seq: kept.messages.len(),
            token_total: kept.tokens(),
            bytes: kept.bytes(),
            revision: kept.revision,
            title: kept.title.clone(),
            summary: kept.summary.clone(),
            name: kept.name.clone(),
            status: kept.status,
            metadata: kept.metadata.clone(),
            tags: kept.tags.iter().cloned().collect(),
            parent: kept.parent.clone(),
            fork_seq: kept.fork_seq,
            window_tokens: kept.window_tokens,
            max_bytes: kept.max_bytes,
            expires: (kept.expires, kept.expires_after),
        }
    }

    fn of_store(session: &Session) -> Self {
        let info: SessionInfo = session.describe().unwrap();
        let messages = session.range(1, u64::MAX).unwrap();
        Self {
            messages: messages.views().iter().map(MessageImage::of_store).collect(),
            turns: turns(session),
            head_seq: info.head_seq as usize,
            token_total: info.token_total,
            bytes: info.bytes,
            revision: info.revision,
            title: info.title,
            summary: info.summary,
            name: info.name,
            status: info.status,
            metadata: serde_json::from_str(&info.metadata).unwrap(),
            tags: info.tags,
            parent: info.parent_id,
            fork_seq: info.fork_seq as usize,
            window_tokens: info.window_tokens,
            max_bytes: info.max_bytes,
            expires: (info.expires, info.expires_after),
        }
    }
}

impl MessageImage {
    fn of_model(line: &Line, turn: u32) -> Self {
        Self {
            role: line.role as i32,
            content: line.content.clone(),
            tokens: line.tokens,
            turn,
            pinned: line.pinned,
            metadata: line.metadata.clone().unwrap_or_default(),
            tool_calls: line.tool_calls.clone().unwrap_or_default(),
            tool_call_id: line.tool_call_id.clone().unwrap_or_default(),
        }
    }

    fn of_store(view: &MessageView) -> Self {
        let rare = (!view.details.is_null()).then(|| support::details(view));
        let rare = |field: fn(&support::Details<'_>) -> String| rare.as_ref().map_or_else(String::new, field);
        Self {
            role: view.role,
            content: text(view.content).to_owned(),
            tokens: view.tokens,
            turn: view.turn,
            pinned: MessageFlags(view.flags).contains(MessageFlags::PINNED),
            metadata: rare(|rare| rare.metadata.to_owned()),
            tool_calls: rare(|rare| rare.tool_calls.to_owned()),
            tool_call_id: rare(|rare| rare.tool_call_id.to_owned()),
        }
    }
}

fn turns(session: &Session) -> Vec<Turn> {
    let turns = session.turns(0, u64::MAX).unwrap().into_iter();
    let turns = turns.map(|turn| Turn {
        number: turn.number,
        first: turn.first_seq as usize,
        last: turn.last_seq as usize,
        tokens: turn.tokens,
        input: turn.input,
        answer: turn.answer,
        told: (
            turn.input_name,
            turn.input_type,
            turn.processing,
            turn.tokens_used,
            turn.metadata,
        ),
    });
    turns.collect()
}
