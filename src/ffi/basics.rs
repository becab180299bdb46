//! Section 1 of the header: version, features, status, errors, text.

use super::text::OwnedText;
use crate::cache::view::Text;
use crate::error::{Error, Kind};
use std::ffi::{CStr, c_char};

/// How a call went: TURNKEEP_OK, or one of the negative TURNKEEP_ERROR_ numbers, which never change.
pub type Status = i32;

/// It was done.
pub const TURNKEEP_OK: Status = 0;
/// An argument is wrong: a required pointer is NULL, a number is out of range, a text breaks a rule.
pub const TURNKEEP_ERROR_INVALID: Status = -1;
/// What is asked for is not there: a session, a message, a file.
pub const TURNKEEP_ERROR_NOT_FOUND: Status = -2;
/// What is to be made is there already: the id, the name or the file is taken.
pub const TURNKEEP_ERROR_EXISTS: Status = -3;
/// The revision is not the expected one: somebody else changed the session.
pub const TURNKEEP_ERROR_CONFLICT: Status = -4;
/// Somebody else held the store for longer than the busy timeout.
pub const TURNKEEP_ERROR_BUSY: Status = -5;
/// The store was opened read-only, or its file may not be written.
pub const TURNKEEP_ERROR_READONLY: Status = -6;
/// The file is damaged.
pub const TURNKEEP_ERROR_CORRUPT: Status = -7;
/// The file system or SQLite failed.
pub const TURNKEEP_ERROR_STORAGE: Status = -8;
/// The disk is full.
pub const TURNKEEP_ERROR_FULL: Status = -9;
/// A text is not UTF-8.
pub const TURNKEEP_ERROR_ENCODING: Status = -10;
/// This build or this version cannot do it.
pub const TURNKEEP_ERROR_UNSUPPORTED: Status = -11;
/// A callback of the host returned a failure.
pub const TURNKEEP_ERROR_ABORTED: Status = -12;
/// It does not fit.
pub const TURNKEEP_ERROR_TOO_LARGE: Status = -13;
/// What is there is something else: not a Turnkeep store, not the request of the first try.
pub const TURNKEEP_ERROR_MISMATCH: Status = -14;
/// The store was closed.
pub const TURNKEEP_ERROR_CLOSED: Status = -15;
/// A fault inside Turnkeep, caught at its boundary; the store can be used on.
pub const TURNKEEP_ERROR_PANIC: Status = -16;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_ERROR_INVALID == Kind::Invalid as Status);
    assert!(TURNKEEP_ERROR_NOT_FOUND == Kind::NotFound as Status);
    assert!(TURNKEEP_ERROR_EXISTS == Kind::Exists as Status);
    assert!(TURNKEEP_ERROR_CONFLICT == Kind::Conflict as Status);
    assert!(TURNKEEP_ERROR_BUSY == Kind::Busy as Status);
    assert!(TURNKEEP_ERROR_READONLY == Kind::ReadOnly as Status);
    assert!(TURNKEEP_ERROR_CORRUPT == Kind::Corrupt as Status);
    assert!(TURNKEEP_ERROR_STORAGE == Kind::Storage as Status);
    assert!(TURNKEEP_ERROR_FULL == Kind::Full as Status);
    assert!(TURNKEEP_ERROR_ENCODING == Kind::Encoding as Status);
    assert!(TURNKEEP_ERROR_UNSUPPORTED == Kind::Unsupported as Status);
    assert!(TURNKEEP_ERROR_ABORTED == Kind::Aborted as Status);
    assert!(TURNKEEP_ERROR_TOO_LARGE == Kind::TooLarge as Status);
    assert!(TURNKEEP_ERROR_MISMATCH == Kind::Mismatch as Status);
    assert!(TURNKEEP_ERROR_CLOSED == Kind::Closed as Status);
    assert!(TURNKEEP_ERROR_PANIC == Kind::Panic as Status);
};

/// What went wrong. Threads: any, one at a time for turnkeep_error_free.
pub struct ErrorHandle {
    status: Status,
    message: OwnedText,
}

impl ErrorHandle {
    pub(super) fn new(error: Error) -> Self {
        Self {
            status: error.kind() as Status,
            message: OwnedText::new(error.message()),
        }
    }
}

/// Returns the version of the library at run time, "0.1.0". Static. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Returns the version of the library at run time as a number, made as TURNKEEP_VERSION_NUMBER is, to compare with it.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_version_number() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or_default();
    part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + part(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// Returns 1 if a feature is built in, else 0. There are "tokenizer-openai" and, in builds for tests, "test-panic".
/// NULL and unknown names answer 0. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_has_feature(name: *const c_char) -> i32 {
    let features = [
        ("tokenizer-openai", cfg!(feature = "tokenizer-openai")),
        ("test-panic", cfg!(feature = "test-panic")),
    ];
    let asked = super::text::optional(name, "name").ok().flatten();
    i32::from(
        features
            .into_iter()
            .any(|(name, built_in)| built_in && asked == Some(name)),
    )
}

/// Returns the name of a status without its prefix: "OK", "NOT_FOUND"; "UNKNOWN" for a number that is none. Static.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_status_name(status: Status) -> *const c_char {
    let name: &'static CStr = match status {
        TURNKEEP_OK => c"OK",
        _ => Kind::ALL
            .into_iter()
            .find(|kind| *kind as Status == status)
            .map_or(c"UNKNOWN", Kind::c_name),
    };
    name.as_ptr()
}

/// Returns the status that the failed call returned; TURNKEEP_OK for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_error_status(error: Option<&ErrorHandle>) -> Status {
    error.map_or(TURNKEEP_OK, |error| error.status)
}

/// Returns one line for people: what was being done, with what, what is wrong, what to do. Never a message's content.
/// Borrowed from the error; empty for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_error_message(error: Option<&ErrorHandle>) -> Text {
    error.map_or(Text::EMPTY, |error| error.message.text())
}

/// Frees an error. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_error_free(error: Option<Box<ErrorHandle>>) {
    drop(error);
}

/// A text that was made for you, such as a page of metrics. Threads: any number at once.
pub struct Document {
    text: OwnedText,
}

impl Document {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: OwnedText::new(text),
        }
    }
}

/// Returns the text, borrowed from the document; empty for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_document_text(document: Option<&Document>) -> Text {
    document.map_or(Text::EMPTY, |document| document.text.text())
}

/// Frees a document. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_document_free(document: Option<Box<Document>>) {
    drop(document);
}
