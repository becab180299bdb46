//! Sessions that come from elsewhere: many in one transaction, each in a savepoint of its own.

use super::append;
use super::changes::existing_with_path;
use super::changes::{self, Known, Refusal, Result};
use super::events::EventLog;
use super::failure::Site;
use super::readers::key_ranges;
use super::rows::{self, signed};
use super::writer::explain;
use crate::error::{Error, Kind, Result as ModelResult};
use crate::model::fingerprint::Fingerprint;
use crate::model::{Durability, KeptReceipt, Place, ids};
use crate::storage::event::events_of;
use crate::storage::mutation::{Erased, Settle};
use crate::storage::{Imported, Importing, Mutation, Outcome, SessionKey, print_with};
use rusqlite::{Connection, OptionalExtension, params};

/// The transaction of an import. Whoever made it has begun it, and ends it.
pub(super) struct Import<'a> {
    pub(super) connection: &'a Connection,
    pub(super) site: &'a Site,
    pub(super) known: &'a mut Known,
    pub(super) event_log: Option<&'a mut EventLog>,
    pub(super) told: bool,
    /// A session has begun and not ended.
    pub(super) begun: Option<Begun>,
    pub(super) imported: Imported,
}

/// What there was when a session began.
pub(super) struct Begun {
    events: usize,
    deleted: usize,
    logged: u64,
}

impl Import<'_> {
    fn run(&self, sql: &str) -> ModelResult<()> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute())
            .map(drop)
            .map_err(|error| self.site.explain(&error))
    }

    fn change(&mut self, mutation: &Mutation, noted: bool) -> ModelResult<Outcome> {
        let connection = self.connection;
        // What it survives is known when all of it is committed.
        let outcome = changes::apply(connection, self.known, mutation, Durability::Os).map_err(|refusal| {
            self.known.forget_tails();
            // SQLite itself rolled everything back (disk full, I/O error): that is no fault of one session.
            match explain(self.site, refusal) {
                error if connection.is_autocommit() => Error::new(storage_kind(&error), error.message()),
                error => error,
            }
        })?;
        match outcome {
            Outcome::Deleted(key) | Outcome::Erased(Erased { key, .. }) => self.imported.deleted.push(key),
            _ => {}
        }
        if noted {
            self.note_events(mutation, &outcome)?;
        }
        Ok(outcome)
    }

    /// A session's beginning and its appends are told as one thing when it is settled.
    fn note_events(&mut self, mutation: &Mutation, outcome: &Outcome) -> ModelResult<()> {
        if matches!(mutation, Mutation::Import(_) | Mutation::Append(_)) {
            return Ok(());
        }
        let mut events = events_of(mutation, outcome);
        if let Some(log) = &mut self.event_log {
            log.write(self.connection, &mut events)
                .map_err(|refusal| explain(self.site, refusal))?;
        }
        if self.told {
            self.imported.events.append(&mut events);
        }
        Ok(())
    }
}

fn storage_kind(error: &Error) -> Kind {
    match error.kind() {
        kind @ (Kind::Full | Kind::Corrupt | Kind::Busy | Kind::ReadOnly) => kind,
        _ => Kind::Storage,
    }
}

impl Importing for Import<'_> {
    fn find(&self, id: &str) -> ModelResult<Option<SessionKey>> {
        let find = || {
            self.connection
                .prepare_cached("SELECT key FROM sessions WHERE id = ?1")?
                .query_row([id], |row| Ok(SessionKey(row.get(0)?)))
                .optional()
        };
        find().map_err(|error| self.site.explain(&error))
    }

    fn name_is_taken(&self, user_id: &str, name: &str) -> ModelResult<bool> {
        let look = || {
            self.connection
                .prepare_cached("SELECT 1 FROM sessions WHERE user_id = ?1 AND name = ?2")?
                .exists([user_id, name])
        };
        look().map_err(|error| self.site.explain(&error))
    }

    fn open_calls(&self, key: SessionKey) -> ModelResult<Option<String>> {
        append::calls_of_kept_step(self.connection, key).map_err(|refusal| explain(self.site, refusal))
    }

    fn forks_of(&self, key: SessionKey) -> ModelResult<Vec<(SessionKey, u32)>> {
        let read = || {
            self.connection
                .prepare_cached("SELECT key, fork_seq FROM sessions WHERE parent = ?1")?
                .query_map([key.0], |row| Ok((SessionKey(row.get(0)?), row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.site.explain(&error))
    }

    fn print_of(&self, key: SessionKey, behind: u32) -> ModelResult<(u64, Fingerprint)> {
        print_of(self.connection, key, behind).map_err(|refusal| explain(self.site, refusal))
    }

    fn begin_session(&mut self) -> ModelResult<()> {
        self.run("SAVEPOINT session")?;
        self.begun = Some(Begun {
            events: self.imported.events.len(),
            deleted: self.imported.deleted.len(),
            logged: self.event_log.as_ref().map_or(0, |log| log.written()),
        });
        Ok(())
    }

    fn keep_session(&mut self) -> ModelResult<()> {
        match self.begun.take() {
            Some(_) => self.run("RELEASE session"),
            None => Ok(()),
        }
    }

    fn undo_session(&mut self) -> ModelResult<()> {
        let Some(begun) = self.begun.take() else {
            return Ok(());
        };
        self.known.forget_tails();
        self.imported.events.truncate(begun.events);
        self.imported.deleted.truncate(begun.deleted);
        if let Some(log) = &mut self.event_log {
            log.take_back_to(begun.logged);
        }
        self.run("ROLLBACK TO session")?;
        self.run("RELEASE session")
    }

    fn apply(&mut self, mutation: &Mutation) -> ModelResult<Outcome> {
        self.change(mutation, true)
    }

    fn apply_silently(&mut self, mutation: &Mutation) -> ModelResult<Outcome> {
        self.change(mutation, false)
    }
}

/// Gives a session back what it was before it came here.
pub(super) fn settle(connection: &Connection, known: &mut Known, settle: &Settle) -> Result<Outcome> {
    known.tails.pop(&settle.key);
    let (end, revision) = connection
        .prepare_cached(
            "UPDATE sessions SET status = coalesce(?2, status), created = coalesce(?3, created), \
             updated = coalesce(?4, ?3, updated), revision = coalesce(?5, revision), parent = ?6, fork_seq = ?7, \
             max_bytes = coalesce(?8, max_bytes) WHERE key = ?1 RETURNING head_seq, token_total, turn_count, revision",
        )?
        .query_row(
            params![
                settle.key.0,
                settle.status.map(|status| status as i32),
                settle.created,
                settle.updated,
                settle.revision.map(signed),
                settle.parent.map(|parent| parent.0),
                settle.fork_seq,
                settle.max_bytes.map(signed),
            ],
            |row| {
                let end = Place {
                    seq: row.get(0)?,
                    total_tokens: rows::unsigned(row, 1)?,
                    turn: row.get(2)?,
                };
                Ok((end, rows::unsigned(row, 3)?))
            },
        )?;
    for (fork, seq) in &settle.forks {
        connection
            .prepare_cached("UPDATE sessions SET parent = ?2, fork_seq = ?3 WHERE key = ?1")?
            .execute(params![fork.0, settle.key.0, seq])?;
    }
    for receipt in &settle.receipts {
        ids::check_id("idempotency_key", &receipt.key)?;
        keep_receipt(connection, settle, end, receipt)?;
    }
    Ok(Outcome::Settled(end, revision))
}

fn keep_receipt(connection: &Connection, settle: &Settle, end: Place, receipt: &KeptReceipt) -> Result<()> {
    let holds = receipt.first_seq >= 1 && receipt.first_seq <= receipt.last_seq && receipt.last_seq <= end.seq;
    if !holds {
        return Err(Refusal::Model(Error::invalid(format!(
            "the receipt of idempotency key '{}' is for messages {} to {}; the last one is {}",
            receipt.key, receipt.first_seq, receipt.last_seq, end.seq
        ))));
    }
    connection
        .prepare_cached(
            "INSERT INTO receipts (session, idempotency_key, first_seq, last_seq, revision) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            settle.key.0,
            receipt.key,
            receipt.first_seq,
            receipt.last_seq,
            signed(receipt.revision)
        ])?;
    Ok(())
}

fn print_of(connection: &Connection, key: SessionKey, behind: u32) -> Result<(u64, Fingerprint)> {
    let head = existing_with_path(connection, key)?;
    let mut messages = 0;
    let mut print = Fingerprint::new();
    let mut statement = connection.prepare_cached(rows::SELECT_MESSAGES)?;
    for keys in key_ranges(&head.path, &(behind.saturating_add(1)..=head.place.seq)) {
        let mut found = statement.query(keys)?;
        while let Some(row) = found.next()? {
            let message = rows::ready_message(row)?;
            messages += 1;
            print = print_with(print, message.role, &message.content);
        }
    }
    Ok((messages, print))
}

/// The receipts of a session's appends with an idempotency key.
pub(super) fn receipts(connection: &Connection, key: SessionKey) -> rusqlite::Result<Vec<KeptReceipt>> {
    connection
        .prepare_cached(
            "SELECT idempotency_key, first_seq, last_seq, revision FROM receipts WHERE session = ?1 \
             ORDER BY first_seq, idempotency_key",
        )?
        .query_map([key.0], |row| {
            Ok(KeptReceipt {
                key: row.get(0)?,
                first_seq: row.get(1)?,
                last_seq: row.get(2)?,
                revision: rows::unsigned(row, 3)?,
            })
        })?
        .collect()
}
