//! Appending: the mutation that matters most, and is as short as it can be.
//!
//! Where the writer knows the session's tail it is an UPDATE that holds only at the revision it knows, and an INSERT for each
//! message; otherwise the session's row is read first. Runs inside the writer's transaction, like all of `changes`.

use super::branch::place_at;
use super::changes::{Known, Refusal, Result, Tail, check_revision, existing, existing_with_path};
use super::raw::Statement;
use super::readers::key_ranges;
use super::rows::{message_key, signed};
use super::search;
use crate::error::{Error, Kind};
use crate::model::message::ToolCalls;
use crate::model::{Durability, Place, ReadyMessage, Receipt, Role};
use crate::storage::mutation::Append;
use crate::storage::{Head, Outcome, SessionKey};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};

/// The statements of an append, prepared once for a connection. Dropped before it.
pub(super) struct Statements {
    move_tail: Statement,
    insert: Statement,
    note: Statement,
}

impl Statements {
    pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            move_tail: Statement::prepare(
                connection,
                "UPDATE sessions SET head_seq = ?1, token_total = ?2, turn_count = ?3, revision = revision + 1, \
                 updated = iif(updated > ?4, updated, ?4), window_memo = coalesce(?5, window_memo), bytes = ?8 \
                 WHERE key = ?6 AND revision = ?7",
            )?,
            insert: Statement::prepare(
                connection,
                "INSERT INTO messages (key, role, flags, tokens, total_tokens, turn, created, tool_call_id, model, \
                 metadata, tool_calls, content, total_bytes, packed) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?,
            note: Statement::prepare(connection, search::NOTE)?,
        })
    }

    /// Moves the session's counters from `tail` to the end of the append; `false` if the session is not at `tail`.
    fn move_tail(&mut self, append: &Append, tail: Tail) -> Result<bool> {
        let end = tail.after(&append.messages)?;
        let memo = match &append.memo {
            Some((revision, memo)) if *revision == tail.revision => serde_json::to_string(memo).ok(),
            _ => None,
        };
        let changed = self.move_tail.execute(&[
            ValueRef::Integer(end.place.seq.into()),
            ValueRef::Integer(signed(end.place.total_tokens)),
            ValueRef::Integer(end.place.turn.into()),
            ValueRef::Integer(append.now),
            memo.as_deref().into(),
            ValueRef::Integer(append.key.0),
            ValueRef::Integer(signed(tail.revision)),
            ValueRef::Integer(signed(end.bytes)),
        ])?;
        Ok(changed == 1)
    }

    /// Inserts the row of a message: what it is, where it stands, and the bytes up to and with it.
    pub(super) fn insert(
        &mut self,
        segment: u32,
        place: Place,
        total_bytes: u64,
        message: &ReadyMessage,
    ) -> rusqlite::Result<()> {
        let content = match message.packed {
            None => message.content.as_str(),
            Some(_) => "",
        };
        self.insert
            .execute(&[
                ValueRef::Integer(message_key(segment, place.seq)),
                ValueRef::Integer(message.role as i64),
                ValueRef::Integer(message.flags.0.into()),
                ValueRef::Integer(message.tokens.into()),
                ValueRef::Integer(signed(place.total_tokens)),
                ValueRef::Integer(place.turn.into()),
                ValueRef::Integer(message.created),
                message.tool_call_id.as_deref().into(),
                message.model.as_deref().into(),
                message.metadata.as_deref().into(),
                message.tool_calls.as_deref().into(),
                content.into(),
                ValueRef::Integer(signed(total_bytes)),
                message.packed.as_deref().into(),
            ])
            .map(drop)
    }

    /// Notes that the messages of a segment are to be indexed, from a seq on.
    pub(super) fn note(&mut self, segment: u32, first_seq: u32) -> rusqlite::Result<()> {
        self.note
            .execute(&[ValueRef::Integer(segment.into()), ValueRef::Integer(first_seq.into())])
            .map(drop)
    }
}

/// Appends messages. `reached` goes into the receipt.
pub(super) fn append(
    connection: &Connection,
    known: &mut Known,
    append: &Append,
    reached: Durability,
) -> Result<Outcome> {
    if let Some(key) = &append.options.idempotency_key
        && let Some(receipt) = first_receipt(connection, append, key, reached)?
    {
        flush_with_commit(connection, reached)?;
        return Ok(Outcome::Appended(receipt));
    }
    let tail = take_place(connection, known, append)?;
    insert_messages(connection, known, append.key, &append.messages, tail)?;
    let after = tail.after(&append.messages)?;
    let receipt = Receipt {
        first_seq: tail.place.seq + 1,
        last_seq: after.place.seq,
        first_turn: first_turn(tail, &append.messages),
        revision: tail.revision + 1,
        durability: reached,
        repeated: false,
    };
    if let Some(key) = &append.options.idempotency_key {
        keep_receipt(connection, append.key, key, &receipt)?;
    }
    known.tails.put(
        append.key,
        Tail {
            revision: receipt.revision,
            ..after
        },
    );
    Ok(Outcome::Appended(receipt))
}

/// The turn of the first of some messages behind a tail.
pub(super) fn first_turn(tail: Tail, messages: &[ReadyMessage]) -> u32 {
    let first = messages.first();
    first.map_or(0, |first| tail.place.next(first.role, first.tokens).turn)
}

/// Moves the session's counters past the messages to come, and says where those begin.
fn take_place(connection: &Connection, known: &mut Known, append: &Append) -> Result<Tail> {
    let expected = append.options.expected_revision;
    if let Some(tail) = known.tails.get(&append.key).copied()
        && expected.is_none_or(|expected| expected == tail.revision)
        && known.statements.move_tail(append, tail)?
    {
        return Ok(tail);
    }
    let fresh = Tail::of(&existing(connection, append.key)?);
    check_revision(expected, fresh.revision)?;
    if known.statements.move_tail(append, fresh)? {
        return Ok(fresh);
    }
    Err(Error::new(Kind::Storage, "the session's row changed inside one transaction").into())
}

/// Inserts messages behind a tail, and notes that they are to be indexed.
pub(super) fn insert_messages(
    connection: &Connection,
    known: &mut Known,
    key: SessionKey,
    messages: &[ReadyMessage],
    tail: Tail,
) -> Result<()> {
    let mut place = tail.place;
    let mut bytes = tail.bytes;
    let mut step = Step::Kept;
    for (index, message) in messages.iter().enumerate() {
        step = step
            .with(connection, key, tail, message)
            .map_err(|refusal| in_batch(refusal, index, messages.len()))?;
        place = place.next(message.role, message.tokens);
        bytes += message.bytes();
        known.statements.insert(tail.segment, place, bytes, message)?;
    }
    Ok(known.statements.note(tail.segment, tail.place.seq + 1)?)
}

fn in_batch(refusal: Refusal, index: usize, count: usize) -> Refusal {
    match refusal {
        Refusal::Model(error) if count > 1 => {
            Refusal::Model(error.during(format_args!("message {index} of the batch")))
        }
        other => other,
    }
}

/// The step that the next message would continue if it were a tool result.
enum Step<'a> {
    /// The newest one of what is kept.
    Kept,
    /// One that a message of this append began.
    Begun(&'a ReadyMessage),
    /// Its calls, once the first answer came.
    Answered(ToolCalls),
}

impl<'a> Step<'a> {
    /// The step after a message, which must answer a call of this one if it is a tool result.
    fn with(self, connection: &Connection, key: SessionKey, tail: Tail, message: &'a ReadyMessage) -> Result<Self> {
        if message.role != Role::Tool {
            return Ok(Self::Begun(message));
        }
        let calls = match self {
            Self::Answered(calls) => calls,
            Self::Begun(opener) => ToolCalls::of_step(opener.tool_calls.as_deref())?,
            Self::Kept => {
                let head = existing_with_path(connection, key)?;
                ToolCalls::of_step(calls_of_step_at(connection, &head, tail.place.seq)?.as_deref())?
            }
        };
        calls.check_answer(message.tool_call_id.as_deref())?;
        Ok(Self::Answered(calls))
    }
}

/// The calls of the newest step of a session, which a tool message would continue.
pub(super) fn calls_of_kept_step(connection: &Connection, key: SessionKey) -> Result<Option<String>> {
    let head = existing_with_path(connection, key)?;
    calls_of_step_at(connection, &head, head.place.seq)
}

fn calls_of_step_at(connection: &Connection, head: &Head, seq: u32) -> Result<Option<String>> {
    let mut statement = connection
        .prepare_cached("SELECT role, tool_calls FROM messages WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC")?;
    for keys in key_ranges(&head.path, &(1..=seq)).into_iter().rev() {
        let mut found = statement.query(keys)?;
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
    let mut found = connection
        .prepare_cached(
            "SELECT first_seq, last_seq, revision FROM receipts WHERE session = ?1 AND idempotency_key = ?2",
        )?
        .query_row(params![append.key.0, idempotency_key], |row| {
            Ok(Receipt {
                first_seq: row.get(0)?,
                last_seq: row.get(1)?,
                first_turn: 0,
                revision: super::rows::unsigned(row, 2)?,
                durability: reached,
                repeated: true,
            })
        })
        .optional()?;
    let Some(receipt) = &mut found else { return Ok(None) };
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
    let head = existing(connection, append.key)?;
    receipt.first_turn = place_at(connection, &head, receipt.first_seq)?.0.turn;
    Ok(found)
}

/// A retry may ask for more durability than the first try reached: a commit that writes something flushes it all.
fn flush_with_commit(connection: &Connection, reached: Durability) -> Result<()> {
    if reached == Durability::Disk {
        connection.prepare_cached(TOUCH)?.raw_execute()?;
    }
    Ok(())
}

/// Changes nothing that matters. It must change something: SQLite writes no page that stays as it was, and flushes nothing.
pub(super) const TOUCH: &str = "UPDATE meta SET value = value + 1 WHERE name = 'flushes'";

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
