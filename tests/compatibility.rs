//! A store of every released schema opens for ever, and says what it said.
//!
//! TURNKEEP_WRITE_FIXTURE=1 writes the fixture of the newest schema, if it is not there: once it is released it never changes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::path::{Path, PathBuf};
use support::{assistant, text, user};
use turnkeep::context::WindowOptions;
use turnkeep::model::{AppendOptions, Exchange, NewSession, SearchOptions, SessionChanges, Status};
use turnkeep::view::MessageView;
use turnkeep::{Session, Store, StoreOptions};

fn fixture(schema: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema_{schema}.db"))
}

fn asking(text: &str) -> SearchOptions {
    SearchOptions {
        text: text.into(),
        ..SearchOptions::default()
    }
}

/// Sessions with everything that schema 2 can hold.
fn write(path: &Path) {
    let options = StoreOptions {
        event_log_rows: 100,
        compress_min_bytes: 1024,
        ..StoreOptions::default()
    };
    let store = Store::open(path.to_str().unwrap(), options).unwrap();
    let session = store
        .create_session(NewSession {
            id: Some("fixture".into()),
            title: "Notes on äpfel".into(),
            tags: vec!["red".into(), "blue".into()],
            expires: Some(9_000_000_000_000_000),
            expires_after: Some(8_000_000_000_000_000),
            max_bytes: Some(1_000_000),
            ..NewSession::default()
        })
        .unwrap();
    let exchange = Exchange {
        input: "What is this?".into(),
        input_name: "a.pdf".into(),
        input_type: "application/pdf".into(),
        answer: "A proof.".into(),
        processing: 1_500_000,
        tokens_used: 321,
        ..Exchange::default()
    };
    session.append_exchange(exchange, AppendOptions::default()).unwrap();
    let long = "long ".repeat(1_000);
    session
        .append(vec![user(&long), assistant("Short.")], AppendOptions::default())
        .unwrap();
    let fork = session
        .fork(
            Some(2),
            NewSession {
                id: Some("fork".into()),
                ..NewSession::default()
            },
        )
        .unwrap();
    fork.append(vec![user("Another way.")], AppendOptions::default())
        .unwrap();
    session.rewind(3, None).unwrap();
    fork.archive().unwrap();
    let found = store.search(&asking("proof")).unwrap();
    assert_eq!(found.hits().len(), 1);
    // Not in the search index yet.
    fork.append(vec![assistant("To be indexed.")], AppendOptions::default())
        .unwrap();
    store.close().unwrap();
}

fn copy_of(schema: u32, folder: &Path) -> PathBuf {
    let path = folder.join("chat.db");
    std::fs::copy(fixture(schema), &path).unwrap();
    path
}

#[test]
fn a_store_of_schema_2_opens_and_says_what_it_said() {
    let kept = fixture(2);
    if std::env::var_os("TURNKEEP_WRITE_FIXTURE").is_some() && !kept.exists() {
        write(&kept);
        for beside in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{beside}", kept.display()));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = copy_of(2, folder.path());

    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let session = store.open_session("fixture").unwrap();
    let described = session.describe().unwrap();
    assert_eq!((described.head_seq, described.tags.len()), (3, 2));
    assert_eq!(
        (described.expires, described.expires_after, described.max_bytes),
        (
            Some(9_000_000_000_000_000),
            Some(8_000_000_000_000_000),
            Some(1_000_000)
        )
    );
    let turn = &session.turns(1, 1).unwrap()[0];
    assert_eq!(
        (turn.input_name.as_str(), turn.tokens_used, turn.processing),
        ("a.pdf", 321, 1_500_000)
    );
    assert_eq!(text(session.message(3).unwrap().views()[0].content).len(), 5_000);
    let fork = store.open_session("fork").unwrap();
    let described = fork.describe().unwrap();
    assert_eq!(
        (described.parent_id.as_deref(), described.fork_seq),
        (Some("fixture"), 2)
    );
    assert_eq!((described.status, described.head_seq), (Status::Archived, 4));
    for (wanted, seq) in [("ÄPFEL", 0), ("proof", 2), ("indexed", 4)] {
        let found = store.search(&asking(wanted)).unwrap();
        assert_eq!(found.hits().first().map(|hit| hit.seq), Some(seq), "{wanted}");
    }
    let kinds: Vec<_> = store
        .events_after(0, 100)
        .unwrap()
        .events
        .iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
    assert_eq!(store.check().unwrap().problems.listed, Vec::<String>::new());
}

#[test]
fn a_store_of_schema_1_opens_and_says_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = copy_of(1, folder.path());

    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let session = store.open_session("fixture").unwrap();
    let described = session.describe().unwrap();
    assert_eq!(
        (described.head_seq, described.revision, described.window_tokens),
        (23, 12, Some(60))
    );
    assert_eq!(
        (described.user_id.as_str(), described.name.as_deref()),
        ("ada", Some("engine"))
    );
    let messages = session.range(1, 3).unwrap();
    assert_eq!(text(messages.views()[0].content), "Remember \u{1F600}.");
    assert_eq!(support::details(&messages.views()[1]).tool_calls, r#"[{"id":"c1"}]"#);
    assert_eq!(text(messages.views()[2].content), "a\0b");
    let window = session.window(&WindowOptions::default()).unwrap();
    let shown: Vec<u64> = window.iter().map(|message| message.seq).collect();
    assert_eq!(shown[..2], [1, 0], "the pinned message, then the summary");
    let retry = AppendOptions {
        idempotency_key: Some("k".into()),
        ..AppendOptions::default()
    };
    assert!(
        session
            .append(vec![user("x"), user("y"), user("z")], retry)
            .unwrap()
            .repeated
    );
    let changes = SessionChanges {
        title: Some("Still alive".into()),
        ..SessionChanges::default()
    };
    assert_eq!(session.update(changes), Ok(13));
    assert_eq!(
        session
            .append(vec![user("On we go.")], AppendOptions::default())
            .unwrap()
            .first_seq,
        24
    );
    assert_eq!(session.describe().unwrap().bytes, bytes_of(&session));
    let found = store.search(&asking("question answer")).unwrap();
    assert!(found.hits().is_empty());
    assert_eq!(store.search(&asking("remember")).unwrap().hits()[0].seq, 1);
    assert_eq!(store.check().unwrap().problems.listed, Vec::<String>::new());
}

fn bytes_of(session: &Session) -> u64 {
    let all = session.range(1, u64::MAX).unwrap();
    let of = |view: &MessageView| {
        // SAFETY: details that are not NULL live as long as the result.
        let details = unsafe { view.details.as_ref() };
        view.content.len + details.map_or(0, |details| details.tool_calls.len + details.metadata.len)
    };
    all.views().iter().map(|view| of(view) as u64).sum()
}

#[test]
fn eight_openings_of_an_old_store_at_the_same_moment_all_succeed() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        std::fs::copy(fixture(1), &path).unwrap();
        let together = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
                });
            }
        });
    }
}
