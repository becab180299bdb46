//! What a store counts is what was done.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod support;

use std::collections::HashMap;
use support::{TempStore, assistant, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::metrics::Counters;
use turnkeep::model::{AppendOptions, NewMessage, NewSession, SessionChanges, Status, Tokens};
use turnkeep::{Session, Store, StoreOptions};

fn of_tokens(tokens: u32) -> NewMessage {
    NewMessage {
        tokens: Tokens::Given(tokens),
        ..user("hello")
    }
}

fn append(session: &Session, messages: Vec<NewMessage>) {
    session.append(messages, AppendOptions::default()).unwrap();
}

fn window(session: &Session) {
    session.window(&WindowOptions::default()).unwrap();
}

/// Two sessions with five messages, one session deleted, some windows and reads.
fn do_things(store: &Store) {
    let one = store.create_session(NewSession::default()).unwrap();
    let two = store.create_session(NewSession::default()).unwrap();
    append(&one, vec![of_tokens(5), of_tokens(6)]);
    append(&one, vec![of_tokens(7)]);
    append(&two, vec![of_tokens(8), of_tokens(9)]);
    (0..10).for_each(|_| window(&one));
    one.range(1, 2).unwrap();
    store.delete_session(two.id()).unwrap();
    store.subscribe(|_| Ok(())).unwrap();
    let changes = SessionChanges {
        status: Some(Status::Archived),
        ..SessionChanges::default()
    };
    one.update(changes).unwrap();
}

#[test]
fn metrics_count_exactly_what_was_done() {
    let store = TempStore::new();
    do_things(&store);
    let metrics = store.metrics().unwrap();
    let expected = Counters {
        sessions_created: 2,
        sessions_deleted: 1,
        messages_appended: 5,
        tokens_appended: 35,
        windows: 10,
        searches: 0,
        // The first window makes ready what the others take.
        cache_hits: 10,
        cache_misses: 1,
        cache_evictions: 0,
        commits: 7,
        busy_waits: 0,
        busy_wait_us: 0,
        busy_failures: 0,
        // store_opened and archived.
        events_delivered: 2,
        event_failures: 0,
    };
    assert_eq!(metrics.since_open, expected);
    assert_eq!(metrics.since_reset, expected);
    assert_eq!((metrics.append_latency.count, metrics.window_latency.count), (3, 1));
    assert_eq!(
        (metrics.appends_per_commit.count, metrics.appends_per_commit.max),
        (3, 1)
    );
    let totals = metrics.totals;
    assert_eq!(
        (
            totals.active_sessions,
            totals.archived_sessions,
            totals.trashed_sessions
        ),
        (0, 1, 0)
    );
    assert_eq!((totals.messages, totals.tokens, totals.bytes), (3, 18, 15));
    assert_eq!(metrics.cache_sessions, 1);
    assert!(metrics.cache_bytes > 0 && metrics.wal_bytes > 0);
    assert!(metrics.opened > 0 && metrics.reset == metrics.opened);
}

#[test]
fn a_refused_or_repeated_append_is_not_counted() {
    let store = TempStore::new();
    let session = store.create();
    let keyed = || AppendOptions {
        idempotency_key: Some("k".into()),
        ..AppendOptions::default()
    };
    session.append(vec![of_tokens(5)], keyed()).unwrap();
    session.append(vec![of_tokens(5)], keyed()).unwrap();
    let other_revision = AppendOptions {
        expected_revision: Some(99),
        ..AppendOptions::default()
    };
    session.append(vec![of_tokens(5)], other_revision).unwrap_err();
    let metrics = store.metrics().unwrap();
    let counters = metrics.since_open;
    assert_eq!((counters.messages_appended, counters.tokens_appended), (1, 5));
    assert_eq!(metrics.append_latency.count, 2, "one failed");
}

#[test]
fn a_reset_begins_anew_and_what_was_counted_since_opening_goes_on() {
    let store = TempStore::new();
    do_things(&store);
    store.reset_metrics().unwrap();
    let session = store.create();
    append(&session, vec![of_tokens(4)]);
    let metrics = store.metrics().unwrap();
    let (open, reset) = (metrics.since_open, metrics.since_reset);
    assert_eq!(
        (open.sessions_created, open.messages_appended, open.windows),
        (3, 6, 10)
    );
    assert_eq!(
        (reset.sessions_created, reset.messages_appended, reset.windows),
        (1, 1, 0)
    );
    assert_eq!((metrics.append_latency.count, metrics.window_latency.count), (1, 0));
    assert_eq!(metrics.totals.messages, 4, "what the store holds is not reset");
    assert!(metrics.reset >= metrics.opened);
}

#[test]
fn hits_misses_and_evictions_of_the_cache_are_told_apart() {
    let store = TempStore::with(StoreOptions {
        cache_sessions: 1,
        ..StoreOptions::default()
    });
    let sessions = [store.create(), store.create()];
    sessions
        .iter()
        .for_each(|session| append(session, vec![user("a"), assistant("b")]));
    store.reset_metrics().unwrap();
    let counters = || store.metrics().unwrap().since_reset;
    // Each drives the other one out.
    for _ in 0..3 {
        sessions.iter().for_each(window);
    }
    let driven_out = counters();
    assert_eq!((driven_out.cache_hits, driven_out.cache_misses), (0, 6));
    assert!((5..=6).contains(&driven_out.cache_evictions), "{driven_out:?}");
    assert_eq!(store.metrics().unwrap().cache_sessions, 1);
    (0..4).for_each(|_| window(&sessions[1]));
    sessions[1].last(1).unwrap();
    assert_eq!((counters().cache_hits, counters().cache_misses), (5, 6));
}

#[test]
fn percentiles_are_in_order_and_one_window_of_64_is_timed() {
    let store = TempStore::new();
    let session = store.create();
    (0..200).for_each(|_| append(&session, vec![user("x")]));
    (0..640).for_each(|_| window(&session));
    let metrics = store.metrics().unwrap();
    assert_eq!((metrics.append_latency.count, metrics.window_latency.count), (200, 10));
    for found in [
        metrics.append_latency,
        metrics.window_latency,
        metrics.appends_per_commit,
    ] {
        assert!(found.p50 > 0 && found.p50 <= found.p90, "{found:?}");
        assert!(found.p90 <= found.p99 && found.p99 <= found.max, "{found:?}");
        assert!(
            found.sum >= found.count && found.sum <= found.max * found.count,
            "{found:?}"
        );
    }
}

#[test]
fn threads_count_together_what_each_has_done() {
    let store = TempStore::new();
    let sessions: Vec<Session> = (0..8).map(|_| store.create()).collect();
    std::thread::scope(|scope| {
        for session in &sessions {
            scope.spawn(move || {
                for _ in 0..50 {
                    append(session, vec![of_tokens(3), of_tokens(1)]);
                    window(session);
                }
            });
        }
    });
    let metrics = store.metrics().unwrap();
    let counters = metrics.since_open;
    assert_eq!((counters.messages_appended, counters.tokens_appended), (800, 1_600));
    assert_eq!(counters.windows, 400);
    assert_eq!(metrics.append_latency.count, 400);
    assert_eq!(metrics.appends_per_commit.sum, 400);
    assert_eq!(counters.commits, 8 + metrics.appends_per_commit.count);
}

#[test]
fn a_busy_store_is_counted() {
    let store = TempStore::with(StoreOptions {
        busy_timeout: std::time::Duration::from_millis(1),
        ..StoreOptions::default()
    });
    let session = store.create();
    let mut other = rusqlite::Connection::open(store.path()).unwrap();
    let writing = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    let refused = session.append(vec![user("x")], AppendOptions::default());
    assert_eq!(refused.unwrap_err().kind(), Kind::Busy);
    writing.rollback().unwrap();
    append(&session, vec![user("x")]);
    let counters = store.metrics().unwrap().since_open;
    assert_eq!((counters.busy_waits, counters.busy_failures), (1, 1));
    assert!(counters.busy_wait_us >= 1_000, "as long as the timeout");
}

#[test]
fn averages_are_those_of_the_whole_store_whoever_wrote_it() {
    let store = TempStore::new();
    let sessions = [store.create(), store.create()];
    append(&sessions[0], vec![of_tokens(10), of_tokens(20)]);
    append(&sessions[1], vec![of_tokens(30)]);
    let path = store.path();
    store.close().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute("UPDATE sessions SET created = 0, updated = 120000000", [])
        .unwrap();
    connection.close().unwrap();
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let metrics = store.metrics().unwrap();
    let json: serde_json::Value = serde_json::from_str(&metrics.to_json()).unwrap();
    assert_eq!(json["avg_session_duration_minutes"], 2.0);
    assert_eq!(json["avg_tokens_per_session"], 30.0);
    assert_eq!(json["avg_messages_per_session"], 1.5);
    assert_eq!(json["since_open"]["sessions_created"], 0);
    assert_eq!(json["totals"]["sessions"], 2);
    let empty = Store::open(":memory:", StoreOptions::default()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&empty.metrics().unwrap().to_json()).unwrap();
    assert_eq!(json["avg_messages_per_session"], 0.0);
}

#[test]
fn the_metrics_of_a_closed_store_are_refused() {
    let store = TempStore::new();
    store.close().unwrap();
    assert_eq!(store.metrics().unwrap_err().kind(), Kind::Closed);
    assert_eq!(store.reset_metrics().unwrap_err().kind(), Kind::Closed);
}

/// One sample of a page: its name, its labels, its value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: HashMap<String, String>,
    value: f64,
}

/// A page in Prometheus' text format 0.0.4, read as strictly as its definition says.
#[derive(Default)]
struct Page {
    types: HashMap<String, String>,
    samples: Vec<Sample>,
}

impl Page {
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends, too");
        let mut page = Self::default();
        let mut helped = Vec::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let name = help.split(' ').next().unwrap().to_owned();
                assert!(!helped.contains(&name), "{name} has one HELP");
                helped.push(name);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(["counter", "gauge", "summary"].contains(&kind), "{line}");
                assert_eq!(helped.last().unwrap(), name, "HELP comes before TYPE");
                assert!(page.types.insert(name.to_owned(), kind.to_owned()).is_none());
            } else {
                let sample = Sample::parse(line);
                let family = helped.last().unwrap();
                let suffix = sample.name.strip_prefix(family.as_str()).unwrap();
                let allowed: &[&str] = match page.types[family].as_str() {
                    "summary" => &["", "_sum", "_count"],
                    _ => &[""],
                };
                assert!(allowed.contains(&suffix), "{line} stands under {family}");
                page.samples.push(sample);
            }
        }
        page
    }

    fn value(&self, name: &str, label: Option<(&str, &str)>) -> f64 {
        let found: Vec<&Sample> = self
            .samples
            .iter()
            .filter(|sample| sample.name == name)
            .filter(|sample| {
                label.is_none_or(|(key, value)| sample.labels.get(key).is_some_and(|found| found == value))
            })
            .collect();
        assert_eq!(found.len(), 1, "{name} {label:?}");
        found[0].value
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (name, rest) = line.split_once('{').unwrap();
        let legal = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(legal(name) && !name.starts_with(|c: char| c.is_ascii_digit()), "{line}");
        let mut labels = HashMap::new();
        let mut rest = rest.chars();
        loop {
            let key: String = rest.by_ref().take_while(|c| *c != '=').collect();
            assert!(legal(&key) && rest.next() == Some('"'), "{line}");
            let mut value = String::new();
            loop {
                match rest.next().unwrap() {
                    '"' => break,
                    '\\' => value.push(match rest.next().unwrap() {
                        'n' => '\n',
                        escaped @ ('\\' | '"') => escaped,
                        other => panic!("\\{other} in {line}"),
                    }),
                    c => value.push(c),
                }
            }
            assert!(labels.insert(key, value).is_none(), "{line}");
            match rest.next().unwrap() {
                ',' => {}
                '}' => break,
                other => panic!("'{other}' in {line}"),
            }
        }
        assert_eq!(rest.next(), Some(' '), "{line}");
        let value = rest.as_str().parse().unwrap();
        Self {
            name: name.to_owned(),
            labels,
            value,
        }
    }
}

#[test]
fn prometheus_can_read_the_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let awkward = folder.path().join("a \"quoted\\ name\n.db");
    let location = awkward.to_str().unwrap();
    let store = Store::open(location, StoreOptions::default()).unwrap();
    do_things(&store);
    let metrics = store.metrics().unwrap();
    let page = Page::parse(&metrics.to_prometheus());
    assert!(page.samples.iter().all(|sample| sample.labels["store"] == location));
    assert_eq!(page.value("turnkeep_messages_appended_total", None), 5.0);
    assert_eq!(page.value("turnkeep_cache_misses_total", None), 1.0);
    assert_eq!(page.value("turnkeep_tokens", None), 18.0);
    assert_eq!(page.value("turnkeep_sessions", Some(("status", "archived"))), 1.0);
    assert_eq!(page.value("turnkeep_append_latency_seconds_count", None), 3.0);
    let p50 = page.value("turnkeep_append_latency_seconds", Some(("quantile", "0.5")));
    assert!((p50 - metrics.append_latency.p50 as f64 / 1e9).abs() < 1e-12, "seconds");
    for (name, kind) in &page.types {
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
    }
}

#[test]
fn activity_is_messages_and_tokens_by_span_and_a_shared_message_counts_once() {
    let store = TempStore::new();
    let session = store.create();
    let at = |created: i64, tokens: u32| NewMessage {
        created: Some(created),
        ..of_tokens(tokens)
    };
    append(
        &session,
        vec![at(99, 1), at(100, 2), at(119, 3), at(120, 4), at(155, 5)],
    );
    session.fork(None, NewSession::default()).unwrap();
    let spans: Vec<_> = store.activity(100, 20).unwrap();
    let spans: Vec<_> = spans
        .iter()
        .map(|span| (span.from, span.messages, span.tokens))
        .collect();
    assert_eq!(spans, [(100, 2, 5), (120, 1, 4), (140, 1, 5)]);
    assert_eq!(store.activity(1, 0).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(store.activity(-1, 1).unwrap_err().kind(), Kind::Invalid);
}
