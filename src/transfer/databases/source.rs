//! A foreign database opened so that nothing of it changes: not its bytes, not the files beside it, whoever else uses it.
//!
//! By what stands beside the file:
//! - a write-ahead log with something in it: the file and then the log are copied into a folder of our own, and the copy is
//!   read. SQLite could read it in place only by writing an index beside it, and would leave that there. What a checkpoint
//!   moves from the log into the file meanwhile is still in the log, so the copy is whole unless the log began anew; its
//!   header tells. Then somebody is writing, has such an index, and changes it himself: the file is read in place.
//! - a database that is used with such a log and has none now: nobody is writing, so it is read as a file that does not
//!   change, without the log that SQLite would make. At the end it is looked at again.
//! - all others: read as they are, under SQLite's lock for readers. A rollback journal that a killed program left is rolled
//!   back in a copy.

use super::copy::{Copy, Stamp};
use crate::error::{Error, Kind, Result};
use crate::storage::sqlite::{APPLICATION_ID, Permit, restrict};
use crate::transfer::input::MOST_BYTES_OF_ONE;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another program may hold the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a database that changes between two looks at it is looked at again.
const MOST_TRIES: usize = 5;

/// A foreign database, open for reading as of one moment.
#[derive(Debug)]
pub(super) struct Source {
    // Before the copy, whose files it has open.
    connection: Connection,
    location: String,
    unlocked: Option<(PathBuf, Stamp)>,
    _copy: Option<Copy>,
}

/// What a database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How a connection treats the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Shared,
    Unchanging,
    Ours,
}

impl Source {
    /// Opens a file; `None` if it is no SQLite database, or an encrypted one.
    pub(super) fn open(path: &Path) -> Result<Option<Self>> {
        let location = path.display().to_string();
        let real = path
            .canonicalize()
            .map_err(|error| Error::new(Kind::Storage, format!("{location} cannot be read: {error}")))?;
        let stamp = Stamp::of(&real)?;
        if stamp.len == 0 || !is_sqlite(&real, &location)? {
            return match begins_with(&real, MAGIC) {
                true => Err(damaged(&location, "its header is that of SQLite, and wrong")),
                false => Ok(None),
            };
        }
        for _ in 0..MOST_TRIES {
            if let Some(source) = Self::try_open(&real, &location)? {
                source.check_is_foreign()?;
                return Ok(Some(source));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(changes_too_often(&location))
    }

    /// `None` if it changed meanwhile.
    fn try_open(real: &Path, location: &str) -> Result<Option<Self>> {
        let log = beside(real, "-wal");
        if Stamp::of(&log).is_ok_and(|stamp| stamp.len > 0) {
            return match Self::open_copy(real, &log, location)? {
                None if beside(real, "-shm").is_file() => Self::open_in_place(real, location),
                copy => Ok(copy),
            };
        }
        if uses_log(real, location)? {
            let stamp = Stamp::of(real)?;
            let connection = connect(real, As::Unchanging).map_err(|error| explain(location, &error))?;
            return Ok(Some(Self {
                connection,
                location: location.to_owned(),
                unlocked: Some((real.to_owned(), stamp)),
                _copy: None,
            }));
        }
        Self::open_in_place(real, location)
    }

    fn open_in_place(real: &Path, location: &str) -> Result<Option<Self>> {
        match connect(real, As::Shared) {
            Ok(connection) => Ok(Some(Self {
                connection,
                location: location.to_owned(),
                unlocked: None,
                _copy: None,
            })),
            Err(error) if needs_rollback(&error) => Self::open_copy(real, &beside(real, "-journal"), location),
            Err(error) => Err(explain(location, &error)),
        }
    }

    fn open_copy(real: &Path, beside: &Path, location: &str) -> Result<Option<Self>> {
        let Some(copy) = Copy::of(real, beside)? else {
            return Ok(None);
        };
        let connection = connect(copy.path(), As::Ours).map_err(|error| explain(location, &error))?;
        Ok(Some(Self {
            connection,
            location: location.to_owned(),
            unlocked: None,
            // What is open needs no name: then nothing stays behind, even if the process is killed.
            _copy: (!cfg!(unix)).then_some(copy),
        }))
    }

    fn check_is_foreign(&self) -> Result<()> {
        match self.run(application_id(&self.connection))? {
            APPLICATION_ID => Err(is_a_store(&self.location)),
            _ => Ok(()),
        }
    }

    /// The connection.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where it is, for messages.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// A failure of SQLite as one for people.
    pub(super) fn run<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| explain(&self.location, &error))
    }

    /// To be called at the end: what was read without a lock must be what is there still.
    pub(super) fn check_unchanged(&self) -> Result<()> {
        match &self.unlocked {
            Some((path, before)) if Stamp::of(path)? != *before => Err(changes_too_often(&self.location)),
            _ => Ok(()),
        }
    }
}

/// Looks at the first page without a lock and without a file beside it. SQLite does it, not the standard library: if this is
/// a store that the process has open, closing another descriptor of it would take away its locks.
fn is_sqlite(real: &Path, location: &str) -> Result<bool> {
    match connect(real, As::Unchanging).and_then(|connection| application_id(&connection)) {
        Ok(APPLICATION_ID) => Err(is_a_store(location)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Ok(false),
        Err(error) if is_unreadable(&error) => Err(explain(location, &error)),
        // What is wrong here may be right with the log beside it.
        Ok(_) | Err(_) => Ok(true),
    }
}

/// Whether the fault is not in the file; one that is too short is at fault itself.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        use ErrorCode::{CannotOpen, OutOfMemory, SystemIoFailure};
        [CannotOpen, OutOfMemory, SystemIoFailure].contains(&error.code)
            && error.extended_code != ffi::SQLITE_IOERR_SHORT_READ
    })
}

fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn connect(path: &Path, how: As) -> rusqlite::Result<Connection> {
    let access = match how {
        As::Ours => OpenFlags::SQLITE_OPEN_READ_WRITE,
        As::Shared | As::Unchanging => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = match how {
        As::Unchanging => Connection::open_with_flags(unchanging(path), flags | OpenFlags::SQLITE_OPEN_URI)?,
        As::Shared | As::Ours => Connection::open_with_flags(path, flags)?,
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    restrict(&mut connection, Permit::Foreign)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MOST_BYTES_OF_ONE as i32)?;
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// A file's name as SQLite reads it with settings behind it.
fn unchanging(path: &Path) -> String {
    let mut uri = String::from("file:");
    let mut bytes = path.as_os_str().as_encoded_bytes();
    if cfg!(windows) {
        bytes = bytes.strip_prefix(br"\\?\").unwrap_or(bytes);
        uri.push('/');
    }
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b':' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            b'\\' if cfg!(windows) => uri.push('/'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + "?immutable=1"
}

/// Whether the file says that it is used with a write-ahead log.
fn uses_log(real: &Path, location: &str) -> Result<bool> {
    const READ_VERSION: usize = 19;
    let mut header = [0; READ_VERSION + 1];
    read_exact(real, &mut header)
        .map_err(|error| Error::new(Kind::Storage, format!("{location} cannot be read: {error}")))?;
    Ok(header.last() == Some(&2))
}

fn begins_with(real: &Path, wanted: &[u8; 16]) -> bool {
    let mut begin = [0; 16];
    read_exact(real, &mut begin).is_ok() && begin == *wanted
}

fn read_exact(path: &Path, into: &mut [u8]) -> std::io::Result<()> {
    std::fs::File::open(path)?.read_exact(into)
}

fn beside(real: &Path, end: &str) -> PathBuf {
    let mut name = real.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn needs_rollback(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == ffi::SQLITE_READONLY_ROLLBACK)
}

fn is_a_store(location: &str) -> Error {
    Error::new(
        Kind::Mismatch,
        format!("{location} is a Turnkeep store; back it up, or export it and import that"),
    )
}

fn changes_too_often(location: &str) -> Error {
    Error::new(
        Kind::Busy,
        format!(
            "another program wrote to {location} while it was read; nothing was taken in; try again when it is done"
        ),
    )
}

pub(super) fn damaged(location: &str, what: &str) -> Error {
    Error::new(
        Kind::Corrupt,
        format!(
            "{location} is damaged ({what}); nothing was taken in; recover what is left with 'sqlite3 FILE .recover' and \
             import that"
        ),
    )
}

fn explain(location: &str, error: &rusqlite::Error) -> Error {
    let (kind, what) = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => (
            Kind::Mismatch,
            "is not an SQLite database, or an encrypted one; decrypt it and import that".to_owned(),
        ),
        Some(ErrorCode::DatabaseCorrupt) => return damaged(location, &error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Kind::Busy,
            format!(
                "has been locked by another program for {} s; try again when it is done",
                BUSY_TIMEOUT.as_secs()
            ),
        ),
        Some(ErrorCode::TooBig) => (
            Kind::TooLarge,
            format!("holds more than {MOST_BYTES_OF_ONE} bytes in one row"),
        ),
        Some(ErrorCode::DiskFull) => (
            Kind::Full,
            "cannot be read: there is no space left for temporary files".to_owned(),
        ),
        Some(ErrorCode::OutOfMemory) => (
            Kind::Storage,
            "cannot be read: there was no memory for what SQLite had to do with it; make room and try again"
                .to_owned(),
        ),
        _ => (Kind::Storage, format!("cannot be read: {error}")),
    };
    Error::new(kind, format!("{location} {what}"))
}
