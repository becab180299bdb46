//! What the system does to a store: a disk that fills up during each kind of work, one that becomes read-only, files that
//! somebody deletes, replaces or cuts under an open handle.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly, and says when it skips"
)]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{TempStore, assistant, text, user};
use turnkeep::error::{Error, Kind};
use turnkeep::model::{AppendOptions, ListOptions, NewSession, SearchOptions};
use turnkeep::store::{BackupOptions, ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::{Existing, Format};
use turnkeep::{Session, Store, StoreOptions};

/// A file system in memory, where the test may mount one.
struct Disk(PathBuf);

impl Disk {
    fn mount(place: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(place)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: mounting a file system needs root on Linux");
        }
        mounted.then(|| Self(place.to_owned()))
    }

    fn remount(&self, how: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.0);
        mount.output().unwrap().status.success()
    }

    /// Takes all but so many bytes, until the file that is returned is removed.
    fn fill_but(&self, free: usize) -> PathBuf {
        let name = self.0.join("filler");
        let mut filler = std::fs::File::create(&name).unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length - free as u64).unwrap();
        name
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _left_mounted = Command::new("umount").arg(&self.0).output();
    }
}

fn open(path: &Path) -> Store {
    Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap()
}

fn named(store: &Store, id: &str) -> Session {
    let session = NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    };
    store.create_session(session).unwrap()
}

fn fill_sessions(store: &Store, count: usize) {
    for number in 0..count {
        let session = named(store, &format!("session {number}"));
        let messages = (0..5).flat_map(|turn| [user(&format!("question {turn}")), assistant(&"words ".repeat(300))]);
        session.append(messages.collect(), AppendOptions::default()).unwrap();
    }
    store.search(&SearchOptions::default()).unwrap();
}

fn contents(store: &Store) -> Vec<(String, u64)> {
    let options = ListOptions {
        limit: 1_000,
        ..ListOptions::default()
    };
    let page = store.list_sessions(&options).unwrap();
    page.sessions
        .into_iter()
        .map(|info| (info.id, u64::from(info.head_seq)))
        .collect()
}

fn everything() -> ExportOptions<'static> {
    ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    }
}

fn assert_sound(store: &Store) {
    let problems = store.check().unwrap().problems;
    assert_eq!((problems.count, problems.listed), (0, Vec::new()));
}

type Work = fn(&Store, &Path) -> Result<(), Error>;

/// What writes more than an append does.
const WORKS: [(&str, Work); 7] = [
    ("append", |store, _| {
        let session = store.open_session("session 0")?;
        session
            .append(vec![user(&"x".repeat(3 << 20))], AppendOptions::default())
            .map(drop)
    }),
    ("fork", |store, _| {
        (0..600).try_for_each(|_| {
            store
                .open_session("session 1")?
                .fork(Some(5), NewSession::default())
                .map(drop)
        })
    }),
    ("import", |store, folder| {
        let options = ImportOptions {
            existing: Existing::KeepBoth,
            ..ImportOptions::default()
        };
        store
            .import(folder.join("all.jsonl").to_str().unwrap(), options)
            .map(drop)
    }),
    ("backup", |store, folder| {
        store.backup(folder.join("copy.db").to_str().unwrap(), BackupOptions::default())
    }),
    ("vacuum", |store, _| store.vacuum()),
    ("erase", |store, _| store.erase_session("session 2").map(drop)),
    ("optimize", |store, _| {
        (0..20).try_for_each(|number| {
            let session = store.open_session("session 3")?;
            session.append(
                vec![user(&format!("more {number} {}", "words ".repeat(20_000)))],
                AppendOptions::default(),
            )?;
            store.optimize()
        })
    }),
];

#[test]
fn every_work_that_finds_the_disk_full_says_so_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    // The log of 600 forks that is not moved into the file meanwhile has room, too.
    let Some(disk) = Disk::mount(folder.path(), "size=40m") else {
        return;
    };
    let outside = tempfile::tempdir().unwrap();
    let all = outside.path().join("all.jsonl");
    for (name, work) in WORKS {
        let path = disk.0.join(format!("{name}.db"));
        let store = open(&path);
        fill_sessions(&store, 20);
        // Cuts the log to nothing: it has to grow for whatever comes.
        store.erase_session("session 19").unwrap();
        store.export_to_file(all.to_str().unwrap(), everything()).unwrap();
        std::fs::copy(&all, disk.0.join("all.jsonl")).unwrap();
        let before = contents(&store);
        let filler = disk.fill_but(64 << 10);
        let failure = work(&store, &disk.0).unwrap_err();
        assert_eq!(failure.kind(), Kind::Full, "{name}: {failure}");
        assert!(!disk.0.join("copy.db").exists());
        // All that was told is kept is there, in this store and in the next one.
        let kept = contents(&store);
        for session in &before {
            let erased = name == "erase" && session.0 == "session 2";
            let same = kept.iter().any(|(id, head)| *id == session.0 && *head >= session.1);
            assert!(same || erased, "{name}: {session:?}");
        }
        std::fs::remove_file(filler).unwrap();
        let goes_on = store.open_session("session 0").unwrap();
        goes_on
            .append(vec![user("on we go")], AppendOptions::default())
            .unwrap();
        assert_sound(&store);
        work(&store, &disk.0).unwrap();
        assert_sound(&store);
        drop(goes_on);
        store.close().unwrap();
        assert_sound(&open(&path));
        for file in std::fs::read_dir(&disk.0).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}

#[test]
fn a_disk_that_is_read_only_is_read_and_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path(), "size=12m") else {
        return;
    };
    let path = disk.0.join("chat.db");
    let store = open(&path);
    let session = named(&store, "s");
    session.append(vec![user("kept")], AppendOptions::default()).unwrap();
    assert!(
        !disk.remount("ro"),
        "the system takes no disk away from who writes to it"
    );
    session
        .append(vec![user("kept, too")], AppendOptions::default())
        .unwrap();
    drop(session);
    store.close().unwrap();
    drop(store);

    assert!(disk.remount("ro"));
    let append = || {
        let store = Store::open(path.to_str().unwrap(), StoreOptions::default())?;
        let session = store.open_session("s")?;
        session.append(vec![user("lost")], AppendOptions::default())
    };
    let refused = append().unwrap_err();
    assert_eq!(refused.kind(), Kind::ReadOnly, "{refused}");
    let only_reads = StoreOptions {
        read_only: true,
        ..StoreOptions::default()
    };
    let store = Store::open(path.to_str().unwrap(), only_reads).unwrap();
    let messages = store.open_session("s").unwrap().range(1, 2).unwrap();
    assert_eq!(text(messages.views()[1].content), "kept, too");
    drop(store);

    assert!(disk.remount("rw"));
    let store = open(&path);
    let session = store.open_session("s").unwrap();
    session.append(vec![user("and on")], AppendOptions::default()).unwrap();
    assert_sound(&store);
    drop((session, store));
}

#[test]
fn a_store_whose_log_was_deleted_or_replaced_acknowledges_nothing_more_and_loses_nothing() {
    for end in ["-wal", "-shm"] {
        for replaced in [false, true] {
            let store = TempStore::new();
            let session = named(&store, "s");
            session.append(vec![user("kept")], AppendOptions::default()).unwrap();
            let beside = format!("{}{end}", store.path().display());
            if replaced {
                std::fs::write(format!("{beside}.new"), b"").unwrap();
                std::fs::rename(format!("{beside}.new"), &beside).unwrap();
            } else {
                std::fs::remove_file(&beside).unwrap();
            }
            let refused = session
                .append(vec![user("lost")], AppendOptions::default())
                .unwrap_err();
            assert_eq!(refused.kind(), Kind::Storage, "{refused}");
            assert!(refused.message().contains(end), "{refused}");
            let messages = session.range(1, u64::MAX).unwrap();
            assert_eq!(messages.views().len(), 1);
            drop(messages);
            let id = session.id().to_owned();
            drop(session);
            let store = store.reopen();
            let session = store.open_session(&id).unwrap();
            session
                .append(vec![user("on we go")], AppendOptions::default())
                .unwrap();
            let messages = session.range(1, u64::MAX).unwrap();
            let said: Vec<&str> = messages.views().iter().map(|view| text(view.content)).collect();
            assert_eq!(said, ["kept", "on we go"], "{end}");
            assert_sound(&store);
        }
    }
}

#[test]
fn a_file_that_was_cut_short_under_an_open_store_is_damage_and_takes_nothing_more() {
    for share in [0, 2] {
        let store = TempStore::new();
        fill_sessions(&store, 20);
        let id = contents(&store)[0].0.clone();
        // The log has nothing of it any more.
        store.vacuum().unwrap();
        drop(store.reopen());
        let reopened = store.share();
        let session = reopened.open_session(&id).unwrap();
        // Not opened and closed here: that would drop the store's locks.
        let length = std::fs::metadata(store.path()).unwrap().len();
        cut_to(&store.path(), length.checked_div(share).unwrap_or(0));
        let failures: Vec<Kind> = [
            session.range(1, u64::MAX).map(drop),
            reopened.list_sessions(&ListOptions::default()).map(drop),
            reopened.check().map(|report| assert!(report.problems.count > 0)),
            session.append(vec![user("x")], AppendOptions::default()).map(drop),
        ]
        .into_iter()
        .filter_map(|result| result.err().map(|error| error.kind()))
        .collect();
        assert!(failures.contains(&Kind::Corrupt), "{failures:?}");
        let refused = session.append(vec![user("x")], AppendOptions::default()).unwrap_err();
        assert_eq!(refused.kind(), Kind::Corrupt, "{refused}");
    }
}

/// Cuts a file by its name alone.
fn cut_to(path: &Path, length: u64) {
    let cut = Command::new("truncate")
        .arg("-s")
        .arg(length.to_string())
        .arg(path)
        .status();
    assert!(cut.unwrap().success());
}
