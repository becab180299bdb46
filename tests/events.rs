//! What a store tells: who hears what, when, and in which order.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "support/events.rs"]
mod events;
mod support;

use events::{changes, kinds, listen, logging, named, numbers, say};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock, mpsc};
use std::time::Duration;
use support::{TempStore, assistant, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::{Error, Kind};
use turnkeep::model::{
    AppendOptions, Event, EventKind, NewMessage, NewSession, Role, SessionChanges, Status, Tokens,
};
use turnkeep::{Store, StoreOptions};

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
    assert_eq!(told, cuts[1..]);
    assert!(moved.iter().all(|event| event.session_id == "s" && event.number == 0));
    assert_eq!(moved[0].count, cuts[1] - cuts[0]);
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
fn two_stores_may_each_be_closed_by_the_others_own_thread() {
    let expiring = || {
        let options = StoreOptions {
            expire_after: Some(Duration::from_millis(1)),
            cleanup_interval: Some(Duration::from_millis(5)),
            ..StoreOptions::default()
        };
        Arc::new(Store::open(":memory:", options).unwrap())
    };
    let stores = [expiring(), expiring()];
    let both_are_called = Arc::new(Barrier::new(2));
    let (tell, closed) = mpsc::channel();
    for (own, other) in [(0, 1), (1, 0)] {
        let (other, barrier, tell) = (Arc::clone(&stores[other]), Arc::clone(&both_are_called), tell.clone());
        stores[own]
            .subscribe(move |event| {
                if event.kind == EventKind::Expired {
                    barrier.wait();
                    other.close()?;
                    tell.send(()).unwrap();
                }
                Ok(())
            })
            .unwrap();
        stores[own].create_session(NewSession::default()).unwrap();
    }
    for _ in 0..2 {
        closed
            .recv_timeout(Duration::from_secs(20))
            .expect("each waits for the other");
    }
}
