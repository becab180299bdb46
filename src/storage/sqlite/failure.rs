//! SQLite's codes as errors for people.

use crate::error::{Error, Kind};
use rusqlite::ErrorCode;
use std::fmt::Display;
use std::time::Duration;

/// What an error message needs to know of the store it happened in.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) location: String,
    pub(super) busy_timeout: Duration,
}

impl Place {
    /// What went wrong, and what to do.
    pub(super) fn explain(&self, error: &rusqlite::Error) -> Error {
        let at = &self.location;
        if let Some(what) = wrong_schema(error) {
            return damaged(at, what);
        }
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..) => Error::new(
                    Kind::Corrupt,
                    format!("{at} holds a value that nothing here writes: {error}"),
                ),
                _ => Error::new(Kind::Storage, format!("{at}: {error}")),
            };
        };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::new(
                Kind::Busy,
                format!(
                    "another process or connection has kept {at} for {:.1} s (busy_timeout), writing to it or having it \
                     open exclusively; try again or raise the timeout",
                    self.busy_timeout.as_secs_f64()
                ),
            ),
            ErrorCode::DiskFull => Error::new(
                Kind::Full,
                format!("there is no space left for {at}; nothing of this call was kept; make room and try again"),
            ),
            ErrorCode::ReadOnly => Error::new(
                Kind::ReadOnly,
                format!("{at} may not be written ({error}); check the rights of the file and its folder"),
            ),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => damaged(at, error),
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied => Error::new(
                Kind::Storage,
                format!("{at} cannot be opened ({error}); check that its folder exists and may be written"),
            ),
            ErrorCode::TooBig => Error::new(Kind::TooLarge, format!("a text is larger than {at} can hold (1 GB)")),
            _ => Error::new(Kind::Storage, format!("{at}: {error}")),
        }
    }
}

fn damaged(at: &str, what: impl Display) -> Error {
    Error::new(
        Kind::Corrupt,
        format!("{at} is damaged ({what}); nothing more is written to it; restore a backup or salvage a copy"),
    )
}

/// What SQLite misses in the file, if that is why it failed. Every statement here is fixed: when one cannot be prepared, it
/// is the file's own description of its tables that is garbled.
fn wrong_schema(error: &rusqlite::Error) -> Option<&str> {
    const COMPLAINTS: [&str; 3] = ["no such ", "has no column named", "unsupported file format"];
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => Some(msg),
        rusqlite::Error::SqliteFailure(_, Some(message)) if COMPLAINTS.iter().any(|text| message.contains(text)) => {
            Some(message)
        }
        _ => None,
    }
}
