//! A store in one SQLite file, or in memory: the only place that knows SQL.
//!
//! One connection writes, a pool reads, one watches for changes by others, one keeps the WAL small. `writer` owns the
//! transaction, `changes` turns mutations into statements, `readers` gives views, `schema` says whose file it is.

mod changes;
mod claim;
mod connection;
mod failure;
mod list;
mod raw;
mod readers;
mod rows;
mod schema;
mod writer;

use crate::error::{Error, Kind, Result};
use crate::model::Durability;
use crate::storage::{Mutation, Outcome, SessionKey, Snapshot, Storage};
use claim::Claim;
use connection::Opener;
use failure::Place;
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use readers::{Hold, Pool, Reader, View, closed};
use rusqlite::{Connection, OptionalExtension};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use writer::Writer;

/// How to open a store.
#[derive(Clone, Debug)]
pub(crate) struct SqliteOptions {
    /// How long to wait for somebody else's write.
    pub(crate) busy_timeout: Duration,
    /// How many connections read at once.
    pub(crate) readers: usize,
    /// Keeps other processes out.
    pub(crate) exclusive: bool,
    /// Changes nothing.
    pub(crate) read_only: bool,
    /// Does not make a new store.
    pub(crate) must_exist: bool,
}

/// The location of a store that ends with its handle.
pub(crate) const IN_MEMORY: &str = ":memory:";

/// WAL frames after which the background thread moves them into the file.
const CHECKPOINT_FRAMES: u32 = 1_000;

/// WAL frames after which whoever commits does it, so that the WAL stays bounded under any load.
const CHECKPOINT_NOW_FRAMES: u32 = 4_000;

/// A store in SQLite.
pub(crate) struct SqliteStorage {
    place: Place,
    read_only: bool,
    writer: Mutex<Option<Writer>>,
    wal_frames: Arc<AtomicU32>,
    /// Set while changes are deferred: they are seen through the writer only.
    read_through_writer: AtomicBool,
    /// A store in memory has its one connection, and an exclusive one nobody else to watch.
    in_memory: bool,
    pool: Pool,
    watch: Option<Mutex<Option<Connection>>>,
    housekeeper: Mutex<Option<Connection>>,
    /// SQLite reported damage: nothing is written any more.
    damaged: AtomicBool,
    claim: Mutex<Option<Claim>>,
}

impl SqliteStorage {
    /// Opens a store, and makes it or brings it up to date if need be.
    pub(crate) fn open(location: &str, options: &SqliteOptions) -> Result<Self> {
        connection::check_sqlite_version(rusqlite::version_number())?;
        let in_memory = location == IN_MEMORY;
        let opener = Opener {
            place: Place {
                location: location.to_owned(),
                busy_timeout: options.busy_timeout,
            },
            read_only: options.read_only,
            exclusive: options.exclusive,
        };
        let may_create = !options.must_exist && !options.read_only;
        let mut connection = if in_memory {
            if options.read_only || options.must_exist {
                return Err(Error::invalid(
                    "a store in memory is new and empty: leave out read_only and must_exist",
                ));
            }
            opener.memory()?
        } else {
            connection::prepare_place(location, may_create)?;
            schema::check_before_opening(location)?;
            opener.writer(may_create)?
        };
        let claim = (!in_memory)
            .then(|| Claim::new(&opener.place, opener.exclusive))
            .transpose()?;
        // Whoever closes a file last empties its WAL into it: not before it is known to be ours.
        opener.checkpoint_on_close(&connection, false)?;
        if !in_memory && !options.read_only {
            opener.use_wal(&connection)?;
        }
        schema::bring_up_to_date(&mut connection, &opener)?;
        opener.checkpoint_on_close(&connection, true)?;
        let writer = Writer::new(connection, &opener, in_memory)?;
        Self::with_writer(writer, opener, options.readers, claim)
    }

    fn with_writer(writer: Writer, opener: Opener, readers: usize, claim: Option<Claim>) -> Result<Self> {
        let in_memory = claim.is_none();
        let alone = in_memory || opener.exclusive;
        let watch = if alone {
            None
        } else {
            Some(Mutex::new(Some(opener.reader()?)))
        };
        let housekeeper = if in_memory || opener.read_only {
            None
        } else {
            Some(opener.writer(false)?)
        };
        Ok(Self {
            place: opener.place.clone(),
            read_only: opener.read_only,
            wal_frames: writer.wal_frames(),
            writer: Mutex::new(Some(writer)),
            read_through_writer: AtomicBool::new(in_memory),
            in_memory,
            pool: Pool::new(opener, readers),
            watch,
            housekeeper: Mutex::new(housekeeper),
            damaged: AtomicBool::new(false),
            claim: Mutex::new(claim),
        })
    }

    fn writer(&self) -> Result<MappedMutexGuard<'_, Writer>> {
        MutexGuard::try_map(self.writer.lock(), Option::as_mut).map_err(|_| closed(&self.place))
    }

    /// Before a write: nobody writes to a store that is read-only or damaged.
    fn check_writable(&self) -> Result<()> {
        if self.read_only {
            return Err(Error::new(
                Kind::ReadOnly,
                format!("{} was opened read-only; nothing was changed", self.place.location),
            ));
        }
        if self.damaged.load(Ordering::Relaxed) {
            return Err(Error::new(
                Kind::Corrupt,
                format!("{} is damaged; nothing more is written to it", self.place.location),
            ));
        }
        Ok(())
    }

    fn note_damage<T>(&self, result: &Result<T>) {
        if matches!(result, Err(error) if error.kind() == Kind::Corrupt) {
            self.damaged.store(true, Ordering::Relaxed);
        }
    }

    fn note_deferred(&self, writer: &Writer) {
        self.read_through_writer
            .store(self.in_memory || writer.has_deferred(), Ordering::Release);
    }
}

/// The writer, held for a view.
struct HeldWriter<'a>(MappedMutexGuard<'a, Writer>);

impl Hold for HeldWriter<'_> {
    fn reader(&self) -> Option<&Reader> {
        Some(self.0.reader())
    }
}

impl Storage for SqliteStorage {
    fn apply(&self, batch: &[Mutation], durability: Durability) -> Vec<Result<Outcome>> {
        let fail_all = |error: Error| batch.iter().map(|_| Err(error.clone())).collect();
        if let Err(error) = self.check_writable() {
            return fail_all(error);
        }
        let mut writer = match self.writer() {
            Ok(writer) => writer,
            Err(error) => return fail_all(error),
        };
        let results = writer.apply(batch, durability);
        self.note_deferred(&writer);
        results.iter().for_each(|result| self.note_damage(result));
        if self.wal_frames.load(Ordering::Relaxed) >= CHECKPOINT_NOW_FRAMES && !writer.has_deferred() {
            // The commit stands whatever becomes of this; it is tried again after the next one.
            let checkpointed = writer.checkpoint();
            self.note_damage(&checkpointed);
        }
        results
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        if self.read_through_writer.load(Ordering::Acquire) {
            return Ok(Box::new(View::of_writer(HeldWriter(self.writer()?), &self.place)));
        }
        Ok(Box::new(View::begin(self.pool.lease()?, &self.place)?))
    }

    fn is_current(&self, key: SessionKey, revision: u64, seen: &AtomicU64) -> Result<bool> {
        let Some(watch) = &self.watch else { return Ok(true) };
        let watch = watch.lock();
        let connection = watch.as_ref().ok_or_else(|| closed(&self.place))?;
        check_current(connection, key, revision, seen).map_err(|error| self.place.explain(&error))
    }

    fn flush(&self) -> Result<()> {
        if self.read_only {
            return self.writer().map(drop);
        }
        let mut writer = self.writer()?;
        let flushed = writer.flush();
        self.note_deferred(&writer);
        flushed
    }

    fn save_deferred(&self) -> Result<()> {
        let mut writer = self.writer()?;
        let saved = writer.save_deferred();
        self.note_deferred(&writer);
        saved
    }

    fn wants_maintenance(&self) -> bool {
        self.wal_frames.load(Ordering::Relaxed) >= CHECKPOINT_FRAMES
    }

    fn maintain(&self) -> Result<()> {
        if !self.wants_maintenance() || self.damaged.load(Ordering::Relaxed) {
            return Ok(());
        }
        let housekeeper = self.housekeeper.lock();
        let Some(connection) = housekeeper.as_ref() else {
            return Ok(());
        };
        let done = writer::checkpoint(connection, &self.place);
        self.note_damage(&done);
        done
    }

    fn close(&self) -> Result<()> {
        let writer = self.writer.lock().take();
        self.read_through_writer.store(false, Ordering::Release);
        self.pool.close();
        if let Some(watch) = &self.watch {
            drop(watch.lock().take());
        }
        drop(self.housekeeper.lock().take());
        let closed = writer.map_or(Ok(()), Writer::close);
        drop(self.claim.lock().take());
        closed
    }
}

/// The number that SQLite changes when somebody else commits is asked first: it is the cheaper question.
fn check_current(
    connection: &Connection,
    key: SessionKey,
    revision: u64,
    seen: &AtomicU64,
) -> rusqlite::Result<bool> {
    let version: u32 = connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?;
    if seen.load(Ordering::Relaxed) == u64::from(version) {
        return Ok(true);
    }
    let found = connection
        .prepare_cached("SELECT revision FROM sessions WHERE key = ?1")?
        .query_row([key.0], |row| rows::unsigned(row, 0))
        .optional()?;
    let current = found == Some(revision);
    if current {
        seen.store(u64::from(version), Ordering::Relaxed);
    }
    Ok(current)
}
