//! Whoever comes upon damage first tells it, whatever he was asked.

use crate::events::{kinds, listen};
use crate::support::{TempStore, assistant, user};
use rusqlite::Connection;
use turnkeep::error::{Error, Kind};
use turnkeep::model::{EventKind, Filter, NewSession, SearchOptions};
use turnkeep::{Session, Store};

/// What is no text, where one should be.
const NO_TEXT: &str = "CAST(x'C328' AS TEXT)";

/// A store with the session 'one' of six messages and its fork 'fork', closed.
fn sample() -> TempStore {
    let store = TempStore::new();
    let messages = (0..3).flat_map(|_| [user("a question"), assistant("an answer")]);
    let one = NewSession {
        id: Some("one".into()),
        messages: messages.collect(),
        ..NewSession::default()
    };
    let fork = NewSession {
        id: Some("fork".into()),
        ..NewSession::default()
    };
    let one = store.create_session(one).unwrap();
    drop(one.fork(Some(4), fork).unwrap());
    store.close().unwrap();
    store
}

fn with_sql(sql: &str) -> TempStore {
    let store = sample();
    let file = Connection::open(store.path()).unwrap();
    file.execute_batch(sql).unwrap();
    file.close().unwrap();
    store
}

/// The first page of a table or an index is overwritten.
fn with_garbage_in(name: &str) -> TempStore {
    let store = sample();
    let file = Connection::open(store.path()).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: u32 = file.query_row(root, [name], |row| row.get(0)).unwrap();
    file.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    file.close().unwrap();
    let mut bytes = std::fs::read(store.path()).unwrap();
    bytes[(page as usize - 1) * 4096..page as usize * 4096].fill(0x5A);
    std::fs::write(store.path(), bytes).unwrap();
    store
}

/// The call fails with CORRUPT, each time, and the damage is told by the first.
#[track_caller]
fn is_told<T>(damaged: &TempStore, call: impl Fn(&Store) -> Result<T, Error>) {
    let store = damaged.share();
    let heard = listen(&store);
    for _ in 0..2 {
        assert_eq!(call(&store).err().map(|error| error.kind()), Some(Kind::Corrupt));
        let told = kinds(&heard);
        let found = told.iter().filter(|kind| **kind == EventKind::CorruptionFound);
        assert_eq!(found.count(), 1, "{told:?}");
    }
}

fn one(store: &Store) -> Session {
    store.open_session("one").unwrap()
}

#[test]
fn damage_that_a_check_finds_is_told() {
    let damaged = with_garbage_in("tags_by_tag");
    let store = damaged.share();
    let heard = listen(&store);
    assert!(store.check().unwrap().problems.count > 0);
    assert_eq!(kinds(&heard).last(), Some(&EventKind::CorruptionFound));
}

#[test]
fn damage_that_a_count_finds_is_told() {
    is_told(&with_garbage_in("sessions"), |store| {
        store.count_sessions(&Filter {
            has_messages: Some(true),
            ..Filter::default()
        })
    });
}

#[test]
fn damage_that_a_search_finds_is_told() {
    let words = SearchOptions {
        text: "question".into(),
        ..SearchOptions::default()
    };
    is_told(&with_garbage_in("messages"), |store| store.search(&words));
}

#[test]
fn damage_that_reading_turns_finds_is_told() {
    let missing = with_sql("DELETE FROM messages WHERE key & 4294967295 = 2");
    is_told(&missing, |store| one(store).turns(1, 9));
    let garbled = with_sql(&format!(
        "UPDATE messages SET content = {NO_TEXT} WHERE key & 4294967295 = 3"
    ));
    is_told(&garbled, |store| one(store).last_turns(9));
}

#[test]
fn damage_that_a_comparison_finds_is_told() {
    let garbled = with_sql(&format!("UPDATE sessions SET summary = {NO_TEXT} WHERE id = 'fork'"));
    is_told(&garbled, |store| {
        one(store).compare(&store.open_session("fork").unwrap())
    });
}

#[test]
fn damage_that_a_look_at_the_forks_finds_is_told() {
    let garbled = with_sql(&format!("UPDATE sessions SET title = {NO_TEXT} WHERE id = 'fork'"));
    is_told(&garbled, |store| one(store).forks());
    is_told(&garbled, |store| one(store).tree());
}
