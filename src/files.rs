//! What is done to files and folders beside SQLite's: by the storage and by exports.

use std::fs::File;
use std::io::Result;
use std::path::{Path, PathBuf};

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A name beside a path that nobody else has, for a file that is to get there when it is whole.
pub(crate) fn partial_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let number = uuid::Uuid::now_v7().simple();
    folder_of(path).join(format!("{name}.{number}.partial"))
}

/// A new file that only its owner may read: conversations are nobody else's business.
pub(crate) fn create_private(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes what was renamed or linked in a folder survive a power cut, where a system needs to be asked.
#[cfg(unix)]
pub(crate) fn flush_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes what was renamed or linked in a folder survive a power cut, where a system needs to be asked.
#[cfg(not(unix))]
pub(crate) fn flush_folder(_folder: &Path) -> Result<()> {
    Ok(())
}
