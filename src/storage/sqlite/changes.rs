//! Mutations as statements. Each function runs inside the writer's transaction and changes all or nothing of what it was
//! asked: whoever calls it rolls back what failed half-way.

use super::readers::read_head;
use super::rows::{message_key, signed};
use super::writer::Tails;
use crate::error::{Error, Kind, Result as ModelResult};
use crate::model::message::check_answers;
use crate::model::{Durability, Place, ReadyMessage, Receipt, Role};
use crate::storage::mutation::{Append, Clear, Create, Delete, Update};
use crate::storage::{Head, Mutation, Outcome, Path, SessionKey, Stretch};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

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

type Result<T> = std::result::Result<T, Refusal>;

/// Where the next message of a session goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    revision: u64,
    place: Place,
    segment: u32,
}

impl Tail {
    fn of(head: &Head) -> Self {
        Self {
            revision: head.revision,
            place: head.place,
            segment: head.path.0.last().map_or(0, |stretch| stretch.segment),
        }
    }
}

/// Applies one mutation. `reached` goes into the receipt of an append.
pub(super) fn apply(
    connection: &Connection,
    tails: &mut Tails,
    mutation: &Mutation,
    reached: Durability,
) -> Result<Outcome> {
    match mutation {
        Mutation::Create(create) => self::create(connection, create),
        Mutation::Append(append) => self::append(connection, tails, append, reached),
        Mutation::Update(update) => {
            tails.pop(&update.key);
            self::update(connection, update)
        }
        Mutation::Clear(clear) => {
            tails.pop(&clear.key);
            self::clear(connection, clear)
        }
        Mutation::Delete(delete) => {
            let key = self::delete(connection, delete)?;
            tails.pop(&key);
            Ok(Outcome::Deleted(key))
        }
    }
}

fn create(connection: &Connection, create: &Create) -> Result<Outcome> {
    let session = &create.session;
    // One number for the session and its first segment: both are never used again. What a deleted session had is in meta.
    let key: i64 = connection
        .prepare_cached(
            "SELECT 1 + max((SELECT value FROM meta WHERE name = 'last_key'), \
             coalesce((SELECT max(key) FROM sessions), 0))",
        )?
        .query_row([], |row| row.get(0))?;
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

fn append(connection: &Connection, tails: &mut Tails, append: &Append, reached: Durability) -> Result<Outcome> {
    if let Some(key) = &append.options.idempotency_key
        && let Some(receipt) = first_receipt(connection, append, key, reached)?
    {
        flush_with_commit(connection, reached)?;
        return Ok(Outcome::Appended(receipt));
    }
    let tail = match tails.get(&append.key) {
        Some(known) if move_tail(connection, append, *known)? => *known,
        _ => {
            let fresh = Tail::of(&existing(connection, append.key)?);
            if !move_tail(connection, append, fresh)? {
                return Err(Error::new(Kind::Storage, "the session's row changed inside one transaction").into());
            }
            fresh
        }
    };
    insert_messages(connection, append, tail)?;
    let after = end_of(append, tail.place)?;
    let receipt = Receipt {
        first_seq: tail.place.seq + 1,
        last_seq: after.seq,
        revision: tail.revision + 1,
        durability: reached,
        repeated: false,
    };
    if let Some(key) = &append.options.idempotency_key {
        keep_receipt(connection, append.key, key, &receipt)?;
    }
    tails.put(
        append.key,
        Tail {
            revision: receipt.revision,
            place: after,
            segment: tail.segment,
        },
    );
    Ok(Outcome::Appended(receipt))
}

fn end_of(append: &Append, start: Place) -> ModelResult<Place> {
    // seq is a u32, and the key keeps 32 bits for it.
    if append.messages.len() > (u32::MAX - start.seq) as usize {
        return Err(Error::new(
            Kind::TooLarge,
            "a session holds at most 4 294 967 295 messages",
        ));
    }
    Ok(append
        .messages
        .iter()
        .fold(start, |place, message| place.next(message.role, message.tokens)))
}

/// Moves the session's counters from `tail` to the end of the append; `false` if the session is not at `tail`.
fn move_tail(connection: &Connection, append: &Append, tail: Tail) -> Result<bool> {
    check_revision(append.options.expected_revision, tail.revision)?;
    let end = end_of(append, tail.place)?;
    let memo = match &append.memo {
        Some((revision, memo)) if *revision == tail.revision => serde_json::to_string(memo).ok(),
        _ => None,
    };
    let changed = connection
        .prepare_cached(
            "UPDATE sessions SET head_seq = ?1, token_total = ?2, turn_count = ?3, revision = revision + 1, \
             updated = max(updated, ?4), window_memo = coalesce(?5, window_memo) WHERE key = ?6 AND revision = ?7",
        )?
        .execute(params![
            end.seq,
            signed(end.total_tokens),
            end.turn,
            append.now,
            memo,
            append.key.0,
            signed(tail.revision)
        ])?;
    Ok(changed == 1)
}

fn check_revision(expected: Option<u64>, found: u64) -> ModelResult<()> {
    match expected {
        Some(expected) if expected != found => Err(Error::new(
            Kind::Conflict,
            format!("expected revision {expected}, the session has {found}: somebody changed it; read it again"),
        )),
        _ => Ok(()),
    }
}

fn insert_messages(connection: &Connection, append: &Append, tail: Tail) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO messages (key, role, flags, tokens, total_tokens, turn, created, tool_call_id, model, metadata, \
         tool_calls, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut place = tail.place;
    for (index, message) in append.messages.iter().enumerate() {
        if message.role == Role::Tool {
            check_step(connection, append, index, tail).map_err(|refusal| in_batch(refusal, index, append))?;
        }
        place = place.next(message.role, message.tokens);
        statement.execute(params![
            message_key(tail.segment, place.seq),
            message.role as i32,
            message.flags.0,
            message.tokens,
            signed(place.total_tokens),
            place.turn,
            message.created,
            message.tool_call_id,
            message.model,
            message.metadata,
            message.tool_calls,
            message.content,
        ])?;
    }
    Ok(())
}

fn in_batch(refusal: Refusal, index: usize, append: &Append) -> Refusal {
    match refusal {
        Refusal::Model(error) if append.messages.len() > 1 => {
            Refusal::Model(error.during(format_args!("message {index} of the batch")))
        }
        other => other,
    }
}

/// Checks that the tool message at `index` answers a call of the step before it: in the batch, or in what is kept.
fn check_step(connection: &Connection, append: &Append, index: usize, tail: Tail) -> Result<()> {
    let before = append.messages.get(..index).unwrap_or_default();
    let answer = append
        .messages
        .get(index)
        .and_then(|message| message.tool_call_id.as_deref());
    let opener: Option<&ReadyMessage> = before.iter().rev().find(|message| message.role != Role::Tool);
    let kept_calls;
    let calls = match opener {
        Some(message) => message.tool_calls.as_deref(),
        None => {
            kept_calls = calls_of_kept_step(connection, append.key, tail)?;
            kept_calls.as_deref()
        }
    };
    Ok(check_answers(answer, calls)?)
}

fn calls_of_kept_step(connection: &Connection, key: SessionKey, tail: Tail) -> Result<Option<String>> {
    let head = existing(connection, key)?;
    for stretch in head.path.0.iter().rev() {
        let range = (
            message_key(stretch.segment, stretch.first_seq),
            message_key(stretch.segment, tail.place.seq),
        );
        let mut statement = connection
            .prepare_cached("SELECT role, tool_calls FROM messages WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC")?;
        let mut found = statement.query(range)?;
        while let Some(row) = found.next()? {
            if row.get::<_, i32>(0)? != Role::Tool as i32 {
                return Ok(row.get(1)?);
            }
        }
    }
    Ok(None)
}

fn first_receipt(
    connection: &Connection,
    append: &Append,
    idempotency_key: &str,
    reached: Durability,
) -> Result<Option<Receipt>> {
    let found = connection
        .prepare_cached(
            "SELECT first_seq, last_seq, revision FROM receipts WHERE session = ?1 AND idempotency_key = ?2",
        )?
        .query_row(params![append.key.0, idempotency_key], |row| {
            Ok(Receipt {
                first_seq: row.get(0)?,
                last_seq: row.get(1)?,
                revision: super::rows::unsigned(row, 2)?,
                durability: reached,
                repeated: true,
            })
        })
        .optional()?;
    let Some(receipt) = found else { return Ok(None) };
    let then = (receipt.last_seq - receipt.first_seq + 1) as usize;
    if then != append.messages.len() {
        return Err(Error::new(
            Kind::Mismatch,
            format!(
                "idempotency key '{idempotency_key}' was used for {then} messages, not {}; use a new key for a new request",
                append.messages.len()
            ),
        )
        .into());
    }
    Ok(Some(receipt))
}

/// A retry may ask for more durability than the first try reached: a commit that writes something flushes it all.
fn flush_with_commit(connection: &Connection, reached: Durability) -> Result<()> {
    if reached == Durability::Disk {
        connection.prepare_cached(TOUCH)?.raw_execute()?;
    }
    Ok(())
}

/// Changes nothing, and is written all the same.
pub(super) const TOUCH: &str = "UPDATE meta SET value = value WHERE name = 'last_key'";

fn keep_receipt(
    connection: &Connection,
    session: SessionKey,
    idempotency_key: &str,
    receipt: &Receipt,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO receipts (session, idempotency_key, first_seq, last_seq, revision) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            session.0,
            idempotency_key,
            receipt.first_seq,
            receipt.last_seq,
            signed(receipt.revision)
        ])?;
    Ok(())
}

/// The head of a session that a mutation needs.
fn existing(connection: &Connection, key: SessionKey) -> Result<Head> {
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
