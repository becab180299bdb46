//! A store against a plain model of one: random sequences of every operation, compared after every step, on a file and in
//! memory, with the file opened anew in the middle.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "reference/apply.rs"]
mod apply;
#[path = "reference/lines.rs"]
mod lines;
#[path = "reference/model.rs"]
mod model;
#[path = "reference/operations.rs"]
mod operations;
#[path = "reference/seen.rs"]
mod seen;
mod support;
#[path = "reference/update.rs"]
mod update;

use apply::Both;
use model::{Line, Model, Turn};
use operations::{Operation, operation};
use proptest::collection::vec;
use proptest::prelude::*;
use seen::{all, listed};
use support::text;
use turnkeep::model::{Durability, MessageFlags};
use turnkeep::store::{ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::view::MessageView;
use turnkeep::{Session, Store, StoreOptions};

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
            store: self.store.as_ref().unwrap(),
            model: &mut self.model,
            copies: &self.copies,
        };
        let done = both.apply(operation);
        let agree = match (&done.by_store, &done.by_model) {
            (Ok(one), Ok(other)) => one == other,
            (Err(why), Err(reasons)) => reasons.contains(why),
            _ => false,
        };
        assert!(agree, "{operation:?}: {:?} is not {:?}", done.by_store, done.by_model);
    }

    fn compare(&self) {
        for (id, expected) in &self.model.sessions {
            let session = self.store().open_session(id).unwrap();
            compare_messages(&session, &expected.messages, |seq| expected.turn(seq));
            let found = session.describe().unwrap();
            assert_eq!(found.head_seq as usize, expected.messages.len(), "{id}");
            assert_eq!(found.token_total, expected.tokens(), "{id}");
            assert_eq!(found.bytes, expected.bytes(), "{id}");
            assert_eq!(found.revision, expected.revision, "{id}");
            assert_eq!(found.title, expected.title, "{id}");
            assert_eq!(found.summary, expected.summary, "{id}");
            assert_eq!(found.name, expected.name, "{id}");
            assert_eq!(found.status, expected.status, "{id}");
            let metadata: serde_json::Value = serde_json::from_str(&found.metadata).unwrap();
            assert_eq!(metadata, expected.metadata, "{id}");
            assert_eq!(found.tags, expected.tags.iter().cloned().collect::<Vec<_>>(), "{id}");
            assert_eq!(found.parent_id, expected.parent, "{id}");
            assert_eq!(found.fork_seq as usize, expected.fork_seq, "{id}");
            assert_eq!(found.window_tokens, expected.window_tokens, "{id}");
            assert_eq!(found.max_bytes, expected.max_bytes, "{id}");
            assert_eq!(
                (found.expires, found.expires_after),
                (expected.expires, expected.expires_after),
                "{id}"
            );
            assert_eq!(turns(&session), expected.turns(), "{id}");
        }
        assert_eq!(listed(self.store(), &all()), self.model.list(&all()));
    }
}

/// What is the same in the store and in the model of a message.
#[derive(Debug, PartialEq)]
struct Shown<'a> {
    role: i32,
    content: &'a str,
    tokens: u32,
    turn: u32,
    pinned: bool,
    metadata: &'a str,
    tool_calls: &'a str,
    tool_call_id: &'a str,
}

impl<'a> Shown<'a> {
    fn by_store(view: &'a MessageView) -> Self {
        let rare = (!view.details.is_null()).then(|| support::details(view));
        let rare = rare.as_ref();
        Self {
            role: view.role,
            content: text(view.content),
            tokens: view.tokens,
            turn: view.turn,
            pinned: MessageFlags(view.flags).contains(MessageFlags::PINNED),
            metadata: rare.map_or("", |rare| rare.metadata),
            tool_calls: rare.map_or("", |rare| rare.tool_calls),
            tool_call_id: rare.map_or("", |rare| rare.tool_call_id),
        }
    }

    fn by_model(line: &'a Line, turn: u32) -> Self {
        Self {
            role: line.role as i32,
            content: &line.content,
            tokens: line.tokens,
            turn,
            pinned: line.pinned,
            metadata: line.metadata.as_deref().unwrap_or_default(),
            tool_calls: line.tool_calls.as_deref().unwrap_or_default(),
            tool_call_id: line.tool_call_id.as_deref().unwrap_or_default(),
        }
    }
}

fn compare_messages(session: &Session, expected: &[Line], turn: impl Fn(usize) -> u32) {
    let messages = session.range(1, u64::MAX).unwrap();
    let found: Vec<Shown<'_>> = messages.views().iter().map(Shown::by_store).collect();
    let expected = expected.iter().zip(1..);
    let expected: Vec<Shown<'_>> = expected.map(|(line, seq)| Shown::by_model(line, turn(seq))).collect();
    assert_eq!(found, expected, "messages of {}", session.id());
}

fn turns(session: &Session) -> Vec<Turn> {
    let turns = session.turns(0, u64::MAX).unwrap().into_iter();
    let turns = turns.map(|turn| Turn {
        number: turn.number,
        first: turn.first_seq as usize,
        last: turn.last_seq as usize,
        tokens: turn.tokens,
        input: turn.input,
        answer: turn.answer,
        told: (
            turn.input_name,
            turn.input_type,
            turn.processing,
            turn.tokens_used,
            turn.metadata,
        ),
    });
    turns.collect()
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
