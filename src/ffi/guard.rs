//! The one gate that every fallible export goes through: errors become a status, panics become PANIC.

use super::basics::{ErrorHandle, Status, TURNKEEP_OK};
use crate::error::{Error, Kind, Result};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PANIC_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs the body of an export. On failure fills `*error` if the caller passed one.
pub(super) fn guard(error: *mut *mut ErrorHandle, body: impl FnOnce() -> Result<()>) -> Status {
    let failure = match caught(body) {
        Ok(()) => return TURNKEEP_OK,
        Err(failure) => failure,
    };
    let status = failure.kind() as Status;
    if !error.is_null() {
        let handle = Box::into_raw(Box::new(ErrorHandle::new(failure)));
        // SAFETY: header rule 2: `error` is NULL or points to a writable pointer.
        unsafe { error.write(handle) };
    }
    status
}

fn caught(body: impl FnOnce() -> Result<()>) -> Result<()> {
    keep_panics_quiet();
    // A callback of the host may call back into the library: only the outermost call ends the quiet.
    let outer = INSIDE.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(outer);
    outcome.unwrap_or_else(|payload| Err(describe(payload.as_ref())))
}

/// Nothing is printed behind the host's back: a panic inside the library goes into the error's message instead of
/// stderr. A panic anywhere else in the process is left to the hook that was there before.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.get() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                PANIC_AT.set(place);
            } else {
                previous(info);
            }
        }));
    });
}

fn describe(payload: &(dyn Any + Send)) -> Error {
    let what = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no description".to_owned());
    Error::new(
        Kind::Panic,
        format!(
            "a fault inside Turnkeep ({what}, at {}); the store can be used on; please report it",
            PANIC_AT.take()
        ),
    )
}
