//! A file that is written beside the place where it is to be, and gets there whole or not at all.

use crate::error::{Error, Kind, Result};
use crate::files::{create_private, flush_folder, folder_of, partial_beside};
use crate::storage::sqlite::{PlainFile, SIDE_FILES};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;

/// Has a file written, and puts it where it is to be, in place of a file that may be there. A failure leaves what was there.
pub(crate) fn write_beside<T>(
    location: &str,
    write: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<T>,
) -> Result<T> {
    let target = replaceable(location)?;
    let failed = |error: std::io::Error| unwritable(location, &error);
    let partial = Partial(partial_beside(&target));
    let mut file = create_private(&partial.0).map_err(failed)?;
    let written = write(&mut |bytes| file.write_all(bytes).map_err(failed))?;
    file.sync_all().map_err(failed)?;
    drop(file);
    std::fs::rename(&partial.0, &target)
        .and_then(|()| flush_folder(folder_of(&target)))
        .map_err(failed)?;
    Ok(written)
}

/// Where a path leads, if what is there, if anything, may be replaced.
fn replaceable(location: &str) -> Result<PathBuf> {
    const BEGINNING_OF_A_DATABASE: &[u8] = b"SQLite format 3\0";
    let given = PathBuf::from(location);
    if given.is_dir() {
        return Err(is_folder(location));
    }
    if given.file_name().is_none() {
        return Err(Error::invalid(format!("'{location}' is no path of a file")));
    }
    if let Some(end) = SIDE_FILES.iter().find(|end| location.ends_with(**end)) {
        return Err(Error::invalid(format!(
            "{location} ends in {end}: it would be taken for a part of a database; give another path"
        )));
    }
    let Ok(target) = given.canonicalize() else {
        if given.symlink_metadata().is_err() {
            return Ok(given);
        }
        return Err(Error::invalid(format!(
            "{location} is a link that leads to no file; give the path of a file"
        )));
    };
    if !target.is_file() {
        return Err(Error::invalid(format!(
            "{location} is a device or a pipe; give the path of a file"
        )));
    }
    let is_database = || {
        Error::new(
            Kind::Exists,
            format!("{location} is a database, or belongs to one; it was left untouched; give another path"),
        )
    };
    // Before it is looked into: see there.
    let Some(_claimed) = PlainFile::claim(&target) else {
        return Err(is_database());
    };
    // Another process may have that database open.
    let name = target.to_string_lossy();
    if SIDE_FILES.iter().any(|end| name.ends_with(*end)) {
        return Err(is_database());
    }
    let mut begins = Vec::new();
    let read = File::open(&target).and_then(|file| file.take(16).read_to_end(&mut begins));
    if read.is_ok() && begins == BEGINNING_OF_A_DATABASE {
        return Err(is_database());
    }
    Ok(target)
}

fn is_folder(location: &str) -> Error {
    Error::invalid(format!("{location} is a folder; give the path of a file in it"))
}

/// Dropped where it was not renamed, it leaves nothing behind.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _renamed = std::fs::remove_file(&self.0);
    }
}

fn unwritable(location: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull => Error::new(
            Kind::Full,
            format!("there is no space left for {location}; nothing was kept; make room and try again"),
        ),
        ErrorKind::NotFound => Error::new(
            Kind::NotFound,
            format!("there is no folder for {location}; make it first"),
        ),
        _ => Error::new(Kind::Storage, format!("{location} cannot be written: {error}")),
    }
}
