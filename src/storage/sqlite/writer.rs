//! The one connection that writes: batches of mutations in one transaction, each in its own savepoint.

use super::changes::{self, Refusal};
use super::connection::Opener;
use super::failure::Place;
use super::readers::Reader;
use crate::error::{Error, Kind, Result};
use crate::model::Durability;
use crate::storage::{Mutation, Outcome, SessionKey};
use lru::LruCache;
use rusqlite::Connection;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sessions that the writer wrote to lately, so that an append need not read the row that it is about to change. Each is
/// checked by its revision when it is used, and forgotten when a transaction fails.
pub(super) type Tails = LruCache<SessionKey, changes::Tail>;

const TAILS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// The writer's connection and what it knows of its own transaction.
pub(super) struct Writer {
    reader: Reader,
    place: Place,
    in_memory: bool,
    tails: Tails,
    /// What a commit does at present: DISK flushes, OS does not.
    commits: Durability,
    /// A transaction with deferred changes is open.
    deferred: bool,
    /// Something was acknowledged that has not been flushed.
    unflushed: bool,
    wal_frames: Arc<AtomicU32>,
}

impl Writer {
    pub(super) fn new(mut connection: Connection, opener: &Opener, in_memory: bool) -> Result<Self> {
        let place = opener.place.clone();
        let wal_frames = Arc::new(AtomicU32::new(0));
        if !in_memory && !opener.read_only {
            let frames = Arc::clone(&wal_frames);
            connection
                .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
                    frames.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                    Ok(())
                }))
                .map_err(|error| place.explain(&error))?;
        }
        let mut writer = Self {
            reader: Reader::new(connection).map_err(|error| opener.place.explain(&error))?,
            place,
            in_memory,
            tails: LruCache::new(TAILS),
            commits: Durability::Disk,
            deferred: false,
            unflushed: false,
            wal_frames,
        };
        writer.commit_at(Durability::Disk, true)?;
        Ok(writer)
    }

    /// The same connection, for reading.
    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Frames in the WAL file after the last commit here; any thread may look.
    pub(super) fn wal_frames(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.wal_frames)
    }

    /// Whether there are changes that only this connection sees.
    pub(super) fn has_deferred(&self) -> bool {
        self.deferred
    }

    /// Applies a batch. Either all of its successes reach the durability, or all fail.
    pub(super) fn apply(&mut self, batch: &[Mutation], durability: Durability) -> Vec<Result<Outcome>> {
        if let Err(error) = self.begin(durability) {
            return batch.iter().map(|_| Err(error.clone())).collect();
        }
        let alone = batch.len() == 1 && !self.deferred;
        let reached = if self.in_memory { Durability::Memory } else { durability };
        let mut results = Vec::with_capacity(batch.len());
        for mutation in batch {
            let result = if alone {
                self.change(mutation, reached)
            } else {
                self.change_in_savepoint(mutation, reached)
            };
            results.push(result);
            if self.reader.connection.is_autocommit() {
                return self.all_failed(batch, results);
            }
        }
        if let Err(error) = self.end(durability, results.iter().all(Result::is_err)) {
            return batch.iter().map(|_| Err(error.clone())).collect();
        }
        results
    }

    /// SQLite itself rolled the transaction back (disk full, I/O error): what had succeeded in it has not.
    fn all_failed(&mut self, batch: &[Mutation], mut results: Vec<Result<Outcome>>) -> Vec<Result<Outcome>> {
        self.rolled_back();
        let cause = match results.pop() {
            Some(Err(error)) => error,
            _ => Error::new(
                Kind::Storage,
                format!("{} ended a transaction unasked", self.place.location),
            ),
        };
        batch.iter().map(|_| Err(cause.clone())).collect()
    }

    fn begin(&mut self, durability: Durability) -> Result<()> {
        if !self.deferred && !self.reader.connection.is_autocommit() {
            // A fault in the middle of the last batch left its transaction open.
            self.abandon();
        }
        if self.deferred && durability == Durability::Disk {
            self.save_deferred()?;
        }
        if !self.deferred {
            self.commit_at(durability, false)?;
            self.run("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    fn end(&mut self, durability: Durability, nothing_changed: bool) -> Result<()> {
        if durability == Durability::Deferred {
            self.deferred = self.deferred || !nothing_changed;
            if !self.deferred {
                self.run("ROLLBACK")?;
            }
            return Ok(());
        }
        if nothing_changed && !self.deferred {
            return self.run("ROLLBACK");
        }
        self.commit()?;
        self.unflushed = self.unflushed && durability != Durability::Disk || durability == Durability::Os;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        let committed = self.run("COMMIT");
        match committed {
            Ok(()) => self.deferred = false,
            Err(_) => {
                self.tails.clear();
                // What was deferred stays in its transaction as long as SQLite keeps it, to be tried again.
                if self.reader.connection.is_autocommit() || !self.deferred {
                    self.abandon();
                }
            }
        }
        committed
    }

    fn abandon(&mut self) {
        if !self.reader.connection.is_autocommit() {
            let _already_over = self.run("ROLLBACK");
        }
        self.rolled_back();
    }

    fn rolled_back(&mut self) {
        self.deferred = false;
        self.tails.clear();
    }

    fn change_in_savepoint(&mut self, mutation: &Mutation, reached: Durability) -> Result<Outcome> {
        self.run("SAVEPOINT mutation")?;
        let result = self.change(mutation, reached);
        if result.is_err() && !self.reader.connection.is_autocommit() {
            self.run("ROLLBACK TO mutation")?;
        }
        if !self.reader.connection.is_autocommit() {
            self.run("RELEASE mutation")?;
        }
        result
    }

    fn change(&mut self, mutation: &Mutation, reached: Durability) -> Result<Outcome> {
        changes::apply(&self.reader.connection, &mut self.tails, mutation, reached).map_err(|refusal| {
            // What the failed statement knew of the session may be ahead of what is kept.
            self.tails.clear();
            match refusal {
                Refusal::Model(error) => error,
                Refusal::Sqlite(error) => self.place.explain(&error),
            }
        })
    }

    /// Commits what was deferred, without a flush.
    pub(super) fn save_deferred(&mut self) -> Result<()> {
        if !self.deferred {
            return Ok(());
        }
        self.commit()?;
        self.unflushed = true;
        Ok(())
    }

    /// Makes everything acknowledged so far survive a power cut.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.save_deferred()?;
        if self.in_memory || !self.unflushed {
            return Ok(());
        }
        // A commit with a flush covers everything before it in the WAL; it needs a frame of its own to happen.
        self.commit_at(Durability::Disk, false)?;
        self.run("BEGIN IMMEDIATE")?;
        self.run(changes::TOUCH)?;
        self.commit()?;
        self.unflushed = false;
        Ok(())
    }

    /// Moves what the WAL holds into the file, as far as no reader still needs it there.
    pub(super) fn checkpoint(&self) -> Result<()> {
        checkpoint(&self.reader.connection, &self.place)
    }

    fn commit_at(&mut self, durability: Durability, first_time: bool) -> Result<()> {
        let wanted = if durability == Durability::Disk {
            Durability::Disk
        } else {
            Durability::Os
        };
        if self.commits == wanted && !first_time {
            return Ok(());
        }
        let level = if wanted == Durability::Disk { "FULL" } else { "NORMAL" };
        self.reader
            .connection
            .pragma_update(None, "synchronous", level)
            .map_err(|error| self.place.explain(&error))?;
        self.commits = wanted;
        Ok(())
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.reader
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute())
            .map(drop)
            .map_err(|error| self.place.explain(&error))
    }

    /// Flushes, and closes the connection.
    pub(super) fn close(mut self) -> Result<()> {
        let flushed = self.flush();
        if !self.in_memory {
            // With a limit SQLite would cut the WAL file to nothing now, and the next appends would pay for growing it.
            let _kept = self.reader.connection.pragma_update(None, "journal_size_limit", -1);
        }
        let connection = self.reader.into_connection();
        let closed = connection.close().map_err(|(_, error)| self.place.explain(&error));
        flushed.and(closed)
    }
}

/// A passive checkpoint: it waits for nobody.
pub(super) fn checkpoint(connection: &Connection, place: &Place) -> Result<()> {
    connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        .map_err(|error| place.explain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewSession;
    use crate::storage::mutation::Create;
    use std::time::Duration;

    #[test]
    fn a_transaction_that_a_fault_left_open_does_not_stop_the_next_one() {
        let opener = Opener {
            place: Place {
                location: ":memory:".to_owned(),
                busy_timeout: Duration::ZERO,
            },
            read_only: false,
            exclusive: false,
        };
        let mut connection = opener.memory().unwrap();
        super::super::schema::bring_up_to_date(&mut connection, &opener).unwrap();
        let mut writer = Writer::new(connection, &opener, true).unwrap();
        writer.run("BEGIN IMMEDIATE").unwrap();
        let create = Create {
            id: "s".to_owned(),
            session: NewSession::default(),
            summary_tokens: 0,
            now: 0,
        };
        let results = writer.apply(&[Mutation::Create(create)], Durability::Disk);
        assert!(matches!(results.as_slice(), [Ok(Outcome::Created(_))]));
    }
}
