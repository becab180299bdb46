//! A store whose files are taken away while it is open, and what another process writes to it meanwhile: what is acknowledged is
//! kept, or its loss is told. Links to a store lead to one store.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::user;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, Durability, NewSession};
use turnkeep::{Session, Store, StoreOptions};

const STORE_OF_CHILD: &str = "TURNKEEP_TEST_STORE_OF_CHILD";

fn at(durability: Durability) -> StoreOptions {
    StoreOptions {
        durability,
        ..StoreOptions::default()
    }
}

fn open(path: &Path) -> Store {
    Store::open(path.to_str().unwrap(), at(Durability::Disk)).unwrap()
}

fn create(store: &Store, id: &str) -> Session {
    let session = NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    };
    store.create_session(session).unwrap()
}

fn append(session: &Session, count: usize) {
    for number in 0..count {
        session
            .append(vec![user(&format!("message {number}"))], AppendOptions::default())
            .unwrap();
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

/// How many messages of a session are there; the file is sound.
fn kept(path: &Path, id: &str) -> usize {
    let store = open(path);
    assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
    store
        .open_session(id)
        .map_or(0, |session| session.range(1, u64::MAX).unwrap().views().len())
}

/// Another process opens the store, appends fifty messages to a session "b" and closes it.
fn another_process_appends_to(path: &Path) {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_another_process_does", "--ignored"])
        .env(STORE_OF_CHILD, path)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
#[ignore = "what another process does: run by another test"]
fn what_another_process_does() {
    let Some(path) = std::env::var_os(STORE_OF_CHILD) else {
        return;
    };
    let store = open(Path::new(&path));
    append(&create(&store, "b"), 50);
    store.close().unwrap();
}

#[test]
fn closing_a_store_whose_index_was_removed_takes_nothing_from_another_process() {
    let folder = tempfile::tempdir().unwrap();
    for first in [5, 50, 500] {
        let path = folder.path().join(format!("{first}.db"));
        let store = open(&path);
        append(&create(&store, "a"), first);
        std::fs::remove_file(beside(&path, "-shm")).unwrap();
        another_process_appends_to(&path);
        store.close().unwrap();
        assert_eq!((kept(&path, "a"), kept(&path, "b")), (first, 50));
    }
}

#[test]
fn what_a_log_held_that_another_process_has_replaced_is_told_to_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let store = open(&path);
    append(&create(&store, "a"), 5);
    std::fs::remove_file(beside(&path, "-wal")).unwrap();
    std::fs::remove_file(beside(&path, "-shm")).unwrap();
    another_process_appends_to(&path);
    let told = store.close().unwrap_err();
    assert_eq!(told.kind(), Kind::Storage);
    assert!(told.message().contains("is lost"), "{told}");
    assert_eq!(kept(&path, "b"), 50);
}

#[test]
fn closing_a_store_whose_log_was_removed_moves_it_into_the_file_though_others_have_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let (store, other) = (open(&path), open(&path));
    let session = create(&store, "a");
    append(&session, 5);
    std::fs::remove_file(beside(&path, "-wal")).unwrap();
    let refused = session
        .append(vec![user("refused")], AppendOptions::default())
        .unwrap_err();
    assert_eq!(refused.kind(), Kind::Storage);
    drop(session);
    store.close().unwrap();
    assert_eq!(kept(&path, "a"), 5);
    drop(other);
    assert_eq!(kept(&path, "a"), 5);
}

#[test]
fn what_was_refused_because_the_file_is_gone_is_refused_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let store = Store::open(path.to_str().unwrap(), at(Durability::Os)).unwrap();
    let session = create(&store, "a");
    std::fs::remove_file(&path).unwrap();
    let one = || session.append(vec![user("lost")], AppendOptions::default());
    let begun = Instant::now();
    while one().is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody looked");
    }
    for _ in 0..1_000 {
        assert_eq!(one().unwrap_err().kind(), Kind::Storage);
    }
}

#[test]
fn a_store_that_is_opened_by_a_link_has_one_log_and_looks_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.db");
    let link = folder.path().join("link.db");
    // A link to what is not there yet is one, too.
    std::os::unix::fs::symlink("real.db", &link).unwrap();
    let store = open(&link);
    let session = create(&store, "a");
    append(&session, 5);
    assert!(beside(&real, "-wal").exists() && !beside(&link, "-wal").exists());
    std::fs::remove_file(beside(&real, "-wal")).unwrap();
    let refused = session
        .append(vec![user("refused")], AppendOptions::default())
        .unwrap_err();
    assert_eq!(refused.kind(), Kind::Storage);
    drop(session);
    store.close().unwrap();
    assert_eq!((kept(&real, "a"), kept(&link, "a")), (5, 5));
}

#[test]
fn a_store_that_was_moved_away_from_its_log_is_not_in_place_though_a_link_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("chat.db"), folder.path().join("moved.db"));
    let store = open(&path);
    let session = create(&store, "a");
    std::fs::rename(&path, &moved).unwrap();
    std::os::unix::fs::symlink("moved.db", &path).unwrap();
    let refused = session
        .append(vec![user("refused")], AppendOptions::default())
        .unwrap_err();
    assert_eq!(refused.kind(), Kind::Storage);
}

#[test]
fn settings_are_not_read_from_an_open_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let store = open(&path);
    for end in ["", "-wal", "-shm"] {
        let refused = Store::open_config(beside(&path, end).to_str().unwrap()).err().unwrap();
        assert_eq!(refused.kind(), Kind::Invalid, "{refused}");
    }
    drop(store);
}

#[test]
fn a_store_that_is_opened_read_only_is_closed_without_a_word_though_its_log_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let store = open(&path);
    append(&create(&store, "a"), 5);
    let only_reads = StoreOptions {
        read_only: true,
        ..StoreOptions::default()
    };
    let reader = Store::open(path.to_str().unwrap(), only_reads).unwrap();
    std::fs::remove_file(beside(&path, "-wal")).unwrap();
    assert_eq!(reader.close(), Ok(()));
    store.close().unwrap();
    assert_eq!(kept(&path, "a"), 5);
}
