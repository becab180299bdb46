//! Metrics in the text format of Prometheus, version 0.0.4.

use super::report::{Distribution, Metrics};
use std::fmt::Write as _;

/// A page of metrics, each with the store's location as a label: a process may have several stores.
pub(super) fn text(metrics: &Metrics) -> String {
    let mut page = Page {
        text: String::new(),
        store: escape(&metrics.location),
    };
    counters(&mut page, metrics);
    page.single(
        "turnkeep_busy_wait_seconds_total",
        "How long transactions waited for somebody else's.",
        "counter",
        metrics.since_open.busy_wait_us as f64 * 1e-6,
    );
    gauges(&mut page, metrics);
    page.sessions(metrics);
    page.summary(
        "turnkeep_append_latency_seconds",
        "How long appends took.",
        &metrics.append_latency,
        1e-9,
    );
    page.summary(
        "turnkeep_window_latency_seconds",
        "How long windows took; one of 64 is timed.",
        &metrics.window_latency,
        1e-9,
    );
    page.summary(
        "turnkeep_appends_per_commit",
        "Appends that were committed together.",
        &metrics.appends_per_commit,
        1.0,
    );
    page.text
}

fn counters(page: &mut Page, metrics: &Metrics) {
    let of = &metrics.since_open;
    for (name, help, value) in [
        ("sessions_created", "New sessions, forks included.", of.sessions_created),
        (
            "sessions_deleted",
            "Sessions deleted, erased or expired.",
            of.sessions_deleted,
        ),
        ("messages_appended", "Messages appended.", of.messages_appended),
        (
            "tokens_appended",
            "Tokens of the messages appended.",
            of.tokens_appended,
        ),
        ("windows", "Windows asked for.", of.windows),
        ("searches", "Searches.", of.searches),
        ("cache_hits", "Windows and reads answered from memory.", of.cache_hits),
        (
            "cache_misses",
            "Windows and reads for which the storage was read.",
            of.cache_misses,
        ),
        (
            "cache_evictions",
            "Sessions dropped from the cache to make room.",
            of.cache_evictions,
        ),
        ("commits", "Transactions committed.", of.commits),
        (
            "busy_waits",
            "Transactions that had to wait for somebody else's.",
            of.busy_waits,
        ),
        ("busy_failures", "Transactions that failed as BUSY.", of.busy_failures),
        ("events_delivered", "Calls of event callbacks.", of.events_delivered),
        (
            "event_failures",
            "Calls of event callbacks that failed.",
            of.event_failures,
        ),
    ] {
        page.single(&format!("turnkeep_{name}_total"), help, "counter", value);
    }
}

fn gauges(page: &mut Page, metrics: &Metrics) {
    let totals = &metrics.totals;
    for (name, help, value) in [
        ("cache_sessions", "Sessions in the cache.", metrics.cache_sessions),
        (
            "cache_bytes",
            "Bytes that the messages in the cache take.",
            metrics.cache_bytes,
        ),
        (
            "wal_bytes",
            "The length of the write-ahead log's file.",
            metrics.wal_bytes,
        ),
        ("messages", "Messages of all sessions.", totals.messages),
        ("tokens", "Tokens of all sessions.", totals.tokens),
        ("text_bytes", "Bytes of the texts of all sessions.", totals.bytes),
    ] {
        page.single(&format!("turnkeep_{name}"), help, "gauge", value);
    }
}

struct Page {
    text: String,
    store: String,
}

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _written = writeln!(self.text, "{line}");
    }

    fn sample(&mut self, name: &str, more_labels: &str, value: impl std::fmt::Display) {
        let store = std::mem::take(&mut self.store);
        self.line(format_args!("{name}{{store=\"{store}\"{more_labels}}} {value}"));
        self.store = store;
    }

    fn single(&mut self, name: &str, help: &str, kind: &str, value: impl std::fmt::Display) {
        self.head(name, help, kind);
        self.sample(name, "", value);
    }

    fn sessions(&mut self, metrics: &Metrics) {
        self.head("turnkeep_sessions", "Sessions by status.", "gauge");
        for (status, count) in [
            ("active", metrics.totals.active_sessions),
            ("archived", metrics.totals.archived_sessions),
            ("trashed", metrics.totals.trashed_sessions),
        ] {
            self.sample("turnkeep_sessions", &format!(",status=\"{status}\""), count);
        }
    }

    fn summary(&mut self, name: &str, help: &str, values: &Distribution, unit: f64) {
        self.head(name, help, "summary");
        for (quantile, value) in [
            ("0.5", values.p50),
            ("0.9", values.p90),
            ("0.99", values.p99),
            ("1", values.max),
        ] {
            self.sample(name, &format!(",quantile=\"{quantile}\""), value as f64 * unit);
        }
        self.sample(&format!("{name}_sum"), "", values.sum as f64 * unit);
        self.sample(&format!("{name}_count"), "", values.count);
    }
}

/// A label's value: what would end it, or the line, is escaped.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
