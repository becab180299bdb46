//! How the writer ends: with everything in the file, as far as the log is still its own.

use super::{FRAMES_WORTH_A_NEW_BEGINNING, Writer};
use crate::error::{Error, Kind, Result};
use crate::model::Durability;
use crate::storage::lost_with;
use crate::storage::sqlite::connection::LogAtClose;
use rusqlite::config::DbConfig;
use std::sync::atomic::Ordering;

impl Writer {
    /// Lets the WAL file keep its length, which is dear to grow, and hold next to nothing, which is quick to read when the store
    /// is opened again: once everything is in the database, the next commit begins at the front.
    fn begin_wal_anew(&mut self) -> Result<()> {
        self.checkpoint()?;
        self.commit_a_frame(Durability::Os)
    }

    /// Flushes, and closes the connection. Nothing is written to a damaged file, not even what its WAL holds.
    pub(in crate::storage::sqlite) fn close(mut self, log: LogAtClose) -> Result<()> {
        let log = match log {
            LogAtClose::MoveIfNobodyWrote if self.wrote_last() => LogAtClose::MoveNow,
            LogAtClose::MoveIfNobodyWrote => LogAtClose::Lost,
            known => known,
        };
        if matches!(log, LogAtClose::Leave | LogAtClose::Lost) {
            return self.close_and_leave_log(log);
        }
        // A commit whose flush failed stands in the log until another takes its place: whoever opens the store next would find it.
        self.unflushed |= !self.in_memory && self.site.distrusts_log().is_some();
        let mut flushed = self.site.check_undamaged().and_then(|()| self.flush());
        if flushed.is_ok() && self.wal_frames.load(Ordering::Relaxed) > FRAMES_WORTH_A_NEW_BEGINNING {
            let _slower_to_open = self.begin_wal_anew();
        }
        if flushed.is_ok() {
            flushed = self.renew_log_if_distrusted();
        }
        if flushed.is_ok() && log == LogAtClose::MoveNow {
            flushed = self.move_all();
        }
        // What is still deferred ends with the connection.
        let lost = self.lost + self.deferred;
        if lost > 0 {
            flushed = flushed.map_err(|cause| lost_with(&cause, lost));
        }
        drop((self.begin, self.commit, self.known));
        let connection = self.reader.into_connection();
        if self.site.check_undamaged().is_err() || self.site.distrusts_log().is_some() {
            let _left_alone = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        } else if !self.in_memory {
            // With a limit SQLite would cut the WAL file to nothing now, and the next appends would pay for growing it.
            let _kept = connection.pragma_update(None, "journal_size_limit", -1);
        }
        let closed = connection.close().map_err(|(_, error)| self.site.explain(&error));
        flushed.and(closed)
    }

    /// Whether the last commit that the log's index knows of is this connection's own.
    fn wrote_last(&self) -> bool {
        let frames: rusqlite::Result<i64> =
            self.reader
                .connection
                .query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1));
        frames.is_ok_and(|frames| frames == i64::from(self.wal_frames.load(Ordering::Relaxed)))
    }

    /// Moves what the log holds into the file, all of it.
    fn move_all(&self) -> Result<()> {
        let (frames, moved): (i64, i64) = self
            .reader
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok((row.get(1)?, row.get(2)?))
            })
            .map_err(|error| self.site.explain(&error))?;
        if frames == moved {
            return Ok(());
        }
        Err(Error::new(
            Kind::Storage,
            format!(
                "the log of {} was deleted, and {} of the {frames} pages in it could not be moved into the file while somebody \
                 reads; what they held is lost if that one does not close the store after you",
                self.site.location,
                frames - moved
            ),
        ))
    }

    /// Closes the connection and changes nothing.
    fn close_and_leave_log(self, log: LogAtClose) -> Result<()> {
        let location = &self.site.location;
        let mut left = match log {
            LogAtClose::Lost => Err(Error::new(
                Kind::Storage,
                format!(
                    "the log of {location} was replaced while it was open: what it held that was not in the file yet is lost; check \
                     the store, and restore a backup if something is missing"
                ),
            )),
            _ => Ok(()),
        };
        let lost = self.lost + self.deferred;
        if lost > 0 {
            let cause = left.err().unwrap_or_else(|| {
                Error::new(
                    Kind::Storage,
                    format!("files of {location} were deleted or replaced while it was open"),
                )
            });
            left = Err(lost_with(&cause, lost));
        }
        drop((self.begin, self.commit, self.known));
        let connection = self.reader.into_connection();
        let _left_alone = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        let closed = connection.close().map_err(|(_, error)| self.site.explain(&error));
        left.and(closed)
    }
}
