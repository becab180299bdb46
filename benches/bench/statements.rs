//! Statements that SQLite had to prepare again: T13.

use crate::connections::{compiled_so_far, leave_connections_alone, prepared_again_so_far, watch_connections};
use crate::report::{Limit, Row};
use crate::subject;
use std::path::Path;
use turnkeep::context::WindowOptions;
use turnkeep::model::{Durability, ListOptions, SessionChanges};
use turnkeep::{Session, Store, StoreOptions};

const ROUNDS: usize = 500;

pub(crate) fn prepared_again(folder: &Path) -> Vec<Row> {
    watch_connections();
    let store = subject::open(
        folder,
        StoreOptions {
            cache_sessions: 1,
            ..subject::options(Durability::Os)
        },
    );
    let sessions = [subject::create(&store), subject::create(&store)];
    (0..10).for_each(|round| everything(&store, &sessions, round));
    let (compiled, repeated) = (compiled_so_far(), prepared_again_so_far());
    (0..ROUNDS).for_each(|round| everything(&store, &sessions, round));
    let repeated = prepared_again_so_far() - repeated;
    let compiled = compiled_so_far() - compiled;
    leave_connections_alone();
    vec![
        Row::value("T13", "statements prepared again in steady state", repeated as f64, "")
            .must(Limit::AtMost(0.0), Limit::AtMost(0.0)),
        Row::value(
            "T13i",
            "things compiled in 500 rounds of appends, windows, lists",
            compiled as f64,
            "",
        ),
    ]
}

fn everything(store: &Store, sessions: &[Session; 2], round: usize) {
    let content = subject::content();
    for session in sessions {
        subject::append(session, round, &content);
        session.window(&WindowOptions::default()).unwrap();
        session.last(3).unwrap();
        session.range(1, 2).unwrap();
        session.describe().unwrap();
        session
            .update(SessionChanges {
                title: Some(format!("round {round}")),
                ..SessionChanges::default()
            })
            .unwrap();
        store.open_session(session.id()).unwrap();
    }
    store
        .list_sessions(&ListOptions {
            limit: 1 + round as u32 % 9,
            ..ListOptions::default()
        })
        .unwrap();
}
