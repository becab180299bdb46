//! Section 13 of the header: sessions on their way in and out.

use super::basics::{ErrorHandle, Status, TURNKEEP_OK};
use super::filter::{self, FilterOptions};
use super::guard::guard;
use super::maintenance::ProgressFn;
use super::options::{self, CallerStruct, flag};
use super::pointer::{give, give_value, missing, required, writable};
use super::store::StoreHandle;
use super::text::{self, Texts};
use crate::cache::view::Text;
use crate::error::{Error, Kind, Result};
use crate::store;
use crate::store::Selection;
use crate::transfer::{Existing, ExportReport, Format, ImportReport, Loss, Problem, ProblemKind};
use std::ffi::{c_char, c_void};

/// Turnkeep's own JSON Lines, which carry everything. Both ways.
pub const TURNKEEP_FORMAT_TURNKEEP: i32 = 1;
/// JSON Lines with messages as in the OpenAI chat API, a session a line. Both ways.
pub const TURNKEEP_FORMAT_OPENAI: i32 = 2;
/// ShareGPT. Both ways.
pub const TURNKEEP_FORMAT_SHAREGPT: i32 = 3;
/// A table with a row for each message, which a spreadsheet opens without running anything in it. Both ways.
pub const TURNKEEP_FORMAT_CSV: i32 = 4;
/// Markdown, to read. Export only.
pub const TURNKEEP_FORMAT_MARKDOWN: i32 = 5;
/// Plain text, to read. Export only.
pub const TURNKEEP_FORMAT_TEXT: i32 = 6;
/// One HTML page that needs nothing else, to read and to search. Export only.
pub const TURNKEEP_FORMAT_HTML: i32 = 7;
/// The JSON array of Gemma.cpp sessions. Both ways.
pub const TURNKEEP_FORMAT_GEMMA_SESSIONS: i32 = 8;
/// What the web UI of llama.cpp exports. Import only, like all that follow.
pub const TURNKEEP_FORMAT_LLAMA_CPP: i32 = 9;
/// ChatGPT's data export: conversations.json, several of them, or the zip or folder with them.
pub const TURNKEEP_FORMAT_CHATGPT: i32 = 10;
/// Claude's data export: conversations.json, or the zip or folder with it.
pub const TURNKEEP_FORMAT_CLAUDE: i32 = 11;
/// The database of a QV session manager.
pub const TURNKEEP_FORMAT_QV_DB: i32 = 12;
/// The database of coda's session module.
pub const TURNKEEP_FORMAT_CODA_DB: i32 = 13;
/// The database of Gemma.cpp sessions.
pub const TURNKEEP_FORMAT_GEMMA_SESSIONS_DB: i32 = 14;
/// The database of an e-ink session manager.
pub const TURNKEEP_FORMAT_EINK_DB: i32 = 15;

/// A session whose id the store has already is not taken in.
pub const TURNKEEP_EXISTING_SKIP: i32 = 1;
/// It takes the place of the one in the store, which is deleted.
pub const TURNKEEP_EXISTING_OVERWRITE: i32 = 2;
/// It gets a new id, and both are there.
pub const TURNKEEP_EXISTING_KEEP_BOTH: i32 = 3;

/// A session that the store had already stayed as it was.
pub const TURNKEEP_PROBLEM_SKIPPED: i32 = 1;
/// A session could not be taken in: nothing of it was.
pub const TURNKEEP_PROBLEM_FAILED: i32 = 2;
/// Something that no session could take was left out.
pub const TURNKEEP_PROBLEM_LEFT_OUT: i32 = 3;
/// Something was taken in otherwise than it stood in the source.
pub const TURNKEEP_PROBLEM_CHANGED: i32 = 4;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_FORMAT_TURNKEEP == Format::Turnkeep as i32);
    assert!(TURNKEEP_FORMAT_OPENAI == Format::OpenAi as i32);
    assert!(TURNKEEP_FORMAT_SHAREGPT == Format::ShareGpt as i32);
    assert!(TURNKEEP_FORMAT_CSV == Format::Csv as i32);
    assert!(TURNKEEP_FORMAT_MARKDOWN == Format::Markdown as i32);
    assert!(TURNKEEP_FORMAT_TEXT == Format::Text as i32);
    assert!(TURNKEEP_FORMAT_HTML == Format::Html as i32);
    assert!(TURNKEEP_FORMAT_GEMMA_SESSIONS == Format::GemmaSessions as i32);
    assert!(TURNKEEP_FORMAT_LLAMA_CPP == Format::LlamaCpp as i32);
    assert!(TURNKEEP_FORMAT_CHATGPT == Format::ChatGpt as i32);
    assert!(TURNKEEP_FORMAT_CLAUDE == Format::Claude as i32);
    assert!(TURNKEEP_FORMAT_QV_DB == Format::QvDatabase as i32);
    assert!(TURNKEEP_FORMAT_CODA_DB == Format::CodaDatabase as i32);
    assert!(TURNKEEP_FORMAT_GEMMA_SESSIONS_DB == Format::GemmaDatabase as i32);
    assert!(TURNKEEP_FORMAT_EINK_DB == Format::EinkDatabase as i32);
    assert!(TURNKEEP_EXISTING_SKIP == Existing::Skip as i32);
    assert!(TURNKEEP_EXISTING_OVERWRITE == Existing::Overwrite as i32);
    assert!(TURNKEEP_EXISTING_KEEP_BOTH == Existing::KeepBoth as i32);
    assert!(TURNKEEP_PROBLEM_SKIPPED == ProblemKind::Skipped as i32);
    assert!(TURNKEEP_PROBLEM_FAILED == ProblemKind::Failed as i32);
    assert!(TURNKEEP_PROBLEM_LEFT_OUT == ProblemKind::LeftOut as i32);
    assert!(TURNKEEP_PROBLEM_CHANGED == ProblemKind::Changed as i32);
};

/// Takes the next bytes of an export: UTF-8, cut anywhere. Returns TURNKEEP_OK to go on; anything else stops, and the
/// export fails with ABORTED. Must not throw.
pub type WriteFn = Option<unsafe extern "C" fn(user_data: *mut c_void, data: *const c_char, len: usize) -> Status>;

/// What to export, and how.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ExportOptions {
    /// sizeof(turnkeep_export_options).
    pub struct_size: usize,
    /// A TURNKEEP_FORMAT_ number that is not import only. Required.
    pub format: i32,
    /// Must be 0.
    pub reserved: u32,
    /// Which sessions; NULL is all, whatever their status.
    pub filter: *const FilterOptions,
    /// Only these sessions, by id. Not together with filter. A list of which there are 0 must be NULL.
    pub session_ids: *const *const c_char,
    /// How many there are.
    pub session_id_count: usize,
    /// Told how many messages are written; NULL is none.
    pub progress: ProgressFn,
    /// Given to progress.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for ExportOptions {
    const NAME: &'static str = "turnkeep_export_options";
}

/// What to import, and how.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ImportOptions {
    /// sizeof(turnkeep_import_options).
    pub struct_size: usize,
    /// A TURNKEEP_FORMAT_ number that is not export only; 0 looks into the source.
    pub format: i32,
    /// What becomes of a session whose id the store has already: a TURNKEEP_EXISTING_ number; 0 is SKIP.
    pub existing: i32,
    /// 1 reads and checks everything and reports what would come of it, and keeps nothing.
    pub dry_run: i32,
    /// Must be 0.
    pub reserved: u32,
    /// Told how much of the source is read, in bytes or, of a database, rows; NULL is none.
    pub progress: ProgressFn,
    /// Given to progress.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for ImportOptions {
    const NAME: &'static str = "turnkeep_import_options";
}

/// What an import or an export did. Borrowed from its report.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TransferCounts {
    /// Sessions that were taken in, or written.
    pub sessions: u64,
    /// Their messages. One that forks share counts once, unless the format has it written for each.
    pub messages: u64,
    /// Import: of the sessions, those that share messages with another.
    pub forks: u64,
    /// Import: sessions that the store had already, and that stayed as they were.
    pub skipped: u64,
    /// Import: sessions of which nothing was taken in.
    pub failed: u64,
    /// Import: sessions of the store that made room.
    pub overwritten: u64,
    /// Import: how many problems there were. The first 1 000 are told.
    pub problems: u64,
    /// Export: bytes written.
    pub bytes: u64,
    /// The TURNKEEP_FORMAT_ number of what was read or written.
    pub format: i32,
    /// 0.
    pub reserved: u32,
}

/// Something that was not taken in as it stood in the source. Borrowed from its report.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TransferProblem {
    /// The session's id in the source; empty if it has none there.
    pub session_id: Text,
    /// Where in the source: a line, a row.
    pub place: Text,
    /// What is the matter, as a sentence.
    pub reason: Text,
    /// A TURNKEEP_PROBLEM_ number.
    pub kind: i32,
    /// 0.
    pub reserved: u32,
}

/// Something that the source had and the store, or the store and the format, cannot carry. Borrowed from its report.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TransferLoss {
    /// What it is, in the plural: "images", "tags".
    pub what: Text,
    /// How many.
    pub count: u64,
}

/// What an import or an export did. Threads: any number at once.
pub struct TransferReport {
    counts: TransferCounts,
    problems: Vec<TransferProblem>,
    losses: Vec<TransferLoss>,
    _texts: Texts,
}

// SAFETY: what the texts point to belongs to the report, and never changes.
unsafe impl Send for TransferReport {}
// SAFETY: the same.
unsafe impl Sync for TransferReport {}

/// Writes sessions into a file, in the order in which they were created and as of one moment. The file is written
/// beside `path` and takes its place when it is whole and flushed; a failure leaves what was there. Only its owner may
/// read it. Writes to *out, unless `out` is NULL, a report: free it with turnkeep_transfer_report_free. Threads: any;
/// progress is called on this one, and must not change the store, nor read it if it is in memory (then it is as inside
/// an import, for other stores, too): BUSY. Errors: INVALID (no format, a path that is no file), EXISTS (a database is
/// there), UNSUPPORTED (a format that is import only), NOT_FOUND (a session, the folder), ABORTED (progress), FULL,
/// ENCODING, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_export_file(
    store: Option<&StoreHandle>,
    path: *const c_char,
    options: *const ExportOptions,
    out: *mut *mut TransferReport,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let path = text::required(path, "path")?;
        let raw = options::required(options, "options")?;
        let mut progress = told(raw.progress, raw.user_data);
        let report = store.store.export_to_file(path, export_options(&raw, &mut progress)?)?;
        give_report(out, || TransferReport::of_export(&report, raw.format));
        Ok(())
    })
}

/// The same in chunks, through `write`, which must not be NULL and is called on this thread under the same conditions
/// as progress. Errors: as turnkeep_store_export_file; ABORTED (write, progress). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_export(
    store: Option<&StoreHandle>,
    options: *const ExportOptions,
    write: WriteFn,
    user_data: *mut c_void,
    out: *mut *mut TransferReport,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let raw = options::required(options, "options")?;
        let write = write.ok_or_else(|| missing("write"))?;
        let mut progress = told(raw.progress, raw.user_data);
        let mut sink = |bytes: &[u8]| {
            // SAFETY: header rule 8: `write` takes what was passed with it, and bytes that live during the call.
            let status = unsafe { write(user_data, bytes.as_ptr().cast(), bytes.len()) };
            if status == TURNKEEP_OK {
                return Ok(());
            }
            Err(Error::new(
                Kind::Aborted,
                format!("write answered {status}, which stops it"),
            ))
        };
        let report = store.store.export(export_options(&raw, &mut progress)?, &mut sink)?;
        give_report(out, || TransferReport::of_export(&report, raw.format));
        Ok(())
    })
}

/// Takes in the sessions of a source, in one transaction. What arrives is checked like what is appended. What is wrong
/// with one session is told in the report, and nothing of that session is kept; what is wrong with the whole fails, and
/// nothing at all is kept. The source is only read, a database included. `options` may be NULL. Writes to *out, unless
/// `out` is NULL, a report: free it with turnkeep_transfer_report_free. Threads: any; other changes wait until it is
/// done, in other processes for their busy timeout; progress is called on this thread and must not change the store,
/// nor search it for what is not indexed yet, nor read it if it is in memory, nor change (nor, in memory, read) another
/// store that another thread just then imports into or exports from memory, nor wait longer than 0.1 s for a session
/// that another thread reads: BUSY. Errors: INVALID (what the source is cannot be told, or it is not what `format`
/// says), NOT_FOUND (no such file), UNSUPPORTED (a format that is export only, or of a later version), ABORTED
/// (progress), ENCODING, TOO_LARGE (a line, a conversation), READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_import(
    store: Option<&StoreHandle>,
    path: *const c_char,
    options: *const ImportOptions,
    out: *mut *mut TransferReport,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let path = text::required(path, "path")?;
        let raw = options::read(options)?;
        let mut progress = raw.as_ref().and_then(|raw| told(raw.progress, raw.user_data));
        let options = match &raw {
            Some(raw) => import_options(raw, &mut progress)?,
            None => store::ImportOptions::default(),
        };
        let report = store.store.import(path, options)?;
        give_report(out, || TransferReport::of_import(&report));
        Ok(())
    })
}

/// What was done. NULL for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_transfer_report_counts(report: Option<&TransferReport>) -> *const TransferCounts {
    report.map_or(std::ptr::null(), |report| &raw const report.counts)
}

/// How many problems it tells. 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_transfer_report_len(report: Option<&TransferReport>) -> usize {
    report.map_or(0, |report| report.problems.len())
}

/// One problem. NULL past the end and for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_transfer_report_at(
    report: Option<&TransferReport>,
    index: usize,
) -> *const TransferProblem {
    let problem = report.and_then(|report| report.problems.get(index));
    problem.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// How many kinds of losses there are. 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_transfer_report_loss_len(report: Option<&TransferReport>) -> usize {
    report.map_or(0, |report| report.losses.len())
}

/// One kind of losses. NULL past the end and for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_transfer_report_loss_at(
    report: Option<&TransferReport>,
    index: usize,
) -> *const TransferLoss {
    let loss = report.and_then(|report| report.losses.get(index));
    loss.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees a report. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_transfer_report_free(report: Option<Box<TransferReport>>) {
    drop(report);
}

/// Writes to *format the TURNKEEP_FORMAT_ number of a name: "turnkeep", "openai", "html" and so on, the constant in
/// small letters with hyphens. Errors: INVALID (no such name; the message lists them), ENCODING. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_format_by_name(
    name: *const c_char,
    format: *mut i32,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let name = text::required(name, "name")?;
        writable(format, "format")?;
        give_value(format, Format::by_name(name)? as i32);
        Ok(())
    })
}

/// A progress callback as the store calls it.
fn told(progress: ProgressFn, user_data: *mut c_void) -> Option<impl FnMut(u64, u64) -> bool> {
    progress.map(|progress| {
        move |done, total| {
            // SAFETY: header rule 8: a callback takes what was passed with it.
            unsafe { progress(user_data, done, total) == TURNKEEP_OK }
        }
    })
}

type Told<'a> = Option<&'a mut dyn FnMut(u64, u64) -> bool>;

fn export_options<'a>(
    raw: &ExportOptions,
    progress: &'a mut Option<impl FnMut(u64, u64) -> bool>,
) -> Result<store::ExportOptions<'a>> {
    options::unused(raw.reserved, ExportOptions::NAME)?;
    let ids = text::list(raw.session_ids, raw.session_id_count, "session_ids")?;
    let selection = match (raw.session_ids.is_null(), raw.filter.is_null()) {
        (true, true) => Selection::All,
        (true, false) => Selection::Filter(Box::new(filter::read(raw.filter)?)),
        (false, true) if !ids.is_empty() => Selection::Sessions(ids),
        (false, true) => {
            return Err(Error::invalid(
                "session_ids is given with a session_id_count of 0; NULL is all sessions",
            ));
        }
        (false, false) => {
            return Err(Error::invalid(
                "filter and session_ids are both given: choose by one of them",
            ));
        }
    };
    Ok(store::ExportOptions {
        format: Format::from_number(raw.format)?,
        selection,
        progress: progress.as_mut().map(|told| told as &mut dyn FnMut(u64, u64) -> bool) as Told<'a>,
    })
}

fn import_options<'a>(
    raw: &ImportOptions,
    progress: &'a mut Option<impl FnMut(u64, u64) -> bool>,
) -> Result<store::ImportOptions<'a>> {
    options::unused(raw.reserved, ImportOptions::NAME)?;
    Ok(store::ImportOptions {
        format: match raw.format {
            0 => None,
            number => Some(Format::from_number(number)?),
        },
        existing: Existing::from_number(raw.existing)?,
        dry_run: flag(raw.dry_run, "dry_run")?,
        progress: progress.as_mut().map(|told| told as &mut dyn FnMut(u64, u64) -> bool) as Told<'a>,
    })
}

fn give_report(out: *mut *mut TransferReport, report: impl FnOnce() -> TransferReport) {
    if writable(out, "out").is_ok() {
        give(out, report());
    }
}

impl TransferReport {
    fn of_export(report: &ExportReport, format: i32) -> Self {
        let counts = TransferCounts {
            sessions: report.sessions,
            messages: report.messages,
            forks: 0,
            skipped: 0,
            failed: 0,
            overwritten: 0,
            problems: 0,
            bytes: report.bytes,
            format,
            reserved: 0,
        };
        Self::new(counts, &[], &report.losses)
    }

    fn of_import(report: &ImportReport) -> Self {
        let counts = TransferCounts {
            sessions: report.sessions,
            messages: report.messages,
            forks: report.forks,
            skipped: report.skipped,
            failed: report.failed,
            overwritten: report.overwritten,
            problems: report.problem_count,
            bytes: 0,
            format: report.format as i32,
            reserved: 0,
        };
        Self::new(counts, &report.problems, &report.losses)
    }

    fn new(counts: TransferCounts, problems: &[Problem], losses: &[Loss]) -> Self {
        let mut texts = Texts::default();
        let problems = problems.iter().map(|problem| TransferProblem {
            session_id: texts.keep(&problem.session_id),
            place: texts.keep(&problem.place),
            reason: texts.keep(&problem.reason),
            kind: problem.kind as i32,
            reserved: 0,
        });
        let problems = problems.collect();
        let losses = losses.iter().map(|loss| TransferLoss {
            what: texts.keep(loss.what),
            count: loss.count,
        });
        Self {
            counts,
            problems,
            losses: losses.collect(),
            _texts: texts,
        }
    }
}
