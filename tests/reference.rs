//! A store against a plain model of one: random sequences of every operation, compared after every step, on a file and in
//! memory, with the file opened anew in the middle.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "reference/apply.rs"]
mod apply;
#[path = "reference/image.rs"]
mod image;
#[path = "reference/lines.rs"]
mod lines;
#[path = "reference/model.rs"]
mod model;
#[path = "reference/operations.rs"]
mod operations;
#[path = "reference/seen.rs"]
mod seen;
#[path = "reference/subject.rs"]
mod subject;
mod support;
#[path = "reference/update.rs"]
mod update;

use apply::Both;
use image::Image;
use model::Model;
use operations::{Operation, operation};
use proptest::collection::vec;
use proptest::prelude::*;
use turnkeep::model::Durability;
use turnkeep::store::{ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::{Store, StoreOptions};

/// A store, and what it should hold.
struct Pair {
    location: String,
    store: Option<Store>,
    model: Model,
    copies: Store,
}

impl Pair {
    fn new(location: &str) -> Self {
        let mut pair = Self {
            location: location.to_owned(),
            store: None,
            model: Model::default(),
            copies: Store::open(":memory:", StoreOptions::default()).unwrap(),
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
        if matches!(operation, Operation::Reopen) && self.location != ":memory:" {
            self.store().close().unwrap();
            self.open();
        }
        let mut both = Both {
            subject: self.store.as_ref().unwrap(),
            model: &mut self.model,
            level: None,
            copies: &self.copies,
        };
        let done = both.apply(operation);
        assert!(done.agrees(), "{operation:?}: {done:?}");
    }

    fn compare(&self) {
        let (found, expected) = (Image::of_store(self.store()), Image::of_model(&self.model));
        for (id, expected) in &expected.sessions {
            assert_eq!(found.sessions.get(id), Some(expected), "{id}");
        }
        assert_eq!(found, expected);
    }
}

fn play(location: &str, operations: &[Operation]) {
    let mut pair = Pair::new(location);
    for operation in operations {
        pair.apply(operation);
        pair.compare();
    }
    let report = pair.store().check().unwrap();
    assert_eq!(report.problems.listed, Vec::<String>::new());
    assert_eq!(
        (report.sessions, report.messages),
        (pair.model.sessions.len() as u64, pair.model.distinct() as u64)
    );
    another_store_with_what_this_one_hands_out_hands_out_the_same(pair.store());
}

/// The own format carries everything: what a store that took it in hands out is the same to the byte.
fn another_store_with_what_this_one_hands_out_hands_out_the_same(store: &Store) {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one.jsonl"), folder.path().join("other.jsonl"));
    let exported = store.export_to_file(one.to_str().unwrap(), everything()).unwrap();
    let copy = Store::open(":memory:", StoreOptions::default()).unwrap();
    let as_own = ImportOptions {
        format: Some(Format::Turnkeep),
        ..ImportOptions::default()
    };
    let taken = copy.import(one.to_str().unwrap(), as_own).unwrap();
    assert_eq!(taken.problems, []);
    assert_eq!((taken.sessions, taken.messages), (exported.sessions, exported.messages));
    let again = copy.export_to_file(other.to_str().unwrap(), everything()).unwrap();
    assert_eq!(again, exported);
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&other), read(&one));
    let checked = copy.check().unwrap();
    assert_eq!(checked.problems.listed, Vec::<String>::new());
    assert_eq!(
        checked.messages,
        store.check().unwrap().messages,
        "what forks share is shared again"
    );
}

fn everything() -> ExportOptions<'static> {
    ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

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
