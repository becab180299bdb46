//! What reaches the disk, and when; what happens when there is no more of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{TempStore, holds, text, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, BulkAction, Durability, Event, Filter, NewSession, Status};
use turnkeep::{Store, StoreOptions};

#[test]
fn what_is_deferred_is_written_within_the_autosave_interval() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let options = StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        autosave: Duration::from_millis(300),
        ..StoreOptions::default()
    };
    let store = Store::open(path.to_str().unwrap(), options).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    let appended = Instant::now();
    session
        .append(vec![user("needle in the log")], AppendOptions::default())
        .unwrap();
    let log = folder.path().join("chat.db-wal");
    let at_once = holds(&log, "needle in the log");
    assert!(
        !at_once || appended.elapsed() > Duration::from_millis(300),
        "it was deferred"
    );
    while !holds(&log, "needle in the log") {
        assert!(appended.elapsed() < Duration::from_secs(20), "it was never written");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn options(durability: Durability) -> AppendOptions {
    AppendOptions {
        durability: Some(durability),
        ..AppendOptions::default()
    }
}

/// SQLite flushes a log by writing to it: a log that did not grow was not flushed.
fn log_bytes(store: &TempStore) -> u64 {
    let log = format!("{}-wal", store.path().display());
    std::fs::metadata(log).unwrap().len()
}

#[test]
fn a_flush_writes_what_makes_the_log_be_flushed() {
    let store = TempStore::new();
    let session = store.create();
    session.append(vec![user("x")], options(Durability::Os)).unwrap();
    let before = log_bytes(&store);
    store.flush().unwrap();
    let flushed = log_bytes(&store);
    assert!(flushed > before, "{before} bytes before and {flushed} after");
    store.flush().unwrap();
    assert_eq!(log_bytes(&store), flushed, "there was nothing left to flush");
}

// A commit without anything to write flushes nothing: found by a simulated power cut, one of 3 000.
#[test]
fn a_change_of_nothing_at_disk_level_leaves_to_a_flush_what_it_has_to_flush() {
    let store = TempStore::new();
    let session = store.create();
    session.append(vec![user("x")], options(Durability::Os)).unwrap();
    let nobody = Filter {
        user_id: Some("nobody".into()),
        ..Filter::default()
    };
    let changed = store.change_sessions(&nobody, BulkAction::SetStatus(Status::Trashed));
    assert_eq!(changed, Ok(0));
    let before = log_bytes(&store);
    store.flush().unwrap();
    assert!(log_bytes(&store) > before);
}

#[test]
fn a_retry_at_disk_level_flushes_what_the_first_try_did_not() {
    let store = TempStore::new();
    let session = store.create();
    let keyed = |durability| AppendOptions {
        idempotency_key: Some("k".into()),
        ..options(durability)
    };
    session.append(vec![user("x")], keyed(Durability::Os)).unwrap();
    let before = log_bytes(&store);
    let again = session.append(vec![user("x")], keyed(Durability::Disk)).unwrap();
    assert!(again.repeated && again.durability == Durability::Disk);
    assert!(log_bytes(&store) > before);
}

/// How many frames SQLite would read when it opens the log: those that belong to its present beginning.
fn frames_to_recover(log: &[u8]) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let salts = &log[16..24];
    let frames = log[HEADER..].chunks(FRAME);
    frames.take_while(|frame| frame[8..16] == *salts).count()
}

#[test]
fn a_closed_store_keeps_the_length_of_its_log_and_next_to_nothing_in_it() {
    let store = TempStore::new();
    let session = store.create();
    for number in 0..300 {
        let message = user(&number.to_string());
        session.append(vec![message], options(Durability::Os)).unwrap();
    }
    let grown = log_bytes(&store);
    store.close().unwrap();
    let log = std::fs::read(format!("{}-wal", store.path().display())).unwrap();
    assert!(log.len() as u64 >= grown);
    assert!(frames_to_recover(&log) < 10, "{} frames", frames_to_recover(&log));
    let reopened = store.share();
    let session = reopened.open_session(session.id()).unwrap();
    assert_eq!(session.last(1000).unwrap().views().len(), 300);
}

/// A file system of a few megabytes, where the test may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(place)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then(|| Self(place.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _left_mounted = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_is_a_status_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("skipped: mounting a small file system needs root on Linux");
        return;
    };
    let path = disk.0.join("chat.db");
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    let content = "x".repeat(20_000);
    let mut kept = 0;
    let failure = loop {
        match session.append(vec![user(&content)], AppendOptions::default()) {
            Ok(receipt) => kept = receipt.last_seq,
            Err(error) => break error,
        }
        assert!(kept < 10_000, "the disk is never full");
    };
    assert_eq!(failure.kind(), Kind::Full, "{failure}");
    assert_eq!(session.last(u64::MAX).unwrap().views().len(), kept as usize);

    drop(session);
    let id = store.list_sessions(&Default::default()).unwrap().sessions.remove(0).id;
    drop(store);
    let grown = Command::new("mount")
        .args(["-o", "remount,size=64m"])
        .arg(&disk.0)
        .output()
        .unwrap();
    assert!(grown.status.success());
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let session = store.open_session(&id).unwrap();
    let receipt = session
        .append(vec![user("on we go")], AppendOptions::default())
        .unwrap();
    assert_eq!(receipt.first_seq, kept + 1);
    let messages = session.range(1, u64::from(kept)).unwrap();
    assert!(messages.views().iter().all(|message| text(message.content) == content));
    drop((messages, session, store));
}

#[test]
fn deferred_changes_that_are_lost_are_told_and_their_numbers_never_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("skipped: mounting a small file system needs root on Linux");
        return;
    };
    let path = disk.0.join("chat.db");
    let deferring = StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        autosave: Duration::from_secs(3600),
        ..StoreOptions::default()
    };
    let store = Store::open(path.to_str().unwrap(), deferring).unwrap();
    let named = |id: &str| NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    };
    let alice = store.create_session(named("alice")).unwrap();
    alice.append(vec![user("hello")], AppendOptions::default()).unwrap();
    let too_much = "x".repeat(8 << 20);
    let failure = alice
        .append(vec![user(&too_much)], AppendOptions::default())
        .unwrap_err();
    assert_eq!(failure.kind(), Kind::Full, "{failure}");

    let refused = store.create_session(named("bob")).err().unwrap();
    assert!(refused.message().contains("lost"), "{refused}");
    let told = store.flush().unwrap_err();
    assert_eq!(told.kind(), Kind::Full);
    assert!(told.message().contains("2 changes") && told.message().contains("no space left"));
    store.flush().unwrap();

    let bob = store.create_session(named("bob")).unwrap();
    assert_eq!(bob.id(), "bob");
    bob.append(vec![user("hi")], AppendOptions::default()).unwrap();
    assert_eq!(alice.last(9).err().unwrap().kind(), Kind::NotFound);
    assert_eq!(
        alice
            .append(vec![user("x")], AppendOptions::default())
            .unwrap_err()
            .kind(),
        Kind::NotFound
    );
    drop((alice, bob, store));
}

#[test]
fn numbers_of_events_that_are_lost_with_deferred_changes_never_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("skipped: mounting a small file system needs root on Linux");
        return;
    };
    let deferring = StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        autosave: Duration::from_secs(3600),
        event_log_rows: 1_000,
        ..StoreOptions::default()
    };
    let store = Store::open(disk.0.join("chat.db").to_str().unwrap(), deferring).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let its_told = Arc::clone(&told);
    let listener = move |event: &Event| {
        its_told.lock().unwrap().push(event.number);
        Ok(())
    };
    store.subscribe(listener).unwrap();
    let lost = store.create_session(NewSession::default()).unwrap();
    lost.append(vec![user("hello")], AppendOptions::default()).unwrap();
    let too_much = vec![user(&"x".repeat(8 << 20))];
    assert!(lost.append(too_much, AppendOptions::default()).is_err());
    store.flush().unwrap_err();
    store.create_session(NewSession::default()).unwrap();
    assert_eq!(*told.lock().unwrap(), [0, 1, 2, 3]);
    let logged = store.events_after(0, 0).unwrap();
    assert_eq!(logged.events.iter().map(|event| event.number).collect::<Vec<_>>(), [3]);
    assert!(logged.lost);
    drop((lost, store));
}

#[test]
fn close_tells_how_many_deferred_changes_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("skipped: mounting a small file system needs root on Linux");
        return;
    };
    let deferring = StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        autosave: Duration::from_secs(3600),
        ..StoreOptions::default()
    };
    let store = Store::open(disk.0.join("chat.db").to_str().unwrap(), deferring).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    session.append(vec![user("hello")], AppendOptions::default()).unwrap();
    let mut filler = std::fs::File::create(disk.0.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let told = store.close().unwrap_err();
    assert_eq!(told.kind(), Kind::Full);
    assert!(
        told.message().contains("2 changes") && told.message().contains("lost"),
        "{told}"
    );
    drop((filler, session, store));
}

#[test]
fn a_message_that_is_missing_is_damage_and_nothing_more_is_written() {
    let store = TempStore::new();
    let session = store.create();
    let messages = (0..6).map(|number| user(&number.to_string())).collect();
    session.append(messages, AppendOptions::default()).unwrap();
    store.close().unwrap();
    let file = rusqlite::Connection::open(store.path()).unwrap();
    assert_eq!(file.execute("DELETE FROM messages WHERE content = '3'", []), Ok(1));
    drop(file);

    for read in 0..2 {
        let store = store.share();
        let session = store.open_session(session.id()).unwrap();
        let failure = match read {
            0 => session.range(1, 6).err(),
            _ => session.window(&Default::default()).err(),
        };
        let refused = session.append(vec![user("x")], AppendOptions::default()).unwrap_err();
        for error in [failure.unwrap(), refused] {
            assert_eq!(error.kind(), Kind::Corrupt);
            assert!(error.message().contains("restore a backup"), "{error}");
        }
    }
}

#[test]
fn a_store_whose_file_was_deleted_acknowledges_nothing_more() {
    let store = TempStore::new();
    let session = store.create();
    session.append(vec![user("kept")], AppendOptions::default()).unwrap();
    std::fs::remove_file(store.path()).unwrap();
    let refused = session
        .append(vec![user("lost")], AppendOptions::default())
        .unwrap_err();
    assert_eq!(refused.kind(), Kind::Storage);
    assert!(refused.message().contains("deleted, moved or replaced"), "{refused}");
}

#[test]
fn a_store_whose_file_was_replaced_reads_nothing_of_the_other_one() {
    let store = TempStore::new();
    let session = store.create();
    let other = TempStore::new();
    drop(other.create());
    other.close().unwrap();
    std::fs::rename(other.path(), store.path()).unwrap();
    assert_eq!(session.describe().unwrap_err().kind(), Kind::Storage);
    let refused = session.append(vec![user("lost")], AppendOptions::default());
    assert_eq!(refused.unwrap_err().kind(), Kind::Storage);
}
