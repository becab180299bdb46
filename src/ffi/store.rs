//! Section 2 of the header: open, flush, close.

use super::basics::{ErrorHandle, Status, TURNKEEP_OK};
use super::guard::guard;
use super::options::{self, CallerStruct, flag};
use super::pointer::{give, give_value, required, writable};
use super::text::{self, OwnedText};
use crate::cache::view::Text;
use crate::context::Tokenizer;
use crate::error::{Error, Kind, Result};
use crate::model::Durability;
use crate::store::{Store, StoreOptions as Options, TokenizerChoice};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

/// Flushed to the disk before it is acknowledged: survives a power cut. The default.
pub const TURNKEEP_DURABILITY_DISK: i32 = 1;
/// Handed to the operating system: survives the death of the process.
pub const TURNKEEP_DURABILITY_OS: i32 = 2;
/// Acknowledged at once, written within the autosave interval, by turnkeep_store_flush or by turnkeep_store_close. Only
/// for exclusive stores and stores in memory, since a sequence number once told must stay true.
pub const TURNKEEP_DURABILITY_DEFERRED: i32 = 3;
/// Only in receipts: the store is in memory, and its contents end with it.
pub const TURNKEEP_DURABILITY_MEMORY: i32 = 4;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_DURABILITY_DISK == Durability::Disk as i32);
    assert!(TURNKEEP_DURABILITY_OS == Durability::Os as i32);
    assert!(TURNKEEP_DURABILITY_DEFERRED == Durability::Deferred as i32);
    assert!(TURNKEEP_DURABILITY_MEMORY == Durability::Memory as i32);
};

/// Counts the tokens of a text of text_len bytes (no NUL follows): writes the number to *tokens and returns
/// TURNKEEP_OK, or returns a failure, and the call that needed the count fails with ABORTED. Called on the thread of
/// that call, with no lock held; in an import under the same conditions as its progress. Must be safe to call from many
/// threads if the store is used from many. Must not throw.
pub type CountTokensFn = Option<
    unsafe extern "C" fn(user_data: *mut c_void, text: *const c_char, text_len: usize, tokens: *mut u64) -> Status,
>;

/// Gives the host its user_data back, once. When, is said where it is given.
pub type DestroyFn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// How to open a store.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct StoreOptions {
    /// sizeof(turnkeep_store_options).
    pub struct_size: usize,
    /// A TURNKEEP_DURABILITY_ number for appends and changes; 0 is DISK.
    pub durability: i32,
    /// With DEFERRED: how long an acknowledged change may stay unwritten, in milliseconds; 0 is 1 000.
    pub autosave_ms: u32,
    /// How many sessions the cache holds; 0 is 100.
    pub cache_sessions: u64,
    /// How many bytes the cache holds; 0 is 64 MiB.
    pub cache_bytes: u64,
    /// The window of sessions that set none, in tokens; 0 is 8 192.
    pub window_tokens: u64,
    /// How long to wait for another process that writes, in milliseconds; 0 is 5 000.
    pub busy_timeout_ms: u32,
    /// How many connections read at the same time; 0 is as many as the machine has cores; at most 1 024.
    pub readers: u32,
    /// 1 keeps every other process out, and is faster. Not with read_only; only on Unix.
    pub exclusive: i32,
    /// 1 changes nothing, not even the file's schema.
    pub read_only: i32,
    /// 1 fails with NOT_FOUND instead of making a new store.
    pub must_exist: i32,
    /// 1 keeps no search index up to date, and turnkeep_store_search answers UNSUPPORTED; a store that is opened
    /// without it later catches up.
    pub no_search: i32,
    /// Counts tokens; NULL is the vocabulary below, then the estimate max(characters / 4, words * 3 / 4) + 4.
    pub count_tokens: CountTokensFn,
    /// Given to count_tokens and destroy.
    pub user_data: *mut c_void,
    /// Called with user_data when the store and every session of it are closed, also when opening it failed, unless
    /// struct_size was wrong; may be NULL.
    pub destroy: DestroyFn,
    /// "cl100k_base" or "o200k_base", with the feature tokenizer-openai; NULL is none.
    pub tokenizer: *const c_char,
    /// How long sessions stay that have neither expires_us nor expires_after_ms of their own, in milliseconds; 0 is for
    /// ever. What is over is deleted by turnkeep_store_cleanup, and by itself with cleanup_interval_ms.
    pub expire_after_ms: u64,
    /// 1 counts expire_after_ms from a session's last change, as expires_after_ms is counted; 0 from its creation.
    pub expire_sliding: i32,
    /// How often expired sessions are deleted, in milliseconds; 0 is only when asked to.
    pub cleanup_interval_ms: u32,
    /// How many of the last changes an event log in the store keeps for turnkeep_store_events_after, now and then a
    /// 64th more; 0 writes none. Every process that changes the store must write it, or its changes are not in it. Not
    /// with read_only.
    pub event_log_rows: u64,
    /// How many bytes the texts of a session's messages may have, for new sessions; 0 is any number.
    pub max_session_bytes: u64,
    /// Contents of at least so many bytes are kept compressed by zstd, if that makes them smaller; 0 is none. Below 1
    /// 024 it does not pay. A store with such contents is read whatever this is.
    pub compress_min_bytes: u64,
    /// How hard zstd tries: 1 to 22; 0 is 3.
    pub compression_level: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for StoreOptions {
    const NAME: &'static str = "turnkeep_store_options";
}

/// One database of sessions: a file, or memory. Threads: any number at once, except that turnkeep_store_close is the
/// last call with it. Sessions and results that came from it may outlive it; sessions then answer CLOSED. So does, but
/// for turnkeep_store_unsubscribe, every function that takes a store, in a callback that runs while it is being
/// closed: their lists of errors leave that out.
pub struct StoreHandle {
    pub(super) store: Store,
    location: OwnedText,
}

/// Opens a store, and makes a new one, with the folders above it, where there is none. `location` is a path, or
/// ":memory:" for a store that ends with its handle. `options` may be NULL. Close *out with turnkeep_store_close.
/// Threads: any; any number of processes may open one file, also at the same moment. Errors: MISMATCH (something else,
/// which is left untouched), UNSUPPORTED (of a newer version, on a network file system, with an SQLite before 3.51.3),
/// NOT_FOUND (must_exist), BUSY (exclusive, here or there), STORAGE, READONLY, FULL, CORRUPT, ENCODING, INVALID. Since
/// 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_open(
    location: *const c_char,
    options: *const StoreOptions,
    out: *mut *mut StoreHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let options = options::read(options)?;
        // From here on the host's user_data is given back whatever happens.
        let tokenizer = options.as_ref().and_then(HostTokenizer::new);
        writable(out, "out")?;
        let location = text::required(location, "location")?;
        let options = options.map_or_else(|| Ok(Options::default()), |raw| convert(&raw, tokenizer))?;
        let store = Store::open(location, options)?;
        let location = OwnedText::new(location);
        give(out, StoreHandle { store, location });
        Ok(())
    })
}

/// Opens a store as the table [session] of a TOML file at `path` says, by the names of turnkeep_store_options and a
/// few that others have used: docs/using.md lists them. Close *out with turnkeep_store_close. Threads: any. Errors:
/// NOT_FOUND (no such file), INVALID (an unknown key, which is named with the nearest that is known; a wrong value,
/// which is named with its line), and those of turnkeep_store_open. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_open_config(
    path: *const c_char,
    out: *mut *mut StoreHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        writable(out, "out")?;
        let store = Store::open_config(text::required(path, "path")?)?;
        let location = OwnedText::new(store.location());
        give(out, StoreHandle { store, location });
        Ok(())
    })
}

/// Returns where the store is, as it was given to turnkeep_store_open. Borrowed from the store; empty for NULL. Since
/// 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_location(store: Option<&StoreHandle>) -> Text {
    store.map_or(Text::EMPTY, |store| store.location.text())
}

/// Writes what was acknowledged as DEFERRED, and flushes everything acknowledged so far to the disk. If deferred
/// changes were lost, to a full disk for example, every change is refused until this function has said so, once.
/// Threads: any. Errors: INVALID, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_flush(store: Option<&StoreHandle>, error: *mut *mut ErrorHandle) -> Status {
    guard(error, || required(store, "store")?.store.flush())
}

/// Flushes and closes a store, and frees its handle, whatever it returns: call turnkeep_store_flush before if a failure
/// must leave you the store. NULL is allowed. Waits for what other threads are reading and writing, and for a callback
/// of yours that the store's own thread runs (not inside a callback of an import, of an export from memory, or of
/// another store's own thread): hold no lock that it wants. One that runs elsewhere may end later, before destroy.
/// Errors: as turnkeep_store_flush. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_close(store: Option<Box<StoreHandle>>, error: *mut *mut ErrorHandle) -> Status {
    match store {
        None => TURNKEEP_OK,
        Some(handle) => guard(error, || {
            let closed = handle.store.close();
            drop(handle);
            closed
        }),
    }
}

/// Deletes every session whose time is over, and writes how many to *deleted unless it is NULL. What forks share
/// stays. Threads: any. Errors: INVALID, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_cleanup(
    store: Option<&StoreHandle>,
    deleted: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        give_value(deleted, store.store.cleanup()?);
        Ok(())
    })
}

fn convert(raw: &StoreOptions, tokenizer: Option<HostTokenizer>) -> Result<Options> {
    options::unused(raw.reserved, StoreOptions::NAME)?;
    let defaults = Options::default();
    let or = |value: u64, default: u64| if value == 0 { default } else { value };
    let tokenizer = match (tokenizer, text::optional(raw.tokenizer, "tokenizer")?) {
        (Some(host), None) => TokenizerChoice::Custom(Arc::new(host)),
        (None, Some(name)) => TokenizerChoice::Named(name.to_owned()),
        (None, None) => TokenizerChoice::Estimate,
        (Some(_), Some(_)) => {
            return Err(Error::invalid(
                "tokenizer is given beside count_tokens or destroy: either the library counts tokens or the host; give one",
            ));
        }
    };
    Ok(Options {
        durability: durability(raw.durability)?.unwrap_or(defaults.durability),
        autosave: millis(raw.autosave_ms, defaults.autosave),
        cache_sessions: or(raw.cache_sessions, defaults.cache_sessions as u64)
            .try_into()
            .unwrap_or(usize::MAX),
        cache_bytes: or(raw.cache_bytes, defaults.cache_bytes as u64)
            .try_into()
            .unwrap_or(usize::MAX),
        window_tokens: or(raw.window_tokens, defaults.window_tokens),
        busy_timeout: millis(raw.busy_timeout_ms, defaults.busy_timeout),
        readers: match raw.readers {
            0 => defaults.readers,
            count => count as usize,
        },
        exclusive: flag(raw.exclusive, "exclusive")?,
        read_only: flag(raw.read_only, "read_only")?,
        must_exist: flag(raw.must_exist, "must_exist")?,
        no_search: flag(raw.no_search, "no_search")?,
        tokenizer,
        expire_after: options::unless_zero(raw.expire_after_ms).map(Duration::from_millis),
        expire_sliding: flag(raw.expire_sliding, "expire_sliding")?,
        cleanup_interval: options::unless_zero(u64::from(raw.cleanup_interval_ms)).map(Duration::from_millis),
        event_log_rows: raw.event_log_rows,
        max_session_bytes: options::unless_zero(raw.max_session_bytes),
        compress_min_bytes: raw.compress_min_bytes,
        compression_level: match raw.compression_level {
            0 => defaults.compression_level,
            level => level,
        },
    })
}

fn millis(value: u32, default: Duration) -> Duration {
    match value {
        0 => default,
        value => Duration::from_millis(u64::from(value)),
    }
}

/// The durability with this number; `None` for 0.
pub(super) fn durability(number: i32) -> Result<Option<Durability>> {
    Ok(Some(match number {
        0 => return Ok(None),
        TURNKEEP_DURABILITY_DISK => Durability::Disk,
        TURNKEEP_DURABILITY_OS => Durability::Os,
        TURNKEEP_DURABILITY_DEFERRED => Durability::Deferred,
        other => {
            return Err(Error::invalid(format!(
                "durability is {other}; it must be 1 (disk), 2 (os), 3 (deferred), or 0 for the default"
            )));
        }
    }))
}

/// The host's callback.
struct HostTokenizer {
    count: CountTokensFn,
    user_data: *mut c_void,
    destroy: DestroyFn,
}

// SAFETY: the header asks of the host that count_tokens and its user_data may be used from any thread.
unsafe impl Send for HostTokenizer {}
// SAFETY: as above.
unsafe impl Sync for HostTokenizer {}

impl HostTokenizer {
    fn new(options: &StoreOptions) -> Option<Self> {
        (options.count_tokens.is_some() || options.destroy.is_some()).then_some(Self {
            count: options.count_tokens,
            user_data: options.user_data,
            destroy: options.destroy,
        })
    }
}

impl Tokenizer for HostTokenizer {
    fn count(&self, text: &str) -> Result<u64> {
        let Some(count) = self.count else {
            return crate::context::Estimate.count(text);
        };
        let mut tokens = 0;
        // SAFETY: the callback's contract: it reads `text_len` bytes and writes one number.
        let status = unsafe { count(self.user_data, text.as_ptr().cast(), text.len(), &raw mut tokens) };
        if status == TURNKEEP_OK {
            return Ok(tokens);
        }
        Err(Error::new(
            Kind::Aborted,
            format!("the host's count_tokens callback returned {status}"),
        ))
    }

    fn estimates(&self) -> bool {
        self.count.is_none()
    }
}

impl Drop for HostTokenizer {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the callback's contract: it takes back the user_data that came with it, once.
            unsafe { destroy(self.user_data) };
        }
    }
}
