//! Erasing: a deletion that leaves no copy of the text in the store's files.
//!
//! Deleting alone does not: pages that were split and joined keep what lay on them in their gaps, also with SQLite's
//! secure_delete; a search index without contents only marks its entries as deleted; and the log keeps old pages. So the
//! index is merged, the database written anew, and the log emptied. What is still to be done is remembered in `meta`, by a
//! number made of the id, since the id itself is to be erased, too.

use super::changes::{Known, Result, existing_with_path};
use super::defence;
use super::delete;
use crate::model::fingerprint::Fingerprint;
use crate::storage::mutation::Erased;
use crate::storage::{Path, SessionKey};
use rusqlite::{Connection, params};

/// Deletes a session, and remembers that its text is to be removed from the files.
pub(super) fn delete(connection: &Connection, known: &mut Known, key: SessionKey, id: &str) -> Result<Erased> {
    let head = existing_with_path(connection, key)?;
    delete::delete(connection, known, key)?;
    let kept = count_messages(connection, &head.path, head.place.seq)?;
    connection
        .prepare_cached(
            "UPDATE events SET session_id = iif(session_id = ?1, '', session_id), \
             other_session_id = iif(other_session_id = ?1, '', other_session_id) \
             WHERE session_id = ?1 OR other_session_id = ?1",
        )?
        .execute([id])?;
    connection
        .prepare_cached("INSERT INTO meta (name, value) VALUES (?1, 1) ON CONFLICT DO NOTHING")?
        .execute([mark(id)])?;
    Ok(Erased {
        key,
        messages_erased: u64::from(head.place.seq) - kept,
        messages_kept: kept,
    })
}

fn count_messages(connection: &Connection, path: &Path, head_seq: u32) -> Result<u64> {
    let mut count = 0;
    for (first, last) in super::readers::key_ranges(path, &(1..=head_seq)) {
        count += connection
            .prepare_cached("SELECT count(*) FROM messages WHERE key BETWEEN ?1 AND ?2")?
            .query_row(params![first, last], |row| super::rows::unsigned(row, 0))?;
    }
    Ok(count)
}

/// Whether a session was deleted by an erasure that is not finished.
pub(super) fn is_pending(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM meta WHERE name = ?1)")?
        .query_row([mark(id)], |row| row.get(0))
}

/// Writes everything anew. What is left is to empty the log.
pub(super) fn rewrite(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("INSERT INTO search (search) VALUES ('optimize')")?;
    vacuum(connection)
}

/// Writes the database anew, without what was deleted.
pub(super) fn vacuum(connection: &Connection) -> rusqlite::Result<()> {
    defence::with_scratch_database(connection, |connection| connection.execute_batch("VACUUM"))
}

/// What is to be erased, by its marks.
pub(super) fn pending(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT name FROM meta WHERE name GLOB 'erasing *'")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// These were erased; others may have come since.
pub(super) fn forget_pending(connection: &Connection, marks: &[String]) -> rusqlite::Result<()> {
    let mut forget = connection.prepare_cached("DELETE FROM meta WHERE name = ?1")?;
    marks.iter().try_for_each(|mark| forget.execute([mark]).map(drop))
}

/// Empties the log into the database; `false` if somebody still reads what is in it.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0).map(|busy| busy == 0)
    })
}

fn mark(id: &str) -> String {
    format!("erasing {:016x}", Fingerprint::new().with(id).number())
}
