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
use std::path::{Path, PathBuf};

/// By process: what its parent has open, a child has not.
static CLAIMS: Mutex<BTreeMap<(u64, FileId), Claims>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
struct Claims {
    shared: usize,
    exclusive: bool,
    plain: usize,
}

impl Claims {
    fn allow(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Shared => !self.exclusive && self.plain == 0,
            Purpose::Exclusive => !self.exclusive && self.plain + self.shared == 0,
            Purpose::Plain => !self.exclusive && self.shared == 0,
        }
    }
}

/// What a file is claimed for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Shared,
    Exclusive,
    /// To be read past SQLite: who closes it then takes all locks with him that this process has on it.
    Plain,
}

/// A store's claim to its file, from before it is opened until it is closed.
#[derive(Debug)]
pub(super) struct Claim {
    process: u64,
    file: FileId,
    purpose: Purpose,
}

impl Claim {
    /// Claims a file that exists, for one store or with others.
    pub(super) fn new(site: &Site, exclusive: bool) -> Result<Self> {
        let file = file_id(&site.path)
            .map_err(|error| Error::new(Kind::Storage, format!("{} cannot be looked at: {error}", site.location)))?;
        let purpose = if exclusive { Purpose::Exclusive } else { Purpose::Shared };
        Self::take(file, purpose).ok_or_else(|| {
            Error::new(
                Kind::Busy,
                format!(
                    "{} is open in this process already, and one of the two stores is exclusive, or it is just being read as \
                     another file or replaced; use the one that is open, or close it first",
                    site.location
                ),
            )
        })
    }

    /// Claims a file that is replaced as a whole; `None` if somebody in this process uses it.
    pub(super) fn to_replace(file: FileId) -> Option<Self> {
        Self::take(file, Purpose::Exclusive)
    }

    fn take(file: FileId, purpose: Purpose) -> Option<Self> {
        let process = fork::process();
        let _calm = fork::calm();
        let mut claims = CLAIMS.lock();
        #[allow(clippy::clone_on_copy, reason = "elsewhere it is a path")]
        let claim = claims.entry((process, file.clone())).or_default();
        if !claim.allow(purpose) {
            return None;
        }
        match purpose {
            Purpose::Shared => claim.shared += 1,
            Purpose::Exclusive => claim.exclusive = true,
            Purpose::Plain => claim.plain += 1,
        }
        Some(Self { process, file, purpose })
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
        match self.purpose {
            Purpose::Shared => claim.shared = claim.shared.saturating_sub(1),
            Purpose::Exclusive => claim.exclusive = false,
            Purpose::Plain => claim.plain = claim.plain.saturating_sub(1),
        }
        if claim.shared + claim.plain == 0 && !claim.exclusive {
            claims.remove(&key);
        }
    }
}

/// Whether a store of this process has the file open.
pub(super) fn is_open_here(file: &FileId) -> bool {
    #[allow(clippy::clone_on_copy, reason = "elsewhere it is a path")]
    let key = (fork::process(), file.clone());
    let _calm = fork::calm();
    CLAIMS
        .lock()
        .get(&key)
        .is_some_and(|claim| claim.exclusive || claim.shared > 0)
}

/// While it lives, no store of this process has the file open, nor opens it: whoever opened and closed such a file on his own
/// would take the store's locks away, which belong to the process.
#[derive(Debug)]
pub(crate) struct PlainFile(#[allow(dead_code, reason = "they are held")] Vec<Claim>);

impl PlainFile {
    /// `None` if the path leads to the file of a store that this process has open, or to one that SQLite keeps beside it.
    pub(crate) fn claim(path: &Path) -> Option<Self> {
        let text = path.as_os_str().to_string_lossy();
        let databases = SIDE_FILES
            .iter()
            .filter_map(|end| text.strip_suffix(*end))
            .map(PathBuf::from);
        std::iter::once(path.to_owned())
            .chain(databases)
            .filter_map(|path| file_id(&path).ok())
            .map(|file| Claim::take(file, Purpose::Plain))
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }
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
