//! What went wrong, for people: what was being done, with what, what is wrong, what to do.
//!
//! One [`Kind`] for each failing `turnkeep_status` of the C API. Messages are one line and hold no secrets
//! (never a message's content). How a storage engine's codes map to kinds is the storage's business.

use std::fmt;

/// What becomes of a file that is damaged, and what to do: the end of every message that says so.
pub(crate) const DAMAGE_ADVICE: &str = "nothing more is written to it; close the store, and restore a backup (the files ending in \
                                        -wal and -shm go with the damaged one) or salvage a copy";

/// What kind of failure it was: one to one with the negative values of `turnkeep_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Kind {
    /// An argument is wrong: a required pointer is NULL, a number is out of range, a text breaks a rule.
    Invalid = -1,
    /// No such session or message.
    NotFound = -2,
    /// The id or name is taken.
    Exists = -3,
    /// The revision is not the expected one: somebody else changed the session.
    Conflict = -4,
    /// Another process or connection held the store for longer than the busy timeout.
    Busy = -5,
    /// The store was opened read-only, or the file may not be written.
    ReadOnly = -6,
    /// The file is damaged.
    Corrupt = -7,
    /// The file system or SQLite failed: no such folder, no rights, an I/O error.
    Storage = -8,
    /// The disk is full.
    Full = -9,
    /// Text is not UTF-8.
    Encoding = -10,
    /// This build or this version cannot do it.
    Unsupported = -11,
    /// A callback of the host asked to stop.
    Aborted = -12,
    /// It does not fit: a message in the window, a text in the store's limits.
    TooLarge = -13,
    /// What is there is something else: the file is not a Turnkeep store, the retry is not the same request.
    Mismatch = -14,
    /// The store was closed.
    Closed = -15,
    /// A fault of this library, caught at its boundary. The store goes on.
    Panic = -16,
}

impl Kind {
    /// Every kind, in the order of its numbers.
    pub const ALL: [Kind; 16] = [
        Kind::Invalid,
        Kind::NotFound,
        Kind::Exists,
        Kind::Conflict,
        Kind::Busy,
        Kind::ReadOnly,
        Kind::Corrupt,
        Kind::Storage,
        Kind::Full,
        Kind::Encoding,
        Kind::Unsupported,
        Kind::Aborted,
        Kind::TooLarge,
        Kind::Mismatch,
        Kind::Closed,
        Kind::Panic,
    ];

    /// The constant's name without its prefix, NUL-terminated for C.
    pub fn c_name(self) -> &'static std::ffi::CStr {
        match self {
            Kind::Invalid => c"INVALID",
            Kind::NotFound => c"NOT_FOUND",
            Kind::Exists => c"EXISTS",
            Kind::Conflict => c"CONFLICT",
            Kind::Busy => c"BUSY",
            Kind::ReadOnly => c"READONLY",
            Kind::Corrupt => c"CORRUPT",
            Kind::Storage => c"STORAGE",
            Kind::Full => c"FULL",
            Kind::Encoding => c"ENCODING",
            Kind::Unsupported => c"UNSUPPORTED",
            Kind::Aborted => c"ABORTED",
            Kind::TooLarge => c"TOO_LARGE",
            Kind::Mismatch => c"MISMATCH",
            Kind::Closed => c"CLOSED",
            Kind::Panic => c"PANIC",
        }
    }
}

/// A failure: its kind, and one line that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
}

/// What can fail returns this.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure with what is wrong and what to do about it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: one_line(message.into()),
        }
    }

    /// An argument that breaks a rule.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The line for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Puts in front what was being done, and with what: `append to session 'x': ...`.
    #[must_use]
    pub fn during(mut self, action: impl fmt::Display) -> Self {
        self.message = one_line(format!("{action}: {}", self.message));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Adds what was being done to a result's error.
pub(crate) trait During<T> {
    fn during<D: fmt::Display>(self, action: impl FnOnce() -> D) -> Result<T>;
}

impl<T> During<T> for Result<T> {
    fn during<D: fmt::Display>(self, action: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|error| error.during(action()))
    }
}

/// A log line must stay one line, whatever an id or a path holds.
fn one_line(text: String) -> String {
    if text.chars().any(char::is_control) {
        text.chars()
            .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
            .collect()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_it_quotes() {
        let error = Error::invalid("id 'a\nb'").during("open");
        assert_eq!(error.message(), "open: id 'a\u{FFFD}b'");
    }

    #[test]
    fn every_kind_has_its_own_number_and_name() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as i32, -(index as i32) - 1);
        }
    }
}
