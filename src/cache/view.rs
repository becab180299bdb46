//! Messages as C sees them: what a window, a history or a range is made of, and what a window says of itself.
//!
//! Only layouts. A view points into memory that somebody else keeps alive (`body.rs`); a message without the rarer
//! fields is one cache line, which is what makes reading a thousand of them take less than a microsecond.

use std::ffi::c_char;

/// A piece of text: `len` bytes of UTF-8 at `data`, then a NUL that does not count. Borrowed from the object you got it
/// from. `data` is never NULL; a text that is absent is empty. Content may hold NUL bytes of its own: trust `len`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Text {
    /// The first byte.
    pub data: *const c_char,
    /// The number of bytes, without the NUL.
    pub len: usize,
}

impl Text {
    pub(crate) const EMPTY: Self = Self {
        data: c"".as_ptr(),
        len: 0,
    };
}

/// The rarer fields of a message.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MessageDetails {
    /// The assistant's tool calls: a JSON array in the shape of the OpenAI chat API, byte for byte as appended.
    pub tool_calls: Text,
    /// Which call a tool message answers.
    pub tool_call_id: Text,
    /// The model that wrote it.
    pub model: Text,
    /// The host's JSON object, byte for byte as appended.
    pub metadata: Text,
}

/// A message. Borrowed from the result you got it from, and unchanging. This struct never grows: results are arrays of it,
/// and what later versions add hangs on details.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MessageView {
    /// What is said.
    pub content: Text,
    /// When it was said: microseconds since 1970-01-01 UTC.
    pub created_us: i64,
    /// The tokens of the session up to and with this message.
    pub total_tokens: u64,
    /// The rarer fields; NULL when the message has none of them.
    pub details: *const MessageDetails,
    /// Its place in the session: 1, 2, 3 ... 0 for the session's summary, which a window shows as a system message.
    pub seq: u64,
    /// The number of its turn: how many user messages there were up to and with it. 0 before the first.
    pub turn: u32,
    /// Its tokens.
    pub tokens: u32,
    /// A TURNKEEP_ROLE_ number.
    pub role: i32,
    /// TURNKEEP_MESSAGE_ bits.
    pub flags: u32,
}

/// What is in a window and what is not. Its messages are, in order: front_messages that are pinned, kept or the
/// summary, then every message from cut_seq to head_seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct WindowReport {
    /// What its messages use, message_overhead included.
    pub tokens: u64,
    /// What they may use: max_tokens less reserve_tokens.
    pub budget_tokens: u64,
    /// The first message of the part without holes. It stays the same from turn to turn until the budget is passed.
    pub cut_seq: u64,
    /// The session's last message; 0 is none yet.
    pub head_seq: u64,
    /// How many messages come before cut_seq's.
    pub front_messages: u64,
    /// How many messages of the session were left out.
    pub left_out_messages: u64,
    /// Their tokens, without message_overhead.
    pub left_out_tokens: u64,
    /// The first message left out; 0 is none. Pinned messages after it may be in the window.
    pub left_out_first_seq: u64,
    /// The last message left out; 0 is none.
    pub left_out_last_seq: u64,
    /// The session's revision that the window shows.
    pub revision: u64,
}
