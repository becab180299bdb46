//! Pointers that C passed: required or not, handles in, results out.

use crate::error::{Error, Result};

/// What is said of a required pointer that is NULL.
pub(super) fn missing(name: &str) -> Error {
    Error::invalid(format!("{name} is NULL"))
}

/// A handle that must be there.
pub(super) fn required<'a, T>(pointer: Option<&'a T>, name: &str) -> Result<&'a T> {
    pointer.ok_or_else(|| missing(name))
}

/// Checks that a result has somewhere to go, before anything is done for it.
pub(super) fn writable<T>(out: *mut T, name: &str) -> Result<()> {
    if out.is_null() {
        return Err(missing(name));
    }
    Ok(())
}

/// Hands a new object to the caller, who owns it from here on.
pub(super) fn give<T>(out: *mut *mut T, object: T) {
    give_value(out, Box::into_raw(Box::new(object)));
}

/// Writes a plain value to where the caller wants it; nowhere if that is NULL.
pub(super) fn give_value<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: header rule 2: what is not NULL points to memory for one T that the caller may write.
        unsafe { out.write(value) };
    }
}
