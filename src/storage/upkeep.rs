//! What keeps a storage in order: beside [`super::Storage`], for whoever looks after a store.

use crate::error::Result;
use crate::model::{CheckReport, StoreSizes};

/// Is told how many pages are done, and of how many; `false` stops.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// Backup, check, and what makes a store smaller or leaves less behind in it.
pub(crate) trait Upkeep {
    /// Copies everything committed so far into a new file, while others write.
    fn backup(&self, target: &str, overwrite: bool, progress: Progress<'_>) -> Result<()>;

    /// Looks whether everything is as it should be.
    fn check(&self) -> Result<CheckReport>;

    /// Writes the whole database anew, without gaps.
    fn vacuum(&self) -> Result<()>;

    /// Brings search index and statistics into their best shape.
    fn optimize(&self) -> Result<()>;

    /// How large each part is.
    fn sizes(&self) -> Result<StoreSizes>;

    /// Whether a session was deleted by an erasure that did not come to its end.
    fn is_being_erased(&self, id: &str) -> Result<bool>;

    /// Leaves nothing of deleted texts in any file. `true` if there was a file.
    fn finish_erasing(&self) -> Result<bool>;
}
