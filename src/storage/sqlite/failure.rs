//! SQLite's codes as errors for people.

use crate::error::{DAMAGE_ADVICE, Error, Kind, Result};
use rusqlite::{ErrorCode, ffi};
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The store that an error happened in: what its messages name, and whether it is known to be damaged.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// As the caller gave it, for messages.
    pub(super) location: String,
    /// The same, whatever folder the process goes to later.
    pub(super) path: PathBuf,
    pub(super) busy_timeout: Duration,
    damaged: Arc<AtomicBool>,
    damage_is_told: Arc<AtomicBool>,
    failed_flushes: Arc<AtomicU64>,
    /// How many of them had failed when the log was last written anew.
    made_good: Arc<AtomicU64>,
}

impl Site {
    pub(super) fn new(location: &str, busy_timeout: Duration) -> Self {
        Self {
            location: location.to_owned(),
            path: resolved(
                std::path::absolute(location).unwrap_or_else(|_| PathBuf::from(location)),
                40,
            ),
            busy_timeout,
            damaged: Arc::default(),
            damage_is_told: Arc::default(),
            failed_flushes: Arc::default(),
            made_good: Arc::default(),
        }
    }

    /// Remembers that the file is damaged: nothing more is written to it.
    pub(super) fn note_damage(&self) {
        self.damaged.store(true, Ordering::Relaxed);
    }

    /// Whether damage was noted, for the first who asks after that.
    pub(super) fn take_news_of_damage(&self) -> bool {
        self.damaged.load(Ordering::Relaxed) && !self.damage_is_told.swap(true, Ordering::Relaxed)
    }

    /// A flush has failed: what was to be flushed may be nowhere but in the system's memory, and the next flush may not tell.
    pub(super) fn distrust_log(&self) {
        self.failed_flushes.fetch_add(1, Ordering::AcqRel);
    }

    /// How many flushes had failed by now, if the log was not written anew since: what [`Self::trust_log`] wants to be told.
    pub(super) fn distrusts_log(&self) -> Option<u64> {
        let failed = self.failed_flushes.load(Ordering::Acquire);
        (failed != self.made_good.load(Ordering::Acquire)).then_some(failed)
    }

    /// The log was written anew after so many failures. Until then it is distrusted by everybody, also while somebody is at it.
    pub(super) fn trust_log(&self, failed: u64) {
        self.made_good.fetch_max(failed, Ordering::AcqRel);
    }

    /// Refuses to write to a file that is known to be damaged.
    pub(super) fn check_undamaged(&self) -> Result<()> {
        if self.damaged.load(Ordering::Relaxed) {
            return Err(Error::new(
                Kind::Corrupt,
                format!("{} is damaged; {DAMAGE_ADVICE}", self.location),
            ));
        }
        Ok(())
    }

    /// Another file took the place of the one that was being opened.
    pub(super) fn replaced_meanwhile(&self) -> Error {
        Error::new(
            Kind::Busy,
            format!(
                "{} was replaced or removed while it was being opened; nothing was changed; open it again",
                self.location
            ),
        )
    }

    /// What went wrong, and what to do.
    pub(super) fn explain(&self, error: &rusqlite::Error) -> Error {
        let at = &self.location;
        if let Some(what) = wrong_schema(error) {
            return self.damage(what);
        }
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..) => {
                    self.damage(format_args!("a value that nothing here writes: {error}"))
                }
                _ => Error::new(Kind::Storage, format!("{at}: {error}")),
            };
        };
        if error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHORT_READ)
        {
            return self.damage("a page that should be in the file lies behind its end");
        }
        if error.sqlite_error().is_some_and(|error| {
            [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].contains(&error.extended_code)
        }) {
            self.distrust_log();
        }
        // The shared memory beside the WAL could not grow.
        if error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
        {
            return self.full();
        }
        if error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_WRITE)
        {
            return Error::new(
                Kind::Storage,
                format!(
                    "{at} cannot be written ({error}): the disk fails, or the process has reached its file size limit \
                     (ulimit -f); nothing of this call was kept"
                ),
            );
        }
        if error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == ffi::SQLITE_READONLY_DBMOVED)
        {
            return self.replaced_meanwhile();
        }
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::new(
                Kind::Busy,
                format!(
                    "another process or connection has kept {at} for {:.1} s (busy_timeout), writing to it or having it \
                     open exclusively; try again or raise the timeout",
                    self.busy_timeout.as_secs_f64()
                ),
            ),
            ErrorCode::FileLockingProtocolFailed => Error::new(
                Kind::Busy,
                format!(
                    "another process or connection has kept the locks of the shared memory beside {at} for too long; try \
                     again, and look for a process that hangs"
                ),
            ),
            ErrorCode::DiskFull => self.full(),
            ErrorCode::ReadOnly => Error::new(
                Kind::ReadOnly,
                format!("{at} may not be written ({error}); check the rights of the file and its folder"),
            ),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => self.damage(error),
            // Every statement here is allowed what it asks for: what is more stands in the file.
            ErrorCode::AuthorizationForStatementDenied => {
                self.damage("its tables would do what nothing here asks for")
            }
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied => Error::new(
                Kind::Storage,
                format!(
                    "{at} cannot be opened ({error}); check that its folder exists and may be written, and that the process may open \
                     more files"
                ),
            ),
            ErrorCode::OutOfMemory => Error::new(
                Kind::Storage,
                format!("there was no memory for what SQLite had to do with {at}; make room and try again"),
            ),
            ErrorCode::TooBig => Error::new(Kind::TooLarge, format!("a text is larger than {at} can hold (1 GB)")),
            _ => Error::new(Kind::Storage, format!("{at}: {error}")),
        }
    }
}

impl Site {
    fn full(&self) -> Error {
        let at = &self.location;
        Error::new(
            Kind::Full,
            format!("there is no space left for {at}; nothing of this call was kept; make room and try again"),
        )
    }

    /// Notes that it is damaged, and says so.
    pub(super) fn damage(&self, what: impl Display) -> Error {
        self.note_damage();
        let at = &self.location;
        Error::new(Kind::Corrupt, format!("{at} is damaged ({what}); {DAMAGE_ADVICE}"))
    }
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

/// Where a path leads, as far as what is there says. SQLite follows links as well, and keeps the log beside what they lead to.
#[cfg(unix)]
fn resolved(path: PathBuf, most_links: u32) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return path;
    };
    match path.read_link() {
        Ok(target) if most_links > 0 => resolved(folder.join(target), most_links - 1),
        Ok(_) => path,
        Err(_) => resolved(folder.to_owned(), most_links).join(name),
    }
}

#[cfg(not(unix))]
fn resolved(path: PathBuf, _most_links: u32) -> PathBuf {
    path
}
