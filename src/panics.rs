//! Panics of this library become errors: caught, not printed, with their place in the message.
//!
//! Every thread that runs our code goes through [`caught`]: calls of the C API, the leader of a commit, the background.

use crate::error::{Error, Kind, Result};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PANIC_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a piece of the library; its panic is an error of kind PANIC.
pub(crate) fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    keep_quiet();
    // A callback of the host may call back into the library: only the outermost call ends the quiet.
    let outer = INSIDE.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(outer);
    outcome.unwrap_or_else(|payload| Err(describe(payload.as_ref())))
}

/// Nothing is printed behind the host's back: a panic inside the library goes into the error's message instead of
/// stderr. A panic anywhere else in the process is left to the hook that was there before.
fn keep_quiet() {
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
