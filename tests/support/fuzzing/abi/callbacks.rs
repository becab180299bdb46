//! The callbacks of the host. Each has its user_data from a box that it is given back once: what is alive is counted.

use super::header::*;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What a callback is given.
pub(super) struct UserData {
    /// How many of these there are.
    alive: Arc<AtomicI64>,
    /// Every so many calls fail; 0 is none.
    fails_every: u64,
    calls: AtomicI64,
    store: *const Store,
}

impl UserData {
    /// To be given to the library, which gives it back by [`destroy`].
    pub(super) fn lend(alive: &Arc<AtomicI64>, fails_every: u64, store: *const Store) -> *mut c_void {
        alive.fetch_add(1, Ordering::SeqCst);
        let data = Self {
            alive: Arc::clone(alive),
            fails_every,
            calls: AtomicI64::new(0),
            store,
        };
        Box::into_raw(Box::new(data)).cast()
    }

    /// What this call answers.
    fn answer(&self) -> i32 {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) as u64 + 1;
        if self.fails_every > 0 && call.is_multiple_of(self.fails_every) {
            return -12;
        }
        0
    }
}

/// What a callback was given; it is lent while the call runs.
///
/// # Safety
/// `data` comes from [`UserData::lend`] and was not given back.
unsafe fn given<'a>(data: *mut c_void) -> &'a UserData {
    // SAFETY: the caller's promise.
    unsafe { &*data.cast::<UserData>() }
}

pub(super) unsafe extern "C" fn destroy(data: *mut c_void) {
    // SAFETY: the library gives back once what `UserData::lend` gave it.
    let data = unsafe { Box::from_raw(data.cast::<UserData>()) };
    data.alive.fetch_sub(1, Ordering::SeqCst);
}

pub(super) unsafe extern "C" fn count_tokens(
    data: *mut c_void,
    text: *const c_char,
    len: usize,
    tokens: *mut u64,
) -> i32 {
    // SAFETY: the header: `len` bytes of text, somewhere to write, and the user_data of the options.
    let (data, text) = unsafe { (given(data), std::slice::from_raw_parts(text.cast::<u8>(), len)) };
    assert!(std::str::from_utf8(text).is_ok());
    // SAFETY: as above.
    unsafe { tokens.write(if len == 7 { u64::MAX } else { len as u64 / 3 }) };
    data.answer()
}

/// Looks at the event, and asks the store something.
pub(super) unsafe extern "C" fn event(data: *mut c_void, event: *const Event) -> i32 {
    // SAFETY: the header: the event is lent for the call, and the store is there as long as its subscriptions.
    let (data, event) = unsafe { (given(data), &*event) };
    super::results::read_event(event);
    let mut metrics = Metrics::zeroed();
    metrics.struct_size = size_of::<Metrics>();
    // SAFETY: as above.
    let status = unsafe { turnkeep_store_metrics(data.store, &mut metrics, ptr::null_mut()) };
    assert_ne!(status, super::PANIC);
    data.answer()
}

pub(super) unsafe extern "C" fn progress(data: *mut c_void, done: u64, total: u64) -> i32 {
    // What is written meanwhile may come on top of what was to be done.
    let _both_are_numbers = (done, total);
    if data.is_null() { 0 } else { -1 }
}

pub(super) unsafe extern "C" fn write(data: *mut c_void, bytes: *const c_char, len: usize) -> i32 {
    // SAFETY: the header: `len` bytes.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len) };
    assert!(!bytes.is_empty());
    if data.is_null() { 0 } else { -1 }
}
