//! The one door: everything that the C API, the command line and Rust programs do with a store goes through [`Store`] and
//! the [`Session`]s it opens.
//!
//! A change goes: check and count on the caller's thread, commit queue, one transaction, memory, receipt. A window goes:
//! memory, or storage and then memory, snapshot. Nothing turns back.

mod background;
mod branch;
mod config;
mod events;
mod lifecycle;
mod maintenance;
mod metrics;
mod options;
mod search;
mod session;
mod turns;

pub use crate::cache::window::{Window, WindowReport};
pub use branch::{Branched, Branching, Comparison};
pub use lifecycle::{Resumed, Truncated};
pub use maintenance::BackupOptions;
pub use options::{StoreOptions, TokenizerChoice};
pub use search::{Hit, SearchResults};
pub use session::{Messages, Session};

use crate::cache::{Cache, Loaded, State};
use crate::commit::GroupCommit;
use crate::context::{Estimate, Tokenizer, tokens};
use crate::error::{During, Error, Kind, Result};
use crate::events::Subscribers;
use crate::metrics::Meter;
use crate::model::message::MAX_MESSAGE_TOKENS;
use crate::model::{
    BulkAction, Durability, EventKind, Filter, ListOptions, MessageFlags, NewMessage, NewSession, ReadyMessage,
    SessionPage, Tokens, ids, now,
};
use crate::storage::compression::Compression;
use crate::storage::mutation::{Bulk, Clear, Create, Delete, Erased, Expiry, Fork, Rewind, Truncate};
use crate::storage::sqlite::{IN_MEMORY, SqliteStorage};
use crate::storage::{Applied, Mutation, NEVER_SEEN, Outcome, SessionKey, Storage, lost_with};
use background::Background;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A store of sessions. Any number of threads may use it at once; the last one to drop it closes it.
pub struct Store {
    inner: Arc<Inner>,
}

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
    in_memory: bool,
    /// It may be searched.
    full_text: bool,
    window_tokens: u64,
    /// For sessions that have no expiry of their own.
    expiry: Option<Expiry>,
    /// Of sessions that set none.
    max_session_bytes: Option<u64>,
    compression: Compression,
    closed: AtomicBool,
    /// Deferred changes that could not be written: told to whoever wants to change something, until a flush has told it.
    lost: Mutex<Option<Error>>,
    background: Option<Background>,
}

struct Job {
    mutation: Mutation,
    durability: Durability,
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
        let list = || {
            self.inner.check_open()?;
            let page = self.inner.storage.snapshot()?.list(options);
            self.inner.tell_of_damage(page)
        };
        list().during(|| "list sessions")
    }

    /// How many sessions a filter finds.
    pub fn count_sessions(&self, filter: &Filter) -> Result<u64> {
        let count = || {
            self.inner.check_open()?;
            self.inner.storage.snapshot()?.count(filter)
        };
        count().during(|| "count sessions")
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

    /// Flushes and closes. Conversations that are still held answer CLOSED from here on.
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
    let storage = SqliteStorage::open(location, &options.sqlite())?;
    let meter = Arc::new(Meter::new());
    let inner = Arc::new_cyclic(|inner| Inner {
        location: location.to_owned(),
        storage: Box::new(storage),
        commit: GroupCommit::new(),
        cache: Cache::new(options.cache_sessions, options.cache_bytes),
        events: Subscribers::new(Arc::clone(&meter)),
        meter,
        tokenizer,
        durability: options.durability,
        alone: options.exclusive || in_memory,
        in_memory,
        full_text: !options.no_search,
        window_tokens: options.window_tokens,
        expiry: options.expiry(),
        max_session_bytes: options.max_session_bytes,
        compression: options.compression(),
        closed: AtomicBool::new(false),
        lost: Mutex::new(None),
        background: ((!in_memory || options.cleanup_interval.is_some()) && !options.read_only)
            .then(|| {
                Background::start(
                    std::sync::Weak::clone(inner),
                    options.autosave,
                    options.cleanup_interval,
                    !options.no_search,
                )
            })
            .flatten(),
    });
    let needs_background = (options.exclusive && !in_memory) || options.cleanup_interval.is_some();
    if inner.background.is_none() && needs_background && !options.read_only {
        return Err(Error::new(
            Kind::Storage,
            "the system gives no thread, which writes what is deferred and cleans up",
        ));
    }
    Ok(inner)
}

impl Inner {
    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(
                Kind::Closed,
                format!("the store '{}' was closed", self.location),
            ));
        }
        Ok(())
    }

    fn find(&self, id: &str) -> Result<Option<SessionKey>> {
        self.check_open()?;
        ids::check_id("id", id)?;
        let found = self.storage.snapshot()?.find(id);
        self.tell_of_damage(found)
    }

    fn create(self: &Arc<Self>, session: NewSession) -> Result<Session> {
        let create = self.ready_session(session)?;
        let id = create.id.clone();
        match self.change(Mutation::Create(create), None)? {
            Outcome::Created(head) => Ok(Session::new(Arc::clone(self), self.cache.entry(head.key, &id))),
            other => Err(unexpected(&other)),
        }
    }

    /// Fills in what the caller left to the store: id, counts and times.
    fn ready_session(&self, session: NewSession) -> Result<Create> {
        session.check()?;
        let mut session = self.with_likeness(session)?;
        session.max_bytes = session.max_bytes.or(self.max_session_bytes);
        let id = session.id.clone().unwrap_or_else(ids::new_session_id);
        #[cfg(feature = "test-panic")]
        forced_panic::during_call(&id);
        let messages = self.ready_all(std::mem::take(&mut session.messages))?;
        Ok(Create {
            id,
            summary_tokens: self.count_summary(&session.summary)?,
            session,
            messages,
            now: now(),
        })
    }

    /// Commits a mutation, with others if others come at the same time.
    fn change(&self, mutation: Mutation, durability: Option<Durability>) -> Result<Outcome> {
        self.check_open()?;
        if let Some(lost) = &*self.lost.lock() {
            return Err(lost.clone());
        }
        let job = Job {
            durability: self.reachable(durability.unwrap_or(self.durability))?,
            mutation,
        };
        let applied = self.commit.submit(job, |jobs| self.commit_batch(jobs));
        let applied = self.tell_of_damage(applied)?;
        self.events.deliver(applied.events);
        Ok(applied.outcome)
    }

    /// A file that others may write to cannot defer: they would give the same sequence numbers away.
    fn reachable(&self, durability: Durability) -> Result<Durability> {
        match durability {
            Durability::Deferred if !self.alone => Err(options::cannot_defer()),
            // Memory has nothing to wait for.
            _ if self.in_memory => Ok(Durability::Os),
            other => Ok(other),
        }
    }

    /// One transaction, as durable as the most careful of its jobs asks; then memory is told, in the order of commit.
    fn commit_batch(&self, jobs: Vec<Job>) -> Vec<Result<Applied>> {
        let durability = jobs.iter().map(|job| job.durability).min().unwrap_or(self.durability);
        let mutations: Vec<Mutation> = jobs.into_iter().map(|job| job.mutation).collect();
        #[cfg(feature = "test-panic")]
        forced_panic::during_commit(&mutations);
        let forget = ForgetOnUnwind(&self.cache);
        let mut results = self.storage.apply(&mutations, durability);
        if let Some(cause) = results.iter().find_map(|result| result.as_ref().err()) {
            self.find_out_what_was_lost(cause);
        }
        for (mutation, result) in mutations.iter().zip(&results) {
            if let Ok(applied) = result {
                self.remember(mutation, &applied.outcome);
            }
        }
        drop(forget);
        self.count_batch(&mutations, &results);
        self.add_events(&mutations, &mut results);
        if let Some(background) = &self.background {
            background.after_commit(durability == Durability::Deferred, self.storage.wants_maintenance());
        }
        results
    }

    /// After a failure of the storage: what was deferred may have gone with the transaction, and memory knows too much.
    fn find_out_what_was_lost(&self, cause: &Error) {
        let count = self.storage.take_lost();
        if count == 0 {
            return;
        }
        self.cache.clear();
        let lost = lost_with(cause, count);
        *self.lost.lock() = Some(Error::new(
            lost.kind(),
            format!(
                "{}; nothing is changed any more until flush has told so",
                lost.message()
            ),
        ));
    }

    /// Feeds memory with what was committed.
    fn remember(&self, mutation: &Mutation, outcome: &Outcome) {
        match (mutation, outcome) {
            (Mutation::Create(create) | Mutation::Fork(Fork { create, .. }), Outcome::Created(head)) => {
                let entry = self.cache.entry(head.key, &create.id);
                if let Some(mut state) = entry.state_after_commit()
                    && matches!(*state, State::Unloaded)
                {
                    entry.seen.store(NEVER_SEEN, Ordering::Relaxed);
                    *state = State::Loaded(Box::new(Loaded::new(head.clone())));
                }
                self.cache.account(&entry);
            }
            (Mutation::Append(append), Outcome::Appended(receipt)) if !receipt.repeated => {
                self.tell(append.key, |loaded| {
                    loaded.append(&append.messages, append.memo.is_some(), receipt.revision)
                });
            }
            (Mutation::Update(update), Outcome::Updated(revision)) => {
                self.tell(update.key, |loaded| {
                    loaded.update(&update.changes, update.summary_tokens, *revision)
                });
            }
            (Mutation::Clear(Clear { key, .. }), Outcome::Cleared(_))
            | (Mutation::Rewind(Rewind { key, .. }), Outcome::Rewound(..))
            | (Mutation::Truncate(Truncate { key, .. }), Outcome::Truncated(_)) => self.tell(*key, |_| false),
            (_, Outcome::Deleted(key) | Outcome::Erased(Erased { key, .. })) => self.forget_deleted(*key),
            (
                Mutation::Cleanup(_)
                | Mutation::Bulk(Bulk {
                    action: BulkAction::Delete,
                    ..
                }),
                Outcome::Changed(gone),
            ) => gone.iter().for_each(|session| self.forget_deleted(session.key)),
            (Mutation::Bulk(_), Outcome::Changed(changed)) => {
                changed.iter().for_each(|session| self.tell(session.key, |_| false));
            }
            _ => {}
        }
    }

    fn forget_deleted(&self, key: SessionKey) {
        if let Some(entry) = self.cache.known(key) {
            if let Some(mut state) = entry.state_after_commit() {
                *state = State::Deleted;
            }
            self.cache.account(&entry);
        }
    }

    /// Tells a session in memory what happened to it. What does not follow on what it knows, it forgets; so it does when
    /// it has become too large, to be read anew from its cut on.
    fn tell(&self, key: SessionKey, news: impl FnOnce(&mut Loaded) -> bool) {
        let Some(entry) = self.cache.known(key) else { return };
        let Some(mut state) = entry.state_after_commit() else {
            return;
        };
        let State::Loaded(loaded) = &mut *state else { return };
        let bytes_before = loaded.bytes();
        let follows = news(loaded);
        let fits = loaded.bytes() <= self.cache.most_bytes_of_one();
        let grew = loaded.bytes() != bytes_before;
        if !follows || !fits {
            *state = State::Unloaded;
        }
        drop(state);
        if !follows || !fits || grew {
            self.cache.account(&entry);
        }
    }

    fn count_summary(&self, summary: &str) -> Result<u32> {
        if summary.is_empty() { Ok(0) } else { self.count(summary) }
    }

    fn count(&self, text: &str) -> Result<u32> {
        let tokens = self.tokenizer.count(text)?;
        u32::try_from(tokens)
            .ok()
            .filter(|tokens| *tokens <= MAX_MESSAGE_TOKENS)
            .ok_or_else(|| {
                Error::new(
                    Kind::TooLarge,
                    format!("the tokenizer counted {tokens} tokens; a message may have {MAX_MESSAGE_TOKENS}"),
                )
            })
    }

    /// Readies messages that go together, and says of a failure which one it was.
    fn ready_all(&self, messages: Vec<NewMessage>) -> Result<Vec<ReadyMessage>> {
        let several = messages.len() > 1;
        let ready = |(index, message)| {
            let ready = self.ready(message);
            if several {
                ready.during(|| format!("message {index} of the batch"))
            } else {
                ready
            }
        };
        messages.into_iter().enumerate().map(ready).collect()
    }

    /// What a change at the store's own level survives.
    fn reached(&self) -> Durability {
        if self.in_memory {
            Durability::Memory
        } else {
            self.durability
        }
    }

    /// Fills in what the caller left to the store: tokens and time. A call's arguments are part of the prompt, so they count.
    fn ready(&self, message: NewMessage) -> Result<ReadyMessage> {
        message.check()?;
        let mut flags = MessageFlags::default();
        let tokens = match message.tokens {
            Tokens::Given(tokens) => tokens,
            Tokens::Count => {
                if self.tokenizer.estimates() {
                    flags = flags.with(MessageFlags::ESTIMATED);
                }
                match &message.tool_calls {
                    None => self.count(&message.content)?,
                    Some(calls) => self.count(&format!("{}{calls}", message.content))?,
                }
            }
        };
        Ok(ReadyMessage {
            role: message.role,
            flags: if message.pinned {
                flags.with(MessageFlags::PINNED)
            } else {
                flags
            },
            tokens,
            created: message.created.unwrap_or_else(now),
            packed: self.compression.pack(&message.content),
            content: message.content,
            tool_calls: message.tool_calls,
            tool_call_id: message.tool_call_id,
            model: message.model,
            metadata: message.metadata,
        })
    }

    fn flush(&self) -> Result<()> {
        self.check_open()?;
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
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        if let Some(background) = &self.background {
            background.stop();
        }
        let closed = self.storage.close();
        self.cache.clear();
        self.tell_of(EventKind::StoreClosed, "");
        self.events.clear();
        self.lost.lock().take().map_or(closed, Err)
    }
}

/// A fault while committing leaves memory behind the storage, or before it: all of it is read anew.
struct ForgetOnUnwind<'a>(&'a Cache);

impl Drop for ForgetOnUnwind<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.clear();
        }
    }
}

fn unexpected(outcome: &Outcome) -> Error {
    Error::new(
        Kind::Panic,
        format!("the storage answered another question: {outcome:?}"),
    )
}

/// How tests see what a fault inside the library does to its callers.
#[cfg(feature = "test-panic")]
mod forced_panic {
    use crate::storage::Mutation;

    #[allow(clippy::panic, reason = "this is what the feature is for")]
    fn panic_for(id: &str, name: &str) {
        if id == name {
            panic!("forced by {name}");
        }
    }

    pub(super) fn during_call(id: &str) {
        panic_for(id, "panic-during-call");
    }

    pub(super) fn during_commit(mutations: &[Mutation]) {
        for mutation in mutations {
            if let Mutation::Create(create) = mutation {
                panic_for(&create.id, "panic-during-commit");
            }
        }
    }
}
