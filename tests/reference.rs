//! A store against a plain model of one: random sequences of every operation, compared after every step, on a file and in
//! memory, with the file opened anew in the middle.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "reference/model.rs"]
mod model;
#[path = "reference/operations.rs"]
mod operations;
mod support;

use model::Model;
use operations::{Operation, operation};
use proptest::collection::vec;
use proptest::prelude::*;
use support::text;
use turnkeep::model::{Durability, Filter, ListOptions, Status};
use turnkeep::{Session, Store, StoreOptions};

/// A store, its twin on the same file or none, and what both should hold.
struct Pair {
    location: String,
    store: Option<Store>,
    model: Model,
}

impl Pair {
    fn new(location: &str) -> Self {
        let mut pair = Self {
            location: location.to_owned(),
            store: None,
            model: Model::default(),
        };
        pair.open();
        pair
    }

    fn open(&mut self) {
        let options = StoreOptions {
            durability: Durability::Os,
            ..StoreOptions::default()
        };
        self.store = Some(Store::open(&self.location, options).unwrap());
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn apply(&mut self, operation: &Operation) {
        if matches!(operation, Operation::Reopen) {
            if self.location != ":memory:" {
                self.store().close().unwrap();
                self.open();
            }
            return;
        }
        let done = operation.apply(self.store.as_ref().unwrap(), &mut self.model);
        assert_eq!(done.by_store, done.by_model, "{operation:?}");
    }

    fn compare(&self) {
        for (id, expected) in &self.model.sessions {
            let session = self.store().open_session(id).unwrap();
            assert_eq!(messages(&session), expected.messages(), "messages of {id}");
            let found = session.describe().unwrap();
            let last = expected.messages.last();
            assert_eq!(found.head_seq as usize, expected.messages.len(), "{id}");
            assert_eq!(found.token_total, expected.tokens(), "{id}");
            assert_eq!(found.bytes, expected.bytes(), "{id}");
            assert_eq!(found.revision, expected.revision, "{id}");
            assert_eq!(found.title, expected.title, "{id}");
            assert_eq!(found.summary, expected.summary, "{id}");
            assert_eq!(found.name, expected.name, "{id}");
            assert_eq!(found.status, expected.status, "{id}");
            assert_eq!(found.metadata, expected.metadata, "{id}");
            assert_eq!(found.tags, expected.tags.iter().cloned().collect::<Vec<_>>(), "{id}");
            assert_eq!(found.parent_id, expected.parent, "{id}");
            assert_eq!(found.fork_seq as usize, expected.fork_seq, "{id}");
            let turns = session.turns(0, u64::MAX).unwrap();
            assert_eq!(
                turns.last().map(|turn| turn.last_seq),
                last.map(|_| found.head_seq),
                "{id}"
            );
        }
        assert_eq!(self.listed(), self.model.sessions.keys().cloned().collect::<Vec<_>>());
    }

    fn listed(&self) -> Vec<String> {
        let options = ListOptions {
            filter: Filter {
                statuses: vec![Status::Active, Status::Archived, Status::Trashed],
                ..Filter::default()
            },
            limit: 1000,
            ..ListOptions::default()
        };
        let page = self.store().list_sessions(&options).unwrap();
        let mut ids: Vec<String> = page.sessions.into_iter().map(|session| session.id).collect();
        ids.sort();
        ids
    }
}

fn messages(session: &Session) -> Vec<(i32, String)> {
    let messages = session.range(1, u64::MAX).unwrap();
    let views = messages.views().iter();
    views.map(|view| (view.role, text(view.content).to_owned())).collect()
}

fn play(location: &str, operations: &[Operation]) {
    let mut pair = Pair::new(location);
    for operation in operations {
        pair.apply(operation);
        pair.compare();
    }
    let report = pair.store().check().unwrap();
    assert_eq!(report.problems.listed, Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_store_in_a_file_does_what_the_model_does(operations in vec(operation(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        play(folder.path().join("chat.db").to_str().unwrap(), &operations);
    }

    #[test]
    fn a_store_in_memory_does_what_the_model_does(operations in vec(operation(), 1..60)) {
        play(":memory:", &operations);
    }
}
