//! Catching up: what the outbox says is indexed, batch by batch, in transactions of their own.

use crate::error::{Error, Kind};
use crate::model::{Micros, words};
use crate::storage::sqlite::changes::Result;
use crate::storage::sqlite::rows::{self, message_key, seq_of};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::VecDeque;

/// A batch holds the writer for some milliseconds: longer would be felt by those who append meanwhile.
const BATCH_DOCUMENTS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Documents of one microsecond share the upper bits of their numbers.
const TIME_BITS: u32 = 10;
/// How many microseconds a document may be numbered after its time, where there are so many of one time.
const MOST_DELAY: Micros = 1 << 22;
const LAST_TIME: Micros = (i64::MAX >> TIME_BITS) - MOST_DELAY;

/// What has to be indexed: segments with their last messages, and sessions below zero. What is appended later is nobody's
/// to wait for.
#[derive(Debug)]
pub(in crate::storage::sqlite) struct Backlog(VecDeque<(i64, u32)>);

impl Backlog {
    /// All that is there now.
    pub(in crate::storage::sqlite) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        connection
            .prepare_cached(
                "SELECT segment, coalesce((SELECT max(key) FROM messages WHERE segment > 0 AND \
                 key BETWEEN segment << 32 AND segment << 32 | 0xFFFFFFFF) & 0xFFFFFFFF, 0) \
                 FROM search_outbox ORDER BY segment",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()
            .map(Self)
    }

    pub(in crate::storage::sqlite) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Indexes a batch of it.
    pub(in crate::storage::sqlite) fn index_batch(&mut self, connection: &Connection) -> Result<()> {
        let mut batch = Batch::default();
        while let Some((segment, last_seq)) = self.0.front().copied()
            && batch.has_room()
        {
            let done = match u32::try_from(segment) {
                Ok(segment) => batch.take_messages(connection, segment, last_seq)?,
                Err(_) => batch.take_session(connection, segment)?,
            };
            if done {
                self.0.pop_front();
            }
        }
        batch.write(connection)
    }
}

/// Whether there is something to index.
pub(in crate::storage::sqlite) fn is_behind(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM search_outbox)")?
        .query_row([], |row| row.get(0))
}

/// What a session is found by, a line for each.
pub(in crate::storage::sqlite) fn session_text(name: Option<String>, title: String, summary: String) -> String {
    let parts = [title, name.unwrap_or_default(), summary];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// The smallest number that a document of this time can have.
pub(super) fn first_number(time: Micros) -> i64 {
    time.clamp(0, LAST_TIME) << TIME_BITS
}

/// The largest number that a document of this time can have.
pub(super) fn last_number(time: Micros) -> i64 {
    (time.clamp(0, LAST_TIME) + MOST_DELAY) << TIME_BITS | window_of(0, 0)
}

/// The time that a document's number says.
pub(super) fn time_of(document: i64) -> Micros {
    document >> TIME_BITS
}

/// The last number of a microsecond.
fn window_of(time: Micros, delay: Micros) -> i64 {
    (time + delay) << TIME_BITS | ((1 << TIME_BITS) - 1)
}

struct Document {
    key: i64,
    time: Micros,
    words: String,
}

#[derive(Default)]
struct Batch {
    documents: Vec<Document>,
    bytes: usize,
}

impl Batch {
    fn has_room(&self) -> bool {
        self.documents.len() < BATCH_DOCUMENTS && self.bytes < BATCH_BYTES
    }

    fn add(&mut self, key: i64, time: Micros, text: &str) {
        let mut folded = String::with_capacity(text.len() + text.len() / 4);
        words::append_folded(text, &mut folded);
        self.bytes += text.len();
        if !folded.is_empty() {
            self.documents.push(Document {
                key,
                time: time.clamp(0, LAST_TIME),
                words: folded,
            });
        }
    }

    /// Whether that was all of the segment's up to `last_seq`.
    fn take_messages(&mut self, connection: &Connection, segment: u32, last_seq: u32) -> Result<bool> {
        let first: Option<u32> = connection
            .prepare_cached("SELECT next_seq FROM search_outbox WHERE segment = ?1")?
            .query_row([segment], |row| row.get(0))
            .optional()?;
        // Another process was here.
        let Some(first) = first else { return Ok(true) };
        let mut statement = connection.prepare_cached(
            "SELECT key, created, content, packed FROM messages WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
        )?;
        let mut found = statement.query([message_key(segment, first), message_key(segment, u32::MAX)])?;
        let mut taken = first.saturating_sub(1);
        while self.has_room() {
            let Some(row) = found.next()? else {
                connection
                    .prepare_cached("DELETE FROM search_outbox WHERE segment = ?1")?
                    .execute([segment])?;
                return Ok(true);
            };
            let key = row.get(0)?;
            self.add(key, row.get(1)?, &rows::content(row, 2)?);
            taken = seq_of(key);
        }
        connection
            .prepare_cached("UPDATE search_outbox SET next_seq = ?2 WHERE segment = ?1")?
            .execute([i64::from(segment), i64::from(taken) + 1])?;
        Ok(taken >= last_seq)
    }

    fn take_session(&mut self, connection: &Connection, key: i64) -> Result<bool> {
        super::forget_keys(connection, key, key)?;
        let found = connection
            .prepare_cached("SELECT updated, name, title, summary FROM sessions WHERE key = ?1")?
            .query_row([-key], |row| {
                Ok((row.get(0)?, session_text(row.get(1)?, row.get(2)?, row.get(3)?)))
            })
            .optional()?;
        if let Some((updated, text)) = found {
            self.add(key, updated, &text);
        }
        connection
            .prepare_cached("DELETE FROM search_outbox WHERE segment = ?1")?
            .execute([key])?;
        Ok(true)
    }

    /// In the order of their numbers: FTS5 writes out what it has in memory whenever one is smaller than the one before.
    fn write(mut self, connection: &Connection) -> Result<()> {
        self.documents.sort_by_key(|document| (document.time, document.key));
        let mut numbered: Vec<(i64, String)> = Vec::with_capacity(self.documents.len());
        let mut numbers = Numbers::default();
        for document in self.documents {
            let number = numbers.next(connection, document.time)?;
            let is_new = connection
                .prepare_cached(
                    "INSERT INTO search_documents (document, key) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
                )?
                .execute([number, document.key])?;
            if is_new == 1 {
                numbered.push((number, document.words));
                numbers.last = Some((document.time, number));
            }
        }
        numbered.sort_by_key(|(number, _)| *number);
        let mut statement = connection.prepare_cached("INSERT INTO search (rowid, text) VALUES (?1, ?2)")?;
        for (number, words) in numbered {
            statement.execute(params![number, words])?;
        }
        Ok(())
    }
}

/// Numbers for new documents.
#[derive(Default)]
struct Numbers {
    /// The time and the number of the last one given.
    last: Option<(Micros, i64)>,
}

impl Numbers {
    /// A free number for a document of this time: the next one, or one of the microseconds after it, which are full one
    /// after the other.
    fn next(&self, connection: &Connection, time: Micros) -> Result<i64> {
        if let Some((last_time, number)) = self.last
            && last_time == time
            && time_of(number) == time_of(number + 1)
        {
            return Ok(number + 1);
        }
        if let Some(number) = free_at(connection, time, 0)? {
            return Ok(number);
        }
        let (mut full, mut open) = (0, 1);
        let mut number = loop {
            match free_at(connection, time, open)? {
                Some(number) => break number,
                None if open >= MOST_DELAY => return Err(too_many().into()),
                None => (full, open) = (open, open * 2),
            }
        };
        while full + 1 < open {
            let middle = full + (open - full) / 2;
            match free_at(connection, time, middle)? {
                Some(free) => (open, number) = (middle, free),
                None => full = middle,
            }
        }
        Ok(number)
    }
}

/// The number after the last one of a microsecond, unless that is full.
fn free_at(connection: &Connection, time: Micros, delay: Micros) -> Result<Option<i64>> {
    let end = window_of(time, delay);
    let first = (time + delay) << TIME_BITS;
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(document) FROM search_documents WHERE document BETWEEN ?1 AND ?2")?
        .query_row([first, end], |row| row.get(0))?;
    Ok(match last {
        None => Some(first),
        Some(last) if last < end => Some(last + 1),
        Some(_) => None,
    })
}

fn too_many() -> Error {
    Error::new(
        Kind::TooLarge,
        "more than four thousand million messages have the same time: they cannot be indexed",
    )
}
