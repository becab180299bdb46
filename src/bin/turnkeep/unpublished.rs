//! A file that is made beside its place, and gets its name when it is whole, unless somebody has taken the name by then.

use crate::failure::{Exit, Failure};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use turnkeep::model::ids::new_session_id;

/// Dropped, it leaves nothing behind but what was published.
pub(crate) struct Unpublished {
    path: String,
    name: String,
}

impl Unpublished {
    pub(crate) fn beside(name: &str) -> Self {
        // Any name that nobody has will do; this one is made before 1970, too.
        Self {
            path: format!("{name}.{}.partial", new_session_id().replace('-', "")),
            name: name.to_owned(),
        }
    }

    /// Where it is made.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What went wrong with it, told of the name that the user knows.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        failure.told_of(&self.path, &self.name)
    }

    /// Gives it its name. A second name is given only if it is free, where a new name would replace what has it.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        match std::fs::hard_link(&self.path, &self.name) {
            Ok(()) => self.flush_folder(),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Self::taken(&self.name)),
            // Some file systems give a file one name only. There it is looked first, and that must do.
            Err(_) if Path::new(&self.name).symlink_metadata().is_ok() => Err(Self::taken(&self.name)),
            Err(_) => {
                std::fs::rename(&self.path, &self.name).map_err(|error| self.unpublishable(&error))?;
                self.flush_folder()
            }
        }
    }

    pub(crate) fn taken(name: &str) -> Failure {
        let there = format!("'{name}' exists already; it was left untouched; give --overwrite or another file");
        Failure::new(Exit::Exists, "EXISTS", there)
    }

    /// So that the name outlives a loss of power. Where a folder cannot be opened, there is nothing to flush.
    fn flush_folder(&self) -> Result<(), Failure> {
        let folder = Path::new(&self.name).parent().unwrap_or(Path::new(""));
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        match File::open(folder) {
            Ok(folder) => folder.sync_all().map_err(|error| self.unpublishable(&error)),
            Err(_) => Ok(()),
        }
    }

    fn unpublishable(&self, error: &std::io::Error) -> Failure {
        Failure::failed(format!("'{}' cannot be given its name: {error}", self.name))
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        // Where it is a store, more lies beside it.
        for beside in ["", "-wal", "-shm", "-journal"] {
            let _absent = std::fs::remove_file(format!("{}{beside}", self.path));
        }
    }
}
