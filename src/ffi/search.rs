//! Section 9 of the header: full-text search.

use super::basics::{ErrorHandle, Status};
use super::filter::{self, FilterOptions};
use super::guard::guard;
use super::options::{self, CallerStruct, flag};
use super::pointer::{give, required, writable};
use super::store::StoreHandle;
use super::text::{self, Texts};
use crate::cache::view::{MessageView, Text};
use crate::error::{Error, Result};
use crate::model::{Role, SearchOptions as Options, SearchOrder, TimeRange};
use crate::store::{Hit as Found, SearchResults as Results};
use std::ffi::c_char;
use std::time::Duration;

/// What was said last comes first. The default.
pub const TURNKEEP_SEARCH_NEWEST: i32 = 1;
/// What fits best comes first, by BM25.
pub const TURNKEEP_SEARCH_RANK: i32 = 2;

/// In turnkeep_search_options.roles: what the host instructed.
pub const TURNKEEP_ROLES_SYSTEM: u32 = 0x200;
/// In turnkeep_search_options.roles: what the person said.
pub const TURNKEEP_ROLES_USER: u32 = 0x400;
/// In turnkeep_search_options.roles: what the model said.
pub const TURNKEEP_ROLES_ASSISTANT: u32 = 0x800;
/// In turnkeep_search_options.roles: results of tool calls.
pub const TURNKEEP_ROLES_TOOL: u32 = 0x1000;
/// In turnkeep_search_options.roles: what the application's developer instructed.
pub const TURNKEEP_ROLES_DEVELOPER: u32 = 0x2000;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_SEARCH_NEWEST == SearchOrder::Newest as i32);
    assert!(TURNKEEP_SEARCH_RANK == SearchOrder::Rank as i32);
    assert!(TURNKEEP_ROLES_SYSTEM == role_bit(Role::System));
    assert!(TURNKEEP_ROLES_USER == role_bit(Role::User));
    assert!(TURNKEEP_ROLES_ASSISTANT == role_bit(Role::Assistant));
    assert!(TURNKEEP_ROLES_TOOL == role_bit(Role::Tool));
    assert!(TURNKEEP_ROLES_DEVELOPER == role_bit(Role::Developer));
};

/// What to search for. The text is what a person types: every word of it must be there, whatever the case and the
/// accents; words in "quotes" must follow one another; a star at the end of a word asks for words that begin so.
/// Everything else only separates words: no text is an error, and a text without words finds nothing. docs/using.md
/// says more.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SearchOptions {
    /// sizeof(turnkeep_search_options).
    pub struct_size: usize,
    /// What to search for, at most 16 KiB; NULL is "".
    pub text: *const c_char,
    /// In which sessions; NULL is all that are not trashed.
    pub filter: *const FilterOptions,
    /// Only what was said from then on: a date (the whole day), or a date and a time; NULL is any time.
    pub message_from: *const c_char,
    /// Only what was said until then, that day or second included; NULL is any time.
    pub message_to: *const c_char,
    /// The offset from UTC of the two, where they say none: 120 is +02:00.
    pub utc_offset_minutes: i32,
    /// A TURNKEEP_SEARCH_ number; 0 is TURNKEEP_SEARCH_NEWEST.
    pub order: i32,
    /// Only messages of these roles: TURNKEEP_ROLES_ numbers, added up; 0 is all of them, and sessions by title, name
    /// and summary.
    pub roles: u32,
    /// With TURNKEEP_SEARCH_RANK: how long scoring may take, in milliseconds; 0 is 200. It takes longer where a word is
    /// so frequent that counting it alone does.
    pub time_limit_ms: u32,
    /// How many hits at most; 0 is 20, at most 1 000.
    pub limit: u32,
    /// How many messages before, and how many after, each hit come with it; at most 100.
    pub neighbours: u32,
    /// How many characters of a hit's text are shown; 0 is 160.
    pub snippet_chars: u32,
    /// 1 takes the text for an expression of SQLite's FTS5, for hosts that build one; an error in it is INVALID. What
    /// the words in it match is marked in hits wherever it stands.
    pub raw: i32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for SearchOptions {
    const NAME: &'static str = "turnkeep_search_options";
}

/// A piece of a snippet that was asked for.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Mark {
    /// Its first byte.
    pub begin: usize,
    /// The byte after its last.
    pub end: usize,
}

/// A message, or a session, that was found. Borrowed from the results.
#[repr(C)]
pub struct Hit {
    /// The session's id. A message that sessions share is one hit: of the session that it was appended to, if the
    /// filter lets that through, else of the fork that was made first.
    pub session_id: Text,
    /// The session's title.
    pub title: Text,
    /// The part of the text around the first thing that was asked for, with an ellipsis where it was cut. For a session
    /// the text is its title, name and summary, a line for each.
    pub snippet: Text,
    /// The pieces of the snippet that were asked for, in order, none twice.
    pub marks: *const Mark,
    /// How many there are.
    pub mark_count: usize,
    /// The neighbours, and the message itself among them, in order; NULL if none were asked for, or for a session.
    pub messages: *const MessageView,
    /// How many there are.
    pub message_count: usize,
    /// Which of them is the message itself.
    pub message_index: usize,
    /// The message's place in the session; 0 is the session itself.
    pub seq: u64,
    /// When it was said, or when the session had last changed as it was indexed: microseconds since 1970-01-01 UTC.
    pub created_us: i64,
    /// How well it fits, the more the better; 0 with TURNKEEP_SEARCH_NEWEST.
    pub score: f64,
    /// A TURNKEEP_ROLE_ number; 0 for a session.
    pub role: i32,
    /// 0.
    pub reserved: u32,
}

/// What a search found, as of one moment. Threads: any number at once. Outlives its store.
pub struct SearchResults {
    hits: Box<[Hit]>,
    complete: bool,
    /// What the hits point into.
    _results: Results,
    _texts: Texts,
    _marks: Vec<Box<[Mark]>>,
}

/// Searches messages, and titles, names and summaries of sessions: all that was acknowledged before the call, which
/// indexes what is not indexed yet. A read-only store cannot do that, and finds what others have indexed. `options`
/// may be NULL, which finds nothing. Free *out with turnkeep_search_results_free. Threads: any. Errors: INVALID,
/// TOO_LARGE (the text), UNSUPPORTED (no_search), ENCODING, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_search(
    store: Option<&StoreHandle>,
    options: *const SearchOptions,
    out: *mut *mut SearchResults,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(out, "out")?;
        let options = options::read_or_default(options, convert)?;
        give(out, SearchResults::new(store.store.search(&options)?));
        Ok(())
    })
}

/// Returns the number of hits; 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_search_results_len(results: Option<&SearchResults>) -> usize {
    results.map_or(0, |results| results.hits.len())
}

/// Returns a hit, borrowed from the results; NULL for NULL or an index that is too large. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_search_results_at(results: Option<&SearchResults>, index: usize) -> *const Hit {
    results
        .and_then(|results| results.hits.get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Returns 1 if everything was looked at, 0 if the time for ranking ran out: then these are the best of what was
/// scored, the newest first to be so. 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_search_results_complete(results: Option<&SearchResults>) -> i32 {
    results.map_or(0, |results| i32::from(results.complete))
}

/// Frees results. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_search_results_free(results: Option<Box<SearchResults>>) {
    drop(results);
}

impl SearchResults {
    fn new(results: Results) -> Self {
        let mut texts = Texts::default();
        let mut marks = Vec::with_capacity(results.hits().len());
        let hits = results
            .hits()
            .iter()
            .map(|hit| show(&results, hit, &mut texts, &mut marks))
            .collect();
        Self {
            hits,
            complete: results.is_complete(),
            _results: results,
            _texts: texts,
            _marks: marks,
        }
    }
}

fn show(results: &Results, hit: &Found, texts: &mut Texts, marks: &mut Vec<Box<[Mark]>>) -> Hit {
    let mut keep = |text: &str| texts.keep(text);
    let its_marks: Box<[Mark]> = hit
        .snippet
        .marks
        .iter()
        .map(|mark| Mark {
            begin: mark.start,
            end: mark.end,
        })
        .collect();
    let messages = results.neighbours(hit);
    let seq = u64::from(hit.seq);
    let shown = Hit {
        session_id: keep(&hit.session_id),
        title: keep(&hit.title),
        snippet: keep(&hit.snippet.text),
        marks: its_marks.as_ptr(),
        mark_count: its_marks.len(),
        messages: if messages.is_empty() {
            std::ptr::null()
        } else {
            messages.as_ptr()
        },
        message_count: messages.len(),
        message_index: messages
            .iter()
            .position(|message| message.seq == seq)
            .unwrap_or_default(),
        seq,
        created_us: hit.created,
        score: hit.score,
        role: hit.role.map_or(0, |role| role as i32),
        reserved: 0,
    };
    marks.push(its_marks);
    shown
}

/// Kept apart from the TURNKEEP_ROLE_ numbers, which name single roles: one taken for the other is refused.
const ROLES_SHIFT: u32 = 8;

const fn role_bit(role: Role) -> u32 {
    1 << (role as u32 + ROLES_SHIFT)
}

fn roles(sum: u32) -> Result<u32> {
    if sum
        & !(TURNKEEP_ROLES_SYSTEM
            | TURNKEEP_ROLES_USER
            | TURNKEEP_ROLES_ASSISTANT
            | TURNKEEP_ROLES_TOOL
            | TURNKEEP_ROLES_DEVELOPER)
        != 0
    {
        return Err(Error::invalid(format!(
            "roles is {sum}; it must be a sum of TURNKEEP_ROLES_ numbers, which are not the TURNKEEP_ROLE_ numbers"
        )));
    }
    Ok(sum >> ROLES_SHIFT)
}

fn convert(raw: &SearchOptions) -> Result<Options> {
    let defaults = Options::default();
    let or = |value: u32, default: u32| if value == 0 { default } else { value };
    let text = |pointer, name| text::optional(pointer, name);
    Ok(Options {
        text: text(raw.text, "text")?.unwrap_or_default().to_owned(),
        raw: flag(raw.raw, "raw")?,
        filter: filter::read(raw.filter)?,
        roles: roles(raw.roles)?,
        created: TimeRange::parse(
            "message",
            text(raw.message_from, "message_from")?,
            text(raw.message_to, "message_to")?,
            raw.utc_offset_minutes,
        )?,
        order: match raw.order {
            0 => defaults.order,
            number => SearchOrder::from_number(number)?,
        },
        time_limit: match raw.time_limit_ms {
            0 => defaults.time_limit,
            limit => Duration::from_millis(u64::from(limit)),
        },
        limit: or(raw.limit, defaults.limit),
        neighbours: raw.neighbours,
        snippet_chars: or(raw.snippet_chars, defaults.snippet_chars),
    })
}
