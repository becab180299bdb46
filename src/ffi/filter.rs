//! Section 7 of the header: which sessions.

use super::options::{self, CallerStruct};
use super::text;
use crate::error::{Error, Result};
use crate::model::{Filter as Wanted, Status};
use std::ffi::c_char;

/// Which sessions. What is 0 or NULL asks for nothing.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Filter {
    /// sizeof(turnkeep_filter).
    pub struct_size: usize,
    /// Only this owner's ("" is nobody's).
    pub user_id: *const c_char,
    /// A sum of 1 << TURNKEEP_SESSION_ numbers; 0 is active and archived ones.
    pub statuses: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for Filter {
    const NAME: &'static str = "turnkeep_filter";
}

/// The filter that C passed; everything that is not in the trash for NULL.
pub(super) fn read(filter: *const Filter) -> Result<Wanted> {
    options::read(filter)?.map_or_else(|| Ok(Wanted::default()), |raw| convert(&raw))
}

fn convert(raw: &Filter) -> Result<Wanted> {
    options::unused(raw.reserved, Filter::NAME)?;
    if raw.statuses & !0b1110 != 0 {
        return Err(Error::invalid(format!(
            "statuses is {}; it must be a sum of 2, 4, 8",
            raw.statuses
        )));
    }
    let statuses = [Status::Active, Status::Archived, Status::Trashed];
    Ok(Wanted {
        user_id: text::owned(raw.user_id, "user_id")?,
        statuses: statuses
            .into_iter()
            .filter(|status| raw.statuses >> *status as u32 & 1 == 1)
            .collect(),
        ..Wanted::default()
    })
}
