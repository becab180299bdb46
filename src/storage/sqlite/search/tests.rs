//! Full text under forks and what takes messages away, where nothing but the storage is in the way.

use crate::model::{AppendOptions, Durability, MessageFlags, NewSession, ReadyMessage, Role, SearchOptions, Status};
use crate::storage::mutation::{Append, Create, Delete, Fork, Rewind, Truncate, Update};
use crate::storage::sqlite::{IN_MEMORY, SqliteOptions, SqliteStorage};
use crate::storage::{Mutation, Outcome, SessionKey, Storage};
use std::time::Duration;

fn storage() -> SqliteStorage {
    let options = SqliteOptions {
        event_log_rows: 0,
        busy_timeout: Duration::ZERO,
        readers: 1,
        exclusive: false,
        read_only: false,
        must_exist: false,
    };
    SqliteStorage::open(IN_MEMORY, &options).unwrap()
}

fn message(content: &str) -> ReadyMessage {
    ReadyMessage {
        role: Role::User,
        flags: MessageFlags::default(),
        tokens: 1,
        created: 1_000,
        content: content.to_owned(),
        tool_calls: None,
        tool_call_id: None,
        model: None,
        metadata: None,
    }
}

fn messages(contents: &[&str]) -> Vec<ReadyMessage> {
    contents.iter().map(|content| message(content)).collect()
}

fn apply(storage: &SqliteStorage, mutation: Mutation) -> Outcome {
    storage.apply(&[mutation], Durability::Os).remove(0).unwrap().outcome
}

fn create(id: &str, contents: &[&str]) -> Create {
    Create {
        id: id.to_owned(),
        session: NewSession::default(),
        summary_tokens: 0,
        messages: messages(contents),
        now: 0,
    }
}

fn created(outcome: Outcome) -> SessionKey {
    match outcome {
        Outcome::Created(head) => head.key,
        other => panic!("{other:?}"),
    }
}

fn session(storage: &SqliteStorage, id: &str, contents: &[&str]) -> SessionKey {
    created(apply(storage, Mutation::Create(create(id, contents))))
}

fn fork(storage: &SqliteStorage, parent: SessionKey, at_seq: u32, id: &str, contents: &[&str]) -> SessionKey {
    let fork = Fork {
        parent_id: "s".into(),
        parent,
        at_seq: Some(at_seq),
        create: create(id, contents),
    };
    created(apply(storage, Mutation::Fork(fork)))
}

fn append(storage: &SqliteStorage, key: SessionKey, contents: &[&str]) {
    let append = Append {
        id: "s".into(),
        key,
        messages: messages(contents),
        options: AppendOptions::default(),
        memo: None,
        now: 0,
    };
    apply(storage, Mutation::Append(append));
}

fn rewind(storage: &SqliteStorage, key: SessionKey, to_seq: u32, contents: &[&str]) {
    let rewind = Rewind {
        id: "s".into(),
        key,
        to_seq,
        messages: messages(contents),
        expected_revision: None,
        now: 0,
    };
    apply(storage, Mutation::Rewind(rewind));
}

fn set_status(storage: &SqliteStorage, key: SessionKey, status: Status) {
    let mut update = Update {
        id: "s".into(),
        key,
        changes: crate::model::SessionChanges::default(),
        summary_tokens: 0,
        now: 0,
    };
    update.changes.status = Some(status);
    apply(storage, Mutation::Update(update));
}

fn delete(storage: &SqliteStorage, id: &str) {
    let delete = Delete {
        id: id.to_owned(),
        erase: false,
        now: 0,
    };
    apply(storage, Mutation::Delete(delete));
}

/// Which messages a word is found in, as session and seq, newest first.
fn found(storage: &SqliteStorage, word: &str) -> Vec<(String, u32)> {
    storage.catch_up().unwrap();
    let snapshot = storage.snapshot().unwrap();
    assert!(!snapshot.is_search_behind().unwrap());
    let options = SearchOptions {
        text: word.to_owned(),
        ..SearchOptions::default()
    };
    let findings = snapshot.search(&options).unwrap();
    findings.hits.into_iter().map(|hit| (hit.session_id, hit.seq)).collect()
}

fn hit(id: &str, seq: u32) -> (String, u32) {
    (id.to_owned(), seq)
}

#[test]
fn what_forks_share_is_found_once_and_told_for_the_session_it_was_appended_to() {
    let storage = storage();
    let root = session(&storage, "root", &["bee one", "bee two"]);
    fork(&storage, root, 1, "fork", &["bee three"]);
    assert_eq!(found(&storage, "bee"), [hit("fork", 2), hit("root", 2), hit("root", 1)]);
}

#[test]
fn what_forks_share_is_told_for_a_fork_when_the_filter_hides_the_first_session() {
    let storage = storage();
    let root = session(&storage, "root", &["bee one", "bee two"]);
    let one = fork(&storage, root, 1, "one", &[]);
    fork(&storage, one, 1, "two", &[]);
    set_status(&storage, root, Status::Trashed);
    assert_eq!(found(&storage, "bee"), [hit("one", 1)]);
    set_status(&storage, one, Status::Trashed);
    assert_eq!(found(&storage, "bee"), [hit("two", 1)]);
    delete(&storage, "root");
    assert_eq!(found(&storage, "bee"), [hit("two", 1)]);
    delete(&storage, "two");
    assert_eq!(found(&storage, "bee"), []);
    set_status(&storage, one, Status::Active);
    assert_eq!(found(&storage, "bee"), [hit("one", 1)]);
}

#[test]
fn what_was_rewound_is_not_found_but_where_a_fork_still_has_it() {
    for indexed_before in [true, false] {
        let storage = storage();
        let root = session(&storage, "root", &["bee one", "bee two", "bee three"]);
        fork(&storage, root, 2, "fork", &[]);
        if indexed_before {
            assert_eq!(found(&storage, "bee").len(), 3);
        }
        rewind(&storage, root, 1, &["bee four"]);
        assert_eq!(found(&storage, "bee"), [hit("root", 2), hit("fork", 2), hit("root", 1)]);
        assert_eq!(found(&storage, "four"), [hit("root", 2)]);
        assert_eq!(found(&storage, "three"), []);
        append(&storage, root, &["wasp"]);
        assert_eq!(found(&storage, "wasp"), [hit("root", 3)]);
    }
}

#[test]
fn a_message_in_the_place_of_one_that_was_rewound_is_found_by_its_own_words() {
    for indexed_before in [true, false] {
        let storage = storage();
        let key = session(&storage, "s", &["bee", "wasp", "fly"]);
        if indexed_before {
            assert_eq!(found(&storage, "wasp"), [hit("s", 2)]);
        }
        rewind(&storage, key, 1, &["hornet"]);
        assert_eq!(found(&storage, "hornet"), [hit("s", 2)]);
        assert_eq!(found(&storage, "wasp"), []);
        assert_eq!(found(&storage, "fly"), []);
        assert_eq!(found(&storage, "bee"), [hit("s", 1)]);
    }
}

#[test]
fn what_was_truncated_is_not_found_and_what_stays_is_found_in_its_new_place() {
    let storage = storage();
    let key = session(&storage, "s", &["bee", "wasp", "fly"]);
    assert_eq!(found(&storage, "fly"), [hit("s", 3)]);
    let truncate = Truncate {
        id: "s".into(),
        key,
        most_messages: Some(1),
        most_tokens: None,
        expected_revision: None,
        now: 0,
    };
    apply(&storage, Mutation::Truncate(truncate));
    assert_eq!(found(&storage, "fly"), [hit("s", 1)]);
    assert_eq!(found(&storage, "bee"), []);
}

#[test]
fn catching_up_takes_batches_and_stops_when_it_is_told_to() {
    let storage = storage();
    let key = session(&storage, "s", &[]);
    let contents: Vec<String> = (0..1_000).map(|number| format!("bee w{number}")).collect();
    append(&storage, key, &contents.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!storage.index_while(&|| false).unwrap());
    let batches = std::cell::Cell::new(0);
    let one_batch = || {
        batches.set(batches.get() + 1);
        batches.get() == 1
    };
    assert!(!storage.index_while(&one_batch).unwrap());
    assert!(storage.snapshot().unwrap().is_search_behind().unwrap());
    assert_eq!(found(&storage, "w999"), [hit("s", 1_000)]);
    assert_eq!(found(&storage, "w0"), [hit("s", 1)]);
    assert!(storage.index_while(&|| panic!("nothing is left")).unwrap());
}
