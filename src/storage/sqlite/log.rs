//! The write-ahead log after a flush that failed.
//!
//! A system that could not write what it was to flush may take it for written all the same: the next flush succeeds, and what
//! the log holds is on no disk (Linux does so). SQLite writes the frames of the commit that failed anew, but not those before
//! them, which were acknowledged at level OS and which a later flush is to cover. So all of the log is written once more, byte for
//! byte, and flushed, before anything else is acknowledged as flushed or moved into the database.

use super::failure::Site;
use super::raw;
use crate::error::Result;
use rusqlite::Connection;

/// Writes the log once more if a flush has failed since that was last done. No transaction may be open.
pub(super) fn renew_if_distrusted(connection: &Connection, site: &Site) -> Result<()> {
    let Some(failed) = site.distrusts_log() else {
        return Ok(());
    };
    renew(connection).map_err(|error| site.explain(&error))?;
    site.trust_log(failed);
    Ok(())
}

/// While a transaction is open, nobody else appends to the log or begins it anew.
fn renew(connection: &Connection) -> rusqlite::Result<()> {
    // Before there is something to end: without memory nothing can be prepared.
    let mut rollback = raw::Statement::prepare(connection, "ROLLBACK")?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let written = raw::write_log_once_more(connection);
    rollback.run()?;
    written
}
