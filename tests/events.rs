//! What a store tells: who hears what, in which order, and what the log keeps.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use support::{TempStore, assistant, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::{Error, Kind};
use turnkeep::model::{
    AppendOptions, Durability, Event, EventKind, EventPage, NewMessage, NewSession, Role, SessionChanges, Status,
    Tokens,
};
use turnkeep::{Session, Store, StoreOptions};

type Heard = Arc<Mutex<Vec<Event>>>;

fn listen(store: &Store) -> Heard {
    let heard = Heard::default();
    let listener = Arc::clone(&heard);
    store
        .subscribe(move |event| {
            listener.lock().unwrap().push(event.clone());
            Ok(())
        })
        .unwrap();
    heard
}

fn kinds(heard: &Heard) -> Vec<EventKind> {
    heard.lock().unwrap().iter().map(|event| event.kind).collect()
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.number).collect()
}

/// What is told of the changes, but for those that only a callback hears.
fn changes(heard: &Heard) -> Vec<Event> {
    let heard = heard.lock().unwrap();
    heard.iter().filter(|event| event.number > 0).cloned().collect()
}

fn named(store: &Store, id: &str) -> Session {
    let session = NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    };
    store.create_session(session).unwrap()
}

fn say(session: &Session) {
    session.append(vec![user("hello")], AppendOptions::default()).unwrap();
}

fn logging(rows: u64) -> StoreOptions {
    StoreOptions {
        event_log_rows: rows,
        ..StoreOptions::default()
    }
}

fn log(store: &Store) -> EventPage {
    store.events_after(0, 10_000).unwrap()
}

#[test]
fn what_happens_is_told_with_its_fields() {
    let store = TempStore::new();
    let heard = listen(&store);
    let session = named(&store, "s");
    let append = session.append(vec![user("a"), assistant("b")], AppendOptions::default());
    append.unwrap();
    let update = SessionChanges {
        title: Some("t".into()),
        summary: Some("s".into()),
        window_tokens: Some(Some(100)),
        add_tags: vec!["x".into(), "y".into()],
        status: Some(Status::Archived),
        ..SessionChanges::default()
    };
    session.update(update).unwrap();
    store.open_session("s").unwrap();
    session.clear(None).unwrap();
    store.reset_metrics().unwrap();
    store.delete_session("s").unwrap();
    store.close().unwrap();
    let expected = [
        EventKind::StoreOpened,
        EventKind::SessionCreated,
        EventKind::MessageAdded,
        EventKind::SessionUpdated,
        EventKind::SessionContextUpdated,
        EventKind::SummaryChanged,
        EventKind::Tagged,
        EventKind::Archived,
        EventKind::SessionAccessed,
        EventKind::SessionCleared,
        EventKind::MetricsReset,
        EventKind::SessionDeleted,
        EventKind::StoreClosed,
    ];
    assert_eq!(kinds(&heard), expected);
    let heard = heard.lock().unwrap();
    let added = &heard[2];
    assert_eq!(
        (added.first_seq, added.last_seq, added.count, added.revision),
        (1, 2, 2, 2)
    );
    assert_eq!((added.session_id.as_str(), heard[6].count), ("s", 2));
    assert_eq!(numbers(&heard), [0, 1, 2, 3, 4, 5, 6, 7, 0, 8, 0, 9, 0]);
    assert!(heard.iter().all(|event| event.at > 0));
}

#[test]
fn an_event_comes_before_its_call_returns_and_after_its_commit() {
    let store = TempStore::new();
    let session = store.create();
    let other = store.share();
    let seen = Arc::new(AtomicU64::new(0));
    let (id, its_seen) = (session.id().to_owned(), Arc::clone(&seen));
    let thread = std::thread::current().id();
    store
        .subscribe(move |event| {
            if event.kind == EventKind::MessageAdded && std::thread::current().id() == thread {
                let head = other.open_session(&id)?.describe()?.head_seq;
                its_seen.store(u64::from(head), Ordering::Relaxed);
            }
            Ok(())
        })
        .unwrap();
    say(&session);
    assert_eq!(
        seen.load(Ordering::Relaxed),
        1,
        "another handle sees it inside the callback"
    );
}

#[test]
fn statistics_can_be_read_from_an_event_callback() {
    // In a store in memory every reader goes through the one connection that also writes.
    for location in [":memory:", ""] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let location = if location.is_empty() {
            path.to_str().unwrap()
        } else {
            location
        };
        let store = Arc::new(Store::open(location, logging(10)).unwrap());
        let (weak, seen) = (Arc::downgrade(&store), Arc::new(Mutex::new(Vec::new())));
        let its_seen = Arc::clone(&seen);
        store
            .subscribe(move |event| {
                let Some(store) = weak.upgrade() else { return Ok(()) };
                if event.kind == EventKind::StoreClosed {
                    return Ok(());
                }
                let metrics = store.metrics()?;
                let logged = store.events_after(0, 0)?.events.len();
                its_seen
                    .lock()
                    .unwrap()
                    .push((event.kind, metrics.totals.messages, logged));
                Ok(())
            })
            .unwrap();
        let session = store.create_session(NewSession::default()).unwrap();
        say(&session);
        session.window(&WindowOptions::default()).unwrap();
        let expected = [
            (EventKind::StoreOpened, 0, 0),
            (EventKind::SessionCreated, 0, 1),
            (EventKind::MessageAdded, 1, 2),
        ];
        assert_eq!(*seen.lock().unwrap(), expected, "{location}");
    }
}

#[test]
fn a_callback_may_append_and_what_it_causes_is_told_after_it() {
    let store = Arc::new(Store::open(":memory:", StoreOptions::default()).unwrap());
    let weak = Arc::downgrade(&store);
    store
        .subscribe(move |event| {
            let store = weak.upgrade().ok_or_else(|| Error::invalid("gone"))?;
            if event.kind == EventKind::MessageAdded && event.last_seq < 4 {
                let session = store.open_session(&event.session_id)?;
                session.append(vec![user("again")], AppendOptions::default())?;
            }
            Ok(())
        })
        .unwrap();
    let heard = listen(&store);
    let session = named(&store, "s");
    say(&session);
    assert_eq!(session.describe().unwrap().head_seq, 4);
    let added: Vec<u64> = changes(&heard).iter().map(|event| event.last_seq).collect();
    assert_eq!(
        added,
        [0, 1, 2, 3, 4],
        "in the order of commit, also for the one who heard them second"
    );
}

#[test]
fn a_callback_may_remove_itself_and_another_one() {
    let store = Arc::new(Store::open(":memory:", StoreOptions::default()).unwrap());
    let ids: Arc<OnceLock<[u64; 2]>> = Arc::default();
    let calls = Arc::new(AtomicU64::new(0));
    let (weak, its_ids, its_calls) = (Arc::downgrade(&store), Arc::clone(&ids), Arc::clone(&calls));
    let first = store
        .subscribe(move |event| {
            if event.kind == EventKind::StoreOpened {
                return Ok(());
            }
            its_calls.fetch_add(1, Ordering::Relaxed);
            let store = weak.upgrade().unwrap();
            its_ids.get().unwrap().iter().try_for_each(|id| store.unsubscribe(*id))
        })
        .unwrap();
    let alive = Arc::new(());
    let (its_alive, more_calls) = (Arc::clone(&alive), Arc::clone(&calls));
    let second = store
        .subscribe(move |event| {
            let _held = &its_alive;
            if event.kind != EventKind::StoreOpened {
                more_calls.fetch_add(100, Ordering::Relaxed);
            }
            Ok(())
        })
        .unwrap();
    ids.set([first, second]).unwrap();
    store.create_session(NewSession::default()).unwrap();
    store.create_session(NewSession::default()).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(Arc::strong_count(&alive), 1, "what it held is given back");
    assert_eq!(store.unsubscribe(first).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_callback_that_fails_harms_nobody() {
    let store = TempStore::new();
    store.subscribe(|_| Err(Error::invalid("no"))).unwrap();
    let heard = listen(&store);
    let session = store.create();
    say(&session);
    assert_eq!(changes(&heard).len(), 2);
    let counters = store.metrics().unwrap().since_open;
    assert_eq!((counters.events_delivered, counters.event_failures), (6, 3));
}

#[test]
fn a_slow_callback_delays_only_the_call_that_caused_it() {
    let store = TempStore::new();
    let (slow, quick) = (named(&store, "slow"), named(&store, "quick"));
    let (inside, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (its_inside, its_go_on) = (Arc::clone(&inside), Arc::clone(&go_on));
    store
        .subscribe(move |event| {
            if event.session_id == "slow" {
                its_inside.wait();
                its_go_on.wait();
            }
            Ok(())
        })
        .unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| say(&slow));
        inside.wait();
        say(&quick);
        assert_eq!(slow.describe().unwrap().head_seq, 1);
        slow.window(&WindowOptions::default()).unwrap();
        go_on.wait();
    });
}

#[test]
fn numbers_grow_in_the_order_of_commit_with_8_threads() {
    for rows in [0, 100_000] {
        let store = TempStore::with(logging(rows));
        let session = store.create();
        let heard = listen(&store);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..40).for_each(|_| say(&session)));
            }
        });
        let mut told = changes(&heard);
        told.sort_by_key(|event| event.number);
        let begin = told[0].number;
        assert_eq!(numbers(&told), (begin..begin + 320).collect::<Vec<_>>());
        let seqs: Vec<u64> = told.iter().map(|event| event.first_seq).collect();
        assert_eq!(
            seqs,
            (1..=320).collect::<Vec<_>>(),
            "commit order is the order of the messages"
        );
    }
}

#[test]
fn the_log_holds_what_the_callbacks_were_told() {
    let store = TempStore::with(logging(1_000));
    let heard = listen(&store);
    let session = named(&store, "s");
    say(&session);
    let update = SessionChanges {
        title: Some("t".into()),
        add_tags: vec!["x".into()],
        ..SessionChanges::default()
    };
    session.update(update).unwrap();
    store.open_session("s").unwrap();
    store.delete_session("s").unwrap();
    let logged = log(&store);
    assert_eq!(logged.events, changes(&heard));
    assert_eq!(numbers(&logged.events), [1, 2, 3, 4, 5]);
    assert!(!logged.lost);
}

#[test]
fn the_log_is_gapless_across_two_handles_and_after_reopening() {
    let store = TempStore::with(logging(100_000));
    let path = store.path();
    let second = Store::open(path.to_str().unwrap(), logging(100_000)).unwrap();
    let session = named(&store, "s");
    std::thread::scope(|scope| {
        for store in [&*store, &second] {
            scope.spawn(move || {
                let session = store.open_session("s").unwrap();
                (0..50).for_each(|_| say(&session));
            });
        }
    });
    drop(session);
    second.close().unwrap();
    store.close().unwrap();
    let store = Store::open(path.to_str().unwrap(), logging(100_000)).unwrap();
    say(&store.open_session("s").unwrap());
    let logged = log(&store).events;
    assert_eq!(numbers(&logged), (1..=102).collect::<Vec<_>>());
    let seqs: Vec<u64> = logged[1..].iter().map(|event| event.first_seq).collect();
    assert_eq!(seqs, (1..=101).collect::<Vec<_>>());
}

#[test]
fn the_log_is_read_from_where_one_left_off() {
    let store = TempStore::with(logging(1_000));
    let session = store.create();
    (0..9).for_each(|_| say(&session));
    let mut cursor = 0;
    let mut all = Vec::new();
    loop {
        let page = store.events_after(cursor, 4).unwrap();
        assert!(!page.lost && page.events.len() <= 4);
        let Some(last) = page.events.last() else { break };
        cursor = last.number;
        all.extend(numbers(&page.events));
    }
    assert_eq!(all, (1..=10).collect::<Vec<_>>());
    assert_eq!(store.events_after(0, 10_001).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn the_log_is_bounded_and_says_what_a_reader_has_missed() {
    let store = TempStore::with(logging(20));
    let session = store.create();
    (0..99).for_each(|_| say(&session));
    let kept = log(&store);
    assert_eq!(numbers(&kept.events), (81..=100).collect::<Vec<_>>());
    assert!(kept.lost, "whoever has read nothing has missed 80");
    assert!(!store.events_after(80, 0).unwrap().lost);
    assert!(store.events_after(79, 0).unwrap().lost);
    let at_the_end = store.events_after(100, 0).unwrap();
    assert_eq!((at_the_end.events.len(), at_the_end.lost), (0, false));
    assert!(store.events_after(101, 0).unwrap().lost, "a cursor of another log");
    let store = store.reopen();
    assert_eq!(log(&store).events.len(), 20);
}

#[test]
fn a_long_log_is_shortened_now_and_then() {
    let store = TempStore::with(StoreOptions {
        durability: Durability::Os,
        ..logging(1_280)
    });
    let session = store.create();
    for _ in 0..3_000 {
        say(&session);
        if session.describe().unwrap().head_seq.is_multiple_of(500) {
            let kept = log(&store).events;
            let newest = kept.last().unwrap().number;
            assert_eq!(numbers(&kept), (kept[0].number..=newest).collect::<Vec<_>>());
            assert!(kept.len() <= 1_280 + 20 && kept.len() as u64 >= newest.min(1_280));
        }
    }
}

#[test]
fn a_change_that_is_rolled_back_leaves_no_event() {
    let store = TempStore::with(logging(1_000));
    let heard = listen(&store);
    let session = named(&store, "s");
    let wrong_revision = AppendOptions {
        expected_revision: Some(77),
        ..AppendOptions::default()
    };
    let refused = session.append(vec![user("x")], wrong_revision);
    assert_eq!(refused.unwrap_err().kind(), Kind::Conflict);
    let twice = NewSession {
        id: Some("s".into()),
        ..NewSession::default()
    };
    assert!(store.create_session(twice).is_err());
    let orphan = NewMessage {
        tool_call_id: Some("c".into()),
        ..NewMessage::new(Role::Tool, "x")
    };
    assert!(
        session
            .append(vec![user("x"), orphan], AppendOptions::default())
            .is_err()
    );
    say(&session);
    assert_eq!(log(&store).events, changes(&heard));
    assert_eq!(numbers(&changes(&heard)), [1, 2], "nor does it take a number");
}

#[test]
fn a_retry_that_appends_nothing_tells_nothing() {
    let store = TempStore::with(logging(1_000));
    let session = store.create();
    let heard = listen(&store);
    let keyed = || AppendOptions {
        idempotency_key: Some("k".into()),
        ..AppendOptions::default()
    };
    session.append(vec![user("x")], keyed()).unwrap();
    assert!(session.append(vec![user("x")], keyed()).unwrap().repeated);
    assert_eq!(changes(&heard).len(), 1);
    assert_eq!(log(&store).events.len(), 2);
}

#[test]
fn without_a_log_nothing_is_written_and_a_reader_finds_nothing() {
    let store = TempStore::new();
    say(&store.create());
    assert_eq!(log(&store), EventPage::default());
    let read_only = StoreOptions {
        read_only: true,
        ..logging(10)
    };
    let refused = Store::open(store.path().to_str().unwrap(), read_only).err().unwrap();
    assert_eq!(refused.kind(), Kind::Invalid);
}

#[test]
fn a_window_that_begins_elsewhere_than_the_last_one_is_told() {
    let store = TempStore::new();
    let session = named(&store, "s");
    let heard = listen(&store);
    let options = WindowOptions {
        max_tokens: 100,
        ..WindowOptions::default()
    };
    let mut cuts = Vec::new();
    for turn in 0..20 {
        let message = |role| NewMessage {
            tokens: Tokens::Given(10),
            ..NewMessage::new(role, "x")
        };
        let turn_messages = vec![message(Role::User), message(Role::Assistant)];
        session.append(turn_messages, AppendOptions::default()).unwrap();
        for _ in 0..2 {
            let cut = session.window(&options).unwrap().report().cut_seq;
            // Another kind of window, whose cut never moves.
            session.window(&WindowOptions::default()).unwrap();
            if turn > 0 && cuts.last() != Some(&cut) {
                cuts.push(cut);
            }
        }
    }
    let moved: Vec<Event> = heard.lock().unwrap().clone();
    let moved: Vec<&Event> = moved
        .iter()
        .filter(|event| event.kind == EventKind::WindowCutMoved)
        .collect();
    let told: Vec<u64> = moved.iter().map(|event| event.first_seq).collect();
    assert!(cuts.len() > 3, "the cut moves several times: {cuts:?}");
    assert_eq!(told, cuts[1..].iter().map(|cut| u64::from(*cut)).collect::<Vec<_>>());
    assert!(moved.iter().all(|event| event.session_id == "s" && event.number == 0));
    assert_eq!(moved[0].count, u64::from(cuts[1] - cuts[0]));
}

#[test]
fn a_cut_that_another_handle_moved_is_told_too() {
    let store = TempStore::new();
    let session = named(&store, "s");
    let options = WindowOptions {
        max_tokens: 100,
        ..WindowOptions::default()
    };
    say(&session);
    session.window(&options).unwrap();
    let heard = listen(&store);
    let other = store.share();
    let elsewhere = other.open_session("s").unwrap();
    (0..40).for_each(|_| say(&elsewhere));
    session.window(&options).unwrap();
    assert!(kinds(&heard).contains(&EventKind::WindowCutMoved));
}

#[test]
fn damage_is_told_once() {
    let store = TempStore::new();
    let session = store.create();
    (0..3).for_each(|_| say(&session));
    let path = store.path();
    store.close().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute("DELETE FROM messages WHERE key & 4294967295 = 2", [])
        .unwrap();
    connection.close().unwrap();
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let heard = listen(&store);
    let session = store.open_session(session.id()).unwrap();
    for _ in 0..2 {
        assert_eq!(session.range(1, 3).err().unwrap().kind(), Kind::Corrupt);
        let refused = session.append(vec![user("x")], AppendOptions::default());
        assert_eq!(refused.unwrap_err().kind(), Kind::Corrupt);
    }
    let told = kinds(&heard);
    let found = told.iter().filter(|kind| **kind == EventKind::CorruptionFound);
    assert_eq!(found.count(), 1, "{told:?}");
}

#[test]
fn whoever_subscribes_to_a_closed_store_is_refused() {
    let store = TempStore::new();
    store.close().unwrap();
    assert_eq!(store.subscribe(|_| Ok(())).unwrap_err().kind(), Kind::Closed);
}

#[test]
fn deferred_changes_are_told_at_once_and_logged_with_their_numbers() {
    let store = TempStore::with(StoreOptions {
        exclusive: true,
        durability: Durability::Deferred,
        autosave: std::time::Duration::from_secs(3600),
        ..logging(1_000)
    });
    let heard = listen(&store);
    let session = store.create();
    (0..3).for_each(|_| say(&session));
    assert_eq!(log(&store).events, changes(&heard));
    let path = store.path();
    store.close().unwrap();
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    assert_eq!(numbers(&log(&store).events), [1, 2, 3, 4]);
}
