//! Mutations as statements. Each function runs inside the writer's transaction and changes all or nothing of what it was
//! asked: whoever calls it rolls back what failed half-way.

use super::append;
use super::readers::read_head;
use super::rows::{message_key, signed};
use crate::error::{Error, Kind, Result as ModelResult};
use crate::model::{Durability, Place};
use crate::storage::mutation::{Clear, Create, Delete, Update};
use crate::storage::{Head, Mutation, Outcome, Path, SessionKey, Stretch};
use lru::LruCache;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
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
    pub(super) segment: u32,
}

impl Tail {
    pub(super) fn of(head: &Head) -> Self {
        Self {
            revision: head.revision,
            place: head.place,
            segment: head.path.0.last().map_or(0, |stretch| stretch.segment),
        }
    }
}

/// The tails of sessions that were written to lately.
pub(super) type Tails = LruCache<SessionKey, Tail>;

/// What the writer remembers from one transaction to the next.
pub(super) struct Known {
    /// So that an append need not read the row that it is about to change. Each is checked by its revision when it is used,
    /// and forgotten when a transaction fails.
    tails: Tails,
    /// The highest key that was ever given here, also in a transaction that failed: handles may hold it.
    highest_key: i64,
}

const TAILS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

impl Known {
    pub(super) fn new() -> Self {
        Self {
            tails: LruCache::new(TAILS),
            highest_key: 0,
        }
    }

    pub(super) fn forget_tails(&mut self) {
        self.tails.clear();
    }
}

/// Applies one mutation. `reached` goes into the receipt of an append.
pub(super) fn apply(
    connection: &Connection,
    known: &mut Known,
    mutation: &Mutation,
    reached: Durability,
) -> Result<Outcome> {
    match mutation {
        Mutation::Create(create) => self::create(connection, known, create),
        Mutation::Append(append) => append::append(connection, &mut known.tails, append, reached),
        Mutation::Update(update) => {
            known.tails.pop(&update.key);
            self::update(connection, update)
        }
        Mutation::Clear(clear) => {
            known.tails.pop(&clear.key);
            self::clear(connection, clear)
        }
        Mutation::Delete(delete) => {
            let key = self::delete(connection, delete)?;
            known.tails.pop(&key);
            Ok(Outcome::Deleted(key))
        }
    }
}

fn create(connection: &Connection, known: &mut Known, create: &Create) -> Result<Outcome> {
    let session = &create.session;
    // One number for the session and its first segment: both are never used again. What a deleted session had is in meta.
    let next: i64 = connection
        .prepare_cached(
            "SELECT 1 + max((SELECT value FROM meta WHERE name = 'last_key'), \
             coalesce((SELECT max(key) FROM sessions), 0))",
        )?
        .query_row([], |row| row.get(0))?;
    let key = next.max(known.highest_key + 1);
    known.highest_key = key;
    let segment = u32::try_from(key)
        .ok()
        .filter(|key| *key <= i32::MAX as u32)
        .ok_or_else(|| {
            Error::new(
                Kind::TooLarge,
                "this store has had two thousand million sessions; begin a new one",
            )
        })?;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO sessions (key, id, user_id, name, title, model, metadata, window_tokens, created, updated, \
             tail_segment, summary, summary_tokens) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?1, ?10, ?11)",
        )?
        .execute(params![
            key,
            create.id,
            session.user_id,
            session.name,
            session.title,
            session.model,
            session.metadata.as_deref().unwrap_or("{}"),
            session.window_tokens.map(signed),
            create.now,
            session.summary,
            create.summary_tokens,
        ]);
    match inserted {
        Ok(_) => {}
        Err(error) if is_taken(&error) => {
            return Err(who_has_it(connection, &create.id, &session.user_id, session.name.as_deref())?.into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Outcome::Created(Head {
        key: SessionKey(key),
        revision: 1,
        place: Place::default(),
        window_tokens: session.window_tokens,
        summary: session.summary.clone(),
        summary_tokens: create.summary_tokens,
        memo: None,
        path: Path(vec![Stretch { first_seq: 1, segment }]),
    }))
}

fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn who_has_it(connection: &Connection, id: &str, user_id: &str, name: Option<&str>) -> Result<Error> {
    let id_is_taken: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1)")?
        .query_row([id], |row| row.get(0))?;
    Ok(Error::new(
        Kind::Exists,
        if id_is_taken {
            format!("there is a session '{id}' already; open it, or give another id")
        } else {
            name_is_taken(user_id, name.unwrap_or_default()).message().to_owned()
        },
    ))
}

fn name_is_taken(user_id: &str, name: &str) -> Error {
    let whose = if user_id.is_empty() {
        "without an owner".to_owned()
    } else {
        format!("of user '{user_id}'")
    };
    Error::new(
        Kind::Exists,
        format!("there is a session {whose} with the name '{name}' already; give another name"),
    )
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

/// The head of a session that a mutation needs.
pub(super) fn existing(connection: &Connection, key: SessionKey) -> Result<Head> {
    read_head(connection, key)?
        .ok_or_else(|| Error::new(Kind::NotFound, "the session was deleted; nothing was changed").into())
}

fn update(connection: &Connection, update: &Update) -> Result<Outcome> {
    let head = existing(connection, update.key)?;
    let changes = &update.changes;
    check_revision(changes.expected_revision, head.revision)?;
    let updated = connection
        .prepare_cached(
            "UPDATE sessions SET revision = revision + 1, updated = max(updated, ?2), \
             name = iif(?3, ?4, name), title = coalesce(?5, title), model = coalesce(?6, model), \
             summary = coalesce(?7, summary), summary_tokens = iif(?7 IS NULL, summary_tokens, ?8), \
             metadata = coalesce(?9, metadata), \
             window_tokens = iif(?10, ?11, window_tokens) WHERE key = ?1",
        )?
        .execute(params![
            update.key.0,
            update.now,
            changes.name.is_some(),
            changes.name.as_ref().and_then(Option::as_ref),
            changes.title,
            changes.model,
            changes.summary,
            update.summary_tokens,
            changes.metadata,
            changes.window_tokens.is_some(),
            changes.window_tokens.flatten().map(signed),
        ]);
    match updated {
        Ok(_) => Ok(Outcome::Updated(head.revision + 1)),
        Err(error) if is_taken(&error) => {
            let user_id: String = connection
                .prepare_cached("SELECT user_id FROM sessions WHERE key = ?1")?
                .query_row([update.key.0], |row| row.get(0))?;
            let name = changes.name.as_ref().and_then(Option::as_deref).unwrap_or_default();
            Err(name_is_taken(&user_id, name).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn clear(connection: &Connection, clear: &Clear) -> Result<Outcome> {
    let head = existing(connection, clear.key)?;
    check_revision(clear.expected_revision, head.revision)?;
    remove_messages(connection, &head)?;
    connection
        .prepare_cached(
            "UPDATE sessions SET head_seq = 0, token_total = 0, turn_count = 0, tail_first_seq = 1, window_memo = NULL, \
             summary = '', summary_tokens = 0, \
             revision = revision + 1, updated = max(updated, ?2) WHERE key = ?1",
        )?
        .execute(params![clear.key.0, clear.now])?;
    Ok(Outcome::Cleared(head.revision + 1))
}

fn delete(connection: &Connection, delete: &Delete) -> Result<SessionKey> {
    let key = connection
        .prepare_cached("SELECT key FROM sessions WHERE id = ?1")?
        .query_row([&delete.id], |row| row.get(0).map(SessionKey))
        .optional()?
        .ok_or_else(|| Error::new(Kind::NotFound, format!("there is no session '{}'", delete.id)))?;
    let head = existing(connection, key)?;
    remove_messages(connection, &head)?;
    connection
        .prepare_cached("UPDATE meta SET value = max(value, ?1) WHERE name = 'last_key'")?
        .execute([key.0])?;
    connection
        .prepare_cached("DELETE FROM sessions WHERE key = ?1")?
        .execute([key.0])?;
    Ok(key)
}

/// Removes what only this session has: the messages of its own segment, and its receipts.
fn remove_messages(connection: &Connection, head: &Head) -> Result<()> {
    if let Some(tail) = head.path.0.last() {
        connection
            .prepare_cached("DELETE FROM messages WHERE key BETWEEN ?1 AND ?2")?
            .execute([message_key(tail.segment, 0), message_key(tail.segment, u32::MAX)])?;
    }
    connection
        .prepare_cached("DELETE FROM paths WHERE session = ?1")?
        .execute([head.key.0])?;
    connection
        .prepare_cached("DELETE FROM receipts WHERE session = ?1")?
        .execute([head.key.0])?;
    Ok(())
}
