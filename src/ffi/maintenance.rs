//! Section 12 of the header: what keeps a store in order.

use super::basics::{ErrorHandle, Status, TURNKEEP_OK};
use super::guard::guard;
use super::options::{self, CallerStruct, flag};
use super::pointer::{give, required, writable};
use super::store::StoreHandle;
use super::text::{self, OwnedText};
use crate::cache::view::Text;
use crate::model::{CheckReport as Found, Problems, SalvageReport as Saved, StoreSizes as Measured};
use crate::store::{BackupOptions as Options, Store};
use std::ffi::{c_char, c_void};

/// Is told how much of something is done, and how much there is: of a backup in pages, of an export in messages, of an
/// import in bytes or rows. Returns TURNKEEP_OK to go on; anything else stops, and the call fails with ABORTED. Must
/// not throw.
pub type ProgressFn = Option<unsafe extern "C" fn(user_data: *mut c_void, done: u64, total: u64) -> Status>;

/// How to back up.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct BackupOptions {
    /// sizeof(turnkeep_backup_options).
    pub struct_size: usize,
    /// 1 replaces a store that is at the target and that nobody uses. What is no store is never replaced.
    pub overwrite: i32,
    /// Must be 0.
    pub reserved: u32,
    /// Called every 2 MB and at the end; NULL is none.
    pub progress: ProgressFn,
    /// Given to progress.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for BackupOptions {
    const NAME: &'static str = "turnkeep_backup_options";
}

/// What a check looked at. Borrowed from its report.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct CheckCounts {
    /// How many problems there are. The first 1 000 are told.
    pub problems: u64,
    /// Sessions.
    pub sessions: u64,
    /// Messages. One that forks share is one.
    pub messages: u64,
    /// Entries of the search index.
    pub search_entries: u64,
    /// Pages of the database.
    pub pages: u64,
}

/// What a check found. Threads: any number at once.
pub struct CheckReport {
    problems: Vec<OwnedText>,
    counts: CheckCounts,
}

/// What a salvage did. Borrowed from its report.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SalvageCounts {
    /// How many things could not be read. The first 1 000 are told.
    pub problems: u64,
    /// Sessions in the new store that were sessions before.
    pub sessions: u64,
    /// Sessions that were made for messages behind a hole, or without a session.
    pub sessions_added: u64,
    /// Sessions of which nothing could be read but the id.
    pub sessions_lost: u64,
    /// Messages in the new store. One that forks share is one.
    pub messages: u64,
    /// Messages that should have been there and could not be read, as far as that can be told.
    pub messages_lost: u64,
}

/// What a salvage could not read, and what it made of the rest. Threads: any number at once.
pub struct SalvageReport {
    problems: Vec<OwnedText>,
    counts: SalvageCounts,
}

/// How large a store is, in bytes. Written only on success.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct StoreSizes {
    /// sizeof(turnkeep_sizes), set by the caller.
    pub struct_size: usize,
    /// Sessions with their segments, tags and receipts.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// The search index, and what belongs to it.
    pub search: u64,
    /// Indexes of everything else.
    pub indexes: u64,
    /// Events, settings, the description of the tables.
    pub other: u64,
    /// Pages that hold nothing and will be used again; turnkeep_store_vacuum gives them back.
    pub free_pages: u64,
    /// All of the above.
    pub database: u64,
    /// The file of its write-ahead log, which keeps the length that it grew to; 0 in memory.
    pub wal_file: u64,
}

// SAFETY: repr(C), begins with struct_size, integers only.
unsafe impl CallerStruct for StoreSizes {
    const NAME: &'static str = "turnkeep_sizes";
}

/// What an erasure did. Written only on success.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct EraseReport {
    /// sizeof(turnkeep_erase_report), set by the caller.
    pub struct_size: usize,
    /// Messages that are gone.
    pub messages_erased: u64,
    /// Messages that stay because forks have them, too.
    pub messages_kept_by_forks: u64,
    /// 1 if its write-ahead log was emptied; 0 in memory, where there is none.
    pub wal_truncated: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers only.
unsafe impl CallerStruct for EraseReport {
    const NAME: &'static str = "turnkeep_erase_report";
}

/// Copies a store, in a file or in memory, into a new file at `path`, as of one moment, while others go on: everything
/// acknowledged before the call, DEFERRED changes included. The copy gets its name, and the same store id, when it is
/// whole; until then the name ends in ".partial". `options` may be NULL. Threads: any. Errors: EXISTS, INVALID (the
/// store itself, a folder), NOT_FOUND (no such folder), MISMATCH (overwrite, and what is there is no store), BUSY
/// (overwrite, and somebody uses it), ABORTED (progress), ENCODING, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_backup(
    store: Option<&StoreHandle>,
    path: *const c_char,
    options: *const BackupOptions,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let path = text::required(path, "path")?;
        let Some(raw) = options::read(options)? else {
            return store.store.backup(path, Options::default());
        };
        options::unused(raw.reserved, BackupOptions::NAME)?;
        let mut progress = |done, all| match raw.progress {
            // SAFETY: the callback's contract: it takes two numbers and the user_data that came with it.
            Some(progress) => unsafe { progress(raw.user_data, done, all) == TURNKEEP_OK },
            None => true,
        };
        let options = Options {
            overwrite: flag(raw.overwrite, "overwrite")?,
            progress: Some(&mut progress),
        };
        store.store.backup(path, options)
    })
}

/// Looks whether everything in a store is as it should be, while others go on: the file, the search index, whether
/// every session has every one of its messages, whether counters are right. Takes as long as reading all of it.
/// Problems are no failure: they are in *out. If the file itself is damaged, nothing more is written to it. Free *out
/// with turnkeep_check_report_free. Threads: any. Errors: INVALID, BUSY, CORRUPT (not even the list of tables can be
/// read), STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_check(
    store: Option<&StoreHandle>,
    out: *mut *mut CheckReport,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(out, "out")?;
        give(out, CheckReport::new(&store.store.check()?));
        Ok(())
    })
}

/// Returns how many problems are told, 1 000 at most; 0 means that all is well, and is the answer for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_check_report_len(report: Option<&CheckReport>) -> usize {
    report.map_or(0, |report| report.problems.len())
}

/// Returns a problem as a sentence for people, borrowed from the report; empty for NULL or an index that is too large.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_check_report_at(report: Option<&CheckReport>, index: usize) -> Text {
    sentence(report.map(|report| &report.problems), index)
}

/// Returns what was looked at, borrowed from the report; NULL for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_check_report_counts(report: Option<&CheckReport>) -> *const CheckCounts {
    report.map_or(std::ptr::null(), |report| &raw const report.counts)
}

/// Frees a check's report. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_check_report_free(report: Option<Box<CheckReport>>) {
    drop(report);
}

/// Writes the database anew, without the room that deleted messages left, and gives that back to the file system.
/// Needs room for a second copy meanwhile, and whoever writes waits. Threads: any. Errors: INVALID, READONLY, BUSY,
/// FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_vacuum(store: Option<&StoreHandle>, error: *mut *mut ErrorHandle) -> Status {
    guard(error, || required(store, "store")?.store.vacuum())
}

/// Merges the search index into its most compact form, and gathers statistics by which SQLite chooses between indexes:
/// worth a call after large changes. Whoever writes waits. Threads: any. Errors: as turnkeep_store_vacuum. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_optimize(store: Option<&StoreHandle>, error: *mut *mut ErrorHandle) -> Status {
    guard(error, || required(store, "store")?.store.optimize())
}

/// Tells how large each part of a store is. Looks at every page. Threads: any. Errors: INVALID, BUSY, CORRUPT,
/// STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_sizes(
    store: Option<&StoreHandle>,
    sizes: *mut StoreSizes,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(sizes, "sizes")?;
        options::check_size(sizes)?;
        options::fill(sizes, &convert_sizes(&store.store.sizes()?));
        Ok(())
    })
}

/// Copies what can be read of a damaged store into a new one at `target`, which must not exist. The source is left as
/// it is: close it everywhere first. A session keeps what lies before its first message that cannot be read; what lies
/// behind becomes sessions of their own, whose names docs/using.md tells. Needs room for a copy of the source beside
/// the target. Free *out with turnkeep_salvage_report_free. Threads: any. Errors: NOT_FOUND, MISMATCH (no Turnkeep
/// store), BUSY (open in this process), EXISTS, UNSUPPORTED (of a newer version), CORRUPT (nothing can be read),
/// INVALID, ENCODING, FULL, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_salvage(
    source: *const c_char,
    target: *const c_char,
    out: *mut *mut SalvageReport,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let source = text::required(source, "source")?;
        let target = text::required(target, "target")?;
        writable(out, "out")?;
        give(out, SalvageReport::new(&Store::salvage(source, target)?));
        Ok(())
    })
}

/// Returns how many losses are told, 1 000 at most; 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_salvage_report_len(report: Option<&SalvageReport>) -> usize {
    report.map_or(0, |report| report.problems.len())
}

/// Returns what could not be read, and what was made of it, as a sentence for people, borrowed from the report; empty
/// for NULL or an index that is too large. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_salvage_report_at(report: Option<&SalvageReport>, index: usize) -> Text {
    sentence(report.map(|report| &report.problems), index)
}

/// Returns how much was brought over, borrowed from the report; NULL for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_salvage_report_counts(report: Option<&SalvageReport>) -> *const SalvageCounts {
    report.map_or(std::ptr::null(), |report| &raw const report.counts)
}

/// Frees a salvage's report. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_salvage_report_free(report: Option<Box<SalvageReport>>) {
    drop(report);
}

/// Deletes a session as turnkeep_session_delete does, and leaves no copy of its text in any file of the store:
/// docs/using.md says what that is, and what it cannot reach. What forks share stays. Takes as long as
/// turnkeep_store_vacuum. If somebody reads for longer than the busy timeout the session is deleted, its text is still
/// in the files, and the call fails with BUSY: the same call again finishes it, also after a restart, and then reports
/// 0 messages. `report` may be NULL. Threads: any. Errors: NOT_FOUND, INVALID, ENCODING, READONLY, BUSY, FULL,
/// CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_erase(
    store: Option<&StoreHandle>,
    id: *const c_char,
    report: *mut EraseReport,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let id = text::required(id, "id")?;
        options::check_size(report)?;
        let done = store.store.erase_session(id)?;
        let converted = EraseReport {
            struct_size: size_of::<EraseReport>(),
            messages_erased: done.messages_erased,
            messages_kept_by_forks: done.messages_kept_by_forks,
            wal_truncated: u32::from(done.wal_truncated),
            reserved: 0,
        };
        options::fill(report, &converted);
        Ok(())
    })
}

fn convert_sizes(sizes: &Measured) -> StoreSizes {
    StoreSizes {
        struct_size: size_of::<StoreSizes>(),
        sessions: sizes.sessions,
        messages: sizes.messages,
        search: sizes.search,
        indexes: sizes.indexes,
        other: sizes.other,
        free_pages: sizes.free_pages,
        database: sizes.database,
        wal_file: sizes.wal_file,
    }
}

fn sentences(problems: &Problems) -> Vec<OwnedText> {
    problems.listed.iter().map(|text| OwnedText::new(text)).collect()
}

fn sentence(problems: Option<&Vec<OwnedText>>, index: usize) -> Text {
    problems
        .and_then(|problems| problems.get(index))
        .map_or(Text::EMPTY, OwnedText::text)
}

impl CheckReport {
    fn new(report: &Found) -> Self {
        Self {
            problems: sentences(&report.problems),
            counts: CheckCounts {
                problems: report.problems.count,
                sessions: report.sessions,
                messages: report.messages,
                search_entries: report.documents,
                pages: report.pages,
            },
        }
    }
}

impl SalvageReport {
    fn new(report: &Saved) -> Self {
        Self {
            problems: sentences(&report.problems),
            counts: SalvageCounts {
                problems: report.problems.count,
                sessions: report.sessions,
                sessions_added: report.sessions_added,
                sessions_lost: report.sessions_lost,
                messages: report.messages,
                messages_lost: report.messages_lost,
            },
        }
    }
}
