//! The log of changes: gapless, in the order of commit, bounded; and what is not in it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "support/events.rs"]
mod events;
mod support;

use events::{changes, listen, log, logging, named, numbers, say};
use support::{TempStore, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, Durability, EventPage, NewMessage, NewSession, Role, SessionChanges};
use turnkeep::{Store, StoreOptions};

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
