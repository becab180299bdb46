//! The store's own thread: what needs no caller. Moves the WAL into the file, writes what was deferred, deletes what has
//! expired.

use super::Inner;
use crate::panics::caught;
use parking_lot::{Condvar, Mutex};
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
}

/// Longer than any clock here counts without overflow being a question.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Default)]
struct Orders {
    stop: bool,
    maintain: bool,
    save_at: Option<Instant>,
    clean_at: Option<Instant>,
}

enum Work {
    Maintain,
    Save,
    CleanUp,
    Stop,
}

impl Background {
    /// Starts the thread; `None` if the system gives none.
    pub(super) fn start(store: Weak<Inner>, autosave: Duration, cleanup_interval: Option<Duration>) -> Option<Self> {
        let autosave = autosave.min(LONGEST_WAIT);
        let cleanup_interval = cleanup_interval.map(|interval| interval.min(LONGEST_WAIT));
        let desk = Arc::new(Desk {
            orders: Mutex::new(Orders {
                clean_at: cleanup_interval.map(|interval| Instant::now() + interval),
                ..Orders::default()
            }),
            changed: Condvar::new(),
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
        if !deferred && !maintain {
            return;
        }
        let mut orders = self.desk.orders.lock();
        let wakes = (maintain && !orders.maintain) || (deferred && orders.save_at.is_none());
        orders.maintain |= maintain;
        if deferred && orders.save_at.is_none() {
            orders.save_at = Some(Instant::now() + self.autosave);
        }
        drop(orders);
        if wakes {
            self.desk.changed.notify_one();
        }
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(&self) {
        self.desk.orders.lock().stop = true;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.lock().take()
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
            match orders.save_at.into_iter().chain(orders.clean_at).min() {
                None => self.changed.wait(&mut orders),
                Some(at) => drop(self.changed.wait_until(&mut orders, at)),
            }
        }
    }
}

fn run(store: &Weak<Inner>, desk: &Desk, autosave: Duration, cleanup_interval: Option<Duration>) {
    loop {
        let work = desk.next();
        let Some(store) = store.upgrade() else { return };
        let done = caught(|| match work {
            Work::Stop => Ok(()),
            Work::Save => store.save_deferred(),
            // What cannot be deleted now is expired the next time, too.
            Work::CleanUp => store.cleanup().map(drop),
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
