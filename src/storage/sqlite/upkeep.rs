//! Maintenance of a store in SQLite: each verb on the connection that it needs.

use super::new_file::NewFile;
use super::readers::{Apart, Hold, Reader};
use super::{SqliteStorage, backup, check, erase, writer};
use crate::error::{Error, Kind, Result};
use crate::model::{CheckReport, Durability, StoreSizes};
use crate::storage::Storage;
use crate::storage::upkeep::{Progress, Upkeep};
use parking_lot::MappedMutexGuard;
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// How many rows of each index are looked at for statistics. With any such limit, SQLite keeps no samples of the values.
const ANALYSED_ROWS: u32 = 1_000;

/// How long to wait before the log is tried again.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// A connection that sees one moment: one of its own, or in memory the only one there is, held.
pub(super) enum Still<'a> {
    Apart(Apart<'a>),
    Held(MappedMutexGuard<'a, super::Writer>),
}

impl Still<'_> {
    fn connection(&self) -> Result<&Connection> {
        match self {
            Self::Apart(apart) => apart.connection(),
            Self::Held(writer) => Ok(&writer.reader().connection),
        }
    }
}

impl Hold for Still<'_> {
    fn reader(&self) -> Option<&Reader> {
        match self {
            Self::Apart(apart) => apart.reader(),
            Self::Held(writer) => Some(writer.reader()),
        }
    }
}

impl SqliteStorage {
    pub(super) fn still(&self) -> Result<Still<'_>> {
        if self.in_memory {
            return self.writer().map(Still::Held);
        }
        self.pool.apart().map(Still::Apart)
    }

    /// Runs something that writes and is no mutation.
    fn between_transactions<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.check_writable(Durability::Disk)?;
        let mut writer = self.writer()?;
        let saved = writer.between_transactions();
        let done = saved.and_then(|connection| run(connection).map_err(|error| self.site.explain(&error)));
        self.note_deferred(&writer);
        done
    }
}

impl Upkeep for SqliteStorage {
    fn backup(&self, target: &str, overwrite: bool, progress: Progress<'_>) -> Result<()> {
        self.site.check_undamaged()?;
        let source = self.pool.opener.file.as_ref();
        let into = NewFile::begin(target, overwrite, source, self.site.busy_timeout)?;
        if self.in_memory {
            // The callback must find nothing locked.
            let copy = backup::in_memory(&self.writer()?.reader().connection, &self.site)?;
            return backup::backup(&copy, into, progress);
        }
        let apart = self.pool.apart()?;
        backup::backup(apart.connection()?, into, progress)
    }

    fn check(&self) -> Result<CheckReport> {
        let still = self.still()?;
        check::check(still.connection()?, &self.site)
    }

    fn vacuum(&self) -> Result<()> {
        self.between_transactions(erase::vacuum)?;
        self.checkpoint()
    }

    fn optimize(&self) -> Result<()> {
        self.between_transactions(|connection| {
            connection.execute_batch("INSERT INTO search (search) VALUES ('optimize')")?;
            connection.pragma_update(None, "analysis_limit", ANALYSED_ROWS)?;
            connection.execute_batch("ANALYZE")
        })?;
        self.checkpoint()
    }

    fn sizes(&self) -> Result<StoreSizes> {
        let still = self.still()?;
        let mut sizes = measure(still.connection()?).map_err(|error| self.site.explain(&error))?;
        sizes.wal_file = self.wal_bytes();
        Ok(sizes)
    }

    fn is_being_erased(&self, id: &str) -> Result<bool> {
        let writer = self.writer()?;
        erase::is_pending(&writer.reader().connection, id).map_err(|error| self.site.explain(&error))
    }

    fn finish_erasing(&self) -> Result<bool> {
        let marks = self.between_transactions(erase::pending)?;
        let forget = |connection: &Connection| erase::forget_pending(connection, &marks);
        if self.in_memory {
            return self.between_transactions(forget).map(|()| false);
        }
        self.between_transactions(erase::rewrite)?;
        // Also whoever moves the log into the database just then is in the way, and SQLite does not wait for him.
        let begin = Instant::now();
        while !self.between_transactions(erase::empty_log)? {
            if begin.elapsed() >= self.site.busy_timeout {
                return Err(self.cannot_empty_log());
            }
            std::thread::sleep(BETWEEN_TRIES);
        }
        self.between_transactions(forget).map(|()| true)
    }
}

impl SqliteStorage {
    fn cannot_empty_log(&self) -> Error {
        Error::new(
            Kind::Busy,
            format!(
                "somebody has read with {} since before, for longer than {:.1} s (busy_timeout): what is deleted is no \
                 longer found, but its text is still in the files; erase the same session again to finish",
                self.site.location,
                self.site.busy_timeout.as_secs_f64()
            ),
        )
    }

    fn checkpoint(&self) -> Result<()> {
        if self.in_memory {
            return Ok(());
        }
        self.between_transactions(|_| Ok(()))?;
        match self.housekeeper.lock().as_ref() {
            Some(connection) => writer::checkpoint(connection, &self.site),
            None => Ok(()),
        }
    }
}

/// The bytes of each table and index, by SQLite's own count of pages.
fn measure(connection: &Connection) -> rusqlite::Result<StoreSizes> {
    let number = |pragma: &str| -> rusqlite::Result<u64> {
        connection.pragma_query_value(None, pragma, |row| super::rows::unsigned(row, 0))
    };
    let page = number("page_size")?;
    let mut sizes = StoreSizes {
        free_pages: number("freelist_count")? * page,
        database: number("page_count")? * page,
        ..StoreSizes::default()
    };
    let mut statement = connection.prepare(
        "SELECT coalesce(s.tbl_name, ''), coalesce(s.type, ''), d.pgsize FROM dbstat AS d \
         LEFT JOIN sqlite_schema AS s ON s.name = d.name WHERE d.aggregate = TRUE",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let part = match (table.as_str(), kind.as_str()) {
            (table, _) if table.starts_with("search") => &mut sizes.search,
            (_, "index") => &mut sizes.indexes,
            ("messages", _) => &mut sizes.messages,
            ("sessions" | "segments" | "tags" | "receipts", _) => &mut sizes.sessions,
            _ => continue,
        };
        *part += super::rows::unsigned(row, 2)?;
    }
    let known = sizes.sessions + sizes.messages + sizes.search + sizes.indexes + sizes.free_pages;
    sizes.other = sizes.database.saturating_sub(known);
    Ok(sizes)
}

#[cfg(test)]
mod tests;
