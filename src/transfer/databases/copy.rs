//! A private copy of a database with the journal or the log beside it, gone when it is dropped.

use crate::error::{Error, Kind, Result};
use crate::model::ids::new_uuid;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells that a file was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let meta = path
            .metadata()
            .map_err(|error| Error::new(Kind::Storage, format!("{} cannot be read: {error}", path.display())))?;
        Ok(Self {
            len: meta.len(),
            modified: meta.modified().ok(),
        })
    }
}

/// A copy in a folder of its own.
#[derive(Debug)]
pub(super) struct Copy {
    folder: PathBuf,
    path: PathBuf,
}

/// A write-ahead log's header: whenever the log begins anew, it is another one.
const LOG_HEADER_BYTES: u64 = 32;

impl Copy {
    /// Copies a database and what stands beside it; `None` if that changed meanwhile.
    pub(super) fn of(database: &Path, beside: &Path) -> Result<Option<Self>> {
        let folder = std::env::temp_dir().join(format!("turnkeep-import-{}", new_uuid()));
        make_private(&folder).map_err(|error| not_copied(&folder, &error))?;
        let copy = Self {
            path: folder.join("copy.db"),
            folder,
        };
        let is_whole = copy
            .fill(database, beside)
            .map_err(|error| not_copied(database, &error))?;
        Ok(is_whole.then_some(copy))
    }

    fn fill(&self, database: &Path, beside: &Path) -> io::Result<bool> {
        let end = if is_log(beside) { "-wal" } else { "-journal" };
        let before = Version::of(database, beside)?;
        copy_file(database, &self.path)?;
        copy_file(beside, &self.folder.join(format!("copy.db{end}")))?;
        let after = Version::of(database, beside)?;
        Ok(before.is_some() && before == after)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean up: it lies among its temporary files.
        let _left = fs::remove_dir_all(&self.folder);
    }
}

/// What must be the same before and after copying.
#[derive(PartialEq, Eq)]
enum Version {
    Log(Vec<u8>),
    Journal(Option<SystemTime>, u64, Option<SystemTime>, u64),
}

impl Version {
    /// `None` if it is not there any more.
    fn of(database: &Path, beside: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(beside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if is_log(beside) {
            let mut header = Vec::new();
            file.take(LOG_HEADER_BYTES).read_to_end(&mut header)?;
            return Ok(Some(Self::Log(header)));
        }
        let (journal, database) = (file.metadata()?, database.metadata()?);
        Ok(Some(Self::Journal(
            journal.modified().ok(),
            journal.len(),
            database.modified().ok(),
            database.len(),
        )))
    }
}

fn is_log(beside: &Path) -> bool {
    beside.to_string_lossy().ends_with("-wal")
}

/// Without the rights of the original: the copy must be writable, and for nobody else.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        source => source?,
    };
    io::copy(&mut source, &mut File::create_new(to)?).map(drop)
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

fn not_copied(path: &Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::Full,
        _ => Kind::Storage,
    };
    Error::new(
        kind,
        format!(
            "{} cannot be copied to the folder for temporary files, where it would be read with the log beside it: {error}",
            path.display()
        ),
    )
}
