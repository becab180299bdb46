//! What keeps a store in order: backup, check, vacuum, optimize, sizes, salvage, erase.

use super::{Inner, Store, unknown};
use crate::error::{During, Kind, Result};
use crate::model::{CheckReport, EraseReport, SalvageReport, StoreSizes, ids, now};
use crate::storage::mutation::Delete;
use crate::storage::sqlite;
use crate::storage::unexpected;
use crate::storage::{Mutation, Outcome};

/// How to back up.
#[derive(Default)]
pub struct BackupOptions<'a> {
    /// Replaces a store that is at the target. What is no store is never replaced.
    pub overwrite: bool,
    /// Is told how many pages are done, and of how many; `false` stops.
    pub progress: Option<&'a mut dyn FnMut(u64, u64) -> bool>,
}

impl Store {
    /// Where it is, as it was given.
    pub fn location(&self) -> &str {
        &self.inner.location
    }

    /// Copies everything acknowledged so far into a new file, while others go on writing.
    pub fn backup(&self, target: &str, options: BackupOptions<'_>) -> Result<()> {
        let backup = || {
            self.inner.save_before_reading()?;
            let mut silent = |_, _| true;
            let progress = match options.progress {
                Some(progress) => progress,
                None => &mut silent,
            };
            let copied = self.inner.storage.backup(target, options.overwrite, progress);
            self.inner.tell_of_damage(copied)
        };
        backup().during(|| format!("back up store '{}' to '{target}'", self.inner.location))
    }

    /// Looks whether everything is as it should be. Takes as long as reading everything.
    pub fn check(&self) -> Result<CheckReport> {
        let check = || {
            self.inner.check_may_read()?;
            // What is lost of deferred changes is told by flush; what is kept can be checked.
            let _told_by_flush = self.inner.save_before_reading();
            self.inner.check_open()?;
            let checked = self.inner.storage.check();
            self.inner.tell_if_damaged();
            checked
        };
        check().during(|| format!("check store '{}'", self.inner.location))
    }

    /// Writes the database anew, without the room that deleted messages left.
    pub fn vacuum(&self) -> Result<()> {
        let vacuum = || {
            self.inner.save_before_reading()?;
            let done = self.inner.storage.vacuum();
            self.inner.tell_of_damage(done)
        };
        vacuum().during(|| format!("vacuum store '{}'", self.inner.location))
    }

    /// Merges the search index, and gathers what helps to choose between indexes.
    pub fn optimize(&self) -> Result<()> {
        let optimize = || {
            self.inner.save_before_reading()?;
            let done = self.inner.storage.optimize();
            self.inner.tell_of_damage(done)
        };
        optimize().during(|| format!("optimize store '{}'", self.inner.location))
    }

    /// How large each part is. Looks at every page.
    pub fn sizes(&self) -> Result<StoreSizes> {
        let sizes = || {
            self.inner.save_before_reading()?;
            let done = self.inner.storage.sizes();
            self.inner.tell_of_damage(done)
        };
        sizes().during(|| format!("measure store '{}'", self.inner.location))
    }

    /// Deletes a session so that no copy of its text stays in any file of the store. If the session is deleted already by
    /// an erasure that did not come to its end, comes to its end.
    pub fn erase_session(&self, id: &str) -> Result<EraseReport> {
        self.inner.erase(id).during(|| format!("erase session '{id}'"))
    }

    /// Copies what can be read of a damaged store into a new one. The source is left as it is.
    pub fn salvage(source: &str, target: &str) -> Result<SalvageReport> {
        sqlite::salvage(source, target).during(|| format!("salvage store '{source}' to '{target}'"))
    }
}

impl Inner {
    /// What others than the writer are to see must be written.
    pub(super) fn save_before_reading(&self) -> Result<()> {
        self.check_open()?;
        self.check_may_wait()?;
        self.save_deferred()
    }

    fn erase(&self, id: &str) -> Result<EraseReport> {
        self.check_open()?;
        ids::check_id("id", id)?;
        let delete = Delete {
            id: id.to_owned(),
            erase: true,
            now: now(),
        };
        let mut report = match self.change(Mutation::Delete(delete), None) {
            Ok(Outcome::Erased(erased)) => EraseReport {
                messages_erased: erased.messages_erased,
                messages_kept_by_forks: erased.messages_kept,
                wal_truncated: false,
            },
            Ok(other) => return Err(unexpected(&other)),
            Err(error) if error.kind() == Kind::NotFound => {
                if !self.storage.is_being_erased(id)? {
                    return Err(unknown(id));
                }
                EraseReport::default()
            }
            Err(error) => return Err(error),
        };
        self.save_deferred()?;
        let finished = self.storage.finish_erasing();
        report.wal_truncated = self.tell_of_damage(finished)?;
        Ok(report)
    }
}
