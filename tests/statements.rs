//! In steady state nothing is compiled any more: every statement is prepared once on each connection.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "support/connections.rs"]
mod connections;
mod support;

use support::{TempStore, user};
use turnkeep::context::WindowOptions;
use turnkeep::model::{
    AppendOptions, BulkAction, Durability, Filter, ListOptions, SearchOptions, SearchOrder, SessionChanges, Sort,
};
use turnkeep::{Session, StoreOptions};

fn everything(store: &TempStore, sessions: &[Session; 2], round: u32) {
    for session in sessions {
        session.append(vec![user("hello")], AppendOptions::default()).unwrap();
        session
            .append(vec![user("a"), user("b")], AppendOptions::default())
            .unwrap();
        session.window(&WindowOptions::default()).unwrap();
        session.last(3).unwrap();
        session.range(1, 2).unwrap();
        session.describe().unwrap();
        let changes = SessionChanges {
            title: Some(format!("round {round}")),
            ..SessionChanges::default()
        };
        session.update(changes).unwrap();
        store.open_session(session.id()).unwrap();
    }
    // Every number of sessions is another limit, which must not be another statement.
    let options = ListOptions {
        limit: 1 + round % 9,
        ..ListOptions::default()
    };
    store.list_sessions(&options).unwrap();
    store.events_after(0, 1 + round % 9).unwrap();
    store.metrics().unwrap();
    // Nor is every value of a filter, every number of its tags, and every order of the same kind.
    let filter = Filter {
        text: Some(format!("round {round}")),
        any_tags: vec![format!("round {round}"); 1 + round as usize % 9],
        ..Filter::default()
    };
    let options = ListOptions {
        filter: filter.clone(),
        sort: Sort::Updated,
        ..options
    };
    store.list_sessions(&options).unwrap();
    store.count_sessions(&filter).unwrap();
    for order in [SearchOrder::Newest, SearchOrder::Rank] {
        let search = SearchOptions {
            text: format!("hello OR \"round {round}\""),
            filter: filter.clone(),
            limit: 1 + round % 9,
            order,
            ..SearchOptions::default()
        };
        store.search(&search).unwrap();
        store
            .search(&SearchOptions {
                raw: true,
                neighbours: 1,
                ..search
            })
            .unwrap();
    }
    store
        .change_sessions(&filter, BulkAction::AddTag(format!("round {round}")))
        .unwrap();
}

#[test]
fn no_statement_is_prepared_again_in_steady_state() {
    connections::watch_connections();
    let store = TempStore::with(StoreOptions {
        // Two sessions in turn: every window is read from the file.
        cache_sessions: 1,
        readers: 1,
        durability: Durability::Os,
        // So few that the log is shortened all the time.
        event_log_rows: 4,
        ..StoreOptions::default()
    });
    let sessions = [store.create(), store.create()];
    // As many as it takes for FTS5 to have merged for the first time.
    (0..20).for_each(|round| everything(&store, &sessions, round));

    let before = (connections::prepared_again_so_far(), connections::compiled_so_far());
    // Not so many that the WAL is moved into the file: that is a statement of its own.
    (20..29).for_each(|round| everything(&store, &sessions, round));

    let after = (connections::prepared_again_so_far(), connections::compiled_so_far());
    assert_eq!(after, before);
    connections::leave_connections_alone();
}
