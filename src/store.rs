//! The one door: everything that the C API, the command line and Rust programs do with a store goes through [`Store`] and
//! the [`Session`]s it opens.
//!
//! A change goes: check and count on the caller's thread, commit queue, one transaction, memory, receipt. A window goes:
//! memory, or storage and then memory, snapshot. Nothing turns back.

mod background;
mod branch;
mod change;
mod config;
mod events;
mod lifecycle;
mod maintenance;
mod metrics;
mod options;
mod ready;
mod search;
mod session;
mod transfer;
mod turns;

pub use crate::cache::view::WindowReport;
pub use crate::cache::window::Window;
pub use branch::{Branched, Branching, Comparison};
pub use lifecycle::{Resumed, Truncated};
pub use maintenance::BackupOptions;
pub use options::{StoreOptions, TokenizerChoice};
pub use search::{Hit, SearchResults};
pub use session::{Messages, Session};
pub use transfer::{ExportOptions, ImportOptions, Selection};

use crate::cache::Cache;
use crate::commit::GroupCommit;
use crate::context::{Estimate, Tokenizer, tokens};
use crate::error::{During, Error, Kind, Result};
use crate::events::Subscribers;
use crate::fork;
use crate::metrics::Meter;
use crate::model::{
    BulkAction, Candidates, Durability, EventKind, Filter, ListOptions, NewSession, SessionPage, ids, now,
};
use crate::storage::compression::Compression;
use crate::storage::mutation::{Bulk, Delete, Expiry};
use crate::storage::sqlite::{IN_MEMORY, SqliteStorage};
use crate::storage::unexpected;
use crate::storage::{Applied, Mutation, Outcome, SessionKey, Snapshot, Storage};
use background::Background;
use change::Job;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// A store of sessions. Any number of threads may use it at once; the last one to drop it closes it.
pub struct Store {
    inner: Arc<Inner>,
}

/// No process has this number.
const CLOSED: u64 = 0;

/// What the store, its conversations and its background thread share.
struct Inner {
    location: String,
    storage: Box<dyn Storage>,
    commit: GroupCommit<Job, Applied>,
    cache: Cache,
    meter: Arc<Meter>,
    events: Subscribers,
    tokenizer: Arc<dyn Tokenizer>,
    durability: Durability,
    /// Nobody else can write to it: memory, or exclusive.
    alone: bool,
    /// Held from the moment when a change can be seen in the storage until memory knows of it, where memory is believed without
    /// asking the storage (docs/design.md, "Why does a reader wait for memory?").
    publishing: RwLock<()>,
    in_memory: bool,
    /// It may be searched.
    full_text: bool,
    window_tokens: u64,
    /// For sessions that have no expiry of their own.
    expiry: Option<Expiry>,
    /// Of sessions that set none.
    max_session_bytes: Option<u64>,
    compression: Compression,
    /// The process that may use it; 0 once it is closed.
    open_in: AtomicU64,
    /// The process that opened it.
    opened_in: u64,
    /// Deferred changes that could not be written: told to whoever wants to change something, until a flush has told it.
    lost: Mutex<Option<Error>>,
    /// Nothing until the store is there for it to work on, and where there is nothing for it to do.
    background: OnceLock<Background>,
}

impl Store {
    /// Opens the store at a path, or a new one in memory for `:memory:`.
    pub fn open(location: &str, options: StoreOptions) -> Result<Self> {
        open(location, options)
            .map(|inner| Self { inner })
            .during(|| format!("open store '{location}'"))
    }

    /// Creates a session.
    pub fn create_session(&self, mut session: NewSession) -> Result<Session> {
        let id = session.id.get_or_insert_with(ids::new_session_id).clone();
        self.inner.create(session).during(|| format!("create session '{id}'"))
    }

    /// Opens a session by its id.
    pub fn open_session(&self, id: &str) -> Result<Session> {
        let inner = &self.inner;
        let find = || {
            let key = inner.find(id)?.ok_or_else(|| unknown(id))?;
            inner.tell_of(EventKind::SessionAccessed, id);
            Ok(Session::new(Arc::clone(inner), inner.cache.entry(key, id)))
        };
        find().during(|| format!("open session '{id}'"))
    }

    /// Whether there is a session with this id.
    pub fn session_exists(&self, id: &str) -> Result<bool> {
        let found = self.inner.find(id).during(|| format!("look for session '{id}'"))?;
        Ok(found.is_some())
    }

    /// Deletes a session with all its messages.
    pub fn delete_session(&self, id: &str) -> Result<()> {
        let delete = || {
            ids::check_id("id", id)?;
            let delete = Delete {
                id: id.to_owned(),
                erase: false,
                now: now(),
            };
            self.inner.change(Mutation::Delete(delete), None).map(drop)
        };
        delete().during(|| format!("delete session '{id}'"))
    }

    /// A page of sessions: those that are not trashed, newest first, unless told otherwise.
    pub fn list_sessions(&self, options: &ListOptions) -> Result<SessionPage> {
        self.inner
            .read(|snapshot| snapshot.list(options))
            .during(|| "list sessions")
    }

    /// The sessions that a person may mean by a text: those whose name it is, and those whose id begins with it. At most so
    /// many of each.
    pub fn candidates(&self, text: &str, limit: u32) -> Result<Candidates> {
        self.inner
            .read(|snapshot| snapshot.candidates(text, limit as usize))
            .during(|| format!("look for session '{text}'"))
    }

    /// How many sessions a filter finds.
    pub fn count_sessions(&self, filter: &Filter) -> Result<u64> {
        self.inner
            .read(|snapshot| snapshot.count(filter))
            .during(|| "count sessions")
    }

    /// Does the same to every session that a filter finds, in one transaction. Returns how many were changed by it.
    pub fn change_sessions(&self, filter: &Filter, action: BulkAction) -> Result<u64> {
        let change = || {
            filter.check()?;
            action.check()?;
            let bulk = Bulk {
                filter: filter.clone(),
                action,
                now: now(),
            };
            match self.inner.change(Mutation::Bulk(bulk), None)? {
                Outcome::Changed(sessions) => Ok(sessions.len() as u64),
                other => Err(unexpected(&other)),
            }
        };
        change().during(|| "change sessions")
    }

    /// Makes everything acknowledged so far survive a power cut.
    pub fn flush(&self) -> Result<()> {
        self.inner
            .flush()
            .during(|| format!("flush store '{}'", self.inner.location))
    }

    /// Flushes and closes. Conversations that are still held answer CLOSED from here on. Waits for what others read, exports and
    /// back up: from inside a callback of an export, a backup or an import no store may be closed that another thread is inside of.
    pub fn close(&self) -> Result<()> {
        self.inner
            .close()
            .during(|| format!("close store '{}'", self.inner.location))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Whoever wants to know calls close.
        let _failed = self.inner.close();
        fork::keep_in_child(self.inner.opened_in, &self.inner);
    }
}

fn unknown(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no session '{id}'"))
}

fn open(location: &str, options: StoreOptions) -> Result<Arc<Inner>> {
    let tokenizer: Arc<dyn Tokenizer> = match &options.tokenizer {
        TokenizerChoice::Estimate => Arc::new(Estimate),
        TokenizerChoice::Named(name) => tokens::by_name(name)?.into(),
        TokenizerChoice::Custom(tokenizer) => Arc::clone(tokenizer),
    };
    options.check(location)?;
    let in_memory = location == IN_MEMORY;
    let process = fork::process();
    let storage = SqliteStorage::open(location, &options.sqlite())?;
    let meter = Arc::new(Meter::new());
    let inner = Arc::new(Inner {
        location: location.to_owned(),
        storage: Box::new(storage),
        commit: GroupCommit::new(),
        cache: Cache::new(options.cache_sessions, options.cache_bytes),
        events: Subscribers::new(Arc::clone(&meter)),
        meter,
        tokenizer,
        durability: options.durability,
        alone: options.exclusive || in_memory,
        publishing: RwLock::new(()),
        in_memory,
        full_text: !options.no_search,
        window_tokens: options.window_tokens,
        expiry: options.expiry(),
        max_session_bytes: options.max_session_bytes,
        compression: options.compression(),
        open_in: AtomicU64::new(process),
        opened_in: process,
        lost: Mutex::new(None),
        background: OnceLock::new(),
    });
    if (!in_memory || options.cleanup_interval.is_some()) && !options.read_only {
        start_background(&inner, &options)?;
    }
    Ok(inner)
}

fn start_background(inner: &Arc<Inner>, options: &StoreOptions) -> Result<()> {
    let started = Background::start(
        Arc::downgrade(inner),
        options.autosave,
        options.cleanup_interval,
        !options.no_search,
    );
    match started {
        Some(background) => {
            let _was_empty = inner.background.set(background);
            Ok(())
        }
        None if options.exclusive || options.cleanup_interval.is_some() => Err(Error::new(
            Kind::Storage,
            "the system gives no thread, which writes what is deferred and cleans up",
        )),
        None => Ok(()),
    }
}

impl Inner {
    fn check_open(&self) -> Result<()> {
        if self.open_in.load(Ordering::Acquire) == fork::process() {
            return Ok(());
        }
        self.check_process()?;
        Err(Error::new(
            Kind::Closed,
            format!("the store '{}' was closed", self.location),
        ))
    }

    /// Refuses to touch, in a child process, what its parent has open, as if it were not: nothing of it can be trusted there.
    fn check_process(&self) -> Result<()> {
        if self.opened_in == fork::process() {
            return Ok(());
        }
        Err(Error::new(
            Kind::Closed,
            format!(
                "the store '{}' was opened before fork() by the parent of this process, and is open there only; open it \
                 anew in this process",
                self.location
            ),
        ))
    }

    /// Looks at one moment of the storage. What is found to be damaged is told when nothing is held any more. Whoever looks at
    /// memory afterwards finds there what was seen here.
    fn read<T>(&self, look: impl FnOnce(&dyn Snapshot) -> Result<T>) -> Result<T> {
        self.check_open()?;
        self.check_may_read()?;
        self.look_at(self.storage.snapshot(), look)
    }

    fn look_at<T>(
        &self,
        snapshot: Result<Box<dyn Snapshot + '_>>,
        look: impl FnOnce(&dyn Snapshot) -> Result<T>,
    ) -> Result<T> {
        let found = snapshot.and_then(|snapshot| look(snapshot.as_ref()));
        if self.alone {
            drop(self.publishing.read());
        }
        if found.as_ref().is_err_and(|error| error.kind() == Kind::Corrupt) {
            self.storage.note_damage();
        }
        self.tell_of_damage(found)
    }

    /// Whoever reads a store in memory waits for its one connection.
    fn check_may_read(&self) -> Result<()> {
        if self.in_memory { self.check_may_wait() } else { Ok(()) }
    }

    /// From before a change can be seen in the storage until memory knows of it. Nobody may be called back meanwhile.
    fn begin_publishing(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        self.alone.then(|| self.publishing.write())
    }

    fn find(&self, id: &str) -> Result<Option<SessionKey>> {
        ids::check_id("id", id)?;
        self.read(|snapshot| snapshot.find(id))
    }

    fn create(self: &Arc<Self>, session: NewSession) -> Result<Session> {
        let create = self.ready_session(session)?;
        let id = create.id.clone();
        match self.change(Mutation::Create(create), None)? {
            Outcome::Created(head) => Ok(Session::new(Arc::clone(self), self.cache.entry(head.key, &id))),
            other => Err(unexpected(&other)),
        }
    }

    fn flush(&self) -> Result<()> {
        self.check_open()?;
        self.check_may_wait()?;
        let flushed = self.tell_of_damage(self.storage.flush());
        if let Err(cause) = &flushed {
            self.find_out_what_was_lost(cause);
        }
        self.lost.lock().take().map_or(flushed, Err)
    }

    /// Writes what was deferred, from the background. What fails and is not lost is tried again.
    fn save_deferred(&self) -> Result<()> {
        let saved = self.tell_of_damage(self.storage.save_deferred());
        if let Err(cause) = &saved {
            self.find_out_what_was_lost(cause);
        }
        saved
    }

    fn close(&self) -> Result<()> {
        // What the parent has open is closed by the parent.
        if self.check_process().is_err() {
            return Ok(());
        }
        self.check_may_wait()?;
        if self.open_in.swap(CLOSED, Ordering::AcqRel) == CLOSED {
            return Ok(());
        }
        if let Some(background) = self.background.get() {
            background.stop(!transfer::holds_a_writer() && !background::is_own_thread());
        }
        let closed = self.storage.close();
        self.cache.clear();
        self.tell_of(EventKind::StoreClosed, "");
        self.events.clear();
        self.lost.lock().take().map_or(closed, Err)
    }
}
