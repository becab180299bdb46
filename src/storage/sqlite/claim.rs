//! Which files this process has open, so that an exclusive store is alone in its own process too.
//!
//! SQLite's locks belong to the process: they keep other processes out, but not a second store in here, which would change
//! what the exclusive one believes to know.

use super::failure::Site;
use super::new_file::SIDE_FILES;
use crate::error::{Error, Kind, Result};
use crate::fork;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;

/// By process: what its parent has open, a child has not.
static CLAIMS: Mutex<BTreeMap<(u64, FileId), Claims>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
struct Claims {
    shared: usize,
    exclusive: bool,
}

/// A store's claim to its file, from opening to close.
#[derive(Debug)]
pub(super) struct Claim {
    process: u64,
    file: FileId,
    exclusive: bool,
}

impl Claim {
    /// Claims a file that exists, for one store or with others.
    pub(super) fn new(site: &Site, exclusive: bool) -> Result<Self> {
        let file = file_id(&site.path)
            .map_err(|error| Error::new(Kind::Storage, format!("{} cannot be looked at: {error}", site.location)))?;
        let process = fork::process();
        let _calm = fork::calm();
        let mut claims = CLAIMS.lock();
        #[allow(clippy::clone_on_copy, reason = "elsewhere it is a path")]
        let claim = claims.entry((process, file.clone())).or_default();
        if claim.exclusive || (exclusive && claim.shared > 0) {
            return Err(Error::new(
                Kind::Busy,
                format!(
                    "{} is open in this process already, and one of the two stores is exclusive; use the one that is \
                     open, or close it first",
                    site.location
                ),
            ));
        }
        if exclusive {
            claim.exclusive = true;
        } else {
            claim.shared += 1;
        }
        Ok(Self {
            process,
            file,
            exclusive,
        })
    }

    /// The file.
    pub(super) fn file(&self) -> FileId {
        #[allow(clippy::clone_on_copy, reason = "elsewhere it is a path")]
        self.file.clone()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _calm = fork::calm();
        let mut claims = CLAIMS.lock();
        #[allow(clippy::clone_on_copy, reason = "elsewhere it is a path")]
        let key = (self.process, self.file.clone());
        let Some(claim) = claims.get_mut(&key) else {
            return;
        };
        if self.exclusive {
            claim.exclusive = false;
        } else {
            claim.shared = claim.shared.saturating_sub(1);
        }
        if claim.shared == 0 && !claim.exclusive {
            claims.remove(&key);
        }
    }
}

/// Whether a store of this process has the file open.
pub(super) fn is_open_here(file: &FileId) -> bool {
    #[allow(clippy::clone_on_copy, reason = "elsewhere it is a path")]
    let key = (fork::process(), file.clone());
    let _calm = fork::calm();
    CLAIMS.lock().contains_key(&key)
}

/// Whether a path leads to the file of a store that this process has open, or to one that SQLite keeps beside it. Whoever
/// opened and closed such a file on his own would take the store's locks away: they belong to the process.
pub(crate) fn belongs_to_open_store(path: &Path) -> bool {
    let is_open = |path: &Path| file_id(path).is_ok_and(|file| is_open_here(&file));
    let text = path.as_os_str().to_string_lossy();
    is_open(path)
        || SIDE_FILES
            .iter()
            .filter_map(|end| text.strip_suffix(*end))
            .any(|database| is_open(Path::new(database)))
}

/// What tells a file from every other, by whatever path it is reached.
#[cfg(unix)]
pub(super) type FileId = (u64, u64);

/// Asks for nothing but that. A file whose times somebody has read gets another time with its next write (Linux 6.13 and newer),
/// and to flush that takes half as long again: asked of the log before each append, that was 60 of 190 microseconds.
#[cfg(target_os = "linux")]
pub(super) fn file_id(path: &Path) -> std::io::Result<FileId> {
    look(path, rustix::fs::AtFlags::empty())
}

/// The same, of a link instead of what it leads to.
#[cfg(target_os = "linux")]
pub(super) fn file_id_of_itself(path: &Path) -> std::io::Result<FileId> {
    look(path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
}

#[cfg(target_os = "linux")]
fn look(path: &Path, flags: rustix::fs::AtFlags) -> std::io::Result<FileId> {
    use rustix::fs::{CWD, StatxFlags, statx};
    let file = statx(CWD, path, flags, StatxFlags::INO)?;
    let device = u64::from(file.stx_dev_major) << 32 | u64::from(file.stx_dev_minor);
    Ok((device, file.stx_ino))
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn file_id(path: &Path) -> std::io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    let file = path.metadata()?;
    Ok((file.dev(), file.ino()))
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn file_id_of_itself(path: &Path) -> std::io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    let file = path.symlink_metadata()?;
    Ok((file.dev(), file.ino()))
}

#[cfg(not(unix))]
pub(super) use file_id as file_id_of_itself;

#[cfg(not(unix))]
pub(super) type FileId = std::path::PathBuf;

#[cfg(not(unix))]
pub(super) fn file_id(path: &Path) -> std::io::Result<FileId> {
    std::fs::canonicalize(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_exclusive_claim_is_the_only_one_until_it_is_given_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let site = Site::new(file.path().to_str().unwrap(), Duration::ZERO);
        let refused = |exclusive| Claim::new(&site, exclusive).unwrap_err().kind() == Kind::Busy;
        let shared = (Claim::new(&site, false).unwrap(), Claim::new(&site, false).unwrap());
        assert!(refused(true));
        drop(shared.0);
        assert!(refused(true));
        drop(shared.1);
        let exclusive = Claim::new(&site, true).unwrap();
        assert!(refused(true) && refused(false));
        drop(exclusive);
        assert!(Claim::new(&site, false).is_ok());
    }
}
