//! Feeds bytes to an importer, as the format that is named and as what they are found to be.

use super::folder;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use tempfile::TempDir;
use turnkeep::error::Kind;
use turnkeep::store::ImportOptions;
use turnkeep::transfer::Format;
use turnkeep::{Store, StoreOptions};

/// A store in memory, in which nothing ever stays, and a file for the bytes.
pub(crate) struct Importer {
    format: Format,
    /// Not closed: the fuzzer ends by ending the process, when a thread has little left.
    store: ManuallyDrop<Store>,
    _folder: TempDir,
    path: PathBuf,
}

impl Importer {
    pub(crate) fn new(format: &str) -> Self {
        let folder = folder();
        Self {
            format: Format::by_name(format).unwrap(),
            store: ManuallyDrop::new(Store::open(":memory:", StoreOptions::default()).unwrap()),
            path: folder.path().join("source"),
            _folder: folder,
        }
    }

    pub(crate) fn feed(&self, bytes: &[u8]) {
        std::fs::write(&self.path, bytes).unwrap();
        for format in [Some(self.format), None] {
            let options = ImportOptions {
                format,
                dry_run: true,
                ..ImportOptions::default()
            };
            match self.store.import(self.path.to_str().unwrap(), options) {
                Ok(report) => assert!(report.problem_count >= report.failed),
                // A damaged database is told as such; nothing else here can be damaged but the store.
                Err(error) if error.kind() == Kind::Corrupt => {
                    assert!(bytes.starts_with(b"SQLite format 3\0"), "{error}");
                }
                Err(error) => assert!(error.kind() != Kind::Panic, "{error}"),
            }
        }
    }
}
