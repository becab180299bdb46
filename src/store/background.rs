//! The store's own thread: what needs no caller. Moves the WAL into the file, writes what was deferred, deletes what has
//! expired, indexes what can be searched for.

use super::Inner;
use crate::error::Result;
use crate::panics::caught;
use parking_lot::{Condvar, Mutex};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A thread that works while the store is open.
pub(super) struct Background {
    desk: Arc<Desk>,
    autosave: Duration,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Desk {
    orders: Mutex<Orders>,
    changed: Condvar,
    /// Something may be there to index. Beside the orders, so that a commit need not take their lock to find it said already.
    index: AtomicBool,
    /// It shows whether somebody commits at present.
    commits: AtomicU64,
    full_text: bool,
}

/// So long nobody must have committed for the store to have nothing better to do than to index.
const IDLE: Duration = Duration::from_millis(20);

/// In a store that is never idle a batch is indexed so often, that a search has not everything to catch up with.
const LONGEST_WITHOUT_INDEXING: Duration = Duration::from_millis(250);

/// Longer than any clock here counts without overflow being a question.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Default)]
struct Orders {
    stop: bool,
    maintain: bool,
    save_at: Option<Instant>,
    clean_at: Option<Instant>,
    index_at: Option<Instant>,
}

enum Work {
    Maintain,
    Save,
    CleanUp,
    Index,
    Stop,
}

impl Background {
    /// Starts the thread; `None` if the system gives none.
    pub(super) fn start(
        store: Weak<Inner>,
        autosave: Duration,
        cleanup_interval: Option<Duration>,
        full_text: bool,
    ) -> Option<Self> {
        let autosave = autosave.min(LONGEST_WAIT);
        let cleanup_interval = cleanup_interval.map(|interval| interval.min(LONGEST_WAIT));
        let desk = Arc::new(Desk {
            orders: Mutex::new(Orders {
                // What another process, or an earlier version, has left.
                index_at: full_text.then(|| Instant::now() + IDLE),
                clean_at: cleanup_interval.map(|interval| Instant::now() + interval),
                ..Orders::default()
            }),
            changed: Condvar::new(),
            index: AtomicBool::new(full_text),
            commits: AtomicU64::new(0),
            full_text,
        });
        let its_desk = Arc::clone(&desk);
        let thread = std::thread::Builder::new()
            .name("turnkeep".to_owned())
            .spawn(move || run(&store, &its_desk, autosave, cleanup_interval))
            .ok()?;
        Some(Self {
            desk,
            autosave,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Says what a commit left to do.
    pub(super) fn after_commit(&self, deferred: bool, maintain: bool) {
        let desk = &self.desk;
        desk.commits.fetch_add(1, Ordering::Relaxed);
        let index = desk.full_text && !desk.index.load(Ordering::Relaxed) && !desk.index.swap(true, Ordering::AcqRel);
        if !deferred && !maintain && !index {
            return;
        }
        let mut orders = desk.orders.lock();
        let wakes = (maintain && !orders.maintain) || (deferred && orders.save_at.is_none()) || index;
        if index {
            orders.index_at = Some(Instant::now() + IDLE);
        }
        orders.maintain |= maintain;
        if deferred && orders.save_at.is_none() {
            orders.save_at = Some(Instant::now() + self.autosave);
        }
        drop(orders);
        if wakes {
            self.desk.changed.notify_one();
        }
    }

    /// Ends the thread, and waits for it if the caller may: a callback that the thread runs may wait for what the caller has,
    /// or for the caller, and ends later then.
    pub(super) fn stop(&self, may_wait: bool) {
        self.desk.orders.lock().stop = true;
        self.desk.changed.notify_one();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && may_wait
            // A callback that it runs may be what closes the store.
            && thread.thread().id() != std::thread::current().id()
        {
            let _panicked = thread.join();
        }
    }
}

impl Desk {
    fn next(&self) -> Work {
        let mut orders = self.orders.lock();
        loop {
            if orders.stop {
                return Work::Stop;
            }
            if std::mem::take(&mut orders.maintain) {
                return Work::Maintain;
            }
            let now = Instant::now();
            if orders.save_at.take_if(|at| *at <= now).is_some() {
                return Work::Save;
            }
            if orders.clean_at.take_if(|at| *at <= now).is_some() {
                return Work::CleanUp;
            }
            // What is deferred is written first: indexing would commit it before its time.
            let may_index = orders.save_at.is_none();
            if may_index && orders.index_at.take_if(|at| *at <= now).is_some() {
                return Work::Index;
            }
            let index_at = orders.index_at.filter(|_| may_index);
            match orders.save_at.into_iter().chain(orders.clean_at).chain(index_at).min() {
                None => self.changed.wait(&mut orders),
                Some(at) => drop(self.changed.wait_until(&mut orders, at)),
            }
        }
    }

    fn stops(&self) -> bool {
        self.orders.lock().stop
    }
}

/// Indexes what there is while nobody commits, and a batch now and then while somebody does.
struct Indexer {
    commits: u64,
    last: Instant,
}

impl Indexer {
    fn work(&mut self, store: &Inner, desk: &Desk) -> Result<()> {
        let commits = desk.commits.load(Ordering::Relaxed);
        let idle = std::mem::replace(&mut self.commits, commits) == commits;
        if !idle && self.last.elapsed() < LONGEST_WITHOUT_INDEXING {
            desk.orders.lock().index_at = Some(Instant::now() + IDLE);
            return Ok(());
        }
        self.last = Instant::now();
        // What is noted from here on says so again.
        desk.index.store(false, Ordering::Release);
        let batches = Cell::new(0);
        let goes_on = || {
            let first = batches.replace(batches.get() + 1) == 0;
            (first || (idle && desk.commits.load(Ordering::Relaxed) == commits)) && !desk.stops()
        };
        // What fails is tried again after the next commit.
        let all = store.index_while(&goes_on)?;
        if !all && !desk.index.swap(true, Ordering::AcqRel) {
            desk.orders.lock().index_at = Some(Instant::now() + IDLE);
        }
        if store.storage.wants_maintenance() {
            desk.orders.lock().maintain = true;
        }
        Ok(())
    }
}

thread_local! {
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is some store's own.
pub(super) fn is_own_thread() -> bool {
    IS_OWN.try_with(Cell::get).unwrap_or(false)
}

fn run(store: &Weak<Inner>, desk: &Desk, autosave: Duration, cleanup_interval: Option<Duration>) {
    IS_OWN.set(true);
    let mut indexer = Indexer {
        commits: 0,
        last: Instant::now(),
    };
    loop {
        let work = desk.next();
        let Some(store) = store.upgrade() else { return };
        let done = caught(|| match work {
            Work::Stop => Ok(()),
            Work::Save => store.save_deferred(),
            // What cannot be deleted now is expired the next time, too.
            Work::CleanUp => store.cleanup().map(drop),
            Work::Index => indexer.work(&store, desk),
            // A checkpoint that failed is tried again when the WAL has grown further; damage is noted by the storage.
            Work::Maintain => store.tell_of_damage(store.storage.maintain()),
        });
        match work {
            Work::Stop => return,
            Work::CleanUp => desk.orders.lock().clean_at = cleanup_interval.map(|interval| Instant::now() + interval),
            Work::Save if done.is_err() => desk.orders.lock().save_at = Some(Instant::now() + autosave),
            _ => {}
        }
    }
}
