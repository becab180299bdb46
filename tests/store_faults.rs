//! What a store does when others change the session between two of its looks, when the file is damaged, and when there is
//! much of something: each test is about a fault that was found by reading.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "store_faults/damage.rs"]
mod damage;
#[path = "support/events.rs"]
mod events;
#[path = "store_faults/memory.rs"]
mod memory;
mod support;

use events::{named, say};
use std::sync::atomic::{AtomicBool, Ordering};
use support::{TempStore, assistant, details, text, user};
use turnkeep::error::Kind;
use turnkeep::model::{
    AppendOptions, Durability, Exchange, NewMessage, NewSession, Role, SearchOptions, SessionChanges, Tokens,
};
use turnkeep::store::Branching;
use turnkeep::{Store, StoreOptions};

fn quick() -> TempStore {
    TempStore::with(StoreOptions {
        durability: Durability::Os,
        ..StoreOptions::default()
    })
}

fn exchange(number: u32) -> Exchange {
    Exchange {
        input: format!("question {number}"),
        answer: format!("answer {number}"),
        ..Exchange::default()
    }
}

/// Tells the other thread to stop, also if this one fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn an_exchange_has_its_own_number_whatever_others_rewind() {
    let store = quick();
    let session = store.create();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let session = store.open_session(session.id()).unwrap();
            while !done.load(Ordering::Relaxed) {
                session.rewind(0, None).unwrap();
                session.append(vec![user("x")], AppendOptions::default()).unwrap();
            }
        });
        let _done = Done(&done);
        for number in 0..1_000 {
            let appended = session.append_exchange(exchange(number), AppendOptions::default());
            let (turn, receipt) = appended.unwrap();
            // What stands before it are whole exchanges and at most one question.
            assert_eq!(turn, receipt.first_seq / 2 + 1, "at message {}", receipt.first_seq);
        }
    });
}

#[test]
fn a_regeneration_takes_nothing_away_that_came_behind_the_answer_meanwhile() {
    let store = quick();
    let session = store.create();
    let done = AtomicBool::new(false);
    let questions = 500;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let session = store.open_session(session.id()).unwrap();
            while !done.load(Ordering::Relaxed) {
                match session
                    .regenerate(0, Branching::Rewind(None))
                    .map_err(|error| error.kind())
                {
                    // No question, no answer yet, or somebody was there first.
                    Ok(_) | Err(Kind::Invalid | Kind::Conflict | Kind::NotFound) => {}
                    Err(kind) => panic!("{kind:?}"),
                }
            }
        });
        let _done = Done(&done);
        for number in 0..questions {
            for message in [user(&format!("question {number}")), assistant("an answer")] {
                session.append(vec![message], AppendOptions::default()).unwrap();
            }
        }
    });
    // The answer to the last question is all that a regeneration may take: no question is lost.
    let kept = session.range(1, u64::MAX).unwrap();
    let asked = kept.views().iter().filter(|view| view.role == Role::User as i32);
    let asked: Vec<&str> = asked.map(|view| text(view.content)).collect();
    let expected: Vec<String> = (0..questions).map(|number| format!("question {number}")).collect();
    assert_eq!(asked.len(), expected.len(), "questions are lost");
    assert_eq!(asked, expected);
}

#[test]
fn a_session_that_is_like_another_has_every_instruction_with_its_tokens() {
    let store = quick();
    let instruction = |number: u32| NewMessage {
        tokens: Tokens::Given(1_000 + number),
        metadata: Some(format!(r#"{{"n":{number}}}"#)),
        pinned: number.is_multiple_of(3),
        ..NewMessage::new(
            if number.is_multiple_of(2) {
                Role::System
            } else {
                Role::Developer
            },
            format!("rule {number}"),
        )
    };
    let mut messages: Vec<NewMessage> = (0..100).map(instruction).collect();
    messages.push(user("not an instruction"));
    messages.push(instruction(100));
    let first = NewSession {
        id: Some("first".into()),
        messages,
        ..NewSession::default()
    };
    let first = store.create_session(first).unwrap();
    let second = NewSession {
        like: Some("first".into()),
        messages: vec![user("own")],
        ..NewSession::default()
    };
    let second = store.create_session(second).unwrap();
    let (given, taken) = (first.range(1, 100).unwrap(), second.range(1, u64::MAX).unwrap());
    assert_eq!(taken.views().len(), 101);
    for (given, taken) in given.views().iter().zip(taken.views()) {
        assert_eq!(
            (taken.role, text(taken.content), taken.tokens, taken.flags),
            (given.role, text(given.content), given.tokens, given.flags),
        );
        assert_eq!(details(taken).metadata, details(given).metadata);
    }
    assert_eq!(text(taken.views()[100].content), "own");
}

#[test]
fn every_search_is_counted() {
    let store = quick();
    say(&store.create());
    for words in ["hello", "nothing like it", "hel*"] {
        let options = SearchOptions {
            text: words.into(),
            ..SearchOptions::default()
        };
        store.search(&options).unwrap();
    }
    assert_eq!(store.metrics().unwrap().since_open.searches, 3);
}

#[test]
fn every_append_that_a_caller_made_is_timed_exchanges_and_adopted_messages_too() {
    let store = quick();
    let (session, other) = (named(&store, "one"), named(&store, "other"));
    say(&session);
    session.append_exchange(exchange(1), AppendOptions::default()).unwrap();
    other.adopt(&session, 1, 2, AppendOptions::default()).unwrap();
    let refused = AppendOptions {
        expected_revision: Some(77),
        ..AppendOptions::default()
    };
    other.adopt(&session, 1, 2, refused.clone()).unwrap_err();
    session.append_exchange(exchange(2), refused).unwrap_err();
    let metrics = store.metrics().unwrap();
    assert_eq!(metrics.append_latency.count, 3);
    assert_eq!(metrics.since_open.messages_appended, 5);
}

/// What the text of so many turns allocates on this thread when only the newest few fit.
fn allocated_by_context_of(turns: u32) -> u64 {
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    let messages = (0..turns).flat_map(|number| [user(&format!("question {number:05}")), assistant("an answer")]);
    let session = NewSession {
        messages: messages.collect(),
        ..NewSession::default()
    };
    let session = store.create_session(session).unwrap();
    let before = memory::allocated_here();
    let context = session.context_text(u64::from(turns), Some(500)).unwrap();
    let allocated = memory::allocated_here() - before;
    assert!(context.contains(&format!("question {:05}", turns - 1)) && context.chars().count() <= 500);
    assert!(!context.contains("question 00000"));
    allocated
}

#[test]
fn a_context_that_leaves_out_thousands_of_turns_is_not_written_anew_for_each() {
    let (few, many) = (allocated_by_context_of(500), allocated_by_context_of(5_000));
    // Ten times as many turns, and not a hundred times as much work.
    assert!(many < few * 20, "{few} bytes for 500 turns, {many} for 5 000");
}

#[test]
fn what_has_no_word_is_no_problem_to_a_check() {
    let store = quick();
    let session = NewSession {
        title: "\u{1F44D}".into(),
        messages: vec![user("?!"), assistant("\u{1F44D}"), user(" ")],
        ..NewSession::default()
    };
    drop(store.create_session(session).unwrap());
    store.search(&SearchOptions::default()).unwrap();
    assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
}

#[test]
fn an_empty_session_has_no_answer_to_give_anew_and_is_not_damaged_by_being_asked() {
    let store = quick();
    let session = store.create();
    for seq in [0, 1] {
        let refused = session.regenerate(seq, Branching::Rewind(None)).err().unwrap();
        assert!(matches!(refused.kind(), Kind::Invalid | Kind::NotFound), "{refused}");
    }
    say(&session);
}

#[test]
fn a_session_over_its_limit_is_cut_though_it_stays_over_it() {
    let store = quick();
    let messages = (0..3).map(|_| user(&"x".repeat(100)));
    let session = NewSession {
        messages: messages.collect(),
        ..NewSession::default()
    };
    let session = store.create_session(session).unwrap();
    let limit = SessionChanges {
        max_bytes: Some(Some(150)),
        ..SessionChanges::default()
    };
    session.update(limit).unwrap();
    assert_eq!(session.truncate(Some(2), None, None).unwrap().removed, 1);
    assert_eq!(session.describe().unwrap().bytes, 200);
}
