//! Mutations as statements. Each function runs inside the writer's transaction and changes all or nothing of what it was
//! asked: whoever calls it rolls back what failed half-way.

use super::append::{self, Statements};
use super::readers::{read_head, read_row_of_head};
use super::{branch, bulk, delete, import, update};
use crate::error::{Error, Kind, Result as ModelResult};
use crate::model::{Durability, Place, ReadyMessage};
use crate::storage::{Head, Mutation, Outcome, SessionKey};
use lru::LruCache;
use rusqlite::Connection;
use std::num::NonZeroUsize;

/// Why a mutation failed: a rule of the model, or SQLite.
#[derive(Debug)]
pub(super) enum Refusal {
    Model(Error),
    Sqlite(rusqlite::Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Model(error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

pub(super) type Result<T> = std::result::Result<T, Refusal>;

/// Where the next message of a session goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) revision: u64,
    pub(super) place: Place,
    pub(super) bytes: u64,
    pub(super) max_bytes: Option<u64>,
    pub(super) segment: u32,
}

impl Tail {
    pub(super) fn of(head: &Head) -> Self {
        Self {
            revision: head.revision,
            place: head.place,
            bytes: head.bytes,
            max_bytes: head.max_bytes,
            segment: head.path.0.last().map_or(0, |stretch| stretch.segment),
        }
    }

    /// The tail behind messages that are to be appended, if they fit; at the same revision.
    pub(super) fn after(self, messages: &[ReadyMessage]) -> ModelResult<Self> {
        // seq is a u32, and the key keeps 32 bits for it.
        if messages.len() > (u32::MAX - self.place.seq) as usize {
            return Err(Error::new(
                Kind::TooLarge,
                "a session holds at most 4 294 967 295 messages",
            ));
        }
        let mut after = self;
        for message in messages {
            after.place = after.place.next(message.role, message.tokens);
            after.bytes += message.bytes();
        }
        match self.max_bytes {
            Some(most) if after.bytes > most && after.bytes > self.bytes => Err(Error::new(
                Kind::TooLarge,
                format!(
                    "the session would have {} bytes of text; its max_bytes is {most}; nothing was appended: truncate it, \
                     or raise the limit",
                    after.bytes
                ),
            )),
            _ => Ok(after),
        }
    }
}

/// What the writer keeps from one transaction to the next.
pub(super) struct Known {
    pub(super) statements: Statements,
    /// The tails of sessions that were written to lately, so that an append need not read the row that it is about to change.
    /// Each is checked by its revision when it is used, and forgotten when a transaction fails.
    pub(super) tails: LruCache<SessionKey, Tail>,
    /// The highest number that was ever given here, also in a transaction that failed: handles may hold it.
    highest_key: i64,
}

const TAILS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

impl Known {
    pub(super) fn new(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            statements: Statements::prepare(connection)?,
            tails: LruCache::new(TAILS),
            highest_key: 0,
        })
    }

    pub(super) fn forget_tails(&mut self) {
        self.tails.clear();
    }

    /// A number for a new session or a new segment: never used before, also where what had it is gone.
    pub(super) fn next_number(&mut self, connection: &Connection) -> Result<u32> {
        let next: i64 = connection
            .prepare_cached(
                "SELECT 1 + max((SELECT value FROM meta WHERE name = 'last_key'), \
                 coalesce((SELECT max(key) FROM sessions), 0))",
            )?
            .query_row([], |row| row.get(0))?;
        let number = next.max(self.highest_key + 1);
        self.highest_key = number;
        u32::try_from(number)
            .ok()
            .filter(|number| *number <= i32::MAX as u32)
            .ok_or_else(|| {
                Error::new(
                    Kind::TooLarge,
                    "this store has had two thousand million sessions; begin a new one",
                )
                .into()
            })
    }
}

/// Notes that a number was used, where no row will say so.
pub(super) fn note_number(connection: &Connection, number: i64) -> Result<()> {
    connection
        .prepare_cached("UPDATE meta SET value = max(value, ?1) WHERE name = 'last_key'")?
        .execute([number])?;
    Ok(())
}

/// Applies one mutation. `reached` goes into the receipt of an append.
pub(super) fn apply(
    connection: &Connection,
    known: &mut Known,
    mutation: &Mutation,
    reached: Durability,
) -> Result<Outcome> {
    match mutation {
        Mutation::Create(create) => branch::create(connection, known, create),
        Mutation::Fork(fork) => branch::fork(connection, known, fork),
        Mutation::Append(append) => append::append(connection, known, append, reached),
        Mutation::Update(update) => {
            known.tails.pop(&update.key);
            update::update(connection, update)
        }
        Mutation::Rewind(rewind) => branch::rewind(connection, known, rewind, reached),
        Mutation::Truncate(truncate) => branch::truncate(connection, known, truncate),
        Mutation::Clear(clear) => branch::clear(connection, known, clear),
        Mutation::Delete(delete) => delete::by_id(connection, known, delete),
        Mutation::Bulk(bulk) => bulk::bulk(connection, known, bulk),
        Mutation::Cleanup(cleanup) => delete::clean_up(connection, known, cleanup),
        Mutation::Import(import) => branch::begin_import(connection, known, import),
        Mutation::Settle(settle) => import::settle(connection, known, settle),
    }
}

pub(super) fn check_revision(expected: Option<u64>, found: u64) -> ModelResult<()> {
    match expected {
        Some(expected) if expected != found => Err(Error::new(
            Kind::Conflict,
            format!("expected revision {expected}, the session has {found}: somebody changed it; read it again"),
        )),
        _ => Ok(()),
    }
}

/// The head of a session that a mutation needs, with the last stretch of its path only: behind a hundred forks the others
/// are a hundred rows, and few changes ask for them.
pub(super) fn existing(connection: &Connection, key: SessionKey) -> Result<Head> {
    read_row_of_head(connection, key)?.ok_or_else(deleted)
}

/// The same with its whole path.
pub(super) fn existing_with_path(connection: &Connection, key: SessionKey) -> Result<Head> {
    read_head(connection, key)?.ok_or_else(deleted)
}

fn deleted() -> Refusal {
    Error::new(Kind::NotFound, "the session was deleted; nothing was changed").into()
}
