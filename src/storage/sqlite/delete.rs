//! Deleting sessions: what forks share stays, what nobody else has goes in the same transaction.

use super::changes::{Known, Result, existing, note_number};
use super::{branch, erase, search};
use crate::error::{Error, Kind};
use crate::storage::mutation::{Changed, Cleanup, Delete};
use crate::storage::{Outcome, SessionKey};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn by_id(connection: &Connection, known: &mut Known, delete: &Delete) -> Result<Outcome> {
    let key = connection
        .prepare_cached("SELECT key FROM sessions WHERE id = ?1")?
        .query_row([&delete.id], |row| row.get(0).map(SessionKey))
        .optional()?
        .ok_or_else(|| Error::new(Kind::NotFound, format!("there is no session '{}'", delete.id)))?;
    if delete.erase {
        return erase::delete(connection, known, key, &delete.id).map(Outcome::Erased);
    }
    self::delete(connection, known, key)?;
    Ok(Outcome::Deleted(key))
}

/// Deletes every session whose time is over.
pub(super) fn expired(connection: &Connection, known: &mut Known, cleanup: &Cleanup) -> Result<Outcome> {
    let default = cleanup.default_expiry;
    let over: Vec<Changed> = connection
        .prepare_cached(
            "SELECT key, id FROM sessions WHERE expires <= ?1 OR updated + expires_after <= ?1 OR \
             (expires IS NULL AND expires_after IS NULL AND iif(?3, updated, created) + ?2 <= ?1)",
        )?
        .query_map(
            params![
                cleanup.now,
                default.map(|expiry| expiry.after),
                default.is_some_and(|expiry| expiry.sliding)
            ],
            |row| {
                Ok(Changed {
                    key: SessionKey(row.get(0)?),
                    id: row.get(1)?,
                })
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    for session in &over {
        delete(connection, known, session.key)?;
    }
    Ok(Outcome::Changed(over))
}

/// Deletes a session. Its forks become those of its own parent: what they share with it lies before both.
pub(super) fn delete(connection: &Connection, known: &mut Known, key: SessionKey) -> Result<()> {
    let head = existing(connection, key)?;
    known.tails.pop(&key);
    connection
        .prepare_cached(
            "UPDATE sessions AS fork SET parent = gone.parent, fork_seq = min(fork.fork_seq, gone.fork_seq) \
             FROM sessions AS gone WHERE gone.key = ?1 AND fork.parent = ?1",
        )?
        .execute([key.0])?;
    note_number(connection, key.0)?;
    for sql in [
        "DELETE FROM sessions WHERE key = ?1",
        "DELETE FROM receipts WHERE session = ?1",
        "DELETE FROM tags WHERE session = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([key.0])?;
    }
    search::forget_session(connection, key)?;
    branch::release(connection, &head)
}
