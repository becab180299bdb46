//! What a store promises, through its Rust door: round trips, conditions, lists, deletion.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::sync::Arc;
use support::{TempStore, assistant, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{
    AppendOptions, Durability, ListOptions, MessageFlags, NewMessage, NewSession, Role, SessionChanges, Tokens,
};
use turnkeep::{Store, StoreOptions};

#[test]
fn the_same_window_is_given_again_until_something_changes_or_something_else_is_asked_for() {
    let store = TempStore::new();
    let session = store.create();
    session.append(vec![user("one")], AppendOptions::default()).unwrap();
    let options = WindowOptions::default();
    let small = WindowOptions {
        max_tokens: 1_000,
        ..options
    };
    session.window(&options).unwrap();
    let first = session.window(&options).unwrap();
    assert!(Arc::ptr_eq(&first, &session.window(&options).unwrap()));
    assert_eq!(session.window(&small).unwrap().report().budget_tokens, 1_000);
    assert!(Arc::ptr_eq(&first, &session.window(&options).unwrap()));

    session
        .append(vec![assistant("two")], AppendOptions::default())
        .unwrap();
    let second = session.window(&options).unwrap();
    assert_eq!((first.len(), second.len()), (1, 2));

    let changes = SessionChanges {
        window_tokens: Some(Some(500)),
        ..SessionChanges::default()
    };
    session.update(changes).unwrap();
    assert_eq!(session.window(&options).unwrap().report().budget_tokens, 500);
    assert_eq!(
        second.report().revision + 1,
        session.window(&options).unwrap().report().revision
    );
}

#[test]
fn every_field_of_a_message_comes_back_as_it_was_appended() {
    let store = TempStore::new();
    let session = store.create();
    let question = NewMessage {
        tokens: Tokens::Given(7),
        created: Some(-1_234_567),
        metadata: Some(r#"{ "k" : "v" }"#.into()),
        pinned: true,
        ..NewMessage::new(Role::User, "a\0b \u{1F600}")
    };
    let call = NewMessage {
        tool_calls: Some(r#"[ {"id":"c1","type":"function"} ]"#.into()),
        model: Some("gemma".into()),
        ..NewMessage::new(Role::Assistant, "")
    };
    let result = NewMessage {
        tool_call_id: Some("c1".into()),
        ..NewMessage::new(Role::Tool, "42")
    };
    let receipt = session
        .append(vec![question, call, result], AppendOptions::default())
        .unwrap();
    assert_eq!((receipt.first_seq, receipt.last_seq, receipt.revision), (1, 3, 2));
    assert_eq!(receipt.durability, Durability::Disk);

    for reopened in [false, true] {
        let store = if reopened { store.reopen() } else { store.share() };
        let session = store.open_session(session.id()).unwrap();
        let messages = session.range(1, 3).unwrap();
        let [question, call, result] = messages.views() else {
            panic!("three messages")
        };
        assert_eq!(support::text(question.content), "a\0b \u{1F600}");
        assert_eq!(
            (question.seq, question.tokens, question.created_us, question.turn),
            (1, 7, -1_234_567, 1)
        );
        assert_eq!(MessageFlags(question.flags), MessageFlags::PINNED);
        assert_eq!(support::details(question).metadata, r#"{ "k" : "v" }"#);
        assert_eq!(
            support::details(call).tool_calls,
            r#"[ {"id":"c1","type":"function"} ]"#
        );
        assert_eq!(support::details(call).model, "gemma");
        assert_eq!(support::text(call.content), "");
        assert_eq!(support::details(result).tool_call_id, "c1");
        assert_eq!(MessageFlags(result.flags), MessageFlags::ESTIMATED);
    }
}

#[test]
fn a_session_is_described_with_all_its_fields() {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            id: Some("s".into()),
            user_id: "ada".into(),
            name: Some("n".into()),
            title: "t".into(),
            model: "m".into(),
            summary: "sum".into(),
            metadata: Some(r#"{"a":1}"#.into()),
            window_tokens: Some(100),
            ..NewSession::default()
        })
        .unwrap();
    session.append(vec![user("hello")], AppendOptions::default()).unwrap();
    let described = session.describe().unwrap();
    assert_eq!((described.id.as_str(), described.user_id.as_str()), ("s", "ada"));
    assert_eq!((described.name.as_deref(), described.title.as_str()), (Some("n"), "t"));
    assert_eq!((described.model.as_str(), described.summary.as_str()), ("m", "sum"));
    assert_eq!(
        (described.metadata.as_str(), described.window_tokens),
        (r#"{"a":1}"#, Some(100))
    );
    assert_eq!(
        (described.head_seq, described.message_count, described.token_total),
        (1, 1, 5)
    );
    assert_eq!((described.revision, described.parent_id), (2, None));
    assert!(described.updated >= described.created);
}

#[test]
fn an_update_changes_what_was_asked_and_nothing_else() {
    let store = TempStore::new();
    let session = store.create();
    let before = session.describe().unwrap();
    let changes = SessionChanges {
        title: Some("new".into()),
        ..SessionChanges::default()
    };
    assert_eq!(session.update(changes), Ok(2));
    let after = session.describe().unwrap();
    assert_eq!(after.title, "new");
    assert_eq!(
        (after.name, after.model, after.metadata),
        (before.name, before.model, before.metadata)
    );
}

#[test]
fn an_update_or_append_at_another_revision_is_a_conflict_and_changes_nothing() {
    let store = TempStore::new();
    let session = store.create();
    let changes = SessionChanges {
        title: Some("new".into()),
        expected_revision: Some(9),
        ..SessionChanges::default()
    };
    assert_eq!(session.update(changes).unwrap_err().kind(), Kind::Conflict);
    let options = AppendOptions {
        expected_revision: Some(9),
        ..AppendOptions::default()
    };
    assert_eq!(
        session.append(vec![user("x")], options).unwrap_err().kind(),
        Kind::Conflict
    );
    assert_eq!(session.clear(Some(9)).unwrap_err().kind(), Kind::Conflict);
    let described = session.describe().unwrap();
    assert_eq!(
        (described.revision, described.title.as_str(), described.head_seq),
        (1, "", 0)
    );
}

#[test]
fn append_with_an_idempotency_key_returns_the_first_receipt_on_retry() {
    let store = TempStore::new();
    let session = store.create();
    let options = AppendOptions {
        idempotency_key: Some("k".into()),
        ..AppendOptions::default()
    };
    let first = session.append(vec![user("x")], options.clone()).unwrap();
    session.append(vec![assistant("y")], AppendOptions::default()).unwrap();
    let again = session.append(vec![user("x")], options.clone()).unwrap();
    assert_eq!(
        (again.first_seq, again.last_seq, again.revision),
        (1, 1, first.revision)
    );
    assert!(again.repeated && !first.repeated);
    assert_eq!(session.describe().unwrap().head_seq, 2);
    let other = session.append(vec![user("x"), user("z")], options).unwrap_err();
    assert_eq!(other.kind(), Kind::Mismatch);
}

#[test]
fn a_name_is_unique_among_its_owners_sessions_and_free_for_others() {
    let store = TempStore::new();
    let named = |user: &str| NewSession {
        user_id: user.into(),
        name: Some("n".into()),
        ..NewSession::default()
    };
    store.create_session(named("ada")).unwrap();
    store.create_session(named("bob")).unwrap();
    let error = store.create_session(named("ada")).err().unwrap();
    assert_eq!(error.kind(), Kind::Exists);
    assert!(error.message().contains("'n'"), "{error}");
}

#[test]
fn sessions_are_listed_newest_first_and_pages_stay_right_while_others_write() {
    let store = TempStore::new();
    let ids: Vec<String> = (0..25).map(|_| store.create().id().to_owned()).collect();
    let mut listed = Vec::new();
    let mut options = ListOptions {
        limit: 10,
        ..ListOptions::default()
    };
    loop {
        let page = store.list_sessions(&options).unwrap();
        listed.extend(page.sessions.into_iter().map(|session| session.id));
        store.create();
        store.delete_session(listed.last().unwrap()).unwrap();
        options.page_token = page.next_page_token;
        if options.page_token.is_none() {
            break;
        }
    }
    let newest_first: Vec<String> = ids.into_iter().rev().collect();
    assert_eq!(listed, newest_first);
}

// QV leaves every message in the file.
#[test]
fn deleting_a_session_leaves_no_message_behind() {
    let store = TempStore::new();
    let session = store.create();
    session
        .append(vec![user("x"), assistant("y")], AppendOptions::default())
        .unwrap();
    store.delete_session(session.id()).unwrap();
    store.close().unwrap();
    let file = rusqlite::Connection::open(store.path()).unwrap();
    let left: i64 = file
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

// The Gemma.cpp manager says true, e-ink says nothing.
#[test]
fn an_unknown_id_is_not_found_everywhere() {
    let store = TempStore::new();
    assert_eq!(store.open_session("?").err().unwrap().kind(), Kind::NotFound);
    assert_eq!(store.delete_session("?").unwrap_err().kind(), Kind::NotFound);
    assert_eq!(store.session_exists("?"), Ok(false));
}

#[test]
fn a_handle_of_a_deleted_session_answers_not_found_even_if_its_id_is_used_again() {
    let store = TempStore::new();
    let old = store.create();
    let id = old.id().to_owned();
    store.delete_session(&id).unwrap();
    store
        .create_session(NewSession {
            id: Some(id),
            ..NewSession::default()
        })
        .unwrap();
    let failures = [
        old.append(vec![user("x")], AppendOptions::default()).err(),
        old.describe().err(),
        old.window(&Default::default()).err(),
        old.last(1).err(),
        old.clear(None).err(),
        old.update(SessionChanges::default()).err(),
    ];
    for failure in failures {
        assert_eq!(failure.unwrap().kind(), Kind::NotFound);
    }
}

#[test]
fn a_session_of_a_closed_store_answers_closed() {
    let store = TempStore::new();
    let session = store.create();
    store.close().unwrap();
    assert_eq!(
        session
            .append(vec![user("x")], AppendOptions::default())
            .unwrap_err()
            .kind(),
        Kind::Closed
    );
    assert_eq!(session.window(&Default::default()).err().unwrap().kind(), Kind::Closed);
    assert_eq!(session.describe().unwrap_err().kind(), Kind::Closed);
}

#[test]
fn clearing_removes_all_messages_and_the_next_is_1_again() {
    let store = TempStore::new();
    let session = store.create();
    session
        .append(vec![user("x"), assistant("y")], AppendOptions::default())
        .unwrap();
    assert_eq!(session.clear(None), Ok(3));
    assert_eq!(session.last(9).unwrap().views().len(), 0);
    let receipt = session.append(vec![user("z")], AppendOptions::default()).unwrap();
    assert_eq!((receipt.first_seq, receipt.revision), (1, 4));
    let reopened = store.reopen();
    let again = reopened.open_session(session.id()).unwrap();
    assert_eq!(support::text(again.last(9).unwrap().views()[0].content), "z");
}

#[test]
fn a_tool_result_that_answers_nothing_is_refused() {
    let store = TempStore::new();
    let session = store.create();
    let tool = |id: Option<&str>| NewMessage {
        tool_call_id: id.map(str::to_owned),
        ..NewMessage::new(Role::Tool, "r")
    };
    let call = NewMessage {
        tool_calls: Some(r#"[{"id":"a"},{"id":"b"}]"#.into()),
        ..NewMessage::new(Role::Assistant, "")
    };
    let append = |messages: Vec<NewMessage>| session.append(messages, AppendOptions::default());
    assert_eq!(append(vec![tool(None)]).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(
        append(vec![user("q"), tool(Some("a"))]).unwrap_err().kind(),
        Kind::Invalid
    );
    append(vec![user("q"), call]).unwrap();
    append(vec![tool(Some("a"))]).unwrap();
    assert_eq!(append(vec![tool(Some("c"))]).unwrap_err().kind(), Kind::Invalid);
    append(vec![tool(Some("b")), assistant("done")]).unwrap();
    assert_eq!(append(vec![tool(Some("b"))]).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(session.describe().unwrap().head_seq, 5);
}

#[test]
fn deferred_changes_are_seen_at_once_and_written_by_flush() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("d.db");
    let options = StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        autosave: std::time::Duration::from_secs(3600),
        ..StoreOptions::default()
    };
    let store = Store::open(path.to_str().unwrap(), options.clone()).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    let receipt = session.append(vec![user("x")], AppendOptions::default()).unwrap();
    assert_eq!(receipt.durability, Durability::Deferred);
    assert_eq!(session.describe().unwrap().head_seq, 1);
    assert!(store.session_exists(session.id()).unwrap());
    store.flush().unwrap();
    drop(store);
    let store = Store::open(path.to_str().unwrap(), options).unwrap();
    assert_eq!(
        store.open_session(session.id()).unwrap().last(1).unwrap().views().len(),
        1
    );
}

#[test]
fn deferring_needs_a_store_that_nobody_else_can_write_to() {
    let store = TempStore::new();
    let session = store.create();
    let options = AppendOptions {
        durability: Some(Durability::Deferred),
        ..AppendOptions::default()
    };
    assert_eq!(
        session.append(vec![user("x")], options).unwrap_err().kind(),
        Kind::Unsupported
    );
}

#[test]
fn a_store_in_memory_does_what_a_file_does() {
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    let receipt = session.append(vec![user("x")], AppendOptions::default()).unwrap();
    assert_eq!(receipt.durability, Durability::Memory);
    assert_eq!(session.window(&Default::default()).unwrap().len(), 1);
    assert_eq!(store.list_sessions(&ListOptions::default()).unwrap().sessions.len(), 1);
}

#[test]
fn a_revision_that_another_store_made_is_the_expected_one() {
    let store = TempStore::new();
    let session = store.create();
    session.append(vec![user("x")], AppendOptions::default()).unwrap();
    let elsewhere = store.share();
    let there = elsewhere.open_session(session.id()).unwrap();
    let receipt = there.append(vec![assistant("y")], AppendOptions::default()).unwrap();
    let expecting = AppendOptions {
        expected_revision: Some(receipt.revision),
        ..AppendOptions::default()
    };
    assert_eq!(session.append(vec![user("z")], expecting).unwrap().first_seq, 3);
}

#[test]
fn an_exclusive_store_cannot_be_read_only() {
    let store = TempStore::new();
    store.close().unwrap();
    let options = StoreOptions {
        exclusive: true,
        read_only: true,
        ..StoreOptions::default()
    };
    let refused = Store::open(store.path().to_str().unwrap(), options).err().unwrap();
    assert_eq!(refused.kind(), Kind::Invalid);
}

#[test]
fn a_foreign_database_is_left_alone_whatever_its_path_looks_like() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("/{}/foreign.db", folder.path().display());
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(foreign);
    let before = std::fs::read(&path).unwrap();
    let refused = Store::open(&path, StoreOptions::default()).err().unwrap();
    assert_eq!(refused.kind(), Kind::Mismatch);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_call_id_that_no_answer_could_repeat_is_refused_at_once() {
    let store = TempStore::new();
    let call = NewMessage {
        tool_calls: Some(format!(r#"[{{"id":"{}"}}]"#, "x".repeat(256))),
        ..assistant("")
    };
    let refused = store.create().append(vec![call], AppendOptions::default());
    assert_eq!(refused.unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn a_step_may_have_thousands_of_calls() {
    let store = TempStore::new();
    let ids: Vec<String> = (0..3000).map(|number| format!(r#"{{"id":"call {number}"}}"#)).collect();
    let mut step = vec![NewMessage {
        tool_calls: Some(format!("[{}]", ids.join(","))),
        ..assistant("")
    }];
    step.extend((0..3000).map(|number| NewMessage {
        tool_call_id: Some(format!("call {number}")),
        ..NewMessage::new(Role::Tool, "r")
    }));
    let receipt = store.create().append(step, AppendOptions::default()).unwrap();
    assert_eq!(receipt.last_seq, 3001);
}

#[test]
fn clearing_takes_the_summary_with_the_messages_that_it_was_of() {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            summary: "What was said.".into(),
            ..NewSession::default()
        })
        .unwrap();
    session.clear(None).unwrap();
    assert_eq!(session.describe().unwrap().summary, "");
}

#[test]
fn a_window_that_is_too_small_beside_the_summary_s_room_says_by_which_number() {
    let store = TempStore::new();
    let session = store.create();
    let message = NewMessage {
        tokens: Tokens::Given(60),
        ..user("sixty")
    };
    session.append(vec![message], AppendOptions::default()).unwrap();
    let message_of = |options| {
        let refused = session.window(&options).map(drop).unwrap_err();
        assert_eq!(refused.kind(), Kind::TooLarge);
        refused.message().to_owned()
    };
    let tokens = message_of(WindowOptions {
        max_tokens: 100,
        summary_tokens: 50,
        ..WindowOptions::default()
    });
    assert!(
        tokens.contains("needs 60 tokens; 50 are left of 100") && tokens.contains("50 for the summary"),
        "{tokens}"
    );
    let messages = message_of(WindowOptions {
        max_messages: 1,
        summary_tokens: 50,
        ..WindowOptions::default()
    });
    assert!(
        messages.contains("max_messages is 1, one of them for the summary"),
        "{messages}"
    );
}

#[test]
fn a_name_too_long_for_the_files_beside_it_is_refused_and_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a".repeat(250));
    let error = Store::open(path.to_str().unwrap(), StoreOptions::default())
        .err()
        .unwrap();
    assert!(
        error.kind() == Kind::Storage && error.message().contains("too long"),
        "{error}"
    );
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    let fits = folder.path().join("a".repeat(247));
    Store::open(fits.to_str().unwrap(), StoreOptions::default()).unwrap();
}
