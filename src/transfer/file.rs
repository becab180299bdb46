//! A file that is written beside the place where it is to be, and gets there whole or not at all.

use crate::error::{Error, Kind, Result};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Has a file written, and puts it where it is to be, in place of a file that may be there. A failure leaves what was there.
pub(crate) fn write_beside<T>(
    location: &str,
    write: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<T>,
) -> Result<T> {
    let target = PathBuf::from(location);
    let Some(name) = target.file_name() else {
        return Err(Error::invalid(format!("'{location}' is no path of a file")));
    };
    if target.is_dir() {
        return Err(Error::invalid(format!(
            "{location} is a folder; give the path of a file in it"
        )));
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let partial = Partial(folder.join(format!(
        "{}.{}.partial",
        name.to_string_lossy(),
        uuid::Uuid::now_v7().simple()
    )));
    let failed = |error: std::io::Error| unwritable(location, &error);
    let mut file = create_private(&partial.0).map_err(failed)?;
    let written = write(&mut |bytes| file.write_all(bytes).map_err(failed))?;
    file.sync_all().map_err(failed)?;
    drop(file);
    std::fs::rename(&partial.0, &target).map_err(failed)?;
    Ok(written)
}

/// Dropped where it was not renamed, it leaves nothing behind.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _renamed = std::fs::remove_file(&self.0);
    }
}

/// Conversations are nobody else's business.
fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
