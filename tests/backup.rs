//! Backup: whole or not at all, while others write, and never over something else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use support::{TempStore, text, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, Durability, NewSession};
use turnkeep::store::BackupOptions;
use turnkeep::{Store, StoreOptions};

fn contents(store: &Store, id: &str) -> Vec<String> {
    let messages = store.open_session(id).unwrap().last(u64::MAX).unwrap();
    messages
        .views()
        .iter()
        .map(|view| text(view.content).to_owned())
        .collect()
}

fn open(path: &Path) -> Store {
    let must_exist = StoreOptions {
        must_exist: true,
        ..StoreOptions::default()
    };
    Store::open(path.to_str().unwrap(), must_exist).unwrap()
}

fn backup(store: &Store, target: &Path) -> turnkeep::error::Result<()> {
    store.backup(target.to_str().unwrap(), BackupOptions::default())
}

fn overwrite(store: &Store, target: &Path) -> turnkeep::error::Result<()> {
    let overwrite = BackupOptions {
        overwrite: true,
        progress: None,
    };
    store.backup(target.to_str().unwrap(), overwrite)
}

fn filled(messages: usize) -> (TempStore, String) {
    let store = TempStore::new();
    let session = store.create();
    let batch = (0..messages).map(|number| user(&format!("message {number} {}", "x".repeat(400))));
    session.append(batch.collect(), AppendOptions::default()).unwrap();
    let id = session.id().to_owned();
    (store, id)
}

fn beside(store: &TempStore, name: &str) -> PathBuf {
    store.path().with_file_name(name)
}

fn files(store: &TempStore) -> Vec<String> {
    let folder = store.path().parent().unwrap().to_owned();
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_opens_as_a_store_with_everything_acknowledged_before() {
    let (store, id) = filled(500);
    let target = beside(&store, "copy.db");
    backup(&store, &target).unwrap();
    let copy = open(&target);
    assert_eq!(contents(&copy, &id), contents(&store, &id));
    assert_eq!(copy.check().unwrap().problems.listed, [""; 0]);
    let id_of = |path: &Path| -> String {
        let file = rusqlite::Connection::open(path).unwrap();
        let sql = "SELECT value FROM meta WHERE name = 'store_id'";
        file.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(id_of(&target), id_of(&store.path()));
}

#[test]
fn a_backup_while_others_write_is_one_moment_and_is_not_begun_anew() {
    let (store, _) = filled(20_000);
    let written = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let target = beside(&store, "copy.db");
    let (acknowledged, after) = std::thread::scope(|scope| {
        let writer = store.share();
        let session = writer
            .create_session(NewSession {
                id: Some("w".into()),
                ..Default::default()
            })
            .unwrap();
        let (written, stop) = (&written, &stop);
        scope.spawn(move || {
            // Held as long as the session is used.
            let _store = writer;
            while !stop.load(Ordering::Relaxed) {
                let receipt = session.append(vec![user("tick")], AppendOptions::default()).unwrap();
                written.store(receipt.last_seq.into(), Ordering::Release);
            }
        });
        while written.load(Ordering::Acquire) < 10 {
            std::thread::yield_now();
        }
        let acknowledged = written.load(Ordering::Acquire);
        let mut pages_of_all = Vec::new();
        let mut last_done = 0;
        let mut progress = |done, all| {
            assert!(done >= last_done, "{done} pages after {last_done}: it began anew");
            last_done = done;
            pages_of_all.push(all);
            // Somebody writes between any two steps.
            let before = written.load(Ordering::Acquire);
            while written.load(Ordering::Acquire) == before {
                std::thread::yield_now();
            }
            true
        };
        let options = BackupOptions {
            overwrite: false,
            progress: Some(&mut progress),
        };
        store.backup(target.to_str().unwrap(), options).unwrap();
        assert!(pages_of_all.len() > 3 && pages_of_all.iter().all(|all| *all == pages_of_all[0]));
        assert_eq!(last_done, pages_of_all[0]);
        stop.store(true, Ordering::Relaxed);
        (acknowledged, written.load(Ordering::Acquire))
    });
    let copy = open(&target);
    let copied = contents(&copy, "w").len() as u64;
    assert!(
        acknowledged <= copied && copied < after,
        "{acknowledged} {copied} {after}"
    );
    assert_eq!(copy.check().unwrap().problems.listed, [""; 0]);
}

#[test]
fn a_backup_that_is_stopped_is_aborted_and_leaves_nothing_behind() {
    let (store, _) = filled(5_000);
    let before = files(&store);
    for stop_at in [0, 1] {
        let mut steps = 0;
        let mut progress = |_, _| {
            steps += 1;
            steps <= stop_at
        };
        let options = BackupOptions {
            overwrite: false,
            progress: Some(&mut progress),
        };
        let target = beside(&store, "copy.db");
        let stopped = store.backup(target.to_str().unwrap(), options).unwrap_err();
        assert_eq!(stopped.kind(), Kind::Aborted);
        assert_eq!(files(&store), before);
    }
}

#[test]
fn a_callback_may_use_the_store_in_the_middle_of_a_backup() {
    for memory in [false, true] {
        let file = TempStore::new();
        let in_memory = Store::open(":memory:", StoreOptions::default()).unwrap();
        let store = if memory { &in_memory } else { &*file };
        let session = store.create_session(NewSession::default()).unwrap();
        session.append(vec![user("before")], AppendOptions::default()).unwrap();
        let mut progress = |_, _| session.append(vec![user("during")], AppendOptions::default()).is_ok();
        let target = beside(&file, "copy.db");
        let options = BackupOptions {
            overwrite: false,
            progress: Some(&mut progress),
        };
        store.backup(target.to_str().unwrap(), options).unwrap();
        assert_eq!(contents(&open(&target), session.id()), ["before"]);
    }
}

#[test]
fn a_store_in_memory_and_one_that_defers_are_backed_up_with_all_that_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    for (location, exclusive) in [(":memory:", false), ("chat.db", true)] {
        let location = if exclusive {
            folder.path().join(location)
        } else {
            location.into()
        };
        let options = StoreOptions {
            durability: Durability::Deferred,
            exclusive,
            autosave: std::time::Duration::from_secs(3600),
            ..StoreOptions::default()
        };
        let store = Store::open(location.to_str().unwrap(), options).unwrap();
        let session = store.create_session(NewSession::default()).unwrap();
        session
            .append(vec![user("deferred")], AppendOptions::default())
            .unwrap();
        let target = folder.path().join(format!("copy of {exclusive}.db"));
        backup(&store, &target).unwrap();
        assert_eq!(contents(&open(&target), session.id()), ["deferred"]);
    }
}

#[test]
fn a_store_that_was_opened_read_only_is_backed_up() {
    let (store, id) = filled(3);
    let read_only = StoreOptions {
        read_only: true,
        ..StoreOptions::default()
    };
    let reader = Store::open(store.path().to_str().unwrap(), read_only).unwrap();
    let target = beside(&store, "copy.db");
    backup(&reader, &target).unwrap();
    assert_eq!(contents(&open(&target), &id), contents(&store, &id));
}

#[test]
fn what_is_at_the_target_stays_unless_it_is_a_store_and_overwrite_says_so() {
    let (store, id) = filled(3);
    let target = beside(&store, "copy.db");
    backup(&store, &target).unwrap();
    let first = std::fs::read(&target).unwrap();
    store
        .open_session(&id)
        .unwrap()
        .append(vec![user("later")], AppendOptions::default())
        .unwrap();
    let refused = backup(&store, &target).unwrap_err();
    assert_eq!(refused.kind(), Kind::Exists);
    assert!(refused.message().contains("copy.db"), "{refused}");
    assert_eq!(std::fs::read(&target).unwrap(), first);
    overwrite(&store, &target).unwrap();
    assert_eq!(contents(&open(&target), &id).last().unwrap(), "later");

    let letter = beside(&store, "letter.txt");
    std::fs::write(
        &letter,
        "Dear Ms Miller, this is longer than a database's header of a hundred bytes, so that",
    )
    .unwrap();
    for try_to in [backup, overwrite] {
        let refused = try_to(&store, &letter).unwrap_err();
        assert!([Kind::Exists, Kind::Mismatch].contains(&refused.kind()));
        assert!(std::fs::read_to_string(&letter).unwrap().starts_with("Dear Ms Miller"));
    }
    let empty = beside(&store, "empty.db");
    std::fs::write(&empty, "").unwrap();
    overwrite(&store, &empty).unwrap();
    assert_eq!(contents(&open(&empty), &id).len(), 4);
}

#[test]
fn the_log_of_what_is_replaced_does_not_get_into_the_backup() {
    let (old, _) = filled(50);
    let (store, id) = filled(3);
    // A store that a killed process left, with everything in its log.
    let target = beside(&store, "copy.db");
    std::fs::copy(old.path(), &target).unwrap();
    let log = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    std::fs::copy(log(&old.path()), log(&target)).unwrap();
    overwrite(&store, &target).unwrap();
    assert!(!log(&target).exists());
    let copy = open(&target);
    assert_eq!(contents(&copy, &id).len(), 3);
    assert_eq!(copy.list_sessions(&Default::default()).unwrap().sessions.len(), 1);
    drop(copy);

    std::fs::remove_file(&target).unwrap();
    std::fs::copy(log(&old.path()), log(&target)).unwrap();
    let refused = backup(&store, &target).unwrap_err();
    assert_eq!(refused.kind(), Kind::Exists);
    assert!(refused.message().contains("copy.db-wal"), "{refused}");
}

// The steps are those of docs/using.md, "Backup, check, salvage, erase".
#[test]
fn a_backup_is_brought_back_over_a_damaged_store() {
    let (store, id) = filled(50);
    let copy = beside(&store, "copy.db");
    backup(&store, &copy).unwrap();
    let path = store.path();
    let after = store.open_session(&id).unwrap();
    after
        .append(vec![user("behind the backup")], AppendOptions::default())
        .unwrap();
    store.close().unwrap();
    let log = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    for file in [path.clone(), log("-wal")] {
        let len = std::fs::metadata(&file).unwrap().len() as usize;
        std::fs::write(&file, vec![0xA5; len]).unwrap();
    }
    assert!(Store::open(path.to_str().unwrap(), StoreOptions::default()).is_err());

    for file in [path.clone(), log("-wal"), log("-shm")] {
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    std::fs::copy(&copy, &path).unwrap();

    let restored = open(&path);
    assert_eq!(contents(&restored, &id), contents(&open(&copy), &id));
    let session = restored.open_session(&id).unwrap();
    let receipt = session
        .append(vec![user("and on it goes")], AppendOptions::default())
        .unwrap();
    assert_eq!(receipt.first_seq, 51);
}

#[test]
fn a_store_that_somebody_uses_is_not_replaced() {
    let (store, _) = filled(3);
    let (other, id) = filled(4);
    let refused = overwrite(&store, &other.path()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Busy, "{refused}");
    assert_eq!(contents(&other, &id).len(), 4);
}

// SQLite takes such a file for a part of the database, and deletes it or writes over it.
#[test]
fn a_backup_under_the_name_of_a_databases_side_file_is_refused() {
    let (store, _) = filled(2);
    for end in ["-wal", "-shm", "-journal"] {
        let target = beside(&store, &format!("chat.db{end}"));
        let error = backup(&store, &target).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.message().contains(end), "{error}");
    }
}

#[test]
fn a_target_that_cannot_be_is_refused_with_what_is_wrong() {
    let (store, id) = filled(3);
    let folder = store.path().parent().unwrap().to_owned();
    let before = files(&store);
    for (target, kind, says) in [
        (store.path(), Kind::Invalid, "is the store itself"),
        (folder.clone(), Kind::Invalid, "is a folder"),
        (folder.join("none/copy.db"), Kind::NotFound, "there is no folder"),
        (PathBuf::new(), Kind::Invalid, "give the path of a file"),
        (PathBuf::from(":memory:"), Kind::Invalid, "give the path of a file"),
    ] {
        let refused = backup(&store, &target).unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused}");
        assert!(refused.message().contains(says), "{refused}");
    }
    assert_eq!(overwrite(&store, &store.path()).unwrap_err().kind(), Kind::Invalid);
    assert_eq!((files(&store), contents(&store, &id).len()), (before, 3));
}
