//! What a format carries of a session and of a message, so that what it does not carry is counted where it was there.

use super::draft::says_something;
use super::export::{Exported, Out};
use super::json::{self, Json};
use crate::model::{MessageFlags, MessageRef, Status};

/// What may be lost on the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Owner,
    Name,
    Title,
    Model,
    Metadata,
    Tags,
    Summary,
    Status,
    Times,
    Window,
    Expiry,
    Limit,
    Forks,
    Receipts,
    MessageTimes,
    Tokens,
    ToolCalls,
    ToolCallIds,
    MessageModels,
    MessageMetadata,
    Pins,
}

impl Field {
    const OF_SESSION: [Self; 14] = [
        Self::Owner,
        Self::Name,
        Self::Title,
        Self::Model,
        Self::Metadata,
        Self::Tags,
        Self::Summary,
        Self::Status,
        Self::Times,
        Self::Window,
        Self::Expiry,
        Self::Limit,
        Self::Forks,
        Self::Receipts,
    ];

    const OF_MESSAGE: [Self; 7] = [
        Self::MessageTimes,
        Self::Tokens,
        Self::ToolCalls,
        Self::ToolCallIds,
        Self::MessageModels,
        Self::MessageMetadata,
        Self::Pins,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owners",
            Self::Name => "names",
            Self::Title => "titles",
            Self::Model => "models of sessions",
            Self::Metadata => "metadata of sessions",
            Self::Tags => "tags",
            Self::Summary => "summaries",
            Self::Status => "archived and trashed states",
            Self::Times => "times of sessions",
            Self::Window => "window sizes",
            Self::Expiry => "expiry times",
            Self::Limit => "size limits",
            Self::Forks => "forks",
            Self::Receipts => "receipts of keyed appends",
            Self::MessageTimes => "times of messages",
            Self::Tokens => "token counts",
            Self::ToolCalls => "tool calls",
            Self::ToolCallIds => "ids of answered calls",
            Self::MessageModels => "models of messages",
            Self::MessageMetadata => "metadata of messages",
            Self::Pins => "pins",
        }
    }

    fn count_in(self, session: &Exported<'_>) -> usize {
        let info = session.info;
        match self {
            Self::Tags => info.tags.len(),
            Self::Receipts => session.receipts.len(),
            Self::Owner => usize::from(!info.user_id.is_empty()),
            Self::Name => usize::from(info.name.is_some()),
            Self::Title => usize::from(!info.title.is_empty()),
            Self::Model => usize::from(!info.model.is_empty()),
            Self::Metadata => usize::from(says_something(&info.metadata)),
            Self::Summary => usize::from(!info.summary.is_empty()),
            Self::Status => usize::from(info.status != Status::Active),
            Self::Times => 1,
            Self::Window => usize::from(info.window_tokens.is_some()),
            Self::Expiry => usize::from(info.expires.is_some() || info.expires_after.is_some()),
            Self::Limit => usize::from(info.max_bytes.is_some()),
            Self::Forks => usize::from(info.parent_id.is_some() || session.shares.is_some()),
            _ => 0,
        }
    }

    fn count_of(self, message: &MessageRef<'_>) -> usize {
        match self {
            Self::MessageTimes => 1,
            Self::Tokens => usize::from(!message.flags.contains(MessageFlags::ESTIMATED)),
            Self::ToolCalls => calls(message).len(),
            Self::ToolCallIds => usize::from(message.tool_call_id.is_some()),
            Self::MessageModels => usize::from(message.model.is_some()),
            Self::MessageMetadata => usize::from(message.metadata.is_some_and(says_something)),
            Self::Pins => usize::from(message.flags.contains(MessageFlags::PINNED)),
            _ => 0,
        }
    }
}

/// Counts what a session has and the format does not carry.
pub(crate) fn count_session(out: &mut Out<'_>, session: &Exported<'_>, carried: &[Field]) {
    for field in Field::OF_SESSION.into_iter().filter(|field| !carried.contains(field)) {
        out.lost(field.name(), field.count_in(session) as u64);
    }
}

/// Counts what a message has and the format does not carry.
pub(crate) fn count_message(out: &mut Out<'_>, message: &MessageRef<'_>, carried: &[Field]) {
    for field in Field::OF_MESSAGE.into_iter().filter(|field| !carried.contains(field)) {
        out.lost(field.name(), field.count_of(message) as u64);
    }
}

/// The calls that a message makes.
pub(crate) fn calls(message: &MessageRef<'_>) -> Vec<Json> {
    match message.tool_calls.map(json::kept) {
        Some(Json::Array(calls)) => calls,
        _ => Vec::new(),
    }
}
