//! How to open a store.

use crate::context::Tokenizer;
use crate::error::{Error, Kind, Result};
use crate::model::Durability;
use crate::model::session::MAX_WINDOW_TOKENS;
use crate::storage::compression::Compression;
use crate::storage::mutation::Expiry;
use crate::storage::sqlite::{IN_MEMORY, SqliteOptions};
use std::sync::Arc;
use std::time::Duration;

/// Who counts tokens.
#[derive(Clone)]
pub enum TokenizerChoice {
    /// Nobody: an estimate stands in.
    Estimate,
    /// A vocabulary that is built in.
    Named(String),
    /// The caller.
    Custom(Arc<dyn Tokenizer>),
}

/// How to open a store.
#[derive(Clone)]
pub struct StoreOptions {
    /// What an acknowledged change survives, unless an append says otherwise.
    pub durability: Durability,
    /// How long a deferred change may stay unwritten.
    pub autosave: Duration,
    /// How many sessions the cache holds.
    pub cache_sessions: usize,
    /// How many bytes the cache holds.
    pub cache_bytes: usize,
    /// The window of sessions that set none, in tokens.
    pub window_tokens: u64,
    /// How long to wait for somebody else's write.
    pub busy_timeout: Duration,
    /// How many connections read at once.
    pub readers: usize,
    /// Keeps other processes out.
    pub exclusive: bool,
    /// Changes nothing.
    pub read_only: bool,
    /// Does not make a new store.
    pub must_exist: bool,
    /// Keeps no full-text index up to date, and cannot be searched.
    pub no_search: bool,
    /// Who counts tokens.
    pub tokenizer: TokenizerChoice,
    /// How long sessions stay that have no expiry of their own; `None` is for ever.
    pub expire_after: Option<Duration>,
    /// Counts that from the last change instead of from creation.
    pub expire_sliding: bool,
    /// How often expired sessions are deleted; `None` is only when asked to.
    pub cleanup_interval: Option<Duration>,
    /// How many events the store's log keeps; 0 keeps no log.
    pub event_log_rows: u64,
    /// How many bytes the texts of a session's messages may have, where the session says nothing; `None` is any number.
    pub max_session_bytes: Option<u64>,
    /// Contents of at least so many bytes are kept compressed, if that makes them smaller; 0 is none. Below 1 KiB it does
    /// not pay.
    pub compress_min_bytes: u64,
    /// How hard zstd tries, 1 to 22.
    pub compression_level: i32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Disk,
            autosave: Duration::from_secs(1),
            cache_sessions: 100,
            cache_bytes: 64 << 20,
            window_tokens: 8192,
            busy_timeout: Duration::from_secs(5),
            readers: std::thread::available_parallelism().map_or(2, usize::from),
            exclusive: false,
            read_only: false,
            must_exist: false,
            no_search: false,
            tokenizer: TokenizerChoice::Estimate,
            expire_after: None,
            expire_sliding: false,
            cleanup_interval: None,
            event_log_rows: 0,
            max_session_bytes: None,
            compress_min_bytes: 0,
            compression_level: 3,
        }
    }
}

/// The levels of zstd.
const COMPRESSION_LEVELS: std::ops::RangeInclusive<i32> = 1..=22;

/// The largest number of reader connections: each takes descriptors and memory.
const MAX_READERS: usize = 1024;

/// More would only be a way to say "all", and fill the disk.
const MAX_EVENT_LOG_ROWS: u64 = 1_000_000_000;

impl StoreOptions {
    /// Checks the options against each other, and against where the store is.
    pub fn check(&self, location: &str) -> Result<()> {
        if self.durability == Durability::Memory {
            return Err(Error::invalid(
                "durability MEMORY is what a store in memory reports, not a choice",
            ));
        }
        if self.durability == Durability::Deferred && !self.exclusive && location != IN_MEMORY {
            return Err(cannot_defer());
        }
        if self.exclusive && self.read_only {
            return Err(Error::invalid(
                "exclusive and read_only are both given: an exclusive store asks nobody what has changed, and a read-only \
                 one keeps nobody from changing it",
            ));
        }
        if self.event_log_rows > MAX_EVENT_LOG_ROWS {
            return Err(Error::invalid(format!(
                "event_log_rows is {}; at most {MAX_EVENT_LOG_ROWS} are allowed",
                self.event_log_rows
            )));
        }
        if self.event_log_rows > 0 && self.read_only {
            return Err(Error::invalid(
                "event_log_rows and read_only are both given: what changes nothing has nothing to log; leave out event_log_rows, \
                 the log can be read without it",
            ));
        }
        if self.exclusive && !cfg!(unix) {
            return Err(Error::new(Kind::Unsupported, "exclusive stores need a Unix system"));
        }
        if self.window_tokens == 0 || self.window_tokens > MAX_WINDOW_TOKENS {
            return Err(Error::invalid(format!(
                "window_tokens is {}; it must be 1 to {MAX_WINDOW_TOKENS}",
                self.window_tokens
            )));
        }
        if self.expire_sliding && self.expire_after.is_none() {
            return Err(Error::invalid(
                "expire_sliding is given without expire_after: nothing expires",
            ));
        }
        if self.cleanup_interval.is_some() && self.read_only {
            return Err(Error::invalid(
                "cleanup_interval and read_only are both given: nothing can be deleted",
            ));
        }
        if self.readers > MAX_READERS {
            return Err(Error::invalid(format!(
                "readers is {}; at most {MAX_READERS} are allowed",
                self.readers
            )));
        }
        if !COMPRESSION_LEVELS.contains(&self.compression_level) {
            return Err(Error::invalid(format!(
                "compression_level is {}; it must be 1 to 22",
                self.compression_level
            )));
        }
        Ok(())
    }

    pub(super) fn expiry(&self) -> Option<Expiry> {
        self.expire_after.map(|after| Expiry {
            after: i64::try_from(after.as_micros()).unwrap_or(i64::MAX / 4),
            sliding: self.expire_sliding,
        })
    }

    pub(super) fn compression(&self) -> Compression {
        Compression {
            min_bytes: self.compress_min_bytes,
            level: self.compression_level,
        }
    }

    pub(super) fn sqlite(&self) -> SqliteOptions {
        SqliteOptions {
            busy_timeout: self.busy_timeout,
            readers: self.readers,
            exclusive: self.exclusive,
            read_only: self.read_only,
            must_exist: self.must_exist,
            event_log_rows: self.event_log_rows,
        }
    }
}

pub(super) fn cannot_defer() -> Error {
    Error::new(
        Kind::Unsupported,
        "durability DEFERRED needs a store that is exclusive or in memory: another process could give the same \
         sequence numbers away; open it with exclusive, or use OS",
    )
}
