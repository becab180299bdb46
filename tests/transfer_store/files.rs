//! Which files sessions may go out to and come in from, and what becomes of those that are there.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::Ending;

/// The locks that this process has on a file.
#[cfg(target_os = "linux")]
fn locks_on(path: &std::path::Path) -> usize {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{} ", path.metadata().unwrap().ino());
    let pid = format!(" {} ", std::process::id());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks
        .lines()
        .filter(|line| line.contains(&inode) && line.contains(&pid))
        .count()
}

/// The locks on a store's file and on its shared memory when nothing is going on: the store's own thread takes some for a moment,
/// and while others come and go the list can be short of one.
#[cfg(target_os = "linux")]
fn standing_locks(store: &std::path::Path, shared_memory: &std::path::Path) -> (usize, Option<usize>) {
    let look = || (locks_on(store), shared_memory.exists().then(|| locks_on(shared_memory)));
    let (mut last, mut same) = (look(), 0);
    while same < 5 {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let now = look();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

#[cfg(target_os = "linux")]
#[test]
fn an_open_store_that_is_named_as_source_or_target_keeps_its_locks() {
    for exclusive in [false, true] {
        let store = TempStore::with(StoreOptions {
            exclusive,
            ..StoreOptions::default()
        });
        session(&store, "s", &["a"]);
        let beside = |end: &str| store.path().with_file_name(format!("chat.db{end}"));
        let before = standing_locks(&store.path(), &beside("-shm"));
        assert!(before.0 > 0);
        for path in ["", "-wal", "-shm"].map(beside) {
            let path = path.to_str().unwrap();
            for format in [
                None,
                Some(Format::OpenAi),
                Some(Format::Turnkeep),
                Some(Format::QvDatabase),
            ] {
                let options = ImportOptions {
                    format,
                    ..ImportOptions::default()
                };
                assert!(store.import(path, options).is_err());
            }
            let as_own = ExportOptions {
                format: Format::Turnkeep,
                selection: Selection::All,
                progress: None,
            };
            assert!(store.export_to_file(path, as_own).is_err());
        }
        assert_eq!(standing_locks(&store.path(), &beside("-shm")), before);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_exclusive_store_has_its_locks_whoever_opens_or_reads_its_file_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let location = path.to_str().unwrap();
    let exclusive = || StoreOptions {
        exclusive: true,
        busy_timeout: Duration::from_millis(1),
        ..StoreOptions::default()
    };
    drop(Store::open(location, exclusive()).unwrap());
    let ended = AtomicBool::new(false);
    let again_and_again = |try_it: &dyn Fn()| {
        while !ended.load(Ordering::Relaxed) {
            try_it();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| again_and_again(&|| drop(Store::open_config(location))));
        scope.spawn(|| again_and_again(&|| drop(Store::open(location, StoreOptions::default()))));
        let _ending = Ending(&ended);
        let mut opened = 0;
        while opened < 200 {
            let Ok(store) = Store::open(location, exclusive()) else {
                continue;
            };
            opened += 1;
            // One that is lost does not come back; the list can be short of one for a moment.
            let has_locks = (0..20).any(|_| {
                std::thread::sleep(Duration::from_millis(1));
                locks_on(&path) > 0
            });
            assert!(has_locks, "the {opened}th opening has lost its locks");
            store.close().unwrap();
        }
    });
}

#[cfg(unix)]
#[test]
fn an_export_replaces_no_link_that_leads_to_no_file_and_no_log_behind_one() {
    let store = memory();
    session(&store, "s", &["a"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("of others.db-wal"), "a log").unwrap();
    let as_own = || ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    };
    for (leads_to, kind) in [("nowhere", Kind::Invalid), ("of others.db-wal", Kind::Exists)] {
        let link = folder.path().join(format!("to {leads_to}"));
        let link = link.with_extension("jsonl");
        std::os::unix::fs::symlink(folder.path().join(leads_to), &link).unwrap();
        let error = store.export_to_file(link.to_str().unwrap(), as_own()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(link.is_symlink());
    }
    assert_eq!(
        std::fs::read_to_string(folder.path().join("of others.db-wal")).unwrap(),
        "a log"
    );
}

#[test]
fn a_name_that_sqlite_gives_to_its_own_files_is_no_target() {
    let store = memory();
    let folder = tempfile::tempdir().unwrap();
    for name in ["other.db-wal", "other.db-shm", "other.db-journal"] {
        let as_own = ExportOptions {
            format: Format::Turnkeep,
            selection: Selection::All,
            progress: None,
        };
        let error = store
            .export_to_file(folder.path().join(name).to_str().unwrap(), as_own)
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
    }
}

#[cfg(unix)]
#[test]
fn a_source_that_may_never_end_is_refused_before_anybody_waits_for_it() {
    let store = memory();
    let error = store.import("/dev/zero", ImportOptions::default()).unwrap_err();
    assert!(error.message().contains("pipe or a device"), "{error}");
}

#[test]
fn an_export_never_replaces_a_database_a_folder_or_a_device() {
    let store = TempStore::new();
    let as_own = || ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    };
    let itself = store.path();
    let link = itself.with_file_name("link");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&itself, &link).unwrap();
    for (place, kind) in [
        (itself.as_path(), Kind::Exists),
        (link.as_path(), Kind::Exists),
        (itself.parent().unwrap(), Kind::Invalid),
        (std::path::Path::new("/dev/null"), Kind::Invalid),
    ] {
        if place.exists() {
            let error = store.export_to_file(place.to_str().unwrap(), as_own()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
    assert_sound(&store.reopen());
}

#[test]
fn an_export_replaces_a_file_only_when_it_is_whole_and_nobody_else_may_read_it() {
    let store = memory();
    for number in 0..2000 {
        session(&store, &format!("s{number}"), &["a"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.jsonl");
    std::fs::write(&path, "what was there").unwrap();
    let mut stop = |_, _| false;
    let options = ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: Some(&mut stop),
    };
    assert_eq!(
        store
            .export_to_file(path.to_str().unwrap(), options)
            .unwrap_err()
            .kind(),
        Kind::Aborted
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "what was there");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let options = ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    };
    store.export_to_file(path.to_str().unwrap(), options).unwrap();
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .ends_with("\"sessions\":2000,\"messages\":2000}\n")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
