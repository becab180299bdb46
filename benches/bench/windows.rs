//! Windows after a cache miss: T6.
//!
//! The cache holds one session, and two are asked in turn, so every call finds nothing in memory. Both have 10 000
//! messages and, as every session that is talked in, a note of where their window was cut.

use crate::measure::{Compared, compare, summary};
use crate::raw::TailWalk;
use crate::report::{Limit, Row};
use crate::subject::{self, append, fill, open};
use std::path::Path;
use std::time::Instant;
use turnkeep::context::WindowOptions;
use turnkeep::model::{Durability, NewMessage, NewSession, Role};
use turnkeep::{Session, Store, StoreOptions};

const MESSAGES: usize = 10_000;

pub(crate) fn after_a_miss(folder: &Path) -> Vec<Row> {
    let store = open(
        folder,
        StoreOptions {
            cache_sessions: 1,
            ..subject::options(Durability::Os)
        },
    );
    let bare = [0, 1].map(|_| session(&store, false));
    let with_system = [0, 1].map(|_| session(&store, true));
    store.flush().unwrap();
    let walk = TailWalk::new(&folder.join("subject.db"));
    vec![
        Row::ratio(
            "T6",
            "window of 8 192 tokens after a miss, against a raw tail walk",
            "us",
            &misses(&bare, &walk, 1),
        )
        .must(Limit::AtMost(1.5), Limit::AtMost(1.15)),
        Row::ratio(
            "T6i",
            "the same with a system message in front",
            "us",
            &misses(&with_system, &walk, 3),
        ),
        Row::ratio(
            "T6i",
            "the first window that a session of 10 000 is ever asked for",
            "us",
            &first_windows(&bare, &walk),
        ),
    ]
}

/// A session of 10 000 messages whose window is full to a message or two.
fn session(store: &Store, with_system: bool) -> Session {
    let content = subject::content();
    let session = store.create_session(NewSession::default()).unwrap();
    if with_system {
        let system = NewMessage::new(Role::System, content.clone());
        session.append(vec![system], Default::default()).unwrap();
    }
    fill(&session, MESSAGES, &content);
    let full = 8_192 - 3 * u64::from(subject::TOKENS);
    for number in 0.. {
        let tokens = session.window(&WindowOptions::default()).unwrap().report().tokens;
        append(&session, number, &content);
        if tokens > full {
            break;
        }
    }
    session
}

/// `first_segment` is the first session's: sessions and segments are numbered together.
fn misses(sessions: &[Session; 2], walk: &TailWalk, first_segment: i64) -> Compared {
    let mut turn = 0;
    let mut raw_turn = 0;
    let windows: Vec<_> = sessions
        .iter()
        .map(|session| session.window(&WindowOptions::default()).unwrap())
        .collect();
    let tokens = windows[0].report().tokens;
    let window = || {
        turn += 1;
        let window = sessions[turn % 2].window(&WindowOptions::default()).unwrap();
        assert!(!std::hint::black_box(window).is_empty());
    };
    let walked = || {
        raw_turn += 1;
        let count = walk.read(first_segment + raw_turn % 2, tokens as i64);
        assert!(count.abs_diff(windows[0].len()) <= 1);
    };
    compare(60, 50, window, walked)
}

/// Without the note of a cut the whole history is weighed: another window than the one that the session is asked for.
fn first_windows(sessions: &[Session; 2], walk: &TailWalk) -> Compared {
    let mut pairs = Vec::new();
    for turn in 0..20 {
        let options = WindowOptions {
            max_tokens: 8_000,
            ..WindowOptions::default()
        };
        let begin = Instant::now();
        let tokens = sessions[turn % 2].window(&options).unwrap().report().tokens;
        let window = begin.elapsed();
        let begin = Instant::now();
        walk.read(1 + turn as i64 % 2, tokens as i64);
        pairs.push((crate::measure::micros(window), crate::measure::micros(begin.elapsed())));
    }
    summary(&pairs)
}
