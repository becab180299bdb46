//! Section 5 of the header: windows.

use super::basics::{ErrorHandle, Status};
use super::guard::guard;
use super::message::Messages;
use super::options::{self, CallerStruct};
use super::pointer::{give, give_value, required, writable};
use super::session::SessionHandle;
use super::store::StoreHandle;
use super::text;
use crate::cache::view::{MessageView, WindowReport};
use crate::context::{LeaveOut, WindowOptions as Options};
use crate::error::Result;
use crate::store::Window;
use std::ffi::c_char;
use std::sync::Arc;

/// Leave out the session's summary.
pub const TURNKEEP_LEAVE_OUT_SUMMARY: u32 = 1;
/// Do not keep pinned messages: they go with the turns they belong to.
pub const TURNKEEP_LEAVE_OUT_PINS: u32 = 2;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_LEAVE_OUT_SUMMARY == LeaveOut::SUMMARY.0);
    assert!(TURNKEEP_LEAVE_OUT_PINS == LeaveOut::PINS.0);
};

/// What to ask of a window. Zero means default everywhere.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct WindowOptions {
    /// sizeof(turnkeep_window_options).
    pub struct_size: usize,
    /// The window in tokens; 0 is the session's, then the store's.
    pub max_tokens: u64,
    /// Tokens of it that are kept free for the answer.
    pub reserve_tokens: u64,
    /// Tokens of it that are kept free for the summary from the first message on, so that a new summary never moves the
    /// cut; 0 lets the summary take what it needs.
    pub summary_tokens: u64,
    /// Tokens that the prompt's template adds to each message.
    pub message_overhead: u32,
    /// How much of what the messages in front leave free is used after the cut has moved, in percent; 0 is 75; 100
    /// drops a turn each turn.
    pub low_water_percent: u32,
    /// How many turns from the beginning stay in front.
    pub keep_first_turns: u32,
    /// How many messages it may hold; 0 is any number.
    pub max_messages: u32,
    /// A sum of TURNKEEP_LEAVE_OUT_ numbers.
    pub leave_out: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers only.
unsafe impl CallerStruct for WindowOptions {
    const NAME: &'static str = "turnkeep_window_options";
}

/// The messages for the next prompt, as of one moment. Threads: any number at once. Outlives its session and its store.
pub struct WindowHandle {
    /// It is a [`Window`], counted by those who hold it: as long as nothing changes everybody is given the same one.
    _window: (),
}

fn give_window(out: *mut *mut WindowHandle, window: Arc<Window>) {
    give_value(out, Arc::into_raw(window).cast_mut().cast());
}

fn take_back(window: *mut WindowHandle) {
    if !window.is_null() {
        // SAFETY: header rule 2: `give_window` gave it, and the caller gives it back once.
        drop(unsafe { Arc::from_raw(window.cast_const().cast::<Window>()) });
    }
}

fn seen<'a>(window: *const WindowHandle) -> Option<&'a Window> {
    // SAFETY: header rule 2: it is NULL, or `give_window` gave it and the caller has not freed it.
    unsafe { window.cast::<Window>().as_ref() }
}

/// Returns the messages for the next prompt: what is pinned, then the newest whole turns that fit. Never changes the
/// history, never holds a tool result without its call. `options` may be NULL. Free *out with turnkeep_window_free.
/// Threads: any. Errors: TOO_LARGE (the newest step does not fit with what stays in front: pins, kept turns, the
/// turn's own question, the summary; the message says what needs how much), NOT_FOUND, INVALID, CLOSED, BUSY, CORRUPT,
/// STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_window(
    session: Option<&SessionHandle>,
    options: *const WindowOptions,
    out: *mut *mut WindowHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        let options = read_options(options)?;
        give_window(out, session.session.window(&options)?);
        Ok(())
    })
}

/// Opens a session as turnkeep_session_open does, reads its last message (none if it is empty) into *last, and its
/// window into *window, one after the other and not as of one moment; both may be NULL. `options` as for
/// turnkeep_session_window. Give them back with turnkeep_session_close, turnkeep_messages_free and
/// turnkeep_window_free. Threads: any. Errors: as turnkeep_session_open and turnkeep_session_window. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_resume(
    store: Option<&StoreHandle>,
    id: *const c_char,
    options: *const WindowOptions,
    out: *mut *mut SessionHandle,
    last: *mut *mut Messages,
    window: *mut *mut WindowHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let id = text::required(id, "id")?;
        writable(out, "out")?;
        let options = read_options(options)?;
        let resumed = store.store.resume_session(id, &options)?;
        if !last.is_null() {
            give(last, Messages { messages: resumed.last });
        }
        if !window.is_null() {
            give_window(window, resumed.window);
        }
        give(out, SessionHandle::new(resumed.session));
        Ok(())
    })
}

/// Returns the number of messages in a window; 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_window_len(window: *const WindowHandle) -> usize {
    seen(window).map_or(0, Window::len)
}

/// Returns a message of a window, borrowed from it; NULL for a NULL window or an index that is too large. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_window_at(window: *const WindowHandle, index: usize) -> *const MessageView {
    seen(window)
        .and_then(|window| window.get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Returns what is in a window and what was left out, borrowed from the window; NULL for NULL. The name ends in _of
/// because the type has the plain one. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_window_report_of(window: *const WindowHandle) -> *const WindowReport {
    seen(window).map_or(std::ptr::null(), |window| std::ptr::from_ref(window.report()))
}

/// Returns how many leading messages two windows share: the same seq, role, content, tool calls and tool call id, byte
/// for byte, which is what an engine need not read again. Model and metadata are not compared. 0 if one is NULL. Since
/// 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_window_common_prefix(one: *const WindowHandle, other: *const WindowHandle) -> usize {
    match (seen(one), seen(other)) {
        (Some(one), Some(other)) => one.common_prefix(other),
        _ => 0,
    }
}

/// Frees a window. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_window_free(window: *mut WindowHandle) {
    take_back(window);
}

fn read_options(options: *const WindowOptions) -> Result<Options> {
    options::read_or_default(options, convert)
}

fn convert(raw: &WindowOptions) -> Result<Options> {
    options::unused(raw.reserved, WindowOptions::NAME)?;
    Ok(Options {
        max_tokens: raw.max_tokens,
        reserve_tokens: raw.reserve_tokens,
        summary_tokens: raw.summary_tokens,
        message_overhead: raw.message_overhead,
        low_water_percent: raw.low_water_percent,
        keep_first_turns: raw.keep_first_turns,
        max_messages: raw.max_messages,
        leave_out: LeaveOut(raw.leave_out),
    })
}
