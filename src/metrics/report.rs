//! The metrics of a store as of one moment.

use crate::model::{Micros, StoreTotals};

use serde::Serialize;
use serde_json::json;

/// The metrics of a store as of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Where the store is.
    pub location: String,
    /// When it was opened.
    pub opened: Micros,
    /// When the metrics were last reset; when it was opened, if they never were.
    pub reset: Micros,
    /// What was counted since it was opened.
    pub since_open: Counters,
    /// What was counted since the last reset.
    pub since_reset: Counters,
    /// Appends that were committed together, since the last reset.
    pub appends_per_commit: Distribution,
    /// How long appends took, in nanoseconds, since the last reset.
    pub append_latency: Distribution,
    /// How long windows took, one of 64 of them, in nanoseconds, since the last reset.
    pub window_latency: Distribution,
    /// Sessions in the cache.
    pub cache_sessions: u64,
    /// Bytes that their messages take.
    pub cache_bytes: u64,
    /// The length of the write-ahead log's file.
    pub wal_bytes: u64,
    /// What the store holds.
    pub totals: StoreTotals,
}

/// What this store's handle did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// New sessions, forks included.
    pub sessions_created: u64,
    /// Sessions that were deleted, erased or expired.
    pub sessions_deleted: u64,
    /// Messages that were appended.
    pub messages_appended: u64,
    /// Their tokens.
    pub tokens_appended: u64,
    /// Windows that were asked for.
    pub windows: u64,
    /// Searches.
    pub searches: u64,
    /// Windows, histories, ranges and messages that were answered from memory.
    pub cache_hits: u64,
    /// Those for which the storage was read.
    pub cache_misses: u64,
    /// Sessions that were dropped from the cache to make room.
    pub cache_evictions: u64,
    /// Transactions that were committed.
    pub commits: u64,
    /// Transactions that had to wait for somebody else's.
    pub busy_waits: u64,
    /// How many microseconds they waited.
    pub busy_wait_us: u64,
    /// Transactions that failed as BUSY.
    pub busy_failures: u64,
    /// Calls of event callbacks.
    pub events_delivered: u64,
    /// Those of them that failed.
    pub event_failures: u64,
}

/// How values are distributed. Percentiles are within a hundredth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// How many there are.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// Half of them are not above it.
    pub p50: u64,
    /// Nine of ten are not above it.
    pub p90: u64,
    /// 99 of 100 are not above it.
    pub p99: u64,
    /// None is above it.
    pub max: u64,
}

impl Metrics {
    /// As one JSON object.
    pub fn to_json(&self) -> String {
        let averages = self.totals.averages();
        json!({
            "location": self.location,
            "opened_us": self.opened,
            "reset_us": self.reset,
            "since_open": self.since_open,
            "since_reset": self.since_reset,
            "appends_per_commit": self.appends_per_commit,
            "append_latency_ns": self.append_latency,
            "window_latency_ns": self.window_latency,
            "cache_sessions": self.cache_sessions,
            "cache_bytes": self.cache_bytes,
            "wal_bytes": self.wal_bytes,
            "totals": {
                "sessions": self.totals.sessions(),
                "active_sessions": self.totals.active_sessions,
                "archived_sessions": self.totals.archived_sessions,
                "trashed_sessions": self.totals.trashed_sessions,
                "messages": self.totals.messages,
                "tokens": self.totals.tokens,
                "bytes": self.totals.bytes,
            },
            "avg_session_duration_minutes": averages.session_duration_minutes,
            "avg_tokens_per_session": averages.tokens_per_session,
            "avg_messages_per_session": averages.messages_per_session,
        })
        .to_string()
    }

    /// In the text format of Prometheus, version 0.0.4. Counters are those since opening, which never go back.
    pub fn to_prometheus(&self) -> String {
        super::prometheus::text(self)
    }
}
