//! Filters, lists, counts and changes to many sessions: each field by itself, and all of them against the obvious.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

#[path = "lists/bulk.rs"]
mod bulk;
#[path = "lists/filters.rs"]
mod filters;
#[path = "lists/pages.rs"]
mod pages;
#[path = "lists/random.rs"]
mod random;

use turnkeep::model::{Comparison, Filter, ListOptions, MetadataCondition, NewSession, SessionInfo, Sort};
use turnkeep::{Session, Store, StoreOptions};

const SORTS: [Sort; 6] = [
    Sort::Created,
    Sort::Updated,
    Sort::Id,
    Sort::Tokens,
    Sort::Messages,
    Sort::Name,
];

fn memory() -> Store {
    Store::open(":memory:", StoreOptions::default()).unwrap()
}

fn named(id: &str) -> NewSession {
    NewSession {
        id: Some(id.to_owned()),
        ..NewSession::default()
    }
}

fn create(store: &Store, session: NewSession) -> Session {
    store.create_session(session).unwrap()
}

/// All pages, one after the other.
fn list(store: &Store, options: &ListOptions) -> Vec<SessionInfo> {
    let mut options = options.clone();
    let mut sessions = Vec::new();
    loop {
        let page = store.list_sessions(&options).unwrap();
        assert!(page.sessions.len() <= options.limit.max(50) as usize);
        sessions.extend(page.sessions);
        options.page_token = page.next_page_token;
        if options.page_token.is_none() {
            return sessions;
        }
    }
}

/// The ids of what a filter finds, in the order of creation; the count says the same.
fn found(store: &Store, filter: &Filter) -> Vec<String> {
    let options = ListOptions {
        filter: filter.clone(),
        ascending: true,
        ..ListOptions::default()
    };
    let ids: Vec<String> = list(store, &options).into_iter().map(|session| session.id).collect();
    assert_eq!(store.count_sessions(filter).unwrap(), ids.len() as u64);
    ids
}

fn condition(pointer: &str, comparison: Comparison, value: serde_json::Value) -> MetadataCondition {
    MetadataCondition {
        pointer: pointer.to_owned(),
        comparison,
        value,
    }
}
