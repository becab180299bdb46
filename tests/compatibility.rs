//! A store of every released schema opens for ever, and says what it said.
//!
//! TURNKEEP_WRITE_FIXTURE=1 writes the fixture of the newest schema, if it is not there: once it is released it never changes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::path::{Path, PathBuf};
use support::{assistant, text, user};
use turnkeep::context::WindowOptions;
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role, SessionChanges, Tokens};
use turnkeep::{Store, StoreOptions};

fn fixture(schema: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema_{schema}.db"))
}

/// A session with everything that schema 1 can hold.
fn write(path: &Path) {
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    let session = store
        .create_session(NewSession {
            id: Some("fixture".into()),
            user_id: "ada".into(),
            name: Some("engine".into()),
            title: "Notes".into(),
            model: "gemma".into(),
            summary: "They talked about the engine.".into(),
            metadata: Some(r#"{"kind":"fixture"}"#.into()),
            window_tokens: Some(60),
            ..NewSession::default()
        })
        .unwrap();
    let call = NewMessage {
        tool_calls: Some(r#"[{"id":"c1"}]"#.into()),
        model: Some("gemma".into()),
        ..assistant("")
    };
    let result = NewMessage {
        tool_call_id: Some("c1".into()),
        ..NewMessage::new(Role::Tool, "a\0b")
    };
    let pinned = NewMessage {
        pinned: true,
        tokens: Tokens::Given(9),
        metadata: Some("{}".into()),
        ..user("Remember \u{1F600}.")
    };
    let keyed = AppendOptions {
        idempotency_key: Some("k".into()),
        ..AppendOptions::default()
    };
    session.append(vec![pinned, call, result], keyed).unwrap();
    session.window(&WindowOptions::default()).unwrap();
    for number in 0..10 {
        let turn = vec![user(&format!("Question {number}?")), assistant("Answer.")];
        session.append(turn, AppendOptions::default()).unwrap();
    }
    store.close().unwrap();
}

#[test]
fn a_store_of_schema_1_opens_and_says_what_it_said() {
    let kept = fixture(1);
    if std::env::var_os("TURNKEEP_WRITE_FIXTURE").is_some() && !kept.exists() {
        write(&kept);
        for beside in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{beside}", kept.display()));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    std::fs::copy(&kept, &path).unwrap();

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
}
