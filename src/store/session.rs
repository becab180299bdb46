//! One session of a store, as a caller holds it.

use super::{Inner, Window, WindowReport};
use crate::cache::body::{Body, Run};
use crate::cache::loaded::{expect_end, expect_seq};
use crate::cache::view::MessageView;
use crate::cache::{CachedSession, Loaded, State};
use crate::context::{Policy, WindowOptions};
use crate::error::{During, Error, Kind, Result};
use crate::fork;
use crate::metrics::Counter;
use crate::model::{
    AppendOptions, Event, EventKind, Message, MessageRef, NewMessage, ReadyMessage, Receipt, SessionChanges,
    SessionInfo, ids, now,
};
use crate::storage::mutation::{Append, Clear, Update};
use crate::storage::unexpected;
use crate::storage::{Head, Mutation, Outcome, Snapshot};
use parking_lot::RwLockReadGuard;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So long a callback waits for a session that another thread reads, if that may be waiting for the callback.
const PATIENCE_OF_A_CALLBACK: Duration = Duration::from_millis(100);

/// A session of a store. Cheap to hold; any number of threads may use it at once.
pub struct Session {
    pub(super) store: Arc<Inner>,
    pub(super) entry: Arc<CachedSession>,
}

/// Messages of a session, in order, as of one moment.
pub struct Messages {
    run: Arc<Run>,
    range: Range<usize>,
}

impl Messages {
    /// The messages.
    pub fn views(&self) -> &[MessageView] {
        self.run.slice(self.range.clone())
    }

    /// The messages with their texts.
    pub fn iter(&self) -> impl Iterator<Item = MessageRef<'_>> {
        self.run.messages(self.range.clone())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        fork::keep_in_child(self.store.opened_in, &self.entry);
        fork::keep_in_child(self.store.opened_in, &self.store);
    }
}

impl Session {
    pub(super) fn new(store: Arc<Inner>, entry: Arc<CachedSession>) -> Self {
        Self { store, entry }
    }

    /// The session's id.
    pub fn id(&self) -> &str {
        &self.entry.id
    }

    /// Everything about the session but its messages.
    pub fn describe(&self) -> Result<SessionInfo> {
        let describe = || {
            self.check()?;
            let found = self.store.read(|snapshot| snapshot.describe(self.entry.key))?;
            found.ok_or_else(deleted)
        };
        describe().during(|| self.action("describe"))
    }

    /// Changes the session, and returns its new revision.
    pub fn update(&self, changes: SessionChanges) -> Result<u64> {
        self.try_update(changes).during(|| self.action("update"))
    }

    fn try_update(&self, changes: SessionChanges) -> Result<u64> {
        self.check()?;
        changes.check()?;
        let summary_tokens = self
            .store
            .count_summary(changes.summary.as_deref().unwrap_or_default())?;
        let update = Update {
            key: self.entry.key,
            id: Arc::clone(&self.entry.id),
            changes,
            summary_tokens,
            now: now(),
        };
        match self.store.change(Mutation::Update(update), None)? {
            Outcome::Updated(revision) => Ok(revision),
            other => Err(unexpected(&other)),
        }
    }

    /// Appends messages, all or none.
    pub fn append(&self, messages: Vec<NewMessage>, options: AppendOptions) -> Result<Receipt> {
        self.try_append(messages, options).during(|| self.action("append to"))
    }

    fn try_append(&self, messages: Vec<NewMessage>, options: AppendOptions) -> Result<Receipt> {
        self.check()?;
        if messages.is_empty() {
            return Err(Error::invalid("there is no message to append"));
        }
        let begin = Instant::now();
        let messages = self.store.ready_all(messages)?;
        self.append_ready(messages, options, begin)
    }

    /// Appends messages that were counted and dated since `begin`.
    pub(super) fn append_ready(
        &self,
        messages: Vec<ReadyMessage>,
        options: AppendOptions,
        begin: Instant,
    ) -> Result<Receipt> {
        if let Some(key) = &options.idempotency_key {
            ids::check_id("idempotency_key", key)?;
        }
        let durability = options.durability;
        let append = Append {
            key: self.entry.key,
            id: Arc::clone(&self.entry.id),
            messages,
            options,
            memo: self.memo()?,
            now: now(),
        };
        match self.store.change(Mutation::Append(append), durability)? {
            Outcome::Appended(receipt) => {
                self.store.meter.append_latency.record_time(begin.elapsed());
                Ok(receipt)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Where a planner stands, to be kept with the session for whoever opens it next.
    fn memo(&self) -> Result<Option<(u64, crate::context::Memo)>> {
        Ok(match &*self.state()? {
            State::Loaded(loaded) => loaded.memo(),
            State::Unloaded | State::Deleted => None,
        })
    }

    /// Removes all messages, and returns the new revision.
    pub fn clear(&self, expected_revision: Option<u64>) -> Result<u64> {
        let clear = || {
            self.check()?;
            let clear = Clear {
                key: self.entry.key,
                id: Arc::clone(&self.entry.id),
                expected_revision,
                now: now(),
            };
            match self.store.change(Mutation::Clear(clear), None)? {
                Outcome::Cleared(revision) => Ok(revision),
                other => Err(unexpected(&other)),
            }
        };
        clear().during(|| self.action("clear"))
    }

    /// The messages from `first` to `last`, both included, as far as they are there.
    pub fn range(&self, first: u64, last: u64) -> Result<Messages> {
        let range = || {
            if first == 0 || first > last {
                return Err(Error::invalid(format!(
                    "the range {first} to {last} holds nothing: the first message is 1, and the range must not end \
                     before it begins"
                )));
            }
            self.read(|head| (first, last.min(head)))
        };
        range().during(|| self.action("read"))
    }

    /// The last messages.
    pub fn last(&self, count: u64) -> Result<Messages> {
        self.read(|head| (head.saturating_sub(count) + 1, head))
            .during(|| self.action("read"))
    }

    /// One message.
    pub fn message(&self, seq: u64) -> Result<Messages> {
        let message = || {
            let found = self.read(|head| (seq.max(1), seq.min(head)))?;
            if found.views().len() == 1 {
                return Ok(found);
            }
            Err(Error::new(Kind::NotFound, format!("there is no message {seq}")))
        };
        message().during(|| self.action("read"))
    }

    /// Reads what `choose` picks, knowing the last message.
    fn read(&self, choose: impl Fn(u64) -> (u64, u64)) -> Result<Messages> {
        self.make_current()?;
        self.store.meter.add(Counter::Reads, 1);
        if let Some(messages) = self.in_memory(|loaded| Ok(run_of(loaded, &choose)))? {
            return Ok(messages);
        }
        self.store.meter.add(Counter::ReadMisses, 1);
        self.load(|loaded, snapshot| match run_of(loaded, &choose) {
            Some(messages) => Ok(messages),
            None => self.read_from_storage(loaded, snapshot, &choose),
        })
    }

    /// What reaches to the end and is small enough stays in memory; other ranges are the caller's alone.
    fn read_from_storage(
        &self,
        loaded: &mut Loaded,
        snapshot: &dyn Snapshot,
        choose: &impl Fn(u64) -> (u64, u64),
    ) -> Result<Messages> {
        let head = u64::from(loaded.head.place.seq);
        let (first, last) = choose(head);
        let (Ok(first), Ok(last)) = (u32::try_from(first), u32::try_from(last)) else {
            return Ok(nothing());
        };
        let body = loaded.read_body(snapshot, first, last)?;
        let messages = Messages {
            run: Arc::clone(body.run()),
            range: 0..(last + 1 - first) as usize,
        };
        if u64::from(last) == head && body.bytes() <= self.store.cache.most_bytes_of_one() {
            loaded.install(body, first);
        }
        Ok(messages)
    }

    /// The messages for the next prompt. As long as nothing changes everybody is given the same ones.
    pub fn window(&self, options: &WindowOptions) -> Result<Arc<Window>> {
        if self.store.meter.count_window() {
            self.time_window(options);
        }
        self.try_window(options).during(|| self.action("lay a window over"))
    }

    /// One window of many is laid twice, the first time to time it: to carry the time along, and to look at the end
    /// whether there is one, would cost each window a tenth.
    #[cold]
    #[inline(never)]
    fn time_window(&self, options: &WindowOptions) {
        let begin = Instant::now();
        let window = self.try_window(options);
        self.store.meter.window_latency.record_time(begin.elapsed());
        drop(window);
    }

    // The way of a cached window is in one piece, though there are two such ways: a call more is a tenth of it.
    #[inline(always)]
    fn try_window(&self, options: &WindowOptions) -> Result<Arc<Window>> {
        self.make_current()?;
        if let Some(window) = self.in_memory(|loaded| Ok(loaded.window_at_hand(options)))? {
            return Ok(window);
        }
        if let Some(window) = self.ready_window(options)? {
            return Ok(window);
        }
        let store_tokens = self.store.window_tokens;
        self.store.meter.add(Counter::WindowMisses, 1);
        let (window, policy) = self.load(|loaded, snapshot| {
            let policy = loaded.policy(options, store_tokens)?;
            Ok((loaded.window(snapshot, &policy)?, policy))
        })?;
        self.tell_of_cut(policy, window.report());
        Ok(window)
    }

    #[inline(never)]
    fn ready_window(&self, options: &WindowOptions) -> Result<Option<Arc<Window>>> {
        let ready = self.in_memory(|loaded| loaded.ready_window(options, self.store.window_tokens))?;
        // Nobody waits for this: it is kept another time.
        if let Some(window) = &ready
            && let Some(mut state) = self.entry.state.try_write()
            && let State::Loaded(loaded) = &mut *state
        {
            loaded.keep_at_hand(options, window);
        }
        Ok(ready)
    }

    /// A window whose cut has moved is never at hand: every new cut passes here.
    fn tell_of_cut(&self, policy: Policy, report: &WindowReport) {
        let before = self.entry.note_cut(policy, report.cut_seq);
        if let Some(before) = before.filter(|_| self.store.events.listening()) {
            self.store.events.deliver(vec![Event {
                revision: report.revision,
                first_seq: report.cut_seq,
                last_seq: report.head_seq,
                count: report.cut_seq.saturating_sub(before),
                ..Event::new(EventKind::WindowCutMoved, now(), &self.entry.id)
            }]);
        }
    }

    /// Looks at the session in memory, if it is there.
    #[inline(always)]
    fn in_memory<T>(&self, look: impl FnOnce(&Loaded) -> Result<Option<T>>) -> Result<Option<T>> {
        if self.entry.has_missed() {
            return Ok(None);
        }
        match &*self.state()? {
            State::Unloaded => Ok(None),
            State::Deleted => Err(deleted()),
            State::Loaded(loaded) => {
                self.entry.note_use();
                look(loaded)
            }
        }
    }

    #[inline(always)]
    fn state(&self) -> Result<RwLockReadGuard<'_, State>> {
        match self.entry.state.try_read() {
            Some(state) => Ok(state),
            None => self.wait_for_state(),
        }
    }

    /// Whoever has it may read the storage, and wait there for what this thread holds.
    #[cold]
    #[inline(never)]
    fn wait_for_state(&self) -> Result<RwLockReadGuard<'_, State>> {
        match self.store.check_may_use_writer() {
            Ok(()) => Ok(self.entry.state.read()),
            Err(busy) => self.entry.state.try_read_for(PATIENCE_OF_A_CALLBACK).ok_or(busy),
        }
    }

    /// Does something with the session in memory that needs the storage, both at the same revision.
    fn load<T>(&self, work: impl FnOnce(&mut Loaded, &dyn Snapshot) -> Result<T>) -> Result<T> {
        let loaded = self.try_load(work);
        self.store.tell_of_damage(loaded)
    }

    fn try_load<T>(&self, work: impl FnOnce(&mut Loaded, &dyn Snapshot) -> Result<T>) -> Result<T> {
        self.store.check_may_read()?;
        let mut state = match self.store.check_may_use_writer() {
            Ok(()) => self.entry.state.write(),
            Err(busy) => self.entry.state.try_write_for(PATIENCE_OF_A_CALLBACK).ok_or(busy)?,
        };
        self.entry.begin_reading(&mut state);
        let begun = self.store.storage.snapshot();
        let begun = begun.and_then(|snapshot| Ok((snapshot.head(self.entry.key)?, snapshot)));
        let (head, snapshot) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                drop(state);
                self.store.cache.account(&self.entry);
                return Err(error);
            }
        };
        let Some(head) = head else {
            *state = State::Deleted;
            drop((snapshot, state));
            self.store.cache.account(&self.entry);
            return Err(deleted());
        };
        if !matches!(&*state, State::Loaded(loaded) if loaded.head.revision == head.revision) {
            *state = State::Loaded(Box::new(Loaded::new(head)));
        }
        let State::Loaded(loaded) = &mut *state else {
            return Err(deleted());
        };
        let result = work(loaded, snapshot.as_ref());
        drop(snapshot);
        let failure = result.as_ref().err().map(Error::kind);
        if failure == Some(Kind::Corrupt) {
            self.store.storage.note_damage();
        }
        // A window that is too large says nothing against what is in memory.
        if failure.is_some_and(|kind| kind != Kind::TooLarge) {
            *state = State::Unloaded;
        }
        drop(state);
        self.entry.note_use();
        self.store.cache.account(&self.entry);
        result
    }

    /// Forgets what is in memory if somebody else changed the session.
    #[inline(always)]
    fn make_current(&self) -> Result<()> {
        self.store.check_open()?;
        if self.store.alone {
            return Ok(());
        }
        self.forget_if_changed_elsewhere()
    }

    #[inline(never)]
    fn forget_if_changed_elsewhere(&self) -> Result<()> {
        let Some(revision) = self.in_memory(|loaded| Ok(Some(loaded.head.revision)))? else {
            return Ok(());
        };
        let storage = &self.store.storage;
        let is_current = storage.is_current(self.entry.key, revision, &self.entry.seen);
        if !self.store.tell_of_damage(is_current)? {
            self.entry.unload();
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<()> {
        self.store.check_open()?;
        self.in_memory(|_| Ok(Some(()))).map(drop)
    }

    fn action(&self, verb: &str) -> String {
        format!("{verb} session '{}'", self.entry.id)
    }

    /// Looks at one moment of the storage, and at the session's head in it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&dyn Snapshot, &Head) -> Result<T>) -> Result<T> {
        self.store.read(|snapshot| {
            let head = snapshot.head(self.entry.key)?.ok_or_else(deleted)?;
            look(snapshot, &head)
        })
    }

    /// Does something, and says of a failure what was being done.
    pub(super) fn do_to<T>(&self, verb: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.check().and_then(|()| work()).during(|| self.action(verb))
    }
}

pub(super) fn deleted() -> Error {
    Error::new(Kind::NotFound, "the session was deleted")
}

/// Messages as they are kept: all from `first` to `last`, or an error.
pub(super) fn read_messages(snapshot: &dyn Snapshot, head: &Head, first: u32, last: u32) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    if first > last {
        return Ok(messages);
    }
    let mut next = first;
    snapshot.messages(&head.path, first..=last, &mut |message| {
        expect_seq(&mut next, message.place.seq)?;
        messages.push(Message::from(message));
        Ok(())
    })?;
    expect_end(next, last)?;
    Ok(messages)
}

fn nothing() -> Messages {
    Messages {
        run: Arc::clone(Body::new().run()),
        range: 0..0,
    }
}

/// What `choose` picks, if memory reaches back so far.
fn run_of(loaded: &Loaded, choose: &impl Fn(u64) -> (u64, u64)) -> Option<Messages> {
    let (first, last) = choose(u64::from(loaded.head.place.seq));
    if first > last {
        return Some(nothing());
    }
    let (run, begin) = loaded.run_from(u32::try_from(first).ok()?)?;
    let range = begin..begin + (last - first + 1) as usize;
    Some(Messages { run, range })
}
