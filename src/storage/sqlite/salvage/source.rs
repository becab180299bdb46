//! The damaged store: a copy of its files, read row by row, around what cannot be read.

use super::super::defence::{self, Permit};
use super::super::failure::Site;
use super::super::new_file::{NewFile, beside};
use super::super::rows::{self, message_key};
use super::super::schema;
use crate::error::{Error, Kind, Result};
use crate::files::copy_private;
use crate::model::message::MAX_MESSAGE_TOKENS;
use crate::model::{Problems, ReadyMessage};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row};
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

pub(super) struct Source {
    // Dropped before the copy.
    connection: Connection,
    /// For messages about the store itself.
    site: Site,
    version: i32,
    select_messages: String,
    /// A message takes at least so many bytes of the file.
    pub(super) most_messages: u32,
    /// Pages of the log that cannot be used.
    pub(super) unusable_log_pages: u64,
    _copy: Copy,
}

/// The least that a row of a message takes, its place in the page included.
const LEAST_BYTES_OF_A_MESSAGE: u64 = 16;

/// Takes a place of a segment with its message, or the places of a gap where no message can be read. `false` ends it.
pub(super) type Visit<'a> = dyn FnMut(RangeInclusive<u32>, Option<ReadyMessage>) -> Result<bool> + 'a;

impl Source {
    /// Copies the files, since to read a database with a log is to write to it, and opens the copy.
    pub(super) fn open(site: &Site, beside_target: &NewFile) -> Result<Self> {
        let copy = Copy::of(site, beside_target.path())?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let explain = |error: rusqlite::Error| site.explain(&error);
        let mut connection = Connection::open_with_flags(&copy.path, flags).map_err(explain)?;
        defence::restrict(&mut connection, Permit::Salvage).map_err(explain)?;
        // With this SQLite goes on where its own description of the tables, or the length of the file, is damaged.
        connection
            .pragma_update(None, "writable_schema", true)
            .map_err(explain)?;
        let version = schema::version_of_damaged(&connection, site)?;
        let used: u64 = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1))
            .map_or(0, |frames| u64::try_from(frames).unwrap_or(0));
        let bytes = copy.path.metadata().map_or(0, |file| file.len());
        Ok(Self {
            connection,
            site: site.clone(),
            version,
            select_messages: match version {
                1 => rows::SELECT_MESSAGES.replace("packed", "NULL"),
                _ => rows::SELECT_MESSAGES.to_owned(),
            },
            most_messages: u32::try_from(bytes / LEAST_BYTES_OF_A_MESSAGE).unwrap_or(u32::MAX - 1),
            unusable_log_pages: frames_of_log(&beside(&site.path, "-wal")).saturating_sub(used),
            _copy: copy,
        })
    }

    /// How many keys in a row are asked for one by one where a table cannot be read: more than the file holds were never there.
    /// A key that is wrong may lie four billion behind the last one that is right.
    pub(super) fn most_probes(&self) -> u32 {
        self.most_messages.max(1 << 16)
    }

    /// Whether tables and columns are there that came with a version of the schema.
    pub(super) fn has_schema(&self, version: i32) -> bool {
        self.version >= version
    }

    /// What damage is becomes `None`; other failures are failures.
    pub(super) fn unless_damaged<T>(&self, result: rusqlite::Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) => match self.site.explain(&error) {
                failure if failure.kind() == Kind::Corrupt => Ok(None),
                failure => Err(failure),
            },
        }
    }

    /// One row: there, not there, or not to be read.
    pub(super) fn row<T, P: Params>(
        &self,
        sql: &str,
        parameters: P,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<Option<T>>> {
        let row = || {
            self.connection
                .prepare_cached(sql)?
                .query_row(parameters, read)
                .optional()
        };
        self.unless_damaged(row())
    }

    /// The rows of a query, as far as they can be read, and whether that is all of them.
    pub(super) fn rows<T, P: Params>(
        &self,
        sql: &str,
        parameters: P,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<(Vec<T>, bool)> {
        let mut found = Vec::new();
        let collect = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(parameters)?;
            while let Some(row) = rows.next()? {
                found.push(read(row)?);
            }
            Ok(())
        };
        let whole = self.unless_damaged(collect())?.is_some();
        Ok((found, whole))
    }

    /// A text of a session's row. What cannot be read is empty, and a problem.
    pub(super) fn text(&self, key: i64, id: &str, column: &str, problems: &mut Problems) -> Result<Option<String>> {
        let sql = format!("SELECT {column} FROM sessions WHERE key = ?1");
        let text = self.row(&sql, [key], |row| row.get(0))?;
        if text.is_none() {
            problems.add(format!("session '{id}': its {column} cannot be read"));
        }
        Ok(text.flatten().flatten())
    }

    /// Visits every place of a segment, in order.
    pub(super) fn each(&self, segment: u32, first: u32, last: u32, visit: &mut Visit<'_>) -> Result<()> {
        let mut next = first;
        while next <= last {
            if !self.as_far_as_it_goes(segment, &mut next, last, visit)?
                || !self.until_it_goes_on(segment, &mut next, last, visit)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One by one, until something can be read again.
    fn until_it_goes_on(&self, segment: u32, next: &mut u32, last: u32, visit: &mut Visit<'_>) -> Result<bool> {
        let mut probes = 0;
        while *next <= last {
            let message = self.one(segment, *next)?;
            let readable = message.is_some();
            if !visit(*next..=*next, message)? {
                return Ok(false);
            }
            *next += 1;
            if readable {
                break;
            }
            probes += 1;
            let end = last.saturating_sub(self.most_probes());
            if probes == self.most_probes() && *next < end {
                if !visit(*next..=end, None)? {
                    return Ok(false);
                }
                *next = end + 1;
            }
        }
        Ok(true)
    }

    fn as_far_as_it_goes(&self, segment: u32, next: &mut u32, last: u32, visit: &mut Visit<'_>) -> Result<bool> {
        let mut visited = Ok(true);
        let mut read = || {
            let mut statement = self.connection.prepare_cached(&self.select_messages)?;
            let mut rows = statement.query((message_key(segment, *next), message_key(segment, last)))?;
            loop {
                let row = rows.next()?;
                let seq = match row {
                    Some(row) => (row.get::<_, i64>(0)? & 0xFFFF_FFFF) as u32,
                    None => last + 1,
                };
                // Where the order of the keys is damaged, a row may come that was not asked for.
                if seq < *next || seq > last + 1 {
                    return Ok(());
                }
                if *next < seq {
                    visited = visit(*next..=seq - 1, None);
                    *next = seq;
                }
                let Some(row) = row.filter(|_| matches!(visited, Ok(true))) else {
                    return Ok(());
                };
                visited = visit(seq..=seq, readable(row));
                *next = seq + 1;
            }
        };
        self.unless_damaged(read())?;
        visited
    }

    fn one(&self, segment: u32, seq: u32) -> Result<Option<ReadyMessage>> {
        let key = message_key(segment, seq);
        let message = self.row(&self.select_messages, (key, key), |row| Ok(readable(row)))?;
        Ok(message.flatten().flatten())
    }

    /// The first and the last message of a segment that can be found.
    pub(super) fn ends_of(&self, segment: u32, most: u32) -> Result<Option<(u32, u32)>> {
        let range = (message_key(segment, 1), message_key(segment, u32::MAX - 1));
        let end = |order: &str| -> Result<Option<u32>> {
            let sql = format!("SELECT key FROM messages WHERE key BETWEEN ?1 AND ?2 ORDER BY key {order} LIMIT 1");
            let key = self.row(&sql, range, |row| row.get::<_, i64>(0))?;
            let seq = key.flatten().map(|key| (key & 0xFFFF_FFFF) as u32);
            Ok(seq.filter(|seq| (1..u32::MAX).contains(seq)))
        };
        Ok(match (end("ASC")?, end("DESC")?) {
            (Some(first), Some(last)) => Some((first, last)),
            (None, Some(last)) => Some((last.saturating_sub(most).max(1), last)),
            (Some(first), None) => Some((first, first.saturating_add(most).min(u32::MAX - 1))),
            (None, None) => None,
        })
    }

    /// The segment of the first message at or behind the beginning of a segment; `Err` inside where that cannot be read.
    pub(super) fn next_segment(&self, from: u32) -> Result<Option<Option<u32>>> {
        let sql = "SELECT key >> 32 FROM messages WHERE key >= ?1 ORDER BY key LIMIT 1";
        self.row(sql, [message_key(from, 0)], |row| row.get(0))
    }
}

/// A message, if its row holds what a message can.
fn readable(row: &Row<'_>) -> Option<ReadyMessage> {
    rows::ready_message(row)
        .ok()
        .filter(|message| message.tokens <= MAX_MESSAGE_TOKENS)
}

/// Copies of a database and its log, which go with this.
struct Copy {
    path: PathBuf,
}

impl Copy {
    fn of(site: &Site, target: &Path) -> Result<Self> {
        let copy = Self {
            path: beside(target, "-source"),
        };
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::StorageFull => Error::new(
                Kind::Full,
                format!(
                    "there is no space for a copy of {} beside the target; make room and try again",
                    site.location
                ),
            ),
            _ => unreadable(site, &error),
        };
        copy_private(&site.path, &copy.path).map_err(failed)?;
        drop_half_a_page(&copy.path).map_err(failed)?;
        for end in ["-wal", "-journal"] {
            let log = beside(&site.path, end);
            if log.is_file() {
                copy_private(&log, &beside(&copy.path, end)).map_err(failed)?;
            }
        }
        Ok(copy)
    }
}

/// SQLite reads a page that the end of the file cuts in two as if zeros came behind: text that nobody wrote. A page that is
/// not there it knows to be missing.
fn drop_half_a_page(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::options().read(true).write(true).open(path)?;
    let mut header = [0; 18];
    if file.read_exact(&mut header).is_err() {
        return Ok(());
    }
    let [.., high, low] = header;
    let page = match u64::from(u16::from_be_bytes([high, low])) {
        1 => 65_536,
        size if size.is_power_of_two() && size >= 512 => size,
        _ => return Ok(()),
    };
    let length = file.metadata()?.len();
    file.set_len(length - length % page)
}

impl Drop for Copy {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let _not_there = std::fs::remove_file(beside(&self.path, end));
        }
    }
}

pub(super) fn unreadable(site: &Site, error: &std::io::Error) -> Error {
    Error::new(Kind::Storage, format!("{} cannot be copied: {error}", site.location))
}

/// How many frames of a log belong to its present beginning, whether SQLite believes them or not.
fn frames_of_log(path: &Path) -> u64 {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let Ok(log) = std::fs::read(path) else { return 0 };
    let Some(page) = log.get(8..12).and_then(|bytes| bytes.try_into().ok()) else {
        return 0;
    };
    let frame = FRAME_HEADER + u32::from_be_bytes(page) as usize;
    let (Some(salts), Some(frames)) = (log.get(16..24), log.get(HEADER..)) else {
        return 0;
    };
    let own = frames
        .chunks_exact(frame)
        .take_while(|frame| frame.get(8..16) == Some(salts));
    own.count() as u64
}
