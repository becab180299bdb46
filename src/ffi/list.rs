//! Section 8 of the header: lists, counts, changes to many sessions.

use super::basics::{ErrorHandle, Status};
use super::filter::{self, FilterOptions};
use super::guard::guard;
use super::options::{self, CallerStruct};
use super::pointer::{give, give_value, missing, required, writable};
use super::session::SessionList;
use super::store::StoreHandle;
use super::text;
use crate::error::{Error, Result};
use crate::model::{self, BulkAction, ListOptions, Sort};
use std::ffi::c_char;

/// By creation.
pub const TURNKEEP_SORT_CREATED: i32 = 1;
/// By the last change.
pub const TURNKEEP_SORT_UPDATED: i32 = 2;
/// By id, in the order of code points.
pub const TURNKEEP_SORT_ID: i32 = 3;
/// By the number of tokens.
pub const TURNKEEP_SORT_TOKENS: i32 = 4;
/// By the number of messages.
pub const TURNKEEP_SORT_MESSAGES: i32 = 5;
/// By name, in the order of code points; those without one come before all names.
pub const TURNKEEP_SORT_NAME: i32 = 6;

/// Puts sessions away.
pub const TURNKEEP_BULK_ARCHIVE: i32 = 1;
/// Throws sessions away: they can be restored.
pub const TURNKEEP_BULK_TRASH: i32 = 2;
/// Makes sessions active again. For trashed ones the filter must ask: TURNKEEP_FILTER_TRASHED.
pub const TURNKEEP_BULK_RESTORE: i32 = 3;
/// Gives sessions a tag.
pub const TURNKEEP_BULK_ADD_TAG: i32 = 4;
/// Takes a tag away from sessions.
pub const TURNKEEP_BULK_REMOVE_TAG: i32 = 5;
/// Deletes sessions with all their messages, for good.
pub const TURNKEEP_BULK_DELETE: i32 = 6;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_SORT_CREATED == Sort::Created as i32);
    assert!(TURNKEEP_SORT_UPDATED == Sort::Updated as i32);
    assert!(TURNKEEP_SORT_ID == Sort::Id as i32);
    assert!(TURNKEEP_SORT_TOKENS == Sort::Tokens as i32);
    assert!(TURNKEEP_SORT_MESSAGES == Sort::Messages as i32);
    assert!(TURNKEEP_SORT_NAME == Sort::Name as i32);
};

/// Which sessions to list, and how.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SessionListOptions {
    /// sizeof(turnkeep_session_list_options).
    pub struct_size: usize,
    /// Which sessions; NULL is all that are not trashed.
    pub filter: *const FilterOptions,
    /// What turnkeep_session_list_next_page answered for the page before, with the same filter, sort and direction;
    /// NULL and "" are the first page.
    pub page: *const c_char,
    /// How many sessions a page holds; 0 is 50, at most 1 000.
    pub limit: u32,
    /// A TURNKEEP_SORT_ number; 0 is by creation. Where it is the same, the order of creation decides.
    pub sort: i32,
    /// 1 to begin with the smallest or first, 0 with the largest or last.
    pub ascending: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for SessionListOptions {
    const NAME: &'static str = "turnkeep_session_list_options";
}

/// Lists sessions, a page at a time, without reading a message. Pages stay right while others write: each begins where
/// the one before ended, so a session that stays where it is in the order is listed once. `options` may be NULL: those
/// created last first. Free *out with turnkeep_session_list_free. Threads: any. Errors: INVALID (a page that no list
/// gave, or one with another filter or order; a time or a metadata path that is none), ENCODING, BUSY, CORRUPT,
/// STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_list_sessions(
    store: Option<&StoreHandle>,
    options: *const SessionListOptions,
    out: *mut *mut SessionList,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(out, "out")?;
        let options = options::read_or_default(options, list_options)?;
        let page = store.store.list_sessions(&options)?;
        give(out, SessionList::new(&page.sessions, page.next_page_token.as_deref()));
        Ok(())
    })
}

/// Writes to *count how many sessions there are. `filter` may be NULL: all that are not trashed. Threads: any. Errors:
/// INVALID, ENCODING, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_count_sessions(
    store: Option<&StoreHandle>,
    filter: *const FilterOptions,
    count: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(count, "count")?;
        give_value(count, store.store.count_sessions(&filter::read(filter)?)?);
        Ok(())
    })
}

/// Does the same, a TURNKEEP_BULK_ number, to every session that `filter` finds: to all of them or, on failure, to
/// none. NULL and an empty filter find every session that is not trashed: TURNKEEP_BULK_DELETE then deletes them all.
/// `tag` is for ADD_TAG and REMOVE_TAG, else NULL. Writes to *changed, unless it is NULL, for how many that made a
/// difference; the others keep their revision. Threads: any. Errors: INVALID, ENCODING, READONLY, BUSY, FULL, CORRUPT,
/// STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_change_sessions(
    store: Option<&StoreHandle>,
    filter: *const FilterOptions,
    action: i32,
    tag: *const c_char,
    changed: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let action = bulk_action(action, text::optional(tag, "tag")?)?;
        give_value(changed, store.store.change_sessions(&filter::read(filter)?, action)?);
        Ok(())
    })
}

fn list_options(raw: &SessionListOptions) -> Result<ListOptions> {
    options::unused(raw.reserved, SessionListOptions::NAME)?;
    Ok(ListOptions {
        filter: filter::read(raw.filter)?,
        sort: Sort::from_number(raw.sort)?,
        ascending: options::flag(raw.ascending, "ascending")?,
        limit: raw.limit,
        page_token: text::owned(raw.page, "page")?.filter(|page| !page.is_empty()),
    })
}

fn bulk_action(number: i32, tag: Option<&str>) -> Result<BulkAction> {
    let with_tag =
        |action: fn(String) -> BulkAction| tag.map(|tag| action(tag.to_owned())).ok_or_else(|| missing("tag"));
    let action = match number {
        TURNKEEP_BULK_ARCHIVE => BulkAction::SetStatus(model::Status::Archived),
        TURNKEEP_BULK_TRASH => BulkAction::SetStatus(model::Status::Trashed),
        TURNKEEP_BULK_RESTORE => BulkAction::SetStatus(model::Status::Active),
        TURNKEEP_BULK_ADD_TAG => with_tag(BulkAction::AddTag)?,
        TURNKEEP_BULK_REMOVE_TAG => with_tag(BulkAction::RemoveTag)?,
        TURNKEEP_BULK_DELETE => BulkAction::Delete,
        other => {
            return Err(Error::invalid(format!(
                "action is {other}; it must be a TURNKEEP_BULK_ number, 1 to 6"
            )));
        }
    };
    match (&action, tag) {
        (BulkAction::SetStatus(_) | BulkAction::Delete, Some(_)) => Err(Error::invalid(
            "tag is given, and the action has none: leave it NULL, or choose ADD_TAG or REMOVE_TAG",
        )),
        _ => Ok(action),
    }
}
