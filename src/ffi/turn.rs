//! Section 6 of the header: turns and exchanges.

use super::basics::{Document, ErrorHandle, Status};
use super::guard::guard;
use super::message::{AppendOptions, Receipt, append_options, convert_receipt};
use super::options::{self, CallerStruct, flag};
use super::pointer::{give, give_value, required, writable};
use super::session::SessionHandle;
use super::text::{self, Texts};
use crate::cache::view::Text;
use crate::error::Result;
use crate::model;
use std::ffi::c_char;

/// Where a number of turns is asked for: all of them.
pub const TURNKEEP_ALL: u64 = u64::MAX;

// More than a session can have: turns are counted in 32 bits.
const _: () = assert!(TURNKEEP_ALL > u32::MAX as u64);

/// A question and its answer, to be appended in one call. An input is needed: a text, a file's name, or both.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Exchange {
    /// sizeof(turnkeep_exchange).
    pub struct_size: usize,
    /// What was asked: UTF-8, NUL bytes allowed; NULL for a length of 0.
    pub input: *const c_char,
    /// In bytes.
    pub input_len: usize,
    /// The name of the file that was given; NULL is none.
    pub input_name: *const c_char,
    /// Its type, such as "application/pdf"; NULL is none.
    pub input_type: *const c_char,
    /// What was answered: UTF-8, NUL bytes allowed; NULL for a length of 0.
    pub answer: *const c_char,
    /// In bytes.
    pub answer_len: usize,
    /// How long the answer took, in microseconds.
    pub processing_us: i64,
    /// What it cost, as you count.
    pub tokens_used: u64,
    /// The model that answered, at most 255 bytes; NULL is none.
    pub model: *const c_char,
    /// A JSON object, kept with the answer byte for byte; NULL is none.
    pub metadata: *const c_char,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for Exchange {
    const NAME: &'static str = "turnkeep_exchange";
}

/// A turn: a user message and all that follows, up to the next user message. Borrowed from the result.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Turn {
    /// What was asked.
    pub input: Text,
    /// The name of the file that was given; empty is none.
    pub input_name: Text,
    /// Its type; empty is none.
    pub input_type: Text,
    /// The last thing that the assistant said in the turn.
    pub answer: Text,
    /// The answer's JSON object as you gave it; empty is none.
    pub metadata: Text,
    /// 1, 2, 3 ... in its session; 0 is what stands before the first user message.
    pub number: u64,
    /// Its first message.
    pub first_seq: u64,
    /// Its last message.
    pub last_seq: u64,
    /// The tokens of its messages.
    pub tokens: u64,
    /// When it began, in microseconds since 1970-01-01 UTC.
    pub created_us: i64,
    /// How long the answer took, in microseconds; 0 where nobody told.
    pub processing_us: i64,
    /// What it cost; 0 where nobody told.
    pub tokens_used: u64,
}

/// Turns of a session, in order, as of one moment. Threads: any number at once.
pub struct Turns {
    turns: Box<[Turn]>,
    /// What the turns point into.
    _texts: Texts,
}

// SAFETY: the texts point into the object itself, which never changes.
unsafe impl Send for Turns {}
// SAFETY: as above.
unsafe impl Sync for Turns {}

impl Turns {
    fn new(turns: &[model::Turn]) -> Self {
        let mut texts = Texts::default();
        let turns = turns.iter().map(|turn| view(turn, &mut texts)).collect();
        Self { turns, _texts: texts }
    }
}

fn view(turn: &model::Turn, texts: &mut Texts) -> Turn {
    let mut keep = |text: &str| texts.keep(text);
    Turn {
        input: keep(&turn.input),
        input_name: keep(&turn.input_name),
        input_type: keep(&turn.input_type),
        answer: keep(&turn.answer),
        metadata: keep(&turn.metadata),
        number: u64::from(turn.number),
        first_seq: u64::from(turn.first_seq),
        last_seq: u64::from(turn.last_seq),
        tokens: turn.tokens,
        created_us: turn.created,
        processing_us: turn.processing,
        tokens_used: turn.tokens_used,
    }
}

/// Appends a question and its answer as a turn, both or neither, and writes its number to *number unless it is NULL.
/// `options` and `receipt` may be NULL. It is kept as a user and an assistant message; what these cannot hold stands in
/// their metadata under "turnkeep:exchange". Threads and errors: as turnkeep_session_append_batch. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_append_exchange(
    session: Option<&SessionHandle>,
    exchange: *const Exchange,
    options: *const AppendOptions,
    number: *mut u64,
    receipt: *mut Receipt,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        options::check_size(receipt)?;
        let raw = options::required(exchange, "exchange")?;
        let options = options::read_or_default(options, append_options)?;
        let (turn, done) = session.session.append_exchange(convert(&raw)?, options)?;
        give_value(number, u64::from(turn));
        options::fill(receipt, &convert_receipt(&done));
        Ok(())
    })
}

/// Reads the turns from `first` to `last`, both included, as far as they are there: TURNKEEP_LAST is the last turn, 0
/// what stands before the first user message. Free *out with turnkeep_turns_free. Threads: any. Errors: NOT_FOUND,
/// INVALID (first is behind last), CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_turns(
    session: Option<&SessionHandle>,
    first: u64,
    last: u64,
    out: *mut *mut Turns,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        give(out, Turns::new(&session.session.turns(first, last)?));
        Ok(())
    })
}

/// Reads the last `count` turns; 0 are none. Otherwise as turnkeep_session_turns. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_last_turns(
    session: Option<&SessionHandle>,
    count: u64,
    out: *mut *mut Turns,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        give(out, Turns::new(&session.session.last_turns(count)?));
        Ok(())
    })
}

/// Returns the number of turns in a result; 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_turns_len(turns: Option<&Turns>) -> usize {
    turns.map_or(0, |turns| turns.turns.len())
}

/// Returns a turn of a result, borrowed from it; NULL for a NULL result or an index that is too large. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_turns_at(turns: Option<&Turns>, index: usize) -> *const Turn {
    turns
        .and_then(|turns| turns.turns.get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees a result. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_turns_free(turns: Option<Box<Turns>>) {
    drop(turns);
}

/// Writes the summary and the last `max_turns` turns, inputs included, as text for a prompt: 0 are none, TURNKEEP_ALL
/// all. `max_characters`, unless it is 0, drops the oldest turns until the rest fits; nothing is cut inside a turn.
/// Free *out with turnkeep_document_free. Threads: any. Errors: TOO_LARGE (the newest turn alone does not fit),
/// NOT_FOUND, INVALID, CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_context_text(
    session: Option<&SessionHandle>,
    max_turns: u64,
    max_characters: u64,
    out: *mut *mut Document,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        let most = options::unless_zero(max_characters);
        give(out, Document::new(&session.session.context_text(max_turns, most)?));
        Ok(())
    })
}

/// Makes a file's name for the answer to an input: RESPONSE_<session>_ex<turn>_<stem of original>_<hash>.pdf, or
/// ERROR_... if `is_error` is 1. At most 255 bytes, without separators, dots, control characters or anything else that
/// a file system minds; the hash keeps two inputs apart. Free *out with turnkeep_document_free. Threads: any. Errors:
/// INVALID, ENCODING, NOT_FOUND, CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_file_name(
    session: Option<&SessionHandle>,
    turn: u64,
    original: *const c_char,
    is_error: i32,
    out: *mut *mut Document,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        let original = text::required(original, "original")?;
        let name = session.session.file_name(turn, original, flag(is_error, "is_error")?)?;
        give(out, Document::new(&name));
        Ok(())
    })
}

fn convert(raw: &Exchange) -> Result<model::Exchange> {
    Ok(model::Exchange {
        input: text::counted(raw.input, raw.input_len, "input")?.to_owned(),
        input_name: text::owned(raw.input_name, "input_name")?.unwrap_or_default(),
        input_type: text::owned(raw.input_type, "input_type")?.unwrap_or_default(),
        answer: text::counted(raw.answer, raw.answer_len, "answer")?.to_owned(),
        processing: raw.processing_us,
        tokens_used: raw.tokens_used,
        model: text::owned(raw.model, "model")?,
        metadata: text::owned(raw.metadata, "metadata")?,
    })
}
