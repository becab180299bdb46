//! Section 4 of the header: messages.

use super::basics::{ErrorHandle, Status};
use super::guard::guard;
use super::options::{self, CallerStruct};
use super::pointer::{give, give_value, missing, required, writable};
use super::session::{SessionHandle, SessionOptions, new_session};
use super::store::{StoreHandle, durability};
use super::text;
use crate::cache::view::MessageView;
use crate::error::{Error, Result};
use crate::model::message::{AppendOptions as Options, MAX_MESSAGE_TOKENS, NewMessage as New};
use crate::model::{MessageFlags, Role, Tokens};
use crate::store::{Messages as Snapshot, Session};
use std::ffi::c_char;

/// The host's instructions. At the head of a session they stay in every window.
pub const TURNKEEP_ROLE_SYSTEM: i32 = 1;
/// The person. Begins a turn.
pub const TURNKEEP_ROLE_USER: i32 = 2;
/// The model.
pub const TURNKEEP_ROLE_ASSISTANT: i32 = 3;
/// The result of a tool call: follows the assistant message that made the call, or another result of it.
pub const TURNKEEP_ROLE_TOOL: i32 = 4;
/// Instructions of the application's developer. At the head of a session they stay in every window.
pub const TURNKEEP_ROLE_DEVELOPER: i32 = 5;

/// The message stays in every window.
pub const TURNKEEP_MESSAGE_PINNED: u32 = 1;
/// The token count is the estimate. Set by the library.
pub const TURNKEEP_MESSAGE_ESTIMATED: u32 = 2;
/// Not of the history: the session's summary, in a window. Set by the library.
pub const TURNKEEP_MESSAGE_SUMMARY: u32 = 4;

/// In turnkeep_new_message.tokens: count it.
pub const TURNKEEP_TOKENS_COUNT: i64 = 0;
/// In turnkeep_new_message.tokens: it counts as 0.
pub const TURNKEEP_TOKENS_NONE: i64 = -1;

/// Where a message or a turn is asked for by its number: the last one.
pub const TURNKEEP_LAST: u64 = u64::MAX;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_ROLE_SYSTEM == Role::System as i32);
    assert!(TURNKEEP_ROLE_USER == Role::User as i32);
    assert!(TURNKEEP_ROLE_ASSISTANT == Role::Assistant as i32);
    assert!(TURNKEEP_ROLE_TOOL == Role::Tool as i32);
    assert!(TURNKEEP_ROLE_DEVELOPER == Role::Developer as i32);
    assert!(TURNKEEP_MESSAGE_PINNED == MessageFlags::PINNED.0);
    assert!(TURNKEEP_MESSAGE_ESTIMATED == MessageFlags::ESTIMATED.0);
    assert!(TURNKEEP_MESSAGE_SUMMARY == MessageFlags::SUMMARY.0);
};

/// A message to append. Only role is needed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct NewMessage {
    /// sizeof(turnkeep_new_message).
    pub struct_size: usize,
    /// A TURNKEEP_ROLE_ number.
    pub role: i32,
    /// TURNKEEP_MESSAGE_PINNED or 0.
    pub flags: u32,
    /// What is said: UTF-8, NUL bytes allowed; NULL for a length of 0.
    pub content: *const c_char,
    /// In bytes.
    pub content_len: usize,
    /// Its tokens, or TURNKEEP_TOKENS_COUNT, or TURNKEEP_TOKENS_NONE.
    pub tokens: i64,
    /// When it was said: microseconds since 1970-01-01 UTC; 0 is now. Does not decide the order.
    pub created_us: i64,
    /// For an assistant message: a JSON array of calls in the shape of the OpenAI chat API, whose ids, where they have
    /// them, are 1 to 255 bytes; NULL is none.
    pub tool_calls: *const c_char,
    /// For a tool message: the id of the call that it answers, 1 to 255 bytes; NULL where calls have no ids.
    pub tool_call_id: *const c_char,
    /// The model that wrote it, at most 255 bytes; NULL is none.
    pub model: *const c_char,
    /// A JSON object, kept byte for byte; NULL is none.
    pub metadata: *const c_char,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for NewMessage {
    const NAME: &'static str = "turnkeep_new_message";
}

/// How to append.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct AppendOptions {
    /// sizeof(turnkeep_append_options).
    pub struct_size: usize,
    /// Append only if the session has this revision, else CONFLICT; 0 is any.
    pub expected_revision: u64,
    /// A retry with the same key answers with the first receipt and appends nothing; NULL is none. 1 to 255 bytes.
    pub idempotency_key: *const c_char,
    /// A TURNKEEP_DURABILITY_ number; 0 is the store's.
    pub durability: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for AppendOptions {
    const NAME: &'static str = "turnkeep_append_options";
}

/// What an append did. Written only on success.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Receipt {
    /// sizeof(turnkeep_receipt), set by the caller.
    pub struct_size: usize,
    /// The place of the first message appended.
    pub first_seq: u64,
    /// The place of the last message appended.
    pub last_seq: u64,
    /// The session's revision after it.
    pub revision: u64,
    /// What it survives: a TURNKEEP_DURABILITY_ number.
    pub durability: i32,
    /// 1 if this is the first receipt again, for a retry with the same idempotency key.
    pub repeated: i32,
}

// SAFETY: repr(C), begins with struct_size, integers only.
unsafe impl CallerStruct for Receipt {
    const NAME: &'static str = "turnkeep_receipt";
}

/// Messages of a session, in order, as of one moment. Threads: any number at once. Outlives its session and its store.
pub struct Messages {
    pub(super) messages: Snapshot,
}

/// Appends a message. `receipt` may be NULL. When it returns TURNKEEP_OK the message is kept as the store's durability
/// says. Threads: any; the messages of one thread keep their order. Errors: NOT_FOUND, INVALID, ENCODING, TOO_LARGE,
/// ABORTED (count_tokens failed), CLOSED, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_append(
    session: Option<&SessionHandle>,
    role: i32,
    content: *const c_char,
    content_len: usize,
    receipt: *mut Receipt,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        options::check_size(receipt)?;
        let content = text::counted(content, content_len, "content")?;
        let message = New::new(Role::from_number(role)?, content);
        let done = session.session.append(vec![message], Options::default())?;
        options::fill(receipt, &convert_receipt(&done));
        Ok(())
    })
}

/// Appends `count` messages, all of them or none. `options` and `receipt` may be NULL. Threads and errors as
/// turnkeep_session_append, and CONFLICT (not the expected revision), MISMATCH (the idempotency key was used for
/// another number of messages), UNSUPPORTED (DEFERRED in a store that is neither exclusive nor in memory). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_append_batch(
    session: Option<&SessionHandle>,
    messages: *const NewMessage,
    count: usize,
    options: *const AppendOptions,
    receipt: *mut Receipt,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        options::check_size(receipt)?;
        let options = options::read_or_default(options, append_options)?;
        let messages = batch(messages, count)?;
        let done = session.session.append(messages, options)?;
        options::fill(receipt, &convert_receipt(&done));
        Ok(())
    })
}

/// Creates a session with its first messages, in one transaction: a template. `options` may be NULL, `count` may be 0.
/// Otherwise as turnkeep_session_create, with the errors of turnkeep_session_append_batch, too. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_create_with(
    store: Option<&StoreHandle>,
    options: *const SessionOptions,
    messages: *const NewMessage,
    count: usize,
    out: *mut *mut SessionHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(out, "out")?;
        let mut new = options::read_or_default(options, new_session)?;
        new.messages = batch_or_none(messages, count)?;
        give(out, SessionHandle::new(store.store.create_session(new)?));
        Ok(())
    })
}

/// Removes all messages of a session, its summary, and what its idempotency keys stood for; the next message appended
/// is 1 again. Writes the new revision to *revision unless it is NULL. `expected_revision` as in
/// turnkeep_append_options. Threads: any. Errors: CONFLICT, NOT_FOUND, INVALID, CLOSED, READONLY, BUSY, FULL, CORRUPT,
/// STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_clear(
    session: Option<&SessionHandle>,
    expected_revision: u64,
    revision: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        let expected = options::unless_zero(expected_revision);
        give_value(revision, session.session.clear(expected)?);
        Ok(())
    })
}

/// Keeps the instructions at the head of a session and the newest of its other messages: at most `max_messages`, and
/// at most `max_tokens` tokens, from the beginning of a step on; 0 is any number, but not for both. What stays is
/// numbered anew from 1, and is no longer shared with forks, which keep what they have; where nothing is cut, nothing
/// changes, the revision included. Otherwise as turnkeep_session_clear. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_truncate(
    session: Option<&SessionHandle>,
    max_messages: u64,
    max_tokens: u64,
    expected_revision: u64,
    revision: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        let expected = options::unless_zero(expected_revision);
        let messages = options::unless_zero(max_messages).map(|most| u32::try_from(most).unwrap_or(u32::MAX));
        let tokens = options::unless_zero(max_tokens);
        give_value(revision, session.session.truncate(messages, tokens, expected)?.revision);
        Ok(())
    })
}

/// Reads all messages. Free *out with turnkeep_messages_free. Threads: any. Errors: NOT_FOUND, INVALID, CLOSED, BUSY,
/// CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_history(
    session: Option<&SessionHandle>,
    out: *mut *mut Messages,
    error: *mut *mut ErrorHandle,
) -> Status {
    turnkeep_session_range(session, 1, u64::MAX, out, error)
}

/// Reads the last `count` messages, or all if there are fewer. Otherwise as turnkeep_session_history. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_last(
    session: Option<&SessionHandle>,
    count: u64,
    out: *mut *mut Messages,
    error: *mut *mut ErrorHandle,
) -> Status {
    read(session, out, error, |session| session.last(count))
}

/// Reads the messages from `first_seq`, which is 1 or more, to `last_seq`, which is not below it, both included; those
/// that come after the last one are left out. Otherwise as turnkeep_session_history. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_range(
    session: Option<&SessionHandle>,
    first_seq: u64,
    last_seq: u64,
    out: *mut *mut Messages,
    error: *mut *mut ErrorHandle,
) -> Status {
    read(session, out, error, |session| session.range(first_seq, last_seq))
}

/// Reads one message: a result of one. NOT_FOUND if it is not there. Otherwise as turnkeep_session_history. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_message(
    session: Option<&SessionHandle>,
    seq: u64,
    out: *mut *mut Messages,
    error: *mut *mut ErrorHandle,
) -> Status {
    read(session, out, error, |session| session.message(seq))
}

/// Returns the number of messages in a result; 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_messages_len(messages: Option<&Messages>) -> usize {
    messages.map_or(0, |messages| messages.messages.views().len())
}

/// Returns a message of a result, borrowed from it; NULL for a NULL result or an index that is too large. The messages
/// of one result lie one after the other: at index 0 begins an array of turnkeep_messages_len. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_messages_at(messages: Option<&Messages>, index: usize) -> *const MessageView {
    messages
        .and_then(|messages| messages.messages.views().get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees a result. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_messages_free(messages: Option<Box<Messages>>) {
    drop(messages);
}

fn read(
    session: Option<&SessionHandle>,
    out: *mut *mut Messages,
    error: *mut *mut ErrorHandle,
    choose: impl FnOnce(&Session) -> Result<Snapshot>,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        let messages = choose(&session.session)?;
        give(out, Messages { messages });
        Ok(())
    })
}

/// Messages, of which there may be none.
pub(super) fn batch_or_none(messages: *const NewMessage, count: usize) -> Result<Vec<New>> {
    if count == 0 {
        Ok(Vec::new())
    } else {
        batch(messages, count)
    }
}

fn batch(messages: *const NewMessage, count: usize) -> Result<Vec<New>> {
    if count == 0 {
        return Err(Error::invalid("count is 0: there is nothing to append"));
    }
    if messages.is_null() {
        return Err(missing("messages"));
    }
    if count > isize::MAX as usize / size_of::<NewMessage>() {
        return Err(Error::invalid(format!("count is {count}: more than memory can hold")));
    }
    let convert = |index| {
        let raw = options::read_nth(messages, index)?;
        new_message(&raw.ok_or_else(|| missing("messages"))?)
    };
    (0..count)
        .map(|index| match count {
            1 => convert(index),
            _ => convert(index).map_err(|error| error.during(format_args!("message {index} of the batch"))),
        })
        .collect()
}

fn new_message(raw: &NewMessage) -> Result<New> {
    if raw.flags & !TURNKEEP_MESSAGE_PINNED != 0 {
        return Err(Error::invalid(format!(
            "flags is {}; it must be 0 or TURNKEEP_MESSAGE_PINNED",
            raw.flags
        )));
    }
    Ok(New {
        role: Role::from_number(raw.role)?,
        content: text::counted(raw.content, raw.content_len, "content")?.to_owned(),
        tokens: tokens(raw.tokens)?,
        created: (raw.created_us != 0).then_some(raw.created_us),
        tool_calls: text::owned(raw.tool_calls, "tool_calls")?,
        tool_call_id: text::owned(raw.tool_call_id, "tool_call_id")?,
        model: text::owned(raw.model, "model")?,
        metadata: text::owned(raw.metadata, "metadata")?,
        pinned: raw.flags & TURNKEEP_MESSAGE_PINNED != 0,
    })
}

fn tokens(number: i64) -> Result<Tokens> {
    match number {
        TURNKEEP_TOKENS_COUNT => Ok(Tokens::Count),
        TURNKEEP_TOKENS_NONE => Ok(Tokens::Given(0)),
        given => u32::try_from(given)
            .ok()
            .filter(|given| *given <= MAX_MESSAGE_TOKENS)
            .map(Tokens::Given)
            .ok_or_else(|| Error::invalid(format!("tokens is {given}; it must be -1 to {MAX_MESSAGE_TOKENS}"))),
    }
}

pub(super) fn append_options(raw: &AppendOptions) -> Result<Options> {
    options::unused(raw.reserved, AppendOptions::NAME)?;
    Ok(Options {
        durability: durability(raw.durability)?,
        expected_revision: options::unless_zero(raw.expected_revision),
        idempotency_key: text::owned(raw.idempotency_key, "idempotency_key")?,
    })
}

pub(super) fn convert_receipt(receipt: &crate::model::Receipt) -> Receipt {
    Receipt {
        struct_size: size_of::<Receipt>(),
        first_seq: u64::from(receipt.first_seq),
        last_seq: u64::from(receipt.last_seq),
        revision: receipt.revision,
        durability: receipt.durability as i32,
        repeated: i32::from(receipt.repeated),
    }
}
