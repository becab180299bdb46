//! The VFS for tests sees what a store does with its files, and the store notices what it answers.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "support/mod.rs"]
mod support;
#[path = "support/vfs.rs"]
mod vfs;

use rusqlite::ffi;
use std::collections::BTreeSet;
use std::ffi::c_int;
use std::path::Path;
use std::sync::{Arc, Mutex};
use support::user;
use turnkeep::model::{AppendOptions, NewSession};
use turnkeep::{Store, StoreOptions};
use vfs::{Call, File, Observer, Op, Verdict};

/// Notes what it sees, and fails flushes with a code if it is given one.
#[derive(Default)]
struct Seen {
    calls: Mutex<BTreeSet<(Op, File)>>,
    words_written: Mutex<bool>,
    flushes_fail: Mutex<Option<c_int>>,
}

impl Observer for Seen {
    fn before(&self, call: &Call) -> Verdict {
        self.calls.lock().unwrap().insert((call.op, call.file));
        if let (Op::Write, Some(bytes)) = (call.op, call.bytes) {
            *self.words_written.lock().unwrap() |= bytes.windows(12).any(|part| part == b"a first word");
        }
        match *self.flushes_fail.lock().unwrap() {
            Some(code) if call.op == Op::Sync => Verdict::Fail(code),
            _ => Verdict::Go,
        }
    }
}

fn open(folder: &Path, exclusive: bool) -> Store {
    let options = StoreOptions {
        exclusive,
        ..StoreOptions::default()
    };
    Store::open(folder.join("chat.db").to_str().unwrap(), options).unwrap()
}

fn calls_of_a_store(exclusive: bool) -> BTreeSet<(Op, File)> {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (seen, others) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let _installed = vfs::install(folder.path(), Arc::clone(&seen) as Arc<dyn Observer>);
    let _others = vfs::install(elsewhere.path(), Arc::clone(&others) as Arc<dyn Observer>);
    let store = open(folder.path(), exclusive);
    let session = store.create_session(NewSession::default()).unwrap();
    session
        .append(vec![user("a first word")], AppendOptions::default())
        .unwrap();
    store.close().unwrap();
    assert!(*seen.words_written.lock().unwrap());
    assert!(others.calls.lock().unwrap().is_empty());
    seen.calls.lock().unwrap().clone()
}

#[test]
fn the_vfs_for_tests_sees_every_call_of_a_store() {
    let calls = calls_of_a_store(false);
    for call in [
        (Op::Open, File::Main),
        (Op::Open, File::Wal),
        (Op::Access, File::Journal),
        (Op::Read, File::Main),
        (Op::Write, File::Main),
        (Op::Write, File::Wal),
        (Op::Sync, File::Main),
        (Op::Sync, File::Wal),
        (Op::Size, File::Main),
        (Op::Lock, File::Main),
        (Op::Unlock, File::Main),
        (Op::ShmMap, File::Main),
        (Op::ShmLock, File::Main),
        (Op::ShmUnlock, File::Main),
        (Op::ShmBarrier, File::Main),
        (Op::ShmUnmap, File::Main),
        (Op::Close, File::Main),
    ] {
        assert!(calls.contains(&call), "{call:?} was not seen: {calls:?}");
    }
}

#[test]
fn the_vfs_for_tests_sees_every_call_of_an_exclusive_store() {
    let calls = calls_of_a_store(true);
    for call in [
        (Op::Open, File::Main),
        (Op::Write, File::Wal),
        (Op::ShmLock, File::Main),
    ] {
        assert!(calls.contains(&call), "{call:?} was not seen: {calls:?}");
    }
}

#[test]
fn what_an_observer_fails_fails_and_what_it_no_longer_fails_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(Seen::default());
    let installed = vfs::install(folder.path(), Arc::clone(&seen) as Arc<dyn Observer>);
    let store = open(folder.path(), false);
    let session = store.create_session(NewSession::default()).unwrap();
    let append = || session.append(vec![user("x")], AppendOptions::default());
    *seen.flushes_fail.lock().unwrap() = Some(ffi::SQLITE_IOERR_FSYNC);
    let failed = append().unwrap_err();
    assert!(failed.message().contains("I/O"), "{failed}");
    drop(installed);
    append().unwrap();
}
