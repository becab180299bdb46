//! A message, a message to append, and the receipt for it.

use super::{Micros, ids, metadata};
use crate::error::{Error, Result};
use std::collections::HashSet;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Role {
    /// The host's instructions.
    System = 1,
    /// The person, or whoever asks. Begins a turn.
    User = 2,
    /// The model.
    Assistant = 3,
    /// The result of a tool call that the assistant made.
    Tool = 4,
    /// Instructions of the application's developer, where a model tells them from the system's.
    Developer = 5,
}

impl Role {
    /// The role with this number.
    pub fn from_number(number: i32) -> Result<Self> {
        Ok(match number {
            1 => Self::System,
            2 => Self::User,
            3 => Self::Assistant,
            4 => Self::Tool,
            5 => Self::Developer,
            other => {
                return Err(Error::invalid(format!(
                    "role is {other}; it must be 1 (system), 2 (user), 3 (assistant), 4 (tool) or 5 (developer)"
                )));
            }
        })
    }

    /// Its name, as in the OpenAI chat API.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Developer => "developer",
        }
    }

    /// The role with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        const ALL: [Role; 5] = [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Developer];
        ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether it stands above the conversation: such messages at the head of a session stay in every window.
    pub fn is_instruction(self) -> bool {
        matches!(self, Self::System | Self::Developer)
    }
}

/// What is true of a message besides its texts: a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageFlags(pub u32);

impl MessageFlags {
    /// Stays in every window.
    pub const PINNED: Self = Self(1);
    /// The token count is the estimate, not a tokenizer's.
    pub const ESTIMATED: Self = Self(2);
    /// Not part of the history: the session's summary, shown as a message of a window.
    pub const SUMMARY: Self = Self(4);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// With the bits of `other` set.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Where a message's token count comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokens {
    /// The store counts: its tokenizer if it has one, else the estimate.
    #[default]
    Count,
    /// The caller counted.
    Given(u32),
}

/// The largest token count of one message.
pub const MAX_MESSAGE_TOKENS: u32 = i32::MAX as u32;

/// A message to append.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said: any length, NUL allowed.
    pub content: String,
    /// Its tokens.
    pub tokens: Tokens,
    /// When it was said; `None` is now.
    pub created: Option<Micros>,
    /// The assistant's tool calls: a JSON array in the shape of the OpenAI chat API.
    pub tool_calls: Option<String>,
    /// Which call a tool message answers.
    pub tool_call_id: Option<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// A JSON object of the caller's.
    pub metadata: Option<String>,
    /// Whether it stays in every window.
    pub pinned: bool,
}

impl NewMessage {
    /// A message with a role and a content, everything else left to the store.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            tokens: Tokens::Count,
            created: None,
            tool_calls: None,
            tool_call_id: None,
            model: None,
            metadata: None,
            pinned: false,
        }
    }

    /// Checks what can be checked without the session: each field by itself, and fields against the role.
    pub fn check(&self) -> Result<()> {
        if let Some(calls) = &self.tool_calls {
            if self.role != Role::Assistant {
                return Err(Error::invalid("only an assistant message can have tool_calls"));
            }
            for id in metadata::tool_call_ids(calls)?.iter().flatten() {
                ids::check_id("a call's id in tool_calls", id)?;
            }
        }
        if let Some(id) = &self.tool_call_id {
            if self.role != Role::Tool {
                return Err(Error::invalid("only a tool message can have a tool_call_id"));
            }
            ids::check_id("tool_call_id", id)?;
        }
        if let Some(model) = &self.model {
            ids::check_label("model", model)?;
        }
        if let Some(json) = &self.metadata {
            metadata::check_object("metadata", json)?;
        }
        match self.tokens {
            Tokens::Given(tokens) if tokens > MAX_MESSAGE_TOKENS => Err(Error::invalid(format!(
                "tokens is {tokens}; at most {MAX_MESSAGE_TOKENS} are allowed"
            ))),
            _ => Ok(()),
        }
    }
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it stands.
    pub place: Place,
    /// Everything else.
    pub message: ReadyMessage,
}

/// A message as it is kept, its texts borrowed from wherever they are.
#[derive(Clone, Copy, Debug)]
pub struct MessageRef<'a> {
    /// Where it stands.
    pub place: Place,
    /// Who speaks.
    pub role: Role,
    /// Pinned, estimated.
    pub flags: MessageFlags,
    /// Its tokens.
    pub tokens: u32,
    /// When it was said.
    pub created: Micros,
    /// What is said.
    pub content: &'a str,
    /// The assistant's tool calls.
    pub tool_calls: Option<&'a str>,
    /// Which call it answers.
    pub tool_call_id: Option<&'a str>,
    /// The model that wrote it.
    pub model: Option<&'a str>,
    /// The caller's JSON object.
    pub metadata: Option<&'a str>,
}

impl<'a> From<&'a Message> for MessageRef<'a> {
    fn from(kept: &'a Message) -> Self {
        Self::placed(&kept.message, kept.place)
    }
}

impl<'a> MessageRef<'a> {
    /// A message that was appended, in its place.
    pub fn placed(message: &'a ReadyMessage, place: Place) -> Self {
        Self {
            place,
            role: message.role,
            flags: message.flags,
            tokens: message.tokens,
            created: message.created,
            content: &message.content,
            tool_calls: message.tool_calls.as_deref(),
            tool_call_id: message.tool_call_id.as_deref(),
            model: message.model.as_deref(),
            metadata: message.metadata.as_deref(),
        }
    }
}

impl From<MessageRef<'_>> for Message {
    fn from(message: MessageRef<'_>) -> Self {
        Self {
            place: message.place,
            message: ReadyMessage {
                role: message.role,
                flags: message.flags,
                tokens: message.tokens,
                created: message.created,
                content: message.content.to_owned(),
                tool_calls: message.tool_calls.map(str::to_owned),
                tool_call_id: message.tool_call_id.map(str::to_owned),
                model: message.model.map(str::to_owned),
                metadata: message.metadata.map(str::to_owned),
                packed: None,
            },
        }
    }
}

/// What an acknowledged change survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Durability {
    /// A power cut: flushed to the disk before it was acknowledged.
    Disk = 1,
    /// The death of the process, not of the machine: handed to the operating system.
    Os = 2,
    /// Nothing yet: written within the autosave interval, at a flush, or at close.
    Deferred = 3,
    /// Nothing: the store is in memory.
    Memory = 4,
}

/// How to append.
#[derive(Clone, Debug, Default)]
pub struct AppendOptions {
    /// The store's durability unless given. Never [`Durability::Memory`].
    pub durability: Option<Durability>,
    /// Append only if the session has this revision.
    pub expected_revision: Option<u64>,
    /// A retry with the same key returns the first receipt and appends nothing.
    pub idempotency_key: Option<String>,
}

/// What an append returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The first message's place.
    pub first_seq: u32,
    /// The last message's place.
    pub last_seq: u32,
    /// The number of the first message's turn.
    pub first_turn: u32,
    /// The session's revision after it.
    pub revision: u64,
    /// What it survives.
    pub durability: Durability,
    /// Whether this is the first receipt again, for a retry with the same idempotency key.
    pub repeated: bool,
}

/// The receipt of an append with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReceipt {
    /// The key.
    pub key: String,
    /// The first message appended.
    pub first_seq: u32,
    /// The last one.
    pub last_seq: u32,
    /// The revision after it.
    pub revision: u64,
}

/// Where a message stands on its session's path: what every later message is placed after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its seq; 0 is before the first message.
    pub seq: u32,
    /// The tokens up to and with it.
    pub total_tokens: u64,
    /// The number of its turn.
    pub turn: u32,
}

impl Place {
    /// The place after this one, for a message with this role and these tokens.
    #[must_use]
    pub fn next(self, role: Role, tokens: u32) -> Self {
        Self {
            seq: self.seq + 1,
            total_tokens: self.total_tokens + u64::from(tokens),
            turn: self.turn + u32::from(role == Role::User),
        }
    }
}

/// A message that only lacks its place: counted, dated, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyMessage {
    /// Who speaks.
    pub role: Role,
    /// Pinned, estimated.
    pub flags: MessageFlags,
    /// Its tokens.
    pub tokens: u32,
    /// When it was said.
    pub created: Micros,
    /// What is said.
    pub content: String,
    /// The assistant's tool calls.
    pub tool_calls: Option<String>,
    /// Which call it answers.
    pub tool_call_id: Option<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The caller's JSON object.
    pub metadata: Option<String>,
    /// The content compressed, where it is kept so.
    pub packed: Option<Vec<u8>>,
}

impl ReadyMessage {
    /// The bytes of its texts: content, tool calls and metadata.
    pub fn bytes(&self) -> u64 {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        (self.content.len() + optional(&self.tool_calls) + optional(&self.metadata)) as u64
    }
}

/// The calls that an assistant message made, for those who answer them.
#[derive(Clone, Debug)]
pub struct ToolCalls {
    ids: HashSet<String>,
    /// Some calls have no id, and may be answered by anything.
    some_without_id: bool,
}

impl ToolCalls {
    /// The calls of the step that a tool message would continue. `json` are the `tool_calls` of the assistant message that
    /// began it; `None` if no step with calls is open, and then there is nothing to answer.
    ///
    /// A result that answers nothing could never stand in a valid prompt, so it is refused instead of being left out of
    /// every window later.
    pub fn of_step(json: Option<&str>) -> Result<Self> {
        let json = json.ok_or_else(|| {
            Error::invalid(
                "a tool message must follow the assistant message that made the call, or another result of it",
            )
        })?;
        let ids = metadata::tool_call_ids(json)?;
        Ok(Self {
            some_without_id: ids.iter().any(Option::is_none),
            ids: ids.into_iter().flatten().collect(),
        })
    }

    /// Checks that a tool message answers one of them.
    pub fn check_answer(&self, tool_call_id: Option<&str>) -> Result<()> {
        match tool_call_id {
            Some(id) if !self.some_without_id && !self.ids.contains(id) => Err(Error::invalid(format!(
                "tool_call_id '{id}' is none of the {} calls that the assistant message before it made",
                self.ids.len()
            ))),
            _ => Ok(()),
        }
    }
}
