//! What a store does with sessions that go out and come in, whatever the format: here the own one, which carries all.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

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
fn forks_of_a_deleted_session_share_what_they_shared() {
    let from = memory();
    let root = session(&from, "root", &["a", "b", "c"]);
    fork(&root, 2, "one", &["x"]);
    fork(&root, 3, "two", &["y"]);
    from.delete_session("root").unwrap();
    let to = memory();
    let report = Parcel::all(&from).unpack_into(&to, Existing::Skip);
    assert_eq!((report.sessions, report.messages, report.forks), (2, 5, 1));
    assert_eq!(contents(&to, "one"), ["a", "b", "x"]);
    assert_eq!(contents(&to, "two"), ["a", "b", "c", "y"]);
    assert_eq!(to.check().unwrap().messages, 5);
    assert_eq!(to.open_session("two").unwrap().describe().unwrap().parent_id, None);
    assert_sound(&to);
}

#[test]
fn a_fork_is_whole_when_the_session_it_shares_with_is_there_already_and_different() {
    let from = memory();
    let root = session(&from, "root", &["a", "b"]);
    fork(&root, 2, "fork", &["x"]);
    let parcel = Parcel::all(&from);
    let to = memory();
    session(&to, "root", &["something else"]);
    let report = parcel.unpack_into(&to, Existing::Skip);
    assert_eq!((report.sessions, report.skipped, report.failed), (1, 1, 0));
    assert_eq!(contents(&to, "root"), ["something else"]);
    assert_eq!(contents(&to, "fork"), ["a", "b", "x"]);
    let sessions = to
        .list_sessions(&turnkeep::model::ListOptions::default())
        .unwrap()
        .sessions;
    assert_eq!(sessions.len(), 2, "nothing that only carried messages is left");
    assert_sound(&to);
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
fn a_fork_that_begins_with_the_result_of_a_tool_is_known_again() {
    let from = memory();
    let root = session(&from, "root", &["a"]);
    let mut call = assistant("");
    call.tool_calls = Some(r#"[{"id":"c1"}]"#.to_owned());
    root.append(vec![call], AppendOptions::default()).unwrap();
    let branch = fork(&root, 2, "branch", &[]);
    let mut result = NewMessage::new(Role::Tool, "found");
    result.tool_call_id = Some("c1".to_owned());
    branch.append(vec![result], AppendOptions::default()).unwrap();
    let report = Parcel::all(&from).unpack_into(&from, Existing::Skip);
    let told = |problem: &turnkeep::transfer::Problem| problem.reason.contains("the same messages");
    assert!(report.skipped == 2 && report.problems.iter().all(told), "{report:?}");
}

#[test]
fn forks_of_a_session_that_is_overwritten_are_forks_of_the_new_one() {
    let store = memory();
    let root = session(&store, "root", &["a"]);
    fork(&root, 1, "fork", &["b"]);
    let parcel = Parcel::of(&store, Selection::Sessions(vec!["root".to_owned()]));
    parcel.unpack_into(&store, Existing::Overwrite);
    let fork = store.open_session("fork").unwrap().describe().unwrap();
    assert_eq!((fork.parent_id.as_deref(), fork.fork_seq), (Some("root"), 1));
    assert_sound(&store);
}

#[test]
fn of_two_sessions_with_one_id_a_fork_goes_with_the_one_that_it_shares_with() {
    let from = memory();
    session(&from, "first", &["a"]);
    let second = session(&from, "second", &["b"]);
    fork(&second, 1, "fork", &["c"]);
    let parcel = Parcel::all(&from);
    parcel.rewrite("\"first\"", "\"twin\"");
    parcel.rewrite("\"second\"", "\"twin\"");
    let to = memory();
    let report = parcel.unpack_into(&to, Existing::KeepBoth);
    assert_eq!((report.sessions, report.failed), (3, 0));
    assert!(
        report.problems[0].reason.contains("the source has it twice"),
        "{report:?}"
    );
    let fork = to.open_session("fork").unwrap().describe().unwrap();
    assert_eq!(fork.parent_id.as_deref(), Some("twin (2)"));
    assert_eq!(contents(&to, "fork"), ["b", "c"]);
}

#[test]
fn the_place_of_a_fork_outlives_its_parent_and_the_move() {
    let from = memory();
    let root = session(&from, "root", &["a", "b"]);
    fork(&fork(&root, 2, "child", &["c"]), 3, "grandchild", &[]);
    from.delete_session("root").unwrap();
    let to = memory();
    Parcel::all(&from).unpack_into(&to, Existing::Skip);
    for id in ["child", "grandchild"] {
        let [there, here] = [&from, &to].map(|store| store.open_session(id).unwrap().describe().unwrap());
        assert_eq!(here, there);
    }
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

/// The locks that this process has on a file.
#[cfg(target_os = "linux")]
fn locks_on(path: &std::path::Path) -> usize {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{} ", path.metadata().unwrap().ino());
    let pid = format!(" {} ", std::process::id());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks
        .lines()
        .filter(|line| line.contains(&inode) && line.contains(&pid))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn an_open_store_that_is_named_as_source_or_target_keeps_its_locks() {
    for exclusive in [false, true] {
        let store = TempStore::with(StoreOptions {
            exclusive,
            ..StoreOptions::default()
        });
        session(&store, "s", &["a"]);
        let beside = |end: &str| store.path().with_file_name(format!("chat.db{end}"));
        let before = (
            locks_on(&store.path()),
            beside("-shm").exists().then(|| locks_on(&beside("-shm"))),
        );
        assert!(before.0 > 0);
        for path in ["", "-wal", "-shm"].map(beside) {
            let path = path.to_str().unwrap();
            for format in [
                None,
                Some(Format::OpenAi),
                Some(Format::Turnkeep),
                Some(Format::QvDatabase),
            ] {
                let options = ImportOptions {
                    format,
                    ..ImportOptions::default()
                };
                assert!(store.import(path, options).is_err());
            }
            let as_own = ExportOptions {
                format: Format::Turnkeep,
                selection: Selection::All,
                progress: None,
            };
            assert!(store.export_to_file(path, as_own).is_err());
        }
        let after = (
            locks_on(&store.path()),
            beside("-shm").exists().then(|| locks_on(&beside("-shm"))),
        );
        assert_eq!(after, before);
    }
}

#[test]
fn a_name_that_sqlite_gives_to_its_own_files_is_no_target() {
    let store = memory();
    let folder = tempfile::tempdir().unwrap();
    for name in ["other.db-wal", "other.db-shm", "other.db-journal"] {
        let as_own = ExportOptions {
            format: Format::Turnkeep,
            selection: Selection::All,
            progress: None,
        };
        let error = store
            .export_to_file(folder.path().join(name).to_str().unwrap(), as_own)
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
    }
}

#[cfg(unix)]
#[test]
fn a_source_that_may_never_end_is_refused_before_anybody_waits_for_it() {
    let store = memory();
    let error = store.import("/dev/zero", ImportOptions::default()).unwrap_err();
    assert!(error.message().contains("pipe or a device"), "{error}");
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
fn a_copy_names_the_same_sessions_as_shared_however_its_messages_are_stored() {
    let from = memory();
    let root = session(&from, "root", &["a", "b", "c"]);
    let second = fork(&root, 3, "second", &["x"]);
    root.rewind(2, None).unwrap();
    fork(&second, 1, "third", &["y"]);
    let parcel = Parcel::all(&from);
    let to = memory();
    parcel.unpack_into(&to, Existing::Skip);
    assert_eq!(Parcel::all(&to).text(), parcel.text());
}

#[test]
fn both_are_kept_under_new_ids_and_forks_follow_theirs() {
    let store = memory();
    let root = session(&store, "root", &["a"]);
    fork(&root, 1, "fork", &["x"]);
    let parcel = Parcel::all(&store);
    root.append(vec![user("later")], AppendOptions::default()).unwrap();
    let report = parcel.unpack_into(&store, Existing::KeepBoth);
    assert_eq!((report.sessions, report.skipped), (2, 0));
    assert!(
        report
            .problems
            .iter()
            .all(|problem| problem.kind == ProblemKind::Changed)
    );
    assert_eq!(contents(&store, "root"), ["a", "later"]);
    assert_eq!(contents(&store, "root (2)"), ["a"]);
    assert_eq!(contents(&store, "fork (2)"), ["a", "x"]);
    let parent = store.open_session("fork (2)").unwrap().describe().unwrap().parent_id;
    assert_eq!(parent.as_deref(), Some("root (2)"));
    assert_sound(&store);
}

#[test]
fn a_session_that_is_overwritten_is_replaced_as_a_whole_and_its_forks_keep_their_messages() {
    let store = memory();
    let root = session(&store, "root", &["a", "b"]);
    let parcel = Parcel::all(&store);
    root.append(vec![user("c")], AppendOptions::default()).unwrap();
    fork(&root, 3, "fork", &["x"]);
    let report = parcel.unpack_into(&store, Existing::Overwrite);
    assert_eq!((report.sessions, report.overwritten), (1, 1));
    assert_eq!(contents(&store, "root"), ["a", "b"]);
    assert_eq!(contents(&store, "fork"), ["a", "b", "c", "x"]);
    assert_eq!(root.describe().unwrap_err().kind(), Kind::NotFound);
    assert_sound(&store);
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
fn a_fork_of_a_session_that_was_not_taken_in_is_not_either_and_says_why() {
    let from = memory();
    let root = session(&from, "root", &["poison"]);
    fork(&root, 1, "fork", &["x"]);
    let parcel = Parcel::all(&from);
    parcel.rewrite(r#""content":"poison""#, r#""content":"poison","tool_calls":[]"#);
    let to = memory();
    let report = parcel.unpack_into(&to, Existing::Skip);
    assert_eq!((report.sessions, report.failed), (0, 2));
    assert!(report.problems[1].reason.contains("'root'"), "{report:?}");
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

#[test]
fn an_export_never_replaces_a_database_a_folder_or_a_device() {
    let store = TempStore::new();
    let as_own = || ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    };
    let itself = store.path();
    let link = itself.with_file_name("link");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&itself, &link).unwrap();
    for (place, kind) in [
        (itself.as_path(), Kind::Exists),
        (link.as_path(), Kind::Exists),
        (itself.parent().unwrap(), Kind::Invalid),
        (std::path::Path::new("/dev/null"), Kind::Invalid),
    ] {
        if place.exists() {
            let error = store.export_to_file(place.to_str().unwrap(), as_own()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
    assert_sound(&store.reopen());
}

#[test]
fn an_export_replaces_a_file_only_when_it_is_whole_and_nobody_else_may_read_it() {
    let store = memory();
    for number in 0..2000 {
        session(&store, &format!("s{number}"), &["a"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.jsonl");
    std::fs::write(&path, "what was there").unwrap();
    let mut stop = |_, _| false;
    let options = ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: Some(&mut stop),
    };
    assert_eq!(
        store
            .export_to_file(path.to_str().unwrap(), options)
            .unwrap_err()
            .kind(),
        Kind::Aborted
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "what was there");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let options = ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::All,
        progress: None,
    };
    store.export_to_file(path.to_str().unwrap(), options).unwrap();
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .ends_with("\"sessions\":2000,\"messages\":2000}\n")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
