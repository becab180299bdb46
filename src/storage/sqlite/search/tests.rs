//! Catching up, where nothing but the storage is in the way.

use crate::model::{Durability, NewSession, SearchOptions};
use crate::storage::mutation::Create;
use crate::storage::sqlite::{IN_MEMORY, SqliteOptions, SqliteStorage};
use crate::storage::{Mutation, Storage};
use std::cell::Cell;
use std::time::Duration;

#[test]
fn catching_up_takes_batches_and_stops_when_it_is_told_to() {
    let options = SqliteOptions {
        busy_timeout: Duration::ZERO,
        readers: 1,
        exclusive: false,
        read_only: false,
        must_exist: false,
        event_log_rows: 0,
    };
    let storage = SqliteStorage::open(IN_MEMORY, &options).unwrap();
    let sessions: Vec<Mutation> = (0..1_000)
        .map(|number| {
            Mutation::Create(Create {
                id: number.to_string(),
                session: NewSession {
                    title: format!("bee w{number}"),
                    ..NewSession::default()
                },
                summary_tokens: 0,
                messages: Vec::new(),
                now: 0,
            })
        })
        .collect();
    let created = storage.apply(&sessions.iter().collect::<Vec<_>>(), Durability::Os, &mut || ());
    assert!(created.iter().all(Result::is_ok));
    let found = |word: &str| {
        let options = SearchOptions {
            text: word.to_owned(),
            limit: 1_000,
            ..SearchOptions::default()
        };
        storage.snapshot().unwrap().search(&options).unwrap().hits.len()
    };

    assert!(!storage.index_while(&|| false).unwrap());
    assert_eq!(found("bee"), 0);
    let batches = Cell::new(0);
    let one_batch = || batches.replace(batches.get() + 1) == 0;
    assert!(!storage.index_while(&one_batch).unwrap());
    assert_eq!(found("bee"), 256);
    assert!(storage.snapshot().unwrap().is_search_behind().unwrap());
    storage.catch_up().unwrap();
    assert_eq!(found("bee"), 1_000);
    assert!(!storage.snapshot().unwrap().is_search_behind().unwrap());
    assert!(storage.index_while(&|| panic!("nothing is left")).unwrap());
}
