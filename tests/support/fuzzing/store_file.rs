//! A damaged store: read by everything, written to, backed up, salvaged. What is damaged is told, and once it is told not a
//! byte of the store is changed any more.

use super::damage::{harm, sign_wal};
use super::draw::Draw;
use super::samples::{self, Files};
use super::{folder, told, use_store};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use turnkeep::error::Kind;
use turnkeep::model::Durability;
use turnkeep::{Store, StoreOptions};

/// No step of a run takes longer.
const LONGEST: Duration = Duration::from_secs(8);

/// A store file that was flipped, swapped, zeroed, cut.
pub(crate) fn run_file(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let mut files = samples::closed().clone();
    for _ in 0..=draw.upto(3) {
        harm(&mut files.database, &mut draw);
    }
    files.wal.clear();
    run(&files, &mut draw);
}

/// A store file with a WAL that is not its own, or no longer, or not yet, and that may be garbled or cut.
pub(crate) fn run_wal(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let moments = samples::moments();
    let database = draw.pick(&[0, 1, 2, 3]);
    let mut files = Files {
        database: match moments.get(database) {
            Some(moment) => moment.database.clone(),
            None => samples::closed().database.clone(),
        },
        wal: draw.pick(moments).wal,
    };
    for _ in 0..draw.upto(4) {
        harm(&mut files.wal, &mut draw);
    }
    if !draw.one_in(3) {
        sign_wal(&mut files.wal);
    }
    if draw.one_in(5) {
        harm(&mut files.database, &mut draw);
    }
    run(&files, &mut draw);
}

struct Place {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn with(files: &Files) -> Self {
        let folder = folder();
        let path = folder.path().join("chat.db");
        fs::write(&path, &files.database).unwrap();
        if !files.wal.is_empty() {
            fs::write(path.with_extension("db-wal"), &files.wal).unwrap();
        }
        Self { folder, path }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// What is in the store's files now.
    fn files(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        (
            fs::read(&self.path).ok(),
            fs::read(self.path.with_extension("db-wal")).ok(),
        )
    }
}

fn run(files: &Files, draw: &mut Draw<'_>) {
    let place = Place::with(files);
    let options = StoreOptions {
        durability: Durability::Os,
        autosave: Duration::from_secs(3_600),
        read_only: draw.one_in(8),
        exclusive: false,
        no_search: draw.one_in(8),
        readers: 2,
        ..StoreOptions::default()
    };
    let opened = in_time("open", || told(Store::open(place.path(), options)));
    if let Ok(store) = opened {
        use_it(&store, &place, draw);
    }
    salvage(&place);
}

fn use_it(store: &Store, place: &Place, draw: &mut Draw<'_>) {
    let mut when_told = None;
    for number in 0..=draw.upto(11) {
        let done = in_time("a step", || match number {
            0 => use_store::read_everything(store, draw),
            _ => use_store::step(store, place.folder.path(), draw),
        });
        assert_ne!(done, Err(Kind::Busy), "nobody else is there");
        if done == Err(Kind::Corrupt) && when_told.is_none() {
            when_told = Some(place.files());
        }
        if let Some(files) = &when_told {
            assert!(
                *files == place.files(),
                "a damaged store was written to by step {number}"
            );
        }
    }
    let _told = in_time("close", || told(store.close()));
    if let Some(files) = when_told {
        let (database, wal) = place.files();
        assert!(files.0 == database, "a damaged store was written to as it was closed");
        assert!(
            files.1 == wal,
            "the log of a damaged store was changed as it was closed"
        );
    }
}

/// What is salvaged is a store without a fault, and the source stays as it was.
fn salvage(place: &Place) {
    let before = place.files();
    let target = place.folder.path().join("salvaged.db");
    let salvaged = in_time("salvage", || {
        told(Store::salvage(place.path(), target.to_str().unwrap()))
    });
    assert!(before == place.files(), "a salvage changed its source");
    if salvaged.is_ok() {
        check_sound(&target);
    }
}

fn check_sound(path: &Path) {
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let report = store.check().unwrap();
    assert_eq!(report.problems.listed, [""; 0], "in what was salvaged");
    use_store::read_everything(&store, &mut Draw::new(&[])).unwrap();
    store.close().unwrap();
}

#[track_caller]
fn in_time<T>(what: &str, action: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = action();
    assert!(began.elapsed() < LONGEST, "{what} took {:?}", began.elapsed());
    done
}
