//! A store in one SQLite file, or in memory: the only place that knows SQL.
//!
//! One connection writes, a pool reads, one watches for changes by others, one keeps the WAL small. `writer` owns the
//! transaction, `changes` turns mutations into statements, `readers` gives views, `schema` says whose file it is.

mod append;
mod backup;
mod branch;
mod bulk;
mod changes;
mod check;
mod claim;
mod connection;
mod defence;
mod delete;
mod erase;
mod events;
mod failure;
mod family;
mod filter;
mod functions;
mod import;
mod list;
mod log;
mod new_file;
mod page_token;
mod raw;
mod readers;
mod rows;
mod salvage;
mod schema;
mod search;
mod update;
mod upkeep;
mod writer;

use crate::error::{Error, Kind, Result};
use crate::files::place_private;
use crate::model::Durability;
use crate::storage::{Applied, ImportWork, Imported, Mutation, SessionKey, Snapshot, Storage};
pub(crate) use claim::PlainFile;
pub(crate) use defence::{Permit, restrict};
pub(crate) use new_file::SIDE_FILES;
pub(crate) use salvage::salvage;
pub(crate) use schema::APPLICATION_ID;

use claim::Claim;
use connection::Opener;
use failure::Site;
use new_file::beside;
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use readers::{Hold, Pool, Reader, View, closed};
use rusqlite::{Connection, OptionalExtension};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use writer::{BusyWaits, Writer};

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
    /// How many events the log keeps; 0 keeps none.
    pub(crate) event_log_rows: u64,
}

/// The location of a store that ends with its handle.
pub(crate) const IN_MEMORY: &str = ":memory:";

/// New WAL frames after which the background thread moves them into the file.
const CHECKPOINT_FRAMES: u32 = 1_000;

/// WAL frames after which whoever commits does it, so that the WAL stays bounded under any load.
const CHECKPOINT_NOW_FRAMES: u32 = 4_000;

/// How long a file that was deleted may go unnoticed by those who append without a flush.
const MILLIS_BETWEEN_LOOKS: u64 = 10;

/// A store in SQLite.
pub(crate) struct SqliteStorage {
    site: Site,
    read_only: bool,
    writer: Mutex<Option<Writer>>,
    wal_frames: Arc<AtomicU32>,
    busy_waits: Arc<BusyWaits>,
    /// How many there were when they were last moved. While somebody writes, the WAL does not begin anew after that: to
    /// move the few frames of each commit at once would write every page twice.
    moved_frames: AtomicU32,
    /// Set while changes are deferred: they are seen through the writer only.
    read_through_writer: AtomicBool,
    /// A store in memory has its one connection, and an exclusive one nobody else to watch.
    in_memory: bool,
    pool: Pool,
    watch: Option<Mutex<Option<Connection>>>,
    housekeeper: Mutex<Option<Connection>>,
    claim: Mutex<Option<Claim>>,
    opened: Instant,
    /// When it was last seen that the file is where it was, in milliseconds since the store was opened.
    looked_in_place: AtomicU64,
}

impl SqliteStorage {
    /// Opens a store, and makes it or brings it up to date if need be.
    pub(crate) fn open(location: &str, options: &SqliteOptions) -> Result<Self> {
        connection::check_sqlite_version(rusqlite::version_number())?;
        let site = Site::new(location, options.busy_timeout);
        raw::watch_forks().map_err(|error| site.explain(&error))?;
        let in_memory = location == IN_MEMORY;
        let opener = Opener {
            site,
            file: None,
            beside: Vec::new(),
            read_only: options.read_only,
            exclusive: options.exclusive,
        };
        let may_create = !options.must_exist && !options.read_only;
        let _kept;
        let mut claim = None;
        let mut connection = if in_memory {
            _kept = None;
            if options.read_only || options.must_exist {
                return Err(Error::invalid(
                    "a store in memory is new and empty: leave out read_only and must_exist",
                ));
            }
            opener.memory()?
        } else {
            connection::prepare_site(&opener.site, may_create)?;
            _kept = Some(connection::keep_folder_to_open(&opener.site)?);
            // What cannot be made here SQLite makes, or says why it cannot.
            let _made = may_create && place_private(&opener.site.path);
            // Before SQLite has the file: a connection that is refused and closed can take the first lock of another one with
            // it.
            if opener.site.path.exists() {
                claim = Some(Claim::new(&opener.site, opener.exclusive)?);
            }
            schema::check_before_opening(&opener.site)?;
            opener.writer(may_create)?
        };
        if claim.is_none() && !in_memory {
            claim = Some(Claim::new(&opener.site, opener.exclusive)?);
        }
        opener.check_not_replaced(&connection, claim.as_ref())?;
        // Whoever closes a file last empties its WAL into it: not before it is known to be ours.
        opener.checkpoint_on_close(&connection, false)?;
        schema::check_before_changing(&connection, &opener.site)?;
        if !in_memory && !options.read_only {
            opener.use_wal(&connection)?;
            opener.check_not_replaced(&connection, claim.as_ref())?;
        }
        schema::bring_up_to_date(&mut connection, &opener)?;
        opener.checkpoint_on_close(&connection, true)?;
        let writer = Writer::new(connection, &opener, in_memory, options.event_log_rows)?;
        Self::with_writer(claim, writer, opener, options.readers)
    }

    /// The claim is given back last, if this fails.
    fn with_writer(claim: Option<Claim>, writer: Writer, mut opener: Opener, readers: usize) -> Result<Self> {
        let file = claim.as_ref().map(Claim::file);
        if file.is_some() {
            opener.note_files(file);
        }
        let in_memory = claim.is_none();
        let alone = in_memory || opener.exclusive;
        let watch = if alone {
            None
        } else {
            Some(Mutex::new(Some(opener.open_log(opener.reader()?)?)))
        };
        let housekeeper = if in_memory || opener.read_only {
            None
        } else {
            Some(opener.open_log(opener.writer(false)?)?)
        };
        Ok(Self {
            site: opener.site.clone(),
            read_only: opener.read_only,
            wal_frames: writer.wal_frames(),
            busy_waits: writer.busy_waits(),
            moved_frames: AtomicU32::new(0),
            writer: Mutex::new(Some(writer)),
            read_through_writer: AtomicBool::new(in_memory),
            in_memory,
            pool: Pool::new(opener, readers),
            watch,
            housekeeper: Mutex::new(housekeeper),
            claim: Mutex::new(claim),
            opened: Instant::now(),
            looked_in_place: AtomicU64::new(0),
        })
    }

    fn writer(&self) -> Result<MappedMutexGuard<'_, Writer>> {
        MutexGuard::try_map(self.writer.lock(), Option::as_mut).map_err(|_| closed(&self.site))
    }

    /// Before a write: nobody writes to a store that is read-only, damaged, or no longer where it was.
    fn check_writable(&self, durability: Durability) -> Result<()> {
        if self.read_only {
            return Err(Error::new(
                Kind::ReadOnly,
                format!("{} was opened read-only; nothing was changed", self.site.location),
            ));
        }
        self.site.check_undamaged()?;
        self.check_in_place_now_and_then(durability)
    }

    /// Before every flush; before what is not flushed at intervals, since looking takes a twentieth of such an append.
    fn check_in_place_now_and_then(&self, durability: Durability) -> Result<()> {
        let now = self.opened.elapsed().as_millis() as u64;
        let looked = self.looked_in_place.load(Ordering::Relaxed);
        if durability != Durability::Disk && now < looked + MILLIS_BETWEEN_LOOKS {
            return Ok(());
        }
        self.pool.opener.check_in_place()?;
        self.looked_in_place.store(now, Ordering::Relaxed);
        Ok(())
    }

    /// Indexes what is noted now, as long as there is some and `goes_on` says so, which is told whether changes are deferred:
    /// they are committed with the first batch. Says whether all of it is indexed.
    fn index(&self, goes_on: impl Fn(bool) -> bool) -> Result<bool> {
        if self.read_only {
            return Ok(true);
        }
        let mut backlog = None;
        loop {
            let mut writer = self.writer()?;
            if backlog.is_none() {
                self.check_writable(Durability::Os)?;
                backlog = Some(writer.backlog()?);
            }
            match &mut backlog {
                Some(rest) if !rest.is_empty() => {
                    if !goes_on(writer.has_deferred()) {
                        return Ok(false);
                    }
                    let indexed = writer.index_batch(rest);
                    self.note_deferred(&writer);
                    indexed?;
                }
                _ => return Ok(true),
            }
            self.checkpoint_if_long(&writer);
        }
    }

    /// Whoever commits keeps the WAL bounded. The commit stands whatever becomes of it; it is tried again after the next one.
    fn checkpoint_if_long(&self, writer: &Writer) {
        if self.wal_frames.load(Ordering::Relaxed) >= CHECKPOINT_NOW_FRAMES
            && !writer.has_deferred()
            && self.pool.opener.check_in_place().is_ok()
        {
            let _later = writer.checkpoint();
        }
    }

    fn view_through_writer(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(View::still(HeldWriter(self.writer()?), &self.site)))
    }

    fn view_of_file(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(View::begin(self.pool.lease()?, &self.site)?))
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
    fn apply(
        &self,
        batch: &[&Mutation],
        durability: Durability,
        before_it_shows: &mut dyn FnMut(),
    ) -> Vec<Result<Applied>> {
        let fail_all = |error: Error| batch.iter().map(|_| Err(error.clone())).collect();
        if let Err(error) = self.check_writable(durability) {
            return fail_all(error);
        }
        let mut writer = match self.writer() {
            Ok(writer) => writer,
            Err(error) => return fail_all(error),
        };
        let results = writer.apply(batch, durability, before_it_shows);
        self.note_deferred(&writer);
        results
    }

    fn import(&self, durability: Durability, told: bool, work: &mut ImportWork<'_>) -> Result<Imported> {
        self.check_writable(durability)?;
        // Whoever is called back must find nothing deferred: what is, is read through the writer.
        self.save_deferred()?;
        let mut writer = self.writer()?;
        let imported = writer.import(durability, told, work);
        self.note_deferred(&writer);
        imported
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        if self.read_through_writer.load(Ordering::Acquire) {
            return self.view_through_writer();
        }
        self.view_of_file()
    }

    fn snapshot_of_saved(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(View::still(self.still()?, &self.site)))
    }

    fn is_current(&self, key: SessionKey, revision: u64, seen: &AtomicU64) -> Result<bool> {
        let Some(watch) = &self.watch else { return Ok(true) };
        let watch = watch.lock();
        let connection = watch.as_ref().ok_or_else(|| closed(&self.site))?;
        check_current(connection, key, revision, seen).map_err(|error| self.site.explain(&error))
    }

    fn keep_log_short(&self) {
        if self.wal_frames.load(Ordering::Relaxed) >= CHECKPOINT_NOW_FRAMES
            && let Ok(writer) = self.writer()
        {
            self.checkpoint_if_long(&writer);
        }
    }

    fn take_lost(&self) -> u64 {
        self.writer.lock().as_mut().map_or(0, Writer::take_lost)
    }

    fn catch_up(&self) -> Result<()> {
        self.index(|_| true).map(drop)
    }

    fn index_while(&self, goes_on: &dyn Fn() -> bool) -> Result<bool> {
        self.index(|deferred| !deferred && goes_on())
    }

    fn note_damage(&self) {
        self.site.note_damage();
    }

    fn take_news_of_damage(&self) -> bool {
        self.site.take_news_of_damage()
    }

    fn busy_waits(&self) -> (u64, u64) {
        let waits = &self.busy_waits;
        (
            waits.count.load(Ordering::Relaxed),
            waits.micros.load(Ordering::Relaxed),
        )
    }

    fn wal_bytes(&self) -> u64 {
        if self.in_memory {
            return 0;
        }
        beside(&self.site.path, "-wal").metadata().map_or(0, |file| file.len())
    }

    fn flush(&self) -> Result<()> {
        if self.read_only {
            return self.writer().map(drop);
        }
        let mut writer = self.writer()?;
        self.pool.opener.check_in_place()?;
        let flushed = writer.flush();
        self.note_deferred(&writer);
        flushed
    }

    fn save_deferred(&self) -> Result<()> {
        let mut writer = self.writer()?;
        self.pool.opener.check_in_place()?;
        let saved = writer.save_deferred();
        self.note_deferred(&writer);
        saved
    }

    fn wants_maintenance(&self) -> bool {
        let frames = self.wal_frames.load(Ordering::Relaxed);
        // Fewer than there were is a WAL that has begun anew.
        let new = frames
            .checked_sub(self.moved_frames.load(Ordering::Relaxed))
            .unwrap_or(frames);
        new >= CHECKPOINT_FRAMES
    }

    fn maintain(&self) -> Result<()> {
        if !self.wants_maintenance() {
            return Ok(());
        }
        self.site.check_undamaged()?;
        self.pool.opener.check_in_place()?;
        let housekeeper = self.housekeeper.lock();
        let Some(connection) = housekeeper.as_ref() else {
            return Ok(());
        };
        self.moved_frames
            .store(self.wal_frames.load(Ordering::Relaxed), Ordering::Relaxed);
        writer::checkpoint(connection, &self.site)
    }

    fn close(&self) -> Result<()> {
        let writer = self.writer.lock().take();
        let in_place = match &writer {
            Some(writer) if writer.has_deferred() => self.pool.opener.check_in_place(),
            _ => Ok(()),
        };
        self.read_through_writer.store(false, Ordering::Release);
        self.pool.close();
        if let Some(watch) = &self.watch {
            drop(watch.lock().take());
        }
        drop(self.housekeeper.lock().take());
        let log = match self.read_only {
            true => connection::LogAtClose::Leave,
            false => self.pool.opener.log_at_close(),
        };
        let closed = writer.map_or(Ok(()), |writer| writer.close(log));
        drop(self.claim.lock().take());
        in_place.and(closed)
    }
}

/// The number that SQLite changes when somebody else commits is asked first: it is the cheaper question.
fn check_current(
    connection: &Connection,
    key: SessionKey,
    revision: u64,
    seen: &AtomicU64,
) -> rusqlite::Result<bool> {
    let version: i64 = connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?;
    if seen.load(Ordering::Relaxed) == version as u64 {
        return Ok(true);
    }
    let found = connection
        .prepare_cached("SELECT revision FROM sessions WHERE key = ?1")?
        .query_row([key.0], |row| rows::unsigned(row, 0))
        .optional()?;
    let current = found == Some(revision);
    if current {
        seen.store(version as u64, Ordering::Relaxed);
    }
    Ok(current)
}
