//! Forks, and windows over chains of them: T8.

use crate::measure::compare;
use crate::report::{Limit, Row};
use crate::subject::{self, create, fill, open};
use std::path::Path;
use turnkeep::context::WindowOptions;
use turnkeep::model::{Durability, NewSession};
use turnkeep::{Session, Store, StoreOptions};

/// How many forks of forks there are, and how many messages each adds.
const CHAIN: usize = 100;
const LINK: usize = 5;

/// Long against short: what a fork would cost if it copied.
const LONG: usize = 10_000;
const SHORT: usize = 10;

pub(crate) fn chains(folder: &Path) -> Vec<Row> {
    let store = open(
        folder,
        StoreOptions {
            cache_sessions: 1,
            ..subject::options(Durability::Os)
        },
    );
    let long = session_of(&store, LONG);
    let short = session_of(&store, SHORT);
    let fork = |session: &Session| drop(session.fork(None, NewSession::default()).unwrap());
    let by_length = compare(50, 20, || fork(&long), || fork(&short));

    let chained = [0, 1].map(|_| chain(&store));
    let whole = [0, 1].map(|_| session_of(&store, CHAIN * LINK));
    let by_depth = compare(50, 20, || fork(&chained[0]), || fork(&whole[0]));
    let mut turns = [0, 0];
    // Two in turn, and room for one: every window finds nothing in memory.
    let mut window = |which: usize, sessions: &[Session; 2]| {
        turns[which] += 1;
        let window = sessions[turns[which] % 2].window(&WindowOptions::default()).unwrap();
        assert!(!window.is_empty());
    };
    let mut pairs = Vec::new();
    for _ in 0..200 {
        let begin = std::time::Instant::now();
        window(0, &chained);
        let over_forks = begin.elapsed();
        let begin = std::time::Instant::now();
        window(1, &whole);
        pairs.push((
            crate::measure::micros(over_forks),
            crate::measure::micros(begin.elapsed()),
        ));
    }
    let windows = crate::measure::summary(&pairs);
    vec![
        Row::ratio(
            "T8",
            "window over 100 forks of 5 messages against no fork, after a miss",
            "us",
            &windows,
        )
        .must(Limit::AtMost(30.0), Limit::AtMost(5.0)),
        Row::ratio(
            "T8i",
            "fork a session of 10 000 messages against one of 10",
            "us",
            &by_length,
        ),
        Row::ratio("T8i", "fork behind 100 forks against behind none", "us", &by_depth),
    ]
}

fn session_of(store: &Store, messages: usize) -> Session {
    let session = create(store);
    fill(&session, messages, &subject::content());
    session.window(&WindowOptions::default()).unwrap();
    session
}

fn chain(store: &Store) -> Session {
    let mut session = create(store);
    for link in 0..CHAIN {
        if link > 0 {
            session = session.fork(None, NewSession::default()).unwrap();
        }
        fill(&session, LINK, &subject::content());
        session.window(&WindowOptions::default()).unwrap();
    }
    session
}
