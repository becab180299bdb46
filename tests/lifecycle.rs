//! What a session goes through beside its messages: tags, states, expiry, limits, templates.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::time::{Duration, Instant};
use support::{TempStore, assistant, contents, text, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role, SessionChanges, Status, Tokens, now};
use turnkeep::{Session, Store, StoreOptions};

fn change(session: &Session, changes: SessionChanges) {
    session.update(changes).unwrap();
}

fn append(session: &Session, messages: Vec<NewMessage>) {
    session.append(messages, AppendOptions::default()).unwrap();
}

#[test]
fn tags_are_added_removed_and_kept_in_order() {
    let store = TempStore::new();
    let session = store.create();
    let tags = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    change(
        &session,
        SessionChanges {
            add_tags: tags(&["b", "a", "b"]),
            ..SessionChanges::default()
        },
    );
    change(
        &session,
        SessionChanges {
            remove_tags: tags(&["b", "never there"]),
            add_tags: tags(&["c"]),
            ..SessionChanges::default()
        },
    );
    assert_eq!(session.describe().unwrap().tags, ["a", "c"]);
    let error = session
        .update(SessionChanges {
            add_tags: tags(&["new", ""]),
            ..SessionChanges::default()
        })
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert_eq!(session.describe().unwrap().tags, ["a", "c"]);
}

#[test]
fn a_metadata_patch_is_merged_as_rfc_7396_says() {
    let store = TempStore::new();
    // The examples of the RFC's appendix whose target and patch are objects.
    let cases = [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        ),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ];
    for (target, patch, expected) in cases {
        let session = store.create();
        change(
            &session,
            SessionChanges {
                metadata: Some(target.into()),
                ..SessionChanges::default()
            },
        );
        change(
            &session,
            SessionChanges {
                metadata_patch: Some(patch.into()),
                ..SessionChanges::default()
            },
        );
        assert_eq!(session.describe().unwrap().metadata, expected, "{target} with {patch}");
    }
}

// The e-ink manager's status can never change; its list of active conversations shows everything.
#[test]
fn a_session_is_archived_trashed_and_restored() {
    let store = TempStore::new();
    let session = store.create();
    append(&session, vec![user("hello")]);
    session.archive().unwrap();
    assert_eq!(session.describe().unwrap().status, Status::Archived);
    session.trash().unwrap();
    assert_eq!(session.describe().unwrap().status, Status::Trashed);
    assert_eq!(contents(&session), ["hello"], "what is trashed can still be read");
    session.restore().unwrap();
    assert_eq!(session.describe().unwrap().status, Status::Active);
}

// The Gemma.cpp manager deletes after 24 hours, unasked.
#[test]
fn nothing_expires_unless_it_was_asked_for() {
    let store = TempStore::new();
    let long_ago = NewMessage {
        created: Some(1),
        ..user("from 1970")
    };
    append(&store.create(), vec![long_ago]);
    assert_eq!(store.cleanup().unwrap(), 0);
}

#[test]
fn a_cleanup_deletes_what_has_expired_and_nothing_else() {
    let store = TempStore::new();
    let expiring = |id: &str, expires: Option<i64>, after: Option<i64>| {
        store
            .create_session(NewSession {
                id: Some(id.into()),
                expires,
                expires_after: after,
                ..NewSession::default()
            })
            .unwrap()
    };
    let over = expiring("over", Some(now() - 1), None);
    expiring("tomorrow", Some(now() + 86_400_000_000), None);
    let idle = expiring("idle", None, Some(1));
    expiring("in use", None, Some(86_400_000_000));
    expiring("for ever", None, None);
    std::thread::sleep(Duration::from_millis(2));
    let fork = over.fork(None, NewSession::default()).unwrap();
    assert_eq!(store.cleanup().unwrap(), 2);
    for (session, kind) in [(&over, Kind::NotFound), (&idle, Kind::NotFound)] {
        assert_eq!(session.describe().unwrap_err().kind(), kind);
    }
    assert!(fork.describe().is_ok());
    assert_eq!(store.list_sessions(&Default::default()).unwrap().sessions.len(), 4);
}

// It looks at every session: half a second of a million, for which nobody who appends shall wait.
#[test]
fn a_cleanup_that_finds_nothing_waits_for_nobody_who_writes() {
    let store = TempStore::with(StoreOptions {
        busy_timeout: Duration::ZERO,
        ..StoreOptions::default()
    });
    let session = store.create();
    let somebody = rusqlite::Connection::open(store.path()).unwrap();
    somebody.execute_batch("BEGIN IMMEDIATE").unwrap();

    assert_eq!(store.cleanup().unwrap(), 0);

    let refused = session.append(vec![user("hello")], Default::default()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Busy);
}

#[test]
fn a_stores_expiry_counts_from_creation_or_from_the_last_change() {
    for (sliding, left) in [(false, 0), (true, 1)] {
        let store = TempStore::with(StoreOptions {
            expire_after: Some(Duration::from_millis(400)),
            expire_sliding: sliding,
            ..StoreOptions::default()
        });
        let session = store.create();
        std::thread::sleep(Duration::from_millis(450));
        append(&session, vec![user("still here")]);
        store.cleanup().unwrap();
        let sessions = store.list_sessions(&Default::default()).unwrap().sessions;
        assert_eq!(sessions.len(), left, "sliding: {sliding}");
    }
}

#[test]
fn a_store_cleans_up_by_itself_when_told_to() {
    for location in ["file", ":memory:"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let location = if location == "file" {
            path.to_str().unwrap()
        } else {
            location
        };
        let options = StoreOptions {
            expire_after: Some(Duration::from_millis(1)),
            cleanup_interval: Some(Duration::from_millis(5)),
            ..StoreOptions::default()
        };
        let store = Store::open(location, options).unwrap();
        let session = store.create_session(NewSession::default()).unwrap();
        let begin = Instant::now();
        while session.describe().is_ok() {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "nothing is cleaned up in {location}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn an_append_beyond_the_sessions_limit_is_too_large_and_changes_nothing() {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            max_bytes: Some(10),
            ..NewSession::default()
        })
        .unwrap();
    append(&session, vec![user("12345")]);
    let error = session
        .append(vec![assistant("123"), user("456")], AppendOptions::default())
        .unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge);
    assert!(
        error.message().contains("11 bytes") && error.message().contains("max_bytes is 10"),
        "{error}"
    );
    append(&session, vec![assistant("12345")]);
    assert_eq!(contents(&session), ["12345", "12345"]);
    change(
        &session,
        SessionChanges {
            max_bytes: Some(None),
            ..SessionChanges::default()
        },
    );
    append(&session, vec![user("and on")]);
    assert_eq!(session.describe().unwrap().bytes, 16);
}

// coda: truncate_messages(max_messages=n); its window keeps the oldest.
#[test]
fn a_truncation_keeps_the_instructions_and_the_newest_messages() {
    let store = TempStore::new();
    let session = store.create();
    append(&session, vec![NewMessage::new(Role::System, "rules")]);
    for turn in 0..5 {
        append(
            &session,
            vec![user(&format!("q{turn}")), assistant(&format!("a{turn}"))],
        );
    }
    let done = session.truncate(Some(3), None, None).unwrap();
    assert_eq!(done.removed, 7);
    assert_eq!(contents(&session), ["rules", "a3", "q4", "a4"]);
    append(&session, vec![user("on")]);
    let described = session.describe().unwrap();
    assert_eq!((described.head_seq, described.bytes), (5, 13));
    let window = session.window(&WindowOptions::default()).unwrap();
    assert_eq!(window.report().head_seq, 5);
    assert_eq!(session.truncate(Some(100), None, None).unwrap().removed, 0);
}

#[test]
fn a_truncation_to_tokens_begins_at_a_step() {
    let store = TempStore::new();
    let session = store.create();
    let five = |message: NewMessage| NewMessage {
        tokens: Tokens::Given(5),
        ..message
    };
    let call = NewMessage {
        tool_calls: Some(r#"[{"id":"c"}]"#.into()),
        ..assistant("call")
    };
    let result = NewMessage {
        tool_call_id: Some("c".into()),
        ..NewMessage::new(Role::Tool, "result")
    };
    append(&session, [user("q"), call, result, assistant("a")].map(five).into());
    let fork = session.fork(None, NewSession::default()).unwrap();
    session.truncate(None, Some(10), None).unwrap();
    assert_eq!(
        contents(&session),
        ["a"],
        "a result without its call could stand in no prompt"
    );
    assert_eq!(contents(&fork).len(), 4, "a fork keeps what it shares");
    let error = session.truncate(None, None, None).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}

#[test]
fn a_session_begins_from_a_template_in_one_transaction() {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            messages: vec![
                NewMessage::new(Role::System, "Be brief."),
                user("Hi"),
                assistant("Hello"),
            ],
            ..NewSession::default()
        })
        .unwrap();
    assert_eq!(contents(&session), ["Be brief.", "Hi", "Hello"]);
    assert_eq!(session.describe().unwrap().revision, 1);
    let bad = NewSession {
        id: Some("bad".into()),
        messages: vec![NewMessage::new(Role::Tool, "an answer to nothing")],
        ..NewSession::default()
    };
    assert_eq!(store.create_session(bad).map(drop).unwrap_err().kind(), Kind::Invalid);
    assert!(!store.session_exists("bad").unwrap());
}

#[test]
fn a_session_is_made_like_another() {
    let store = TempStore::new();
    let model = store
        .create_session(NewSession {
            id: Some("model".into()),
            model: "gemma".into(),
            title: "Support".into(),
            name: Some("unique".into()),
            metadata: Some(r#"{"team":1}"#.into()),
            tags: vec!["t".into()],
            window_tokens: Some(99),
            messages: vec![NewMessage::new(Role::System, "Be brief."), user("secret")],
            ..NewSession::default()
        })
        .unwrap();
    let like = |messages| NewSession {
        like: Some("model".into()),
        title: "Sales".into(),
        messages,
        ..NewSession::default()
    };
    let session = store.create_session(like(vec![user("Hi")])).unwrap();
    assert_eq!(contents(&session), ["Be brief.", "Hi"]);
    let described = session.describe().unwrap();
    assert_eq!((described.model.as_str(), described.title.as_str()), ("gemma", "Sales"));
    assert_eq!(
        (described.metadata.as_str(), described.window_tokens),
        (r#"{"team":1}"#, Some(99))
    );
    assert_eq!(
        (described.tags, described.name, described.parent_id),
        (vec!["t".to_owned()], None, None)
    );
    let own = store
        .create_session(like(vec![NewMessage::new(Role::System, "Be long.")]))
        .unwrap();
    assert_eq!(contents(&own), ["Be long."], "instructions of its own take their place");
    assert_eq!(contents(&model).len(), 2);
    let unknown = NewSession {
        like: Some("nobody".into()),
        ..NewSession::default()
    };
    assert_eq!(
        store.create_session(unknown).map(drop).unwrap_err().kind(),
        Kind::NotFound
    );
}

#[test]
fn a_session_is_resumed_in_one_call() {
    let store = TempStore::new();
    let session = store.create();
    let id = session.id().to_owned();
    let resumed = store.resume_session(&id, &WindowOptions::default()).unwrap();
    assert!(resumed.last.views().is_empty() && resumed.window.is_empty());
    append(&session, vec![user("q"), assistant("a")]);
    let resumed = store.resume_session(&id, &WindowOptions::default()).unwrap();
    assert_eq!((resumed.session.id(), resumed.window.len()), (id.as_str(), 2));
    assert_eq!(text(resumed.last.views()[0].content), "a");
    assert!(store.resume_session("nobody", &WindowOptions::default()).is_err());
}

#[test]
fn a_store_that_belongs_to_a_thread_is_closed_when_the_thread_ends() {
    thread_local! {
        static STORE: std::cell::RefCell<Option<Store>> = const { std::cell::RefCell::new(None) };
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let location = path.to_str().unwrap().to_owned();
    let thread = std::thread::spawn(move || {
        // The first to come is the last to go: everything else of the thread is gone by then.
        STORE.set(None);
        let store = Store::open(&location, StoreOptions::default()).unwrap();
        let session = store.create_session(NewSession::default()).unwrap();
        append(&session, vec![user("q")]);
        drop(session);
        STORE.set(Some(store));
    });
    thread.join().unwrap();
    let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
    assert_eq!(store.check().unwrap().messages, 1);
}
