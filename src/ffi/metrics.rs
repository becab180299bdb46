//! Section 11 of the header: counters and distributions.

use super::basics::{Document, ErrorHandle, Status};
use super::guard::guard;
use super::options::{self, CallerStruct};
use super::pointer::{give, required, writable};
use super::store::StoreHandle;
use crate::error::Result;
use crate::metrics::Metrics as Snapshot;

/// What a store's handle did since its metrics were last reset, and what the store holds. Percentiles are within a
/// hundredth; times are nanoseconds where their names end in _ns.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Metrics {
    /// sizeof(turnkeep_metrics).
    pub struct_size: usize,
    /// When the store was opened: microseconds since 1970-01-01 UTC.
    pub opened_us: i64,
    /// When the metrics were last reset; opened_us if they never were.
    pub reset_us: i64,
    /// New sessions, forks included.
    pub sessions_created: u64,
    /// Sessions deleted, erased or expired.
    pub sessions_deleted: u64,
    /// Messages appended.
    pub messages_appended: u64,
    /// Their tokens.
    pub tokens_appended: u64,
    /// Windows asked for.
    pub windows: u64,
    /// Searches.
    pub searches: u64,
    /// Windows, histories, ranges and messages answered from memory.
    pub cache_hits: u64,
    /// Those for which the storage was read.
    pub cache_misses: u64,
    /// Sessions dropped from the cache to make room.
    pub cache_evictions: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that had to wait for another process, or another store on the same file, to end its own.
    pub busy_waits: u64,
    /// How long they waited, in microseconds.
    pub busy_wait_us: u64,
    /// Transactions that failed as BUSY.
    pub busy_failures: u64,
    /// Calls of event callbacks.
    pub events_delivered: u64,
    /// Those that did not return TURNKEEP_OK.
    pub event_failures: u64,
    /// How many appends were committed together: half of the commits with appends had no more.
    pub appends_per_commit_p50: u64,
    /// The same for 90 of 100 commits.
    pub appends_per_commit_p90: u64,
    /// The same for 99 of 100 commits.
    pub appends_per_commit_p99: u64,
    /// The most that were.
    pub appends_per_commit_max: u64,
    /// How many appends were timed: all that succeeded.
    pub append_count: u64,
    /// Half of them took no longer.
    pub append_p50_ns: u64,
    /// 90 of 100 took no longer.
    pub append_p90_ns: u64,
    /// 99 of 100 took no longer.
    pub append_p99_ns: u64,
    /// The longest took so long.
    pub append_max_ns: u64,
    /// How many windows were timed: of each thread's the first, and then one of 64.
    pub window_count: u64,
    /// Half of them took no longer.
    pub window_p50_ns: u64,
    /// 90 of 100 took no longer.
    pub window_p90_ns: u64,
    /// 99 of 100 took no longer.
    pub window_p99_ns: u64,
    /// The longest took so long.
    pub window_max_ns: u64,
    /// Sessions in the cache now.
    pub cache_sessions: u64,
    /// Bytes that their messages take now.
    pub cache_bytes: u64,
    /// The length of its write-ahead log's file now; 0 in memory.
    pub wal_bytes: u64,
    /// Sessions in use, in the whole store, whoever wrote them; so are the rest.
    pub active_sessions: u64,
    /// Sessions put away.
    pub archived_sessions: u64,
    /// Sessions thrown away.
    pub trashed_sessions: u64,
    /// Messages of all sessions; one that forks share counts in each of them.
    pub total_messages: u64,
    /// Tokens of all sessions.
    pub total_tokens: u64,
    /// Bytes of the texts of all sessions.
    pub total_bytes: u64,
    /// From creation to the last change, in microseconds, of all sessions together.
    pub total_duration_us: u64,
}

// SAFETY: repr(C), begins with struct_size, integers only.
unsafe impl CallerStruct for Metrics {
    const NAME: &'static str = "turnkeep_metrics";
}

/// Fills *metrics. Looks at every session's row, but at no message. Threads: any. Errors: INVALID, BUSY, CORRUPT,
/// STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_metrics(
    store: Option<&StoreHandle>,
    metrics: *mut Metrics,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let now = read(store, metrics, "metrics")?;
        options::check_size(metrics)?;
        options::fill(metrics, &convert(&now()?));
        Ok(())
    })
}

/// Begins to count and to time anew. What Prometheus is given of counters, and since_open in the JSON, go on. Threads:
/// any. Errors: INVALID. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_reset_metrics(store: Option<&StoreHandle>, error: *mut *mut ErrorHandle) -> Status {
    guard(error, || required(store, "store")?.store.reset_metrics())
}

/// Writes the metrics as one JSON object: counters since opening and since the last reset, distributions, gauges,
/// totals, and averages for each session. Free *out with turnkeep_document_free. Threads: any. Errors: INVALID, BUSY,
/// CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_metrics_json(
    store: Option<&StoreHandle>,
    out: *mut *mut Document,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let metrics = read(store, out, "out")?;
        give(out, Document::new(&metrics()?.to_json()));
        Ok(())
    })
}

/// Writes the metrics in the text format of Prometheus, version 0.0.4, with the store's location as the label "store".
/// Otherwise as turnkeep_store_metrics_json. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_metrics_prometheus(
    store: Option<&StoreHandle>,
    out: *mut *mut Document,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let metrics = read(store, out, "out")?;
        give(out, Document::new(&metrics()?.to_prometheus()));
        Ok(())
    })
}

/// How to read the metrics, once it is known that they have somewhere to go.
fn read<T>(store: Option<&StoreHandle>, out: *mut T, name: &str) -> Result<impl Fn() -> Result<Snapshot>> {
    let store = required(store, "store")?;
    writable(out, name)?;
    Ok(|| store.store.metrics())
}

fn convert(metrics: &Snapshot) -> Metrics {
    let counters = &metrics.since_reset;
    let (together, append, window) = (
        &metrics.appends_per_commit,
        &metrics.append_latency,
        &metrics.window_latency,
    );
    Metrics {
        struct_size: size_of::<Metrics>(),
        opened_us: metrics.opened,
        reset_us: metrics.reset,
        sessions_created: counters.sessions_created,
        sessions_deleted: counters.sessions_deleted,
        messages_appended: counters.messages_appended,
        tokens_appended: counters.tokens_appended,
        windows: counters.windows,
        searches: counters.searches,
        cache_hits: counters.cache_hits,
        cache_misses: counters.cache_misses,
        cache_evictions: counters.cache_evictions,
        commits: counters.commits,
        busy_waits: counters.busy_waits,
        busy_wait_us: counters.busy_wait_us,
        busy_failures: counters.busy_failures,
        events_delivered: counters.events_delivered,
        event_failures: counters.event_failures,
        appends_per_commit_p50: together.p50,
        appends_per_commit_p90: together.p90,
        appends_per_commit_p99: together.p99,
        appends_per_commit_max: together.max,
        append_count: append.count,
        append_p50_ns: append.p50,
        append_p90_ns: append.p90,
        append_p99_ns: append.p99,
        append_max_ns: append.max,
        window_count: window.count,
        window_p50_ns: window.p50,
        window_p90_ns: window.p90,
        window_p99_ns: window.p99,
        window_max_ns: window.max,
        cache_sessions: metrics.cache_sessions,
        cache_bytes: metrics.cache_bytes,
        wal_bytes: metrics.wal_bytes,
        active_sessions: metrics.totals.active_sessions,
        archived_sessions: metrics.totals.archived_sessions,
        trashed_sessions: metrics.totals.trashed_sessions,
        total_messages: metrics.totals.messages,
        total_tokens: metrics.totals.tokens,
        total_bytes: metrics.totals.bytes,
        total_duration_us: metrics.totals.duration,
    }
}
