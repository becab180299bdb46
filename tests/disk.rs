//! What reaches the disk, and when; what happens when there is no more of it.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::{text, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, Durability, NewSession};
use turnkeep::{Store, StoreOptions};

fn holds(file: &Path, needle: &str) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

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
