//! The event log: what changed, in the transaction that changed it, and a bounded number of rows of it.

use super::changes::Result;
use super::rows::{signed, unsigned};
use crate::model::{Event, EventKind, EventPage};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Writes the log.
pub(super) struct EventLog {
    rows: u64,
    /// The last number that a caller was told. It is never given again, also where a deferred change was lost with it.
    acknowledged: u64,
    /// The last number of the transaction that is open.
    written: u64,
}

/// The log is shortened when so many rows are too many, or a 64th of it if that is less: not with every change.
const MOST_ROWS_TOO_MANY: u64 = 64;

impl EventLog {
    /// A log that keeps so many rows; `None` for 0.
    pub(super) fn new(rows: u64) -> Option<Self> {
        (rows > 0).then_some(Self {
            rows,
            acknowledged: 0,
            written: 0,
        })
    }

    /// Gives events their numbers and keeps them.
    pub(super) fn write(&mut self, connection: &Connection, events: &mut [Event]) -> Result<()> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO events (number, at, kind, session_id, other_session_id, revision, first_seq, last_seq, count) \
             VALUES (1 + max(?1, coalesce((SELECT max(number) FROM events), 0)), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for event in events {
            // What is erased stays in no file: only those who listen are told which session it was.
            let session_id = match event.kind {
                EventKind::Erased => "",
                _ => event.session_id.as_str(),
            };
            statement.execute(params![
                signed(self.acknowledged),
                event.at,
                event.kind as i32,
                session_id,
                event.other_session_id,
                signed(event.revision),
                signed(event.first_seq),
                signed(event.last_seq),
                signed(event.count),
            ])?;
            event.number = connection.last_insert_rowid().unsigned_abs();
            self.written = event.number;
            self.shorten(connection)?;
        }
        Ok(())
    }

    fn shorten(&self, connection: &Connection) -> Result<()> {
        let too_many = (self.rows / 64).clamp(1, MOST_ROWS_TOO_MANY);
        if self.written > self.rows && self.written.is_multiple_of(too_many) {
            connection
                .prepare_cached("DELETE FROM events WHERE number <= ?1")?
                .execute([signed(self.written - self.rows)])?;
        }
        Ok(())
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self) {
        self.written = 0;
    }

    /// The last number of the transaction that is open.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// What was written behind a number was rolled back.
    pub(super) fn take_back_to(&mut self, number: u64) {
        self.written = number;
    }

    /// What was written since is told to its callers.
    pub(super) fn acknowledge(&mut self) {
        self.acknowledged = self.acknowledged.max(self.written);
    }
}

/// The events behind a number, at most so many.
pub(super) fn after(connection: &Connection, number: u64, limit: usize) -> rusqlite::Result<EventPage> {
    let ends: Option<(u64, u64)> = connection
        .prepare_cached("SELECT (SELECT min(number) FROM events), (SELECT max(number) FROM events) WHERE EXISTS (SELECT 1 FROM events)")?
        .query_row([], |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)))
        .optional()?;
    let lost = match ends {
        None => number > 0,
        Some((oldest, newest)) => number.saturating_add(1) < oldest || number > newest,
    };
    let mut statement = connection.prepare_cached(
        "SELECT number, at, kind, session_id, other_session_id, revision, first_seq, last_seq, count FROM events \
         WHERE number > ?1 ORDER BY number",
    )?;
    let mut found = statement.query([signed(number)])?;
    let mut events = Vec::with_capacity(limit.min(64));
    while events.len() < limit
        && let Some(row) = found.next()?
    {
        events.push(read(row)?);
    }
    Ok(EventPage { events, lost })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    let kind: i32 = row.get(2)?;
    Ok(Event {
        number: unsigned(row, 0)?,
        at: row.get(1)?,
        kind: EventKind::from_number(kind)
            .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(2, i64::from(kind)))?,
        session_id: row.get(3)?,
        other_session_id: row.get(4)?,
        revision: unsigned(row, 5)?,
        first_seq: unsigned(row, 6)?,
        last_seq: unsigned(row, 7)?,
        count: unsigned(row, 8)?,
    })
}
