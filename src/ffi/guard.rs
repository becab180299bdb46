//! The one gate that every fallible export goes through: errors become a status, panics become PANIC.

use super::basics::{ErrorHandle, Status, TURNKEEP_OK};
use crate::error::Result;
use crate::panics::caught;

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
