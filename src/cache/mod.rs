//! Sessions in memory, bounded by number and by bytes.
//!
//! A session in use has one [`CachedSession`], whoever asks for it; what can be evicted is the messages in it. An entry that was
//! used since the cache last looked is passed over once, so that handles need not tell the cache of every use.

pub(crate) mod body;
pub(crate) mod loaded;
pub mod view;
pub(crate) mod window;

pub(crate) use loaded::Loaded;

use crate::context::Policy;
use crate::storage::{NEVER_SEEN, SessionKey};
use lru::LruCache;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What is known of a session.
pub(crate) enum State {
    /// Nothing: ask the storage.
    Unloaded,
    /// Its head and its newest messages.
    Loaded(Box<Loaded>),
    /// It is no more.
    Deleted,
}

/// A session in use.
pub(crate) struct CachedSession {
    pub(crate) key: SessionKey,
    pub(crate) id: Arc<str>,
    pub(crate) state: RwLock<State>,
    /// For [`crate::storage::Storage::is_current`].
    pub(crate) seen: AtomicU64,
    handed_out: Mutex<Vec<(Policy, u64)>>,
    used: AtomicBool,
    /// Something was committed while the session was being read: what is in memory may lack it.
    missed: AtomicBool,
    /// What the cache has counted for it.
    bytes: AtomicUsize,
}

impl CachedSession {
    fn new(key: SessionKey, id: &str) -> Self {
        Self {
            key,
            id: id.into(),
            handed_out: Mutex::default(),
            state: RwLock::new(State::Unloaded),
            seen: AtomicU64::new(NEVER_SEEN),
            used: AtomicBool::new(false),
            missed: AtomicBool::new(false),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Notes where a window begins that is handed out, and says where the last one with these rules began if that was
    /// elsewhere.
    pub(crate) fn note_cut(&self, policy: Policy, cut: u64) -> Option<u64> {
        let mut handed_out = self.handed_out.lock();
        if let Some((_, last)) = handed_out.iter_mut().find(|(known, _)| *known == policy) {
            let before = std::mem::replace(last, cut);
            return Some(before).filter(|before| *before != cut);
        }
        if handed_out.len() == KINDS_OF_WINDOWS {
            handed_out.remove(0);
        }
        handed_out.push((policy, cut));
        None
    }

    /// Keeps it from being evicted next.
    pub(crate) fn note_use(&self) {
        // Who only reads leaves the cache line to the other readers.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Forgets the messages, unless the session is no more.
    pub(crate) fn unload(&self) {
        let mut state = self.state.write();
        if !matches!(*state, State::Deleted) {
            *state = State::Unloaded;
        }
    }

    /// The state, to be changed by whoever commits; `None` if somebody is reading the session from the storage, for which
    /// nobody else's commit shall wait. What is in memory then is not to be trusted until it is read anew.
    pub(crate) fn state_after_commit(&self) -> Option<RwLockWriteGuard<'_, State>> {
        let state = self.state.try_write_for(PATIENCE_OF_A_COMMIT);
        if state.is_none() {
            self.missed.store(true, Ordering::Release);
        }
        state
    }

    /// Whether what is in memory lacks something.
    pub(crate) fn has_missed(&self) -> bool {
        self.missed.load(Ordering::Acquire)
    }

    /// What is read from the storage from here on lacks nothing; what may lack something is forgotten, whatever comes of the
    /// reading.
    pub(crate) fn begin_reading(&self, state: &mut State) {
        if self.missed.swap(false, Ordering::AcqRel) {
            *state = State::Unloaded;
        }
    }
}

/// The entries of a store.
pub(crate) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    most_bytes: usize,
    bytes: AtomicUsize,
    evictions: AtomicU64,
}

struct Shard {
    most_sessions: usize,
    /// Entries whose messages count.
    loaded: LruCache<SessionKey, Arc<CachedSession>>,
    /// Every entry that somebody holds.
    known: HashMap<SessionKey, Weak<CachedSession>>,
    sweep_at: usize,
}

/// Longer than any look at memory, shorter than most reads of the storage.
const PATIENCE_OF_A_COMMIT: Duration = Duration::from_micros(200);

/// How many kinds of windows of one session are told apart.
pub(crate) const KINDS_OF_WINDOWS: usize = 4;

const MOST_SHARDS: usize = 8;
const FEWEST_SESSIONS_IN_A_SHARD: usize = 16;
const FEWEST_KNOWN_BEFORE_A_SWEEP: usize = 64;

impl Cache {
    pub(crate) fn new(most_sessions: usize, most_bytes: usize) -> Self {
        let count = (most_sessions / FEWEST_SESSIONS_IN_A_SHARD).clamp(1, MOST_SHARDS);
        let shards = (0..count).map(|index| {
            let share = most_sessions / count + usize::from(index < most_sessions % count);
            Mutex::new(Shard {
                most_sessions: share.max(1),
                loaded: LruCache::unbounded(),
                known: HashMap::new(),
                sweep_at: FEWEST_KNOWN_BEFORE_A_SWEEP,
            })
        });
        Self {
            shards: shards.collect(),
            most_bytes,
            bytes: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// The memory that the messages of one session may take before it is cut back.
    pub(crate) fn most_bytes_of_one(&self) -> usize {
        (self.most_bytes / 8).max(1)
    }

    fn shard(&self, key: SessionKey) -> &Mutex<Shard> {
        let index = key.0.unsigned_abs() as usize % self.shards.len();
        #[allow(clippy::indexing_slicing, reason = "a remainder by the length is below it")]
        &self.shards[index]
    }

    /// The session's entry: the one that others hold, if they do.
    pub(crate) fn entry(&self, key: SessionKey, id: &str) -> Arc<CachedSession> {
        let mut shard = self.shard(key).lock();
        if let Some(entry) = shard.known.get(&key).and_then(Weak::upgrade) {
            return entry;
        }
        let entry = Arc::new(CachedSession::new(key, id));
        shard.remember(&entry);
        entry
    }

    /// The session's entry, if somebody holds it.
    pub(crate) fn known(&self, key: SessionKey) -> Option<Arc<CachedSession>> {
        self.shard(key).lock().known.get(&key).and_then(Weak::upgrade)
    }

    /// Counts what an entry holds now, and evicts others if that is too much. Call it without a lock on any entry. What is
    /// being read from the storage is left to its reader, who counts when he is done.
    pub(crate) fn account(&self, entry: &Arc<CachedSession>) {
        let now = match entry.state.try_read_for(PATIENCE_OF_A_COMMIT).as_deref() {
            Some(State::Loaded(loaded)) => loaded.bytes(),
            Some(State::Unloaded | State::Deleted) => 0,
            None => return,
        };
        let before = entry.bytes.swap(now, Ordering::Relaxed);
        self.bytes.fetch_add(now, Ordering::Relaxed);
        self.bytes.fetch_sub(before, Ordering::Relaxed);
        let evicted = {
            let mut shard = self.shard(entry.key).lock();
            if now == 0 {
                shard.loaded.pop(&entry.key);
            } else {
                shard.loaded.put(entry.key, Arc::clone(entry));
            }
            shard.over_number()
        };
        evicted.iter().for_each(|entry| self.evict(entry));
        self.evict_by_bytes(entry);
    }

    fn evict_by_bytes(&self, latest: &Arc<CachedSession>) {
        let home = latest.key.0.unsigned_abs() as usize;
        for offset in 0..self.shards.len() {
            while self.bytes.load(Ordering::Relaxed) > self.most_bytes {
                let Some(shard) = self.shards.get((home + offset) % self.shards.len()) else {
                    break;
                };
                let Some(victim) = shard.lock().oldest() else { break };
                self.evict(&victim);
            }
        }
    }

    fn evict(&self, entry: &CachedSession) {
        self.evictions.fetch_add(1, Ordering::Relaxed);
        self.drop_messages(entry);
    }

    fn drop_messages(&self, entry: &CachedSession) {
        let Some(mut state) = entry.state.try_write_for(PATIENCE_OF_A_COMMIT) else {
            return;
        };
        if !matches!(*state, State::Deleted) {
            *state = State::Unloaded;
        }
        drop(state);
        self.bytes
            .fetch_sub(entry.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Forgets everything, also what was deleted: something happened to the storage.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let entries: Vec<_> = {
                let mut shard = shard.lock();
                shard.loaded.clear();
                shard.known.values().filter_map(Weak::upgrade).collect()
            };
            for entry in entries {
                *entry.state.write() = State::Unloaded;
                self.drop_messages(&entry);
            }
        }
    }

    /// How many sessions had to go to make room.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// How many sessions have messages in memory.
    pub(crate) fn sessions(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().loaded.len()).sum()
    }

    /// The memory that messages take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Shard {
    fn remember(&mut self, entry: &Arc<CachedSession>) {
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, entry| entry.strong_count() > 0);
            self.sweep_at = (self.known.len() * 2).max(FEWEST_KNOWN_BEFORE_A_SWEEP);
        }
        self.known.insert(entry.key, Arc::downgrade(entry));
    }

    fn over_number(&mut self) -> Vec<Arc<CachedSession>> {
        let mut evicted = Vec::new();
        while self.loaded.len() > self.most_sessions {
            evicted.extend(self.oldest());
        }
        evicted
    }

    /// Takes out the entry that was not used for the longest time.
    fn oldest(&mut self) -> Option<Arc<CachedSession>> {
        for _ in 0..self.loaded.len() {
            let (key, entry) = self.loaded.pop_lru()?;
            if !entry.used.swap(false, Ordering::Relaxed) {
                return Some(entry);
            }
            self.loaded.put(key, entry);
        }
        self.loaded.pop_lru().map(|(_, entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;
    use crate::storage::{Head, Path};

    fn load(cache: &Cache, number: i64) -> Arc<CachedSession> {
        let key = SessionKey(number);
        let entry = cache.entry(key, "id");
        *entry.state.write() = State::Loaded(Box::new(Loaded::new(Head {
            key,
            revision: 1,
            place: Place::default(),
            window_tokens: None,
            summary: String::new(),
            summary_tokens: 0,
            memo: None,
            bytes: 0,
            max_bytes: None,
            path: Path(Vec::new()),
        })));
        cache.account(&entry);
        entry
    }

    fn is_loaded(entry: &CachedSession) -> bool {
        matches!(*entry.state.read(), State::Loaded(_))
    }

    #[test]
    fn the_session_not_used_for_longest_goes_first_and_a_used_one_stays() {
        let cache = Cache::new(2, usize::MAX / 2);
        let (one, two) = (load(&cache, 1), load(&cache, 2));
        one.note_use();
        let three = load(&cache, 3);
        assert!(is_loaded(&one) && !is_loaded(&two) && is_loaded(&three));
    }

    #[test]
    fn what_missed_a_change_is_forgotten_as_soon_as_it_is_read_anew() {
        let cache = Cache::new(1, 1 << 20);
        let entry = load(&cache, 1);
        let mut state = entry.state.write();
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(entry.state_after_commit().is_none()));
        });
        assert!(entry.has_missed());
        entry.begin_reading(&mut state);
        assert!(!entry.has_missed() && matches!(*state, State::Unloaded));
    }

    #[test]
    fn memory_stays_under_its_limit_over_10_000_sessions() {
        let most = 64 << 10;
        let cache = Cache::new(1_000_000, most);
        for number in 0..10_000 {
            load(&cache, number);
            assert!(cache.bytes() <= most, "{} after {number}", cache.bytes());
        }
        assert!(cache.bytes() > most / 2, "the cache holds something");
    }

    #[test]
    fn whoever_asks_for_a_session_gets_the_same_entry() {
        let cache = Cache::new(1, 1 << 20);
        let one = load(&cache, 1);
        load(&cache, 2);
        load(&cache, 3);
        assert!(Arc::ptr_eq(&one, &cache.entry(SessionKey(1), "id")));
    }

    #[test]
    fn entries_that_nobody_holds_are_forgotten() {
        let cache = Cache::new(1, 1 << 20);
        for number in 0..10_000 {
            cache.entry(SessionKey(number), "id");
        }
        assert!(
            cache
                .shards
                .iter()
                .all(|shard| shard.lock().known.len() <= FEWEST_KNOWN_BEFORE_A_SWEEP + 1)
        );
    }
}
