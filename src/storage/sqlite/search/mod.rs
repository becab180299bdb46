//! Full text: what is to be indexed, what is indexed, and what is found.
//!
//! An append only notes, in its own transaction, that its segment has something new: one row until that is indexed. What is
//! noted is indexed later, by the store's thread when nothing else is to be done, and before every search (`index`). FTS5 holds
//! the words and no texts (`find` reads those where they are); the words are told by `model::words`, so that what is marked in a
//! hit is what was found.

mod expression;
mod find;
mod index;
#[cfg(test)]
mod tests;

pub(super) use find::Wanted;
pub(super) use index::{Backlog, is_behind, session_text};

use super::changes::Result;
use super::rows::message_key;
use crate::storage::SessionKey;
use rusqlite::{Connection, params};

/// Notes that the messages of a segment are to be indexed, from a seq on; or a session below zero, with a seq of 0.
pub(super) const NOTE: &str = "INSERT INTO search_outbox (segment, next_seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

/// Notes that a session's name, title and summary are to be indexed.
pub(super) fn note_session(connection: &Connection, key: SessionKey) -> rusqlite::Result<()> {
    connection.prepare_cached(NOTE)?.execute([-key.0, 0])?;
    Ok(())
}

/// Forgets the messages of a segment, from a seq on, before they are removed.
pub(super) fn forget(connection: &Connection, segment: u32, first_seq: u32) -> Result<()> {
    forget_keys(
        connection,
        message_key(segment, first_seq),
        message_key(segment, u32::MAX),
    )?;
    connection
        .prepare_cached("UPDATE search_outbox SET next_seq = min(next_seq, ?2) WHERE segment = ?1 AND next_seq > ?2")?
        .execute([segment, first_seq])?;
    if first_seq == 0 {
        connection
            .prepare_cached("DELETE FROM search_outbox WHERE segment = ?1")?
            .execute([segment])?;
    }
    Ok(())
}

/// Forgets a session's name, title and summary.
pub(super) fn forget_session(connection: &Connection, key: SessionKey) -> Result<()> {
    forget_keys(connection, -key.0, -key.0)?;
    connection
        .prepare_cached("DELETE FROM search_outbox WHERE segment = ?1")?
        .execute([-key.0])?;
    Ok(())
}

fn forget_keys(connection: &Connection, first: i64, last: i64) -> Result<()> {
    let documents: Vec<i64> = connection
        .prepare_cached("SELECT document FROM search_documents WHERE key BETWEEN ?1 AND ?2 ORDER BY document")?
        .query_map([first, last], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for document in documents {
        connection
            .prepare_cached("DELETE FROM search WHERE rowid = ?1")?
            .execute([document])?;
    }
    connection
        .prepare_cached("DELETE FROM search_documents WHERE key BETWEEN ?1 AND ?2")?
        .execute(params![first, last])?;
    Ok(())
}
