//! Stores that nobody else writes to, in memory or exclusive: what they have in memory they believe without asking the storage,
//! and some of their reads go through the writer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use std::time::Duration;
use support::{Ending, TempStore, say};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{Durability, NewSession};
use turnkeep::store::{ExportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::{Session, Store, StoreOptions};

fn in_memory() -> Store {
    Store::open(":memory:", StoreOptions::default()).unwrap()
}

fn exclusive() -> TempStore {
    TempStore::with(StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        ..StoreOptions::default()
    })
}

/// Does something while another thread goes on appending.
fn while_appending(store: &Store, id: &str, work: impl FnOnce()) {
    let ended = AtomicBool::new(false);
    let session = store.open_session(id).unwrap();
    scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                say(&session, "more");
            }
        });
        let _ending = Ending(&ended);
        work();
    });
}

fn new_session(store: &Store, id: &str) -> Session {
    let named = NewSession {
        id: Some(id.to_owned()),
        ..NewSession::default()
    };
    store.create_session(named).unwrap()
}

fn expect_memory_to_keep_up(store: &Store) {
    let session = new_session(store, "s");
    while_appending(store, "s", || {
        for _ in 0..30_000 {
            let described = session.describe().unwrap().revision;
            let window = session.window(&WindowOptions::default()).unwrap();
            assert!(
                window.report().revision >= described,
                "the window is of {} after {described}",
                window.report().revision
            );
        }
    });
}

#[test]
fn a_window_in_memory_is_never_older_than_what_was_read_before_it() {
    expect_memory_to_keep_up(&in_memory());
}

#[test]
fn a_window_of_an_exclusive_store_is_never_older_than_what_was_read_before_it() {
    expect_memory_to_keep_up(&exclusive());
}

fn export(store: &Store, selection: Selection, mut with_each_piece: impl FnMut()) {
    let as_own = ExportOptions {
        format: Format::Turnkeep,
        selection,
        progress: None,
    };
    store
        .export(as_own, &mut |_| {
            with_each_piece();
            Ok(())
        })
        .unwrap();
}

/// A session of which nothing is in memory.
fn cold_session(store: &Store) -> Session {
    let session = new_session(store, "cold");
    say(&session, "a");
    session.rewind(0, None).unwrap();
    session
}

#[test]
fn a_callback_that_needs_the_storage_of_a_store_in_memory_is_told_busy_and_does_not_wait_for_itself() {
    let store = in_memory();
    let cold = cold_session(&store);
    let mut kinds = Vec::new();
    export(&store, Selection::All, || {
        kinds.push(cold.window(&WindowOptions::default()).err().map(|error| error.kind()));
        kinds.push(cold.last(1).err().map(|error| error.kind()));
    });
    assert!(
        kinds.len() >= 2 && kinds.iter().all(|kind| *kind == Some(Kind::Busy)),
        "{kinds:?}"
    );
    assert!(cold.window(&WindowOptions::default()).is_ok());
}

#[test]
fn a_callback_of_an_export_may_read_whatever_others_defer_meanwhile() {
    let store = exclusive();
    let cold = cold_session(&store);
    new_session(&store, "busy");
    while_appending(&store, "busy", || {
        for _ in 0..500 {
            let mut described = false;
            let only_cold = Selection::Sessions(vec!["cold".to_owned()]);
            export(&store, only_cold, || described = cold.describe().is_ok());
            assert!(described);
        }
    });
}

#[test]
fn a_callback_of_an_export_reads_while_an_erasure_waits_for_the_export_and_somebody_appends() {
    let store = TempStore::with(StoreOptions {
        exclusive: true,
        busy_timeout: Duration::from_secs(5),
        ..StoreOptions::default()
    });
    let cold = cold_session(&store);
    say(&new_session(&store, "gone"), "to be erased");
    let busy = new_session(&store, "busy");
    scope(|scope| {
        let (store, mut others) = (&store, None);
        let only_cold = Selection::Sessions(vec!["cold".to_owned()]);
        export(store, only_cold, || {
            others.get_or_insert_with(|| {
                let erasing = scope.spawn(|| store.erase_session("gone").unwrap());
                std::thread::sleep(Duration::from_millis(100));
                let appending = scope.spawn(|| say(&busy, "more"));
                std::thread::sleep(Duration::from_millis(100));
                (erasing, appending)
            });
            cold.describe().unwrap();
        });
        let (erasing, appending) = others.unwrap();
        assert!(erasing.join().unwrap().wal_truncated);
        appending.join().unwrap();
    });
}
