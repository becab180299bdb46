//! The one connection that writes: batches of mutations in one transaction, each of them wholly or not at all.

mod close;

use super::append;
use super::changes::{self, Known, Refusal};
use super::connection::{self, Opener};
use super::events::EventLog;
use super::failure::Site;
use super::import::Import;
use super::log;
use super::raw::Statement;
use super::readers::Reader;
use super::search::Backlog;
use crate::error::{Error, Result};
use crate::model::Durability;
use crate::storage::event::events_of;
use crate::storage::{Applied, ImportWork, Imported, Mutation};
use rusqlite::{Connection, ErrorCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A WAL of fewer frames is read in no time.
const FRAMES_WORTH_A_NEW_BEGINNING: u32 = 100;

/// The writer's connection and what it knows of its own transaction.
pub(super) struct Writer {
    // Dropped before the connection.
    begin: Statement,
    commit: Statement,
    known: Known,
    reader: Reader,
    site: Site,
    in_memory: bool,
    event_log: Option<EventLog>,
    /// What a commit does at present: DISK flushes, OS does not. `None` before the first.
    commits: Option<Durability>,
    /// A transaction with deferred changes is open: so many were acknowledged. 0 means that none is open.
    deferred: u64,
    /// Deferred changes that went with a transaction that failed, and that nobody has been told of.
    lost: u64,
    /// A batch has begun and not ended: still so at the beginning of the next one if a fault came between.
    in_batch: bool,
    /// Something was acknowledged that has not been flushed.
    unflushed: bool,
    /// Whether the last commit had something to write: one without flushes nothing, whatever its level.
    wrote: Arc<AtomicBool>,
    wal_frames: Arc<AtomicU32>,
    busy_waits: Arc<BusyWaits>,
}

/// How often the writer found somebody else writing, and how long it waited for that.
#[derive(Debug, Default)]
pub(super) struct BusyWaits {
    pub(super) count: AtomicU64,
    pub(super) micros: AtomicU64,
}

impl Writer {
    pub(super) fn new(
        mut connection: Connection,
        opener: &Opener,
        in_memory: bool,
        event_log_rows: u64,
    ) -> Result<Self> {
        let site = opener.site.clone();
        let wal_frames = Arc::new(AtomicU32::new(0));
        let wrote = Arc::new(AtomicBool::new(false));
        if !in_memory && !opener.read_only {
            let (frames, has_written) = (Arc::clone(&wal_frames), Arc::clone(&wrote));
            connection
                .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
                    frames.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                    has_written.store(true, Ordering::Relaxed);
                    Ok(())
                }))
                .map_err(|error| site.explain(&error))?;
        }
        // In this order: a connection that is dropped before its statements cannot be closed, and is lost.
        let reader = Reader::new(connection).map_err(|error| site.explain(&error))?;
        let prepare = |sql| Statement::prepare(&reader.connection, sql).map_err(|error| site.explain(&error));
        let (begin, commit) = (prepare("BEGIN IMMEDIATE")?, prepare("COMMIT")?);
        let known = Known::new(&reader.connection).map_err(|error| site.explain(&error))?;
        let mut writer = Self {
            begin,
            commit,
            known,
            reader,
            site,
            in_memory,
            event_log: EventLog::new(event_log_rows),
            commits: None,
            deferred: 0,
            lost: 0,
            in_batch: false,
            unflushed: false,
            wrote,
            wal_frames,
            busy_waits: Arc::default(),
        };
        writer.commit_at(Durability::Disk)?;
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

    /// How it had to wait for others; any thread may look.
    pub(super) fn busy_waits(&self) -> Arc<BusyWaits> {
        Arc::clone(&self.busy_waits)
    }

    /// Whether there are changes that only this connection sees.
    pub(super) fn has_deferred(&self) -> bool {
        self.deferred > 0
    }

    /// How many acknowledged changes were lost since this was last asked.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Applies a batch. Either all of its successes reach the durability, or all fail.
    pub(super) fn apply(
        &mut self,
        batch: &[&Mutation],
        durability: Durability,
        before_it_shows: &mut dyn FnMut(),
    ) -> Vec<Result<Applied>> {
        let applied = match self.apply_together(batch, durability, before_it_shows) {
            Ok(None) => self.apply_each(batch, durability, before_it_shows),
            Ok(Some(applied)) => Ok(applied),
            Err(error) => Err(error),
        };
        if let Some(log) = self.event_log.as_mut().filter(|_| applied.is_ok()) {
            log.acknowledge();
        }
        applied.unwrap_or_else(|error| batch.iter().map(|_| Err(error.clone())).collect())
    }

    /// Applies a batch in which nothing fails, as a rule, without a savepoint for each mutation: SQLite would copy every page
    /// that each of them changes. `None`, and all of it taken back, if one of several fails.
    fn apply_together(
        &mut self,
        batch: &[&Mutation],
        durability: Durability,
        before_it_shows: &mut dyn FnMut(),
    ) -> Result<Option<Vec<Result<Applied>>>> {
        self.begin(durability)?;
        let reached = self.reached(durability);
        let mut results = Vec::with_capacity(batch.len());
        for mutation in batch {
            match self.change(mutation, reached) {
                Ok(applied) => results.push(Ok(applied)),
                Err(error) => {
                    let (ended, deferred) = (self.has_ended(), self.deferred);
                    self.undo_unended_batch();
                    let hits_all = ended || self.deferred < deferred || batch.len() == 1;
                    return if hits_all { Err(error) } else { Ok(None) };
                }
            }
        }
        before_it_shows();
        self.end(durability, results.len() as u64)?;
        Ok(Some(results))
    }

    /// Applies a batch so that what fails in it takes nothing else with it.
    fn apply_each(
        &mut self,
        batch: &[&Mutation],
        durability: Durability,
        before_it_shows: &mut dyn FnMut(),
    ) -> Result<Vec<Result<Applied>>> {
        self.begin(durability)?;
        let reached = self.reached(durability);
        let mut results = Vec::with_capacity(batch.len());
        for mutation in batch {
            match self.change_in_savepoint(mutation, reached) {
                Ok(result) => results.push(result),
                Err(error) => {
                    self.undo_unended_batch();
                    return Err(error);
                }
            }
        }
        let changed = results.iter().filter(|result| result.is_ok()).count() as u64;
        before_it_shows();
        self.end(durability, changed)?;
        Ok(results)
    }

    /// What an acknowledgement says.
    fn reached(&self, durability: Durability) -> Durability {
        if self.in_memory { Durability::Memory } else { durability }
    }

    /// Whether no transaction is open.
    fn has_ended(&self) -> bool {
        self.reader.connection.is_autocommit()
    }

    fn begin(&mut self, durability: Durability) -> Result<()> {
        self.undo_unended_batch();
        if durability == Durability::Disk {
            self.save_deferred()?;
            self.renew_log_if_distrusted()?;
        }
        if self.has_deferred() {
            self.run("SAVEPOINT batch")?;
        } else {
            self.commit_at(durability)?;
            self.begin_or_wait().map_err(|error| self.site.explain(&error))?;
        }
        self.in_batch = true;
        if let Some(log) = &mut self.event_log {
            log.begin();
        }
        Ok(())
    }

    /// SQLite does not say whether it has waited: so it is asked first not to.
    fn begin_or_wait(&mut self) -> rusqlite::Result<()> {
        let connection = &self.reader.connection;
        connection.busy_timeout(Duration::ZERO)?;
        let begun = self.begin.run();
        connection::set_busy_timeout(connection, &self.site)?;
        match begun {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            begun => return begun,
        }
        let since = Instant::now();
        let begun = self.begin.run();
        let waits = &self.busy_waits;
        waits.count.fetch_add(1, Ordering::Relaxed);
        waits
            .micros
            .fetch_add(since.elapsed().as_micros() as u64, Ordering::Relaxed);
        begun
    }

    fn end(&mut self, durability: Durability, changed: u64) -> Result<()> {
        let ended = match (durability, self.has_deferred()) {
            (_, false) if changed == 0 => self.roll_back(),
            (Durability::Deferred, true) => self.run("RELEASE batch"),
            (Durability::Deferred, false) => Ok(()),
            _ => self.commit().map(|()| {
                if self.wrote.load(Ordering::Relaxed) {
                    self.unflushed = durability != Durability::Disk;
                }
            }),
        };
        if ended.is_err() {
            self.undo_unended_batch();
        } else if durability == Durability::Deferred {
            self.deferred += changed;
        }
        self.in_batch = false;
        ended
    }

    /// Takes back a batch whose commit failed, or in which a fault came between: its callers were told that it failed.
    /// What was deferred before it stays in its transaction, as long as SQLite keeps that, to be tried again. A transaction that
    /// could not be rolled back when it should have been (no memory) is rolled back now.
    fn undo_unended_batch(&mut self) {
        if !std::mem::take(&mut self.in_batch) && (self.has_deferred() || self.has_ended()) {
            return;
        }
        self.known.forget_tails();
        if self.has_deferred() && !self.has_ended() {
            let undone = self.run("ROLLBACK TO batch").and_then(|()| self.run("RELEASE batch"));
            if undone.is_ok() {
                return;
            }
        }
        let _next_time = self.roll_back();
        self.rolled_back();
    }

    fn roll_back(&self) -> Result<()> {
        self.reader.roll_back().map_err(|error| self.site.explain(&error))
    }

    fn commit(&mut self) -> Result<()> {
        self.wrote.store(false, Ordering::Relaxed);
        self.commit.run().map_err(|error| self.site.explain(&error))?;
        self.deferred = 0;
        Ok(())
    }

    fn rolled_back(&mut self) {
        self.lost += std::mem::take(&mut self.deferred);
        self.in_batch = false;
        self.known.forget_tails();
    }

    /// The outer failure is the whole batch's.
    fn change_in_savepoint(&mut self, mutation: &Mutation, reached: Durability) -> Result<Result<Applied>> {
        self.run("SAVEPOINT mutation")?;
        let result = self.change(mutation, reached);
        if result.is_err() {
            // SQLite itself rolled the transaction back (disk full, I/O error): what had succeeded in it has not.
            if self.has_ended() {
                return result.map(Ok);
            }
            self.run("ROLLBACK TO mutation")?;
        }
        self.run("RELEASE mutation")?;
        Ok(result)
    }

    fn change(&mut self, mutation: &Mutation, reached: Durability) -> Result<Applied> {
        self.change_and_log(mutation, reached).map_err(|refusal| {
            // What the failed statement knew of the session may be ahead of what is kept.
            self.known.forget_tails();
            explain(&self.site, refusal)
        })
    }

    fn change_and_log(&mut self, mutation: &Mutation, reached: Durability) -> changes::Result<Applied> {
        let connection = &self.reader.connection;
        let outcome = changes::apply(connection, &mut self.known, mutation, reached)?;
        let mut events = Vec::new();
        if let Some(log) = &mut self.event_log {
            events = events_of(mutation, &outcome);
            log.write(connection, &mut events)?;
        }
        Ok(Applied { outcome, events })
    }

    /// One transaction for an import, whatever was deferred before it committed first.
    pub(super) fn import(
        &mut self,
        durability: Durability,
        told: bool,
        work: &mut ImportWork<'_>,
    ) -> Result<Imported> {
        self.save_deferred()?;
        self.begin(durability)?;
        let mut import = Import {
            connection: &self.reader.connection,
            site: &self.site,
            known: &mut self.known,
            event_log: self.event_log.as_mut(),
            told,
            begun: None,
            imported: Imported::default(),
        };
        let worked = work(&mut import);
        let imported = import.imported;
        match worked {
            Ok(true) => {
                self.end(durability, 1)?;
                if let Some(log) = &mut self.event_log {
                    log.acknowledge();
                }
                Ok(imported)
            }
            Ok(false) => {
                self.undo_unended_batch();
                Ok(Imported::default())
            }
            Err(error) => {
                self.undo_unended_batch();
                Err(error)
            }
        }
    }

    /// Commits what was deferred, without a flush.
    pub(super) fn save_deferred(&mut self) -> Result<()> {
        self.undo_unended_batch();
        if !self.has_deferred() {
            return Ok(());
        }
        self.site.check_undamaged()?;
        let committed = self.commit();
        self.unflushed = true;
        if committed.is_err() && self.has_ended() {
            self.rolled_back();
        }
        committed
    }

    /// What is to be indexed.
    pub(super) fn backlog(&self) -> Result<Backlog> {
        Backlog::read(&self.reader.connection).map_err(|error| self.site.explain(&error))
    }

    /// Indexes a batch, in a transaction of its own or in the one that is open, which ends with it.
    pub(super) fn index_batch(&mut self, backlog: &mut Backlog) -> Result<()> {
        self.begin(Durability::Os)?;
        match backlog.index_batch(&self.reader.connection) {
            Ok(()) => self.end(Durability::Os, 1),
            Err(refusal) => {
                let error = explain(&self.site, refusal);
                self.undo_unended_batch();
                Err(error)
            }
        }
    }

    /// Makes everything acknowledged so far survive a power cut.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.save_deferred()?;
        if self.in_memory || !self.unflushed {
            return Ok(());
        }
        self.site.check_undamaged()?;
        // A commit with a flush covers everything before it in the WAL; it needs a frame of its own to happen.
        self.commit_a_frame(Durability::Disk)
    }

    fn commit_a_frame(&mut self, durability: Durability) -> Result<()> {
        self.begin(durability)?;
        match self.run(append::TOUCH) {
            Ok(()) => self.end(durability, 1),
            Err(error) => {
                self.undo_unended_batch();
                Err(error)
            }
        }
    }

    /// Moves what the WAL holds into the file, as far as no reader still needs it there.
    pub(super) fn checkpoint(&self) -> Result<()> {
        checkpoint(&self.reader.connection, &self.site)
    }

    /// The connection with no transaction open, for what is no mutation.
    pub(super) fn between_transactions(&mut self) -> Result<&Connection> {
        self.save_deferred()?;
        self.renew_log_if_distrusted()?;
        self.unflushed = !self.in_memory;
        Ok(&self.reader.connection)
    }

    fn renew_log_if_distrusted(&self) -> Result<()> {
        if self.in_memory {
            return Ok(());
        }
        log::renew_if_distrusted(&self.reader.connection, &self.site)
    }

    fn commit_at(&mut self, durability: Durability) -> Result<()> {
        let (wanted, level) = match durability {
            Durability::Disk => (Durability::Disk, "FULL"),
            _ => (Durability::Os, "NORMAL"),
        };
        if self.commits == Some(wanted) {
            return Ok(());
        }
        self.reader
            .connection
            .pragma_update(None, "synchronous", level)
            .map_err(|error| self.site.explain(&error))?;
        self.commits = Some(wanted);
        Ok(())
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.reader
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute())
            .map(drop)
            .map_err(|error| self.site.explain(&error))
    }
}

pub(super) fn explain(site: &Site, refusal: Refusal) -> Error {
    match refusal {
        Refusal::Model(error) => error,
        Refusal::Sqlite(error) => site.explain(&error),
    }
}

/// A passive checkpoint: it waits for nobody.
pub(super) fn checkpoint(connection: &Connection, site: &Site) -> Result<()> {
    log::renew_if_distrusted(connection, site)?;
    connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        .map_err(|error| site.explain(&error))
}

#[cfg(test)]
mod tests;
