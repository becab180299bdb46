//! Plain data: sessions, messages, receipts, and the rules their texts obey.
//!
//! No I/O, no clock but the one that stamps a new id, nothing of SQLite, threads or C.

pub mod event;
pub mod file_name;
pub mod filter;
pub(crate) mod fingerprint;
pub mod ids;
pub mod list;
pub mod maintenance;
pub mod message;
pub mod metadata;
#[cfg(not(loom))]
pub mod search;
pub mod session;
#[cfg(not(loom))]
pub mod snippet;
#[cfg(not(loom))]
pub mod text;
mod time;
pub mod turn;
#[cfg(not(loom))]
pub mod words;

pub use event::{Event, EventKind, EventPage};
pub use filter::{Comparison, Filter, MetadataCondition, TimeRange};
pub use list::{BulkAction, Candidates, ListOptions, SessionPage, Sort};
pub use maintenance::{Activity, CheckReport, EraseReport, Problems, SalvageReport, StoreSizes, StoreTotals};
pub use message::{
    AppendOptions, Durability, KeptReceipt, Message, MessageFlags, MessageRef, NewMessage, Place, ReadyMessage,
    Receipt, Role, Tokens,
};
#[cfg(not(loom))]
pub use search::{Phrase, SearchOptions, SearchOrder};
pub use session::{NewSession, SessionChanges, SessionInfo, Status};
pub(crate) use time::moment;
pub use turn::{Exchange, Turn};

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01 UTC: the unit of every time in Turnkeep.
pub type Micros = i64;

/// The clock.
pub fn now() -> Micros {
    let micros = |time: Duration| Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => -micros(before.duration()),
    }
}
