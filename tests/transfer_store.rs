//! What a store does with sessions that go out and come in, whatever the format: here the own one, which carries all.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "transfer_store/files.rs"]
mod files;
#[path = "transfer_store/forks.rs"]
mod forks;
mod support;

use std::path::PathBuf;
use std::sync::Mutex;
use support::{TempStore, assistant, text, user};
use tempfile::TempDir;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, EventKind, Filter, NewMessage, NewSession, Role, SessionChanges, Status};
use turnkeep::store::{ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::{Existing, Format, ImportReport, ProblemKind};
use turnkeep::{Session, Store, StoreOptions};

/// A file for what goes out of one store and into another.
struct Parcel {
    folder: TempDir,
}

impl Parcel {
    fn of(store: &Store, selection: Selection) -> Self {
        let parcel = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let options = ExportOptions {
            format: Format::Turnkeep,
            selection,
            progress: None,
        };
        store.export_to_file(parcel.path().to_str().unwrap(), options).unwrap();
        parcel
    }

    fn all(store: &Store) -> Self {
        Self::of(store, Selection::All)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("parcel.jsonl")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn rewrite(&self, from: &str, to: &str) {
        let before = self.text();
        assert!(before.contains(from), "{before}");
        std::fs::write(self.path(), before.replace(from, to)).unwrap();
    }

    fn unpack_into(&self, store: &Store, existing: Existing) -> ImportReport {
        let options = ImportOptions {
            existing,
            ..ImportOptions::default()
        };
        store.import(self.path().to_str().unwrap(), options).unwrap()
    }
}

fn memory() -> Store {
    Store::open(":memory:", StoreOptions::default()).unwrap()
}

fn session(store: &Store, id: &str, messages: &[&str]) -> Session {
    let options = NewSession {
        id: Some(id.to_owned()),
        messages: messages.iter().map(|content| user(content)).collect(),
        ..NewSession::default()
    };
    store.create_session(options).unwrap()
}

fn fork(of: &Session, at: u64, id: &str, messages: &[&str]) -> Session {
    let options = NewSession {
        id: Some(id.to_owned()),
        ..NewSession::default()
    };
    let fork = of.fork(Some(at), options).unwrap();
    for content in messages {
        fork.append(vec![assistant(content)], AppendOptions::default()).unwrap();
    }
    fork
}

fn contents(store: &Store, id: &str) -> Vec<String> {
    let messages = store.open_session(id).unwrap().range(1, u64::MAX).unwrap();
    messages
        .views()
        .iter()
        .map(|view| text(view.content).to_owned())
        .collect()
}

fn assert_sound(store: &Store) {
    assert_eq!(store.check().unwrap().problems.listed, Vec::<String>::new());
}

#[test]
fn a_session_whose_id_looks_like_one_of_ours_is_taken_in_beside_those_that_are_skipped() {
    let from = memory();
    let root = session(&from, "x", &["a"]);
    fork(&root, 1, "fork", &["b"]);
    session(&from, "x (2)", &["c"]);
    let to = memory();
    session(&to, "x", &["mine"]);
    let report = Parcel::all(&from).unpack_into(&to, Existing::Skip);
    assert_eq!((report.sessions, report.skipped), (2, 1));
    assert_eq!(contents(&to, "x (2)"), ["c"]);
}

#[test]
fn what_is_skipped_is_told_as_the_same_or_as_another_version() {
    let from = memory();
    let same = session(&from, "same", &["a"]);
    fork(&same, 1, "fork", &["b"]);
    session(&from, "newer", &["a", "b"]);
    session(&from, "other", &["a"]);
    let parcel = Parcel::all(&from);
    let to = memory();
    parcel.unpack_into(&to, Existing::Skip);
    to.open_session("newer").unwrap().rewind(1, None).unwrap();
    to.delete_session("other").unwrap();
    session(&to, "other", &["z"]);
    let report = parcel.unpack_into(&to, Existing::Skip);
    assert_eq!((report.sessions, report.skipped, report.failed), (0, 4, 0));
    let reason = |id: &str| {
        let problem = report.problems.iter().find(|problem| problem.session_id == id);
        problem.unwrap().reason.clone()
    };
    assert!(reason("same").contains("the same messages"));
    assert!(reason("fork").contains("the same messages"));
    assert!(
        reason("newer").contains("1 messages there, 2 in the source"),
        "{}",
        reason("newer")
    );
    assert!(reason("other").contains("another version"));
    assert_eq!(report.losses[0].count, 2);
}

#[test]
fn a_receipt_that_no_append_could_have_fails_its_session() {
    let from = memory();
    let keyed = AppendOptions {
        idempotency_key: Some("request".to_owned()),
        ..AppendOptions::default()
    };
    session(&from, "s", &[]).append(vec![user("a")], keyed).unwrap();
    for (key, what) in [("\"key\":\"\"", "empty"), ("\"key\":\"a\\u001b\"", "control character")] {
        let parcel = Parcel::all(&from);
        parcel.rewrite("\"key\":\"request\"", key);
        let report = parcel.unpack_into(&memory(), Existing::Skip);
        assert_eq!((report.sessions, report.failed), (0, 1));
        assert!(report.problems[0].reason.contains(what), "{report:?}");
    }
}

#[test]
fn a_session_with_impossible_numbers_is_not_taken_in() {
    let from = memory();
    session(&from, "s", &["a"]);
    let created = from.open_session("s").unwrap().describe().unwrap().created;
    for (is, becomes) in [
        (
            format!("\"created\":{created},\"updated\""),
            "\"created\":-9223372036854775808,\"updated\"".to_owned(),
        ),
        ("\"revision\":1".to_owned(), "\"revision\":0".to_owned()),
        (
            "\"revision\":1".to_owned(),
            "\"revision\":18446744073709551615".to_owned(),
        ),
    ] {
        let parcel = Parcel::all(&from);
        parcel.rewrite(&is, &becomes);
        let report = parcel.unpack_into(&memory(), Existing::Skip);
        assert_eq!((report.sessions, report.failed), (0, 1), "{becomes}");
    }
}

#[test]
fn the_numbers_of_the_event_log_have_no_gap_where_a_session_failed() {
    let from = memory();
    session(&from, "bad", &["poison"]);
    let parcel = Parcel::all(&from);
    parcel.rewrite(r#""content":"poison""#, r#""content":"poison","tool_calls":[]"#);
    let to = TempStore::with(StoreOptions {
        event_log_rows: 100,
        ..StoreOptions::default()
    });
    session(&to, "bad", &["older"]);
    parcel.unpack_into(&to, Existing::Overwrite);
    session(&to, "next", &[]);
    let numbers: Vec<u64> = to
        .events_after(0, 100)
        .unwrap()
        .events
        .iter()
        .map(|event| event.number)
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_check_from_a_callback_of_a_store_in_memory_is_busy_and_does_not_wait_for_itself() {
    let store = memory();
    session(&store, "s", &["a"]);
    let mut kind = None;
    let as_own = ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    };
    store
        .export(as_own, &mut |_| {
            kind = store.check().err().map(|error| error.kind());
            Ok(())
        })
        .unwrap();
    assert_eq!(kind, Some(Kind::Busy));
}

#[test]
fn nothing_of_a_session_with_a_bad_message_is_taken_in_and_the_others_are() {
    let from = memory();
    session(&from, "bad", &["fine", "poison"]);
    session(&from, "good", &["fine"]);
    let parcel = Parcel::all(&from);
    parcel.rewrite(r#""content":"poison""#, r#""content":"poison","tool_calls":[]"#);
    let to = memory();
    session(&to, "bad", &["was here before"]);
    let report = parcel.unpack_into(&to, Existing::Overwrite);
    assert_eq!((report.sessions, report.failed, report.overwritten), (1, 1, 0));
    let [problem] = report.problems.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(
        (problem.kind, problem.session_id.as_str()),
        (ProblemKind::Failed, "bad")
    );
    assert!(
        problem.reason.contains("message 2") && problem.reason.contains("tool_calls"),
        "{problem:?}"
    );
    assert_eq!(contents(&to, "bad"), ["was here before"], "what was to make room stays");
    assert_eq!(contents(&to, "good"), ["fine"]);
    assert_sound(&to);
}

#[test]
fn a_name_that_is_taken_becomes_a_title() {
    let named = |store: &Store, id: &str| {
        let options = NewSession {
            id: Some(id.to_owned()),
            name: Some("project".to_owned()),
            ..NewSession::default()
        };
        store.create_session(options).unwrap();
    };
    let (from, to) = (memory(), memory());
    named(&from, "theirs");
    named(&to, "mine");
    let report = Parcel::all(&from).unpack_into(&to, Existing::Skip);
    assert_eq!((report.sessions, report.problems[0].kind), (1, ProblemKind::Changed));
    let theirs = to.open_session("theirs").unwrap().describe().unwrap();
    assert_eq!((theirs.name, theirs.title.as_str()), (None, "project"));
}

#[test]
fn trashed_sessions_go_out_with_all_and_by_a_filter_only_if_it_asks() {
    let store = memory();
    session(&store, "here", &["a"]);
    session(&store, "thrown away", &["b"]).trash().unwrap();
    assert!(Parcel::all(&store).text().contains("thrown away"));
    assert!(
        !Parcel::of(&store, Selection::Filter(Box::default()))
            .text()
            .contains("thrown away")
    );
    let trashed = Filter {
        statuses: vec![Status::Trashed],
        ..Filter::default()
    };
    let parcel = Parcel::of(&store, Selection::Filter(Box::new(trashed)));
    let to = memory();
    parcel.unpack_into(&to, Existing::Skip);
    let status = to.open_session("thrown away").unwrap().describe().unwrap().status;
    assert_eq!(status, Status::Trashed);
}

#[test]
fn a_retry_after_the_move_gets_its_first_receipt() {
    let from = memory();
    let keyed = AppendOptions {
        idempotency_key: Some("request 7".to_owned()),
        ..AppendOptions::default()
    };
    let session = session(&from, "s", &["a"]);
    let first = session.append(vec![user("once")], keyed.clone()).unwrap();
    let to = memory();
    Parcel::all(&from).unpack_into(&to, Existing::Skip);
    let again = to.open_session("s").unwrap().append(vec![user("once")], keyed).unwrap();
    assert!(again.repeated);
    assert_eq!((again.first_seq, again.revision), (first.first_seq, first.revision));
}

#[test]
fn a_limit_that_was_lowered_since_keeps_no_session_out() {
    let from = memory();
    let session = session(&from, "s", &["many more bytes than four"]);
    session
        .update(SessionChanges {
            max_bytes: Some(Some(4)),
            ..SessionChanges::default()
        })
        .unwrap();
    let to = memory();
    let report = Parcel::all(&from).unpack_into(&to, Existing::Skip);
    assert_eq!((report.sessions, report.failed), (1, 0));
    let error = to
        .open_session("s")
        .unwrap()
        .append(vec![user("x")], AppendOptions::default());
    assert_eq!(error.unwrap_err().kind(), Kind::TooLarge);
}

#[test]
fn exchanges_come_back_as_exchanges() {
    let from = memory();
    let session = session(&from, "s", &[]);
    let exchange = turnkeep::model::Exchange {
        input: "what is on it?".to_owned(),
        input_name: "scan.pdf".to_owned(),
        input_type: "application/pdf".to_owned(),
        answer: "a dog".to_owned(),
        processing: 1_500_000,
        tokens_used: 70,
        model: None,
        metadata: Some("{\"pages\":2}".to_owned()),
    };
    session.append_exchange(exchange, AppendOptions::default()).unwrap();
    let to = memory();
    Parcel::all(&from).unpack_into(&to, Existing::Skip);
    let turns = to.open_session("s").unwrap().turns(0, u64::MAX).unwrap();
    assert_eq!(turns, session.turns(0, u64::MAX).unwrap());
    assert_eq!(turns[0].input_name, "scan.pdf");
}

#[test]
fn json_is_kept_to_the_byte_also_when_it_has_several_lines() {
    let from = memory();
    let odd = "{\n  \"b\": 1.50,\r\n\t\"a\": \"\u{2028}\" }";
    let mut message = NewMessage::new(Role::User, "NUL \0, quote \", emoji \u{1F600}, newline \n");
    message.metadata = Some(odd.to_owned());
    let options = NewSession {
        id: Some("s".to_owned()),
        metadata: Some(odd.to_owned()),
        messages: vec![message],
        ..NewSession::default()
    };
    let session = from.create_session(options).unwrap();
    let to = memory();
    Parcel::all(&from).unpack_into(&to, Existing::Skip);
    let copy = to.open_session("s").unwrap();
    assert_eq!(copy.describe().unwrap(), session.describe().unwrap());
    let (one, other) = (session.last(1).unwrap(), copy.last(1).unwrap());
    assert_eq!(text(one.views()[0].content), text(other.views()[0].content));
    assert_eq!(support::details(&other.views()[0]).metadata, odd);
}

#[test]
fn the_event_log_tells_each_session_once_and_none_that_failed() {
    let from = memory();
    session(&from, "bad", &["poison"]);
    session(&from, "good", &["a", "b"]);
    let parcel = Parcel::all(&from);
    parcel.rewrite(r#""content":"poison""#, r#""content":"poison","tool_calls":[]"#);
    let to = TempStore::with(StoreOptions {
        event_log_rows: 100,
        ..StoreOptions::default()
    });
    session(&to, "good", &["older"]);
    let before = to.events_after(0, 100).unwrap().events.len();
    parcel.unpack_into(&to, Existing::Overwrite);
    let events = to.events_after(0, 100).unwrap().events.split_off(before);
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.kind, event.session_id.as_str(), event.count))
        .collect();
    assert_eq!(
        told,
        [
            (EventKind::SessionDeleted, "good", 0),
            (EventKind::SessionImported, "good", 2)
        ]
    );
    assert!(events.windows(2).all(|pair| pair[0].number < pair[1].number));
}

#[test]
fn others_append_and_read_while_sessions_come_in() {
    let from = memory();
    for number in 0..200 {
        session(&from, &format!("s{number}"), &["a", "b", "c"]);
    }
    let parcel = Parcel::all(&from);
    let to = TempStore::new();
    let mine: Vec<Session> = (0..4)
        .map(|number| session(&to, &format!("mine {number}"), &[]))
        .collect();
    std::thread::scope(|scope| {
        for session in &mine {
            scope.spawn(|| {
                for number in 0..50 {
                    session
                        .append(vec![user(&number.to_string())], AppendOptions::default())
                        .unwrap();
                    assert_eq!(session.last(1).unwrap().views().len(), 1);
                }
            });
        }
        for existing in [
            Existing::Skip,
            Existing::Overwrite,
            Existing::KeepBoth,
            Existing::Overwrite,
        ] {
            assert_eq!(parcel.unpack_into(&to, existing).failed, 0);
        }
    });
    for session in &mine {
        assert_eq!(session.describe().unwrap().head_seq, 50);
    }
    assert_eq!(to.count_sessions(&Filter::default()).unwrap(), 4 + 400);
    assert_sound(&to);
    assert_sound(&to.reopen());
}

#[test]
fn an_import_that_is_stopped_half_way_leaves_everything_as_it_was() {
    let from = memory();
    for number in 0..20 {
        session(&from, &format!("s{number}"), &["a"]);
    }
    let parcel = Parcel::all(&from);
    let to = TempStore::new();
    let old = session(&to, "s3", &["older"]);
    let seen = Mutex::new(0);
    let mut progress = |_, _| {
        *seen.lock().unwrap() += 1;
        *seen.lock().unwrap() < 1
    };
    let options = ImportOptions {
        existing: Existing::Overwrite,
        progress: Some(&mut progress),
        ..ImportOptions::default()
    };
    let error = to.import(parcel.path().to_str().unwrap(), options).unwrap_err();
    assert_eq!(error.kind(), Kind::Aborted);
    assert_eq!(contents(&to, "s3"), ["older"]);
    old.append(vec![user("newer")], AppendOptions::default()).unwrap();
    assert_eq!(to.count_sessions(&Filter::default()).unwrap(), 1);
    assert_sound(&to);
}

#[test]
fn what_was_deferred_is_there_when_sessions_go_out_or_come_in() {
    let store = TempStore::with(StoreOptions {
        exclusive: true,
        durability: turnkeep::model::Durability::Deferred,
        ..StoreOptions::default()
    });
    session(&store, "deferred", &["a"]);
    let parcel = Parcel::all(&store);
    assert!(parcel.text().contains("deferred"));
    session(&store, "deferred, too", &["b"]);
    let from = memory();
    session(&from, "new", &["c"]);
    Parcel::all(&from).unpack_into(&store, Existing::Skip);
    let store = store.reopen();
    assert_eq!(store.count_sessions(&Filter::default()).unwrap(), 3);
}

#[test]
fn a_store_that_is_read_only_takes_nothing_in_and_hands_everything_out() {
    let store = TempStore::new();
    session(&store, "s", &["a"]);
    let parcel = Parcel::all(&store);
    store.close().unwrap();
    let options = StoreOptions {
        read_only: true,
        ..StoreOptions::default()
    };
    let reader = Store::open(store.path().to_str().unwrap(), options).unwrap();
    assert!(Parcel::all(&reader).text().contains("\"content\":\"a\""));
    let error = reader.import(parcel.path().to_str().unwrap(), ImportOptions::default());
    assert_eq!(error.unwrap_err().kind(), Kind::ReadOnly);
}

#[test]
fn what_came_in_is_found_by_its_words_and_windows_are_cut_from_it() {
    let from = memory();
    session(&from, "s", &["the first question", "about a hippopotamus"]);
    let to = TempStore::new();
    Parcel::all(&from).unpack_into(&to, Existing::Skip);
    let found = to
        .search(&turnkeep::model::SearchOptions {
            text: "hippopotamus".to_owned(),
            ..turnkeep::model::SearchOptions::default()
        })
        .unwrap();
    assert_eq!(found.hits().len(), 1);
    let session = to.open_session("s").unwrap();
    let window = session.window(&turnkeep::context::WindowOptions::default()).unwrap();
    assert_eq!(window.len(), 2);
}
