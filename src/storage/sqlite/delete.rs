//! Deleting sessions: what forks share stays, what nobody else has goes in the same transaction.

use super::changes::{Known, Result, existing, note_number};
use super::{branch, erase, search};
use crate::error::{Error, Kind};
use crate::model::Micros;
use crate::storage::mutation::{Changed, Cleanup, Delete, Over};
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

/// Whether the time of a session is over: `?1` is when, `?2` the store's own expiry, and `?3` whether that begins anew with every change.
const IS_OVER: &str = "(expires <= ?1 OR updated + expires_after <= ?1 OR \
     (expires IS NULL AND expires_after IS NULL AND iif(?3, updated, created) + ?2 <= ?1))";

/// The sessions whose time is over.
pub(super) fn expired(connection: &Connection, over: &Over) -> rusqlite::Result<Vec<SessionKey>> {
    let (now, after, sliding) = bound(over);
    connection
        .prepare_cached(&format!("SELECT key FROM sessions WHERE {IS_OVER} ORDER BY key"))?
        .query_map(params![now, after, sliding], |row| row.get(0).map(SessionKey))?
        .collect()
}

/// Deletes those sessions whose time is over still: somebody may have talked in one since it was found.
pub(super) fn clean_up(connection: &Connection, known: &mut Known, cleanup: &Cleanup) -> Result<Outcome> {
    let (now, after, sliding) = bound(&cleanup.over);
    let mut gone = Vec::new();
    for key in &cleanup.sessions {
        let id: Option<String> = connection
            .prepare_cached(&format!("SELECT id FROM sessions WHERE key = ?4 AND {IS_OVER}"))?
            .query_row(params![now, after, sliding, key.0], |row| row.get(0))
            .optional()?;
        if let Some(id) = id {
            delete(connection, known, *key)?;
            gone.push(Changed { key: *key, id });
        }
    }
    Ok(Outcome::Changed(gone))
}

fn bound(over: &Over) -> (Micros, Option<Micros>, bool) {
    let default = over.default_expiry;
    (
        over.now,
        default.map(|expiry| expiry.after),
        default.is_some_and(|expiry| expiry.sliding),
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sqlite::connection::Opener;
    use crate::storage::sqlite::failure::Site;
    use crate::storage::sqlite::schema;
    use std::time::Duration;

    #[test]
    fn a_session_that_was_found_and_is_no_longer_over_stays() {
        let opener = Opener {
            site: Site::new(":memory:", Duration::ZERO),
            file: None,
            beside: Vec::new(),
            read_only: false,
            exclusive: false,
        };
        let mut connection = opener.memory().unwrap();
        schema::bring_up_to_date(&mut connection, &opener).unwrap();
        connection
            .execute_batch(
                "INSERT INTO sessions (key, id, created, updated, expires, tail_segment) \
                 VALUES (1, 'over', 0, 0, 5, 1), (2, 'talked in', 0, 0, 5, 2)",
            )
            .unwrap();
        let over = Over {
            default_expiry: None,
            now: 7,
        };
        let sessions = expired(&connection, &over).unwrap();
        assert_eq!(sessions, [SessionKey(1), SessionKey(2)]);

        connection
            .execute("UPDATE sessions SET expires = 9 WHERE key = 2", [])
            .unwrap();
        let outcome = clean_up(
            &connection,
            &mut Known::new(&connection).unwrap(),
            &Cleanup { sessions, over },
        )
        .unwrap();

        let Outcome::Changed(gone) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            gone.iter().map(|session| session.id.as_str()).collect::<Vec<_>>(),
            ["over"]
        );
    }
}
