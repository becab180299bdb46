//! A flush that fails once is not made good by the next one: the system forgets what it could not write.
//!
//! The disk of tests/crash/disk.rs would not do: it takes down what happened and lets no call fail, and draws what a power cut
//! leaves, where here a flush must fail and what was written before it be lost for certain.

use crate::support::user;
use crate::vfs::{self, Call, Observer, Op, Verdict};
use crate::world::{at, new_folder, open_at};
use rusqlite::ffi;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use turnkeep::model::{Durability, NewSession};
use turnkeep::{Session, Store};

/// What is on the disk, and what is in the system's memory only.
#[derive(Default)]
struct Disk(Mutex<State>);

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Vec<u8>>,
    unwritten: BTreeMap<PathBuf, Vec<Change>>,
    /// The next flush fails, and what it should have written is forgotten.
    fails: bool,
}

enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl State {
    fn flush(&mut self, path: &Path) -> Verdict {
        let changes = self.unwritten.remove(path).unwrap_or_default();
        if std::mem::take(&mut self.fails) {
            return Verdict::Fail(ffi::SQLITE_IOERR_FSYNC);
        }
        let file = self.files.entry(path.to_owned()).or_default();
        for change in changes {
            match change {
                Change::Truncate(len) => file.truncate(len),
                Change::Write(begin, bytes) => {
                    let end = begin + bytes.len();
                    file.resize(file.len().max(end), 0);
                    file[begin..end].copy_from_slice(&bytes);
                }
            }
        }
        Verdict::Go
    }
}

impl Observer for Disk {
    fn before(&self, call: &Call) -> Verdict {
        let mut state = self.0.lock().unwrap();
        let change = match call.op {
            Op::Sync => return state.flush(call.path),
            Op::Write => Change::Write(call.offset as usize, call.bytes.unwrap().to_vec()),
            // A journal that comes back would be rolled back.
            Op::Delete => {
                state.unwritten.remove(call.path);
                state.files.remove(call.path);
                return Verdict::Go;
            }
            Op::Truncate => Change::Truncate(call.offset as usize),
            _ => return Verdict::Go,
        };
        state.unwritten.entry(call.path.to_owned()).or_default().push(change);
        Verdict::Go
    }
}

impl Disk {
    fn fail_next_flush(&self) {
        self.0.lock().unwrap().fails = true;
    }

    /// What the session said, read from what would be on the disk after a power cut.
    fn after_a_power_cut(&self) -> Vec<String> {
        let folder = new_folder();
        for (path, bytes) in &self.0.lock().unwrap().files {
            std::fs::write(folder.path().join(path.file_name().unwrap()), bytes).unwrap();
        }
        let store = open_at(&folder.path().join("chat.db"), false).unwrap();
        assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
        let messages = store.open_session("talk").unwrap().range(1, u64::MAX).unwrap();
        messages.iter().map(|message| message.content.to_owned()).collect()
    }
}

/// A store on such a disk, whose session said "one" at level OS.
fn with_disk(test: impl FnOnce(&Store, &Session, &Disk)) {
    let folder = new_folder();
    let disk = Arc::new(Disk::default());
    let _installed = vfs::install(folder.path(), Arc::clone(&disk) as Arc<dyn Observer>);
    let store = open_at(&folder.path().join("chat.db"), false).unwrap();
    let session = NewSession {
        id: Some("talk".into()),
        ..NewSession::default()
    };
    let session = store.create_session(session).unwrap();
    session.append(vec![user("one")], at(Durability::Os)).unwrap();
    test(&store, &session, &disk);
}

#[test]
fn what_is_acknowledged_to_disk_after_a_flush_that_failed_is_there_after_a_power_cut() {
    with_disk(|_, session, disk| {
        disk.fail_next_flush();
        session.append(vec![user("two")], at(Durability::Disk)).unwrap_err();
        session.append(vec![user("three")], at(Durability::Disk)).unwrap();
        assert_eq!(disk.after_a_power_cut(), ["one", "three"]);
    });
}

#[test]
fn a_flush_after_one_that_failed_flushes_what_that_one_should_have() {
    with_disk(|store, _, disk| {
        disk.fail_next_flush();
        store.flush().unwrap_err();
        store.flush().unwrap();
        assert_eq!(disk.after_a_power_cut(), ["one"]);
    });
}

#[test]
fn a_log_that_could_not_be_flushed_is_not_moved_into_the_file_before_it_is() {
    with_disk(|store, session, disk| {
        disk.fail_next_flush();
        store.optimize().unwrap_err();
        store.optimize().unwrap();
        session.append(vec![user("two")], at(Durability::Disk)).unwrap();
        assert_eq!(disk.after_a_power_cut(), ["one", "two"]);
    });
}

#[test]
fn a_store_that_is_closed_after_a_flush_that_failed_flushes_again() {
    with_disk(|store, session, disk| {
        disk.fail_next_flush();
        session.append(vec![user("two")], at(Durability::Disk)).unwrap_err();
        store.close().unwrap();
        assert_eq!(disk.after_a_power_cut(), ["one"]);
    });
}

#[test]
fn what_was_refused_because_its_flush_failed_is_gone_when_the_store_is_closed() {
    with_disk(|store, session, disk| {
        session.append(vec![user("two")], at(Durability::Disk)).unwrap();
        disk.fail_next_flush();
        session.append(vec![user("three")], at(Durability::Disk)).unwrap_err();
        store.close().unwrap();
        assert_eq!(disk.after_a_power_cut(), ["one", "two"]);
    });
}
