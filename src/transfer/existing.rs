//! What becomes of sessions that come in and are there already.

use crate::error::{Error, Result};

/// What to do with a session whose id is in the store already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Existing {
    /// The one in the store stays, the other is not taken in.
    #[default]
    Skip = 1,
    /// The one in the store is deleted, the other takes its place.
    Overwrite = 2,
    /// Both: the other gets a new id.
    KeepBoth = 3,
}

impl Existing {
    /// The policy with this number; 0 is the default.
    pub fn from_number(number: i32) -> Result<Self> {
        match number {
            0 | 1 => Ok(Self::Skip),
            2 => Ok(Self::Overwrite),
            3 => Ok(Self::KeepBoth),
            other => Err(Error::invalid(format!("existing is {other}; it must be 0 to 3"))),
        }
    }
}
