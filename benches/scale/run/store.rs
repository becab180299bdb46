//! The store under measurement, and the clock.

use super::content::Writer;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use turnkeep::context::WindowOptions;
use turnkeep::model::{
    AppendOptions, Durability, ListOptions, NewMessage, NewSession, Role, SearchOptions, Sort, Tokens,
};
use turnkeep::{Session, Store, StoreOptions};

pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("scale.db")
}

/// As a program opens it that shares it with others; nothing is flushed unless it is asked for.
pub(crate) fn open(folder: &Path) -> Store {
    open_with(folder, StoreOptions::default())
}

/// With room for one session in memory: two that are asked in turn are read from the file each time.
pub(crate) fn open_without_cache(folder: &Path) -> Store {
    open_with(
        folder,
        StoreOptions {
            cache_sessions: 1,
            ..StoreOptions::default()
        },
    )
}

fn open_with(folder: &Path, options: StoreOptions) -> Store {
    let options = StoreOptions {
        durability: Durability::Os,
        ..options
    };
    Store::open(path(folder).to_str().unwrap(), options).unwrap()
}

/// What it takes to open it, whatever it takes to close it.
pub(crate) fn opening(folder: &Path) -> f64 {
    median_of(10, |_| {
        let begin = Instant::now();
        let store = open(folder);
        let taken = begin.elapsed();
        drop(store);
        taken
    })
}

/// Opens it for growing: many changes in one transaction. Everything is indexed, and it is closed, when this returns.
pub(crate) fn grow(folder: &Path, fill: impl FnOnce(&Store)) {
    let options = StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        ..StoreOptions::default()
    };
    let store = Store::open(path(folder).to_str().unwrap(), options).unwrap();
    fill(&store);
    store.flush().unwrap();
    store.search(&wanted("nothing")).unwrap();
    store.close().unwrap();
}

pub(crate) fn message(number: u64, content: String) -> NewMessage {
    let role = if number.is_multiple_of(2) {
        Role::User
    } else {
        Role::Assistant
    };
    NewMessage {
        tokens: Tokens::Given(30),
        ..NewMessage::new(role, content)
    }
}

pub(crate) fn messages(writer: &mut Writer, count: u64) -> Vec<NewMessage> {
    (0..count).map(|number| message(number, writer.content())).collect()
}

pub(crate) fn create(store: &Store, id: impl Into<String>) -> Session {
    store
        .create_session(NewSession {
            id: Some(id.into()),
            ..NewSession::default()
        })
        .unwrap()
}

/// In batches.
pub(crate) fn fill(session: &Session, writer: &mut Writer, count: u64) {
    let mut left = count;
    while left > 0 {
        let batch = left.min(1_000);
        session
            .append(messages(writer, batch), AppendOptions::default())
            .unwrap();
        left -= batch;
    }
}

pub(crate) fn append(session: &Session, durability: Durability) {
    let options = AppendOptions {
        durability: Some(durability),
        ..AppendOptions::default()
    };
    session
        .append(vec![message(0, "And what does the other one say?".to_owned())], options)
        .unwrap();
}

pub(crate) fn window(session: &Session) {
    assert!(!black_box(session.window(&WindowOptions::default()).unwrap()).is_empty());
}

/// A page of 50; returns how many are on it.
pub(crate) fn page(store: &Store, sort: Sort) -> usize {
    let options = ListOptions {
        sort,
        ..ListOptions::default()
    };
    black_box(store.list_sessions(&options).unwrap()).sessions.len()
}

pub(crate) fn wanted(text: &str) -> SearchOptions {
    SearchOptions {
        text: text.to_owned(),
        ..SearchOptions::default()
    }
}

/// The newest 20; returns how many there are.
pub(crate) fn search(store: &Store, text: &str) -> usize {
    black_box(store.search(&wanted(text)).unwrap()).hits().len()
}

static IN_A_HURRY: AtomicBool = AtomicBool::new(false);

/// From here on everything is done a few times only: the figures are worth nothing.
pub(crate) fn hurry() {
    IN_A_HURRY.store(true, Ordering::Relaxed);
}

/// The median of so many times, in microseconds; the first is for the caches.
pub(crate) fn median(times: usize, mut work: impl FnMut(usize)) -> f64 {
    median_of(times, |round| {
        let begin = Instant::now();
        work(round);
        begin.elapsed()
    })
}

/// The same where the work knows which part of it counts.
pub(crate) fn median_of(times: usize, mut work: impl FnMut(usize) -> Duration) -> f64 {
    let times = if IN_A_HURRY.load(Ordering::Relaxed) { 2 } else { times };
    let taken = (0..=times).map(|round| work(round).as_secs_f64() * 1e6);
    let mut taken: Vec<f64> = taken.skip(1).collect();
    taken.sort_by(f64::total_cmp);
    taken[taken.len() / 2]
}

/// The same where one time is too short for the clock: so many at once.
pub(crate) fn median_of_many(times: usize, at_once: usize, mut work: impl FnMut()) -> f64 {
    median(times, |_| (0..at_once).for_each(|_| work())) / at_once as f64
}
