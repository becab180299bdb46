//! What is done to files and folders beside SQLite's: by the storage and by exports.

use crate::model::ids::new_uuid;
use std::fs::File;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Names of files have at most 255 bytes, of which the rest of a partial one's takes 41.
const MOST_BYTES_OF_A_NAME: usize = 200;

/// A name beside a path that nobody else has, for a file that is to get there when it is whole.
pub(crate) fn partial_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name
        .get(..name.floor_char_boundary(MOST_BYTES_OF_A_NAME))
        .unwrap_or_default();
    let number = new_uuid().simple();
    folder_of(path).join(format!("{name}.{number}.partial"))
}

/// A new file that only its owner may read: conversations are nobody else's business.
pub(crate) fn create_private(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // The process may have asked for less; a file system may know no rights.
    #[cfg(unix)]
    let _without_rights = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    Ok(file)
}

/// Sees to it that a file is there which only its owner may read, empty if it is new; one that is there stays as it is. `false`
/// if that could not be done: whoever opens the file is to make it, and to say why it cannot be made.
#[cfg(unix)]
pub(crate) fn place_private(path: &Path) -> bool {
    if path.symlink_metadata().is_ok() {
        return path.exists();
    }
    // By another name: when the file can be opened by its own, the descriptor is closed that would take the locks of
    // whoever has it open in this process with it.
    let partial = partial_beside(path);
    if create_private(&partial).is_err() {
        return false;
    }
    let placed = std::fs::hard_link(&partial, path);
    let _gone_with_the_folder = std::fs::remove_file(&partial);
    placed.is_ok() || path.exists()
}

/// The rights of files are not the same elsewhere.
#[cfg(not(unix))]
pub(crate) fn place_private(_path: &Path) -> bool {
    true
}

/// Leaves a file that was just made to its owner alone, as far as the file system knows rights.
pub(crate) fn make_private(_path: &Path) {
    #[cfg(unix)]
    {
        let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        let _without_rights = std::fs::set_permissions(_path, only_owner);
    }
}

/// Copies a file into a new one that only its owner may read.
pub(crate) fn copy_private(from: &Path, to: &Path) -> Result<()> {
    std::io::copy(&mut File::open(from)?, &mut create_private(to)?).map(drop)
}

/// How a folder is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// With others, while a file in it is being opened.
    WithOthers,
    /// Alone, while a file in it is being replaced.
    Alone,
}

/// A folder in which no file is replaced while another process or thread is opening one, until this is dropped. Between the
/// opening of a database and its first lock SQLite cannot tell that another file has its place, and would take that one's log
/// for its own.
#[derive(Debug)]
pub(crate) struct KeptFolder(#[allow(dead_code, reason = "it is held")] Option<File>);

/// Keeps a folder, as far as it can be: one that may not be read, or that its file system cannot lock, is not. Fails with
/// `WouldBlock` if somebody else has kept it for longer than the patience.
#[cfg(unix)]
pub(crate) fn keep_folder(folder: &Path, keep: Keep, patience: Duration) -> Result<KeptFolder> {
    use rustix::fs::{FlockOperation, flock};
    use std::io::ErrorKind;
    use std::time::Instant;
    let Ok(open) = File::open(folder) else {
        return Ok(KeptFolder(None));
    };
    let operation = match keep {
        Keep::WithOthers => FlockOperation::NonBlockingLockShared,
        Keep::Alone => FlockOperation::NonBlockingLockExclusive,
    };
    let begin = Instant::now();
    loop {
        match flock(&open, operation) {
            Ok(()) => return Ok(KeptFolder(Some(open))),
            Err(rustix::io::Errno::WOULDBLOCK) if begin.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(ErrorKind::WouldBlock.into()),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Ok(KeptFolder(None)),
        }
    }
}

/// Elsewhere a file that is open cannot be replaced.
#[cfg(not(unix))]
pub(crate) fn keep_folder(_folder: &Path, _keep: Keep, _patience: Duration) -> Result<KeptFolder> {
    Ok(KeptFolder(None))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partial_name_of_a_long_one_is_not_too_long_and_cuts_no_character() {
        for name in ["a".repeat(255), "ä".repeat(127), format!("a{}", "ä".repeat(127))] {
            let partial = partial_beside(Path::new(&name));
            let partial = partial.file_name().unwrap().to_str().unwrap();
            assert!(partial.len() <= 255, "{}", partial.len());
            assert!(name.starts_with(partial.split('.').next().unwrap()));
        }
    }
}
