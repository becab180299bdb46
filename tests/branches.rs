//! Forks, rewinds and what they share.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "support/chats.rs"]
mod chats;
mod support;

use support::{TempStore, assistant, contents, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role, SessionChanges, Tokens};
use turnkeep::store::Branching;
use turnkeep::{Session, Store, StoreOptions};

fn say(session: &Session, contents: &[&str]) {
    let messages = contents.iter().enumerate().map(|(index, content)| match index % 2 {
        0 => user(content),
        _ => assistant(content),
    });
    session.append(messages.collect(), AppendOptions::default()).unwrap();
}

fn rows(store: &TempStore, sql: &str) -> u32 {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn message_rows(store: &TempStore) -> u32 {
    rows(store, "SELECT count(*) FROM messages")
}

fn named(id: &str) -> NewSession {
    NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    }
}

#[test]
fn a_fork_has_the_messages_up_to_its_point_and_then_its_own() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b", "c", "d"]);
    let fork = session.fork(Some(2), NewSession::default()).unwrap();
    say(&fork, &["x", "y"]);
    say(&session, &["e"]);
    assert_eq!(contents(&fork), ["a", "b", "x", "y"]);
    assert_eq!(contents(&session), ["a", "b", "c", "d", "e"]);
    assert_eq!(message_rows(&store), 7, "what is shared is stored once");
    drop((session, fork));
    let store = store.reopen();
    let list = store.list_sessions(&Default::default()).unwrap().sessions;
    let fork = store.open_session(&list[0].id).unwrap();
    assert_eq!(contents(&fork), ["a", "b", "x", "y"], "also when it is read anew");
}

// coda's branches lose metadata, counters and search rows.
#[test]
fn a_fork_has_counters_metadata_tags_and_a_window_at_once() {
    let store = TempStore::new();
    let session = store
        .create_session(NewSession {
            title: "t".into(),
            metadata: Some(r#"{"k":1}"#.into()),
            tags: vec!["red".into(), "blue".into()],
            window_tokens: Some(500),
            name: Some("main".into()),
            ..NewSession::default()
        })
        .unwrap();
    say(&session, &["one", "two", "three", "four"]);
    let fork = session.fork(Some(3), NewSession::default()).unwrap();
    let described = fork.describe().unwrap();
    let here = session.message(3).unwrap();
    assert_eq!(described.head_seq, 3);
    assert_eq!(described.token_total, here.views()[0].total_tokens);
    assert_eq!(described.bytes, 11);
    assert_eq!(described.parent_id.as_deref(), Some(session.id()));
    assert_eq!(described.fork_seq, 3);
    assert_eq!(described.metadata, r#"{"k":1}"#);
    assert_eq!(described.tags, ["blue", "red"]);
    assert_eq!(described.window_tokens, Some(500));
    assert_eq!(described.name, None, "a name is one session's only");
    assert_eq!(fork.window(&WindowOptions::default()).unwrap().len(), 3);
}

#[test]
fn a_fork_can_be_made_before_the_first_message_and_behind_the_last() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b"]);
    let empty = session.fork(Some(0), NewSession::default()).unwrap();
    let whole = session.fork(None, NewSession::default()).unwrap();
    assert_eq!(contents(&empty), Vec::<String>::new());
    assert_eq!(contents(&whole), ["a", "b"]);
    let error = session.fork(Some(3), NewSession::default()).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(
        error.message().contains("message 3") && error.message().contains("last one is 2"),
        "{error}"
    );
    say(&empty, &["x"]);
    say(&whole, &["y"]);
    assert_eq!(
        (contents(&empty), contents(&whole)),
        (vec!["x".into()], vec!["a".into(), "b".into(), "y".into()])
    );
}

#[test]
fn a_fork_is_like_its_parent_and_like_no_other() {
    let store = TempStore::new();
    let session = store.create();
    let like = NewSession {
        like: Some(session.id().to_owned()),
        ..NewSession::default()
    };
    assert_eq!(session.fork(None, like).map(drop).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn a_rewind_removes_what_only_this_session_has() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b", "c", "d"]);
    let done = session.rewind(2, None).unwrap();
    assert_eq!((done.removed, done.revision), (2, 3));
    assert_eq!(message_rows(&store), 2);
    say(&session, &["e"]);
    assert_eq!(contents(&session), ["a", "b", "e"]);
    let described = session.describe().unwrap();
    assert_eq!((described.head_seq, described.bytes), (3, 3));
}

// An answer is given anew more often than a cut moves: without the note of it every such window weighed the whole history.
#[test]
fn a_window_after_a_rewind_reads_nothing_before_its_cut() {
    let store = TempStore::new();
    let session = store.create();
    let options = WindowOptions {
        max_tokens: 200,
        ..WindowOptions::default()
    };
    let weighing = |tokens, message: NewMessage| NewMessage {
        tokens: Tokens::Given(tokens),
        ..message
    };
    for _ in 0..50 {
        for message in [weighing(20, user("And then?")), weighing(1, assistant("Then this."))] {
            session.append(vec![message], AppendOptions::default()).unwrap();
            session.window(&options).unwrap();
        }
    }
    session.rewind(99, None).unwrap();
    let before = *session.window(&options).unwrap().report();
    assert!(before.cut_seq > 1);
    store.close().unwrap();

    rusqlite::Connection::open(store.path())
        .unwrap()
        .execute(
            "DELETE FROM messages WHERE key & 0xFFFFFFFF < ?1",
            [before.cut_seq as i64],
        )
        .unwrap();

    let reopened = store.reopen();
    let session = reopened.open_session(session.id()).unwrap();
    assert_eq!(*session.window(&options).unwrap().report(), before);
}

// All of what came was read, found no room in memory, and was read again by each window: the note stayed where it was.
#[test]
fn a_window_after_many_messages_without_one_leaves_a_note_of_its_cut() {
    let store = TempStore::new();
    let options = WindowOptions {
        max_tokens: 200,
        ..WindowOptions::default()
    };
    let many = |count: usize| {
        let message = NewMessage {
            tokens: Tokens::Given(20),
            ..user(&"What was said while nobody asked for a window. ".repeat(2))
        };
        vec![message; count]
    };
    let id = {
        let session = store.create();
        for _ in 0..50 {
            session.append(many(1), AppendOptions::default()).unwrap();
            session.window(&options).unwrap();
        }
        session.id().to_owned()
    };
    store.close().unwrap();
    let small = StoreOptions {
        cache_bytes: 64 << 10,
        ..StoreOptions::default()
    };
    let reopened = Store::open(store.path().to_str().unwrap(), small).unwrap();
    let session = reopened.open_session(&id).unwrap();
    session.append(many(4_000), AppendOptions::default()).unwrap();
    let cut = session.window(&options).unwrap().report().cut_seq;
    session.append(many(1), AppendOptions::default()).unwrap();
    let before = *session.window(&options).unwrap().report();
    reopened.close().unwrap();

    rusqlite::Connection::open(store.path())
        .unwrap()
        .execute("DELETE FROM messages WHERE key & 0xFFFFFFFF < ?1", [cut as i64])
        .unwrap();

    let reopened = store.share();
    let session = reopened.open_session(&id).unwrap();
    assert_eq!(*session.window(&options).unwrap().report(), before);
}

#[test]
fn a_rewind_leaves_to_a_fork_what_it_shares() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b", "c", "d", "e", "f"]);
    let fork = session.fork(Some(4), NewSession::default()).unwrap();
    session.rewind(2, None).unwrap();
    assert_eq!(message_rows(&store), 4, "e and f are nobody's, c and d are the fork's");
    say(&session, &["x", "y", "z"]);
    assert_eq!(contents(&session), ["a", "b", "x", "y", "z"]);
    assert_eq!(contents(&fork), ["a", "b", "c", "d"]);
    session.rewind(1, None).unwrap();
    say(&session, &["w"]);
    assert_eq!(contents(&session), ["a", "w"]);
    assert_eq!(message_rows(&store), 5);
}

#[test]
fn a_fork_can_be_rewound_behind_its_fork_point() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b", "c", "d"]);
    let fork = session.fork(Some(3), NewSession::default()).unwrap();
    say(&fork, &["x"]);
    fork.rewind(1, None).unwrap();
    say(&fork, &["y"]);
    assert_eq!(contents(&fork), ["a", "y"]);
    assert_eq!(contents(&session), ["a", "b", "c", "d"]);
    assert_eq!(message_rows(&store), 5);
}

// coda cannot delete a session with branches.
#[test]
fn deleting_a_session_with_forks_keeps_what_they_share() {
    let store = TempStore::new();
    let root = store.create_session(named("root")).unwrap();
    say(&root, &["a", "b", "c", "d"]);
    let middle = root.fork(Some(3), named("middle")).unwrap();
    say(&middle, &["m"]);
    let leaf = middle.fork(Some(2), named("leaf")).unwrap();
    say(&leaf, &["l"]);
    store.delete_session("middle").unwrap();
    assert_eq!(contents(&leaf), ["a", "b", "l"]);
    assert_eq!(
        leaf.describe().unwrap().parent_id.as_deref(),
        Some("root"),
        "the grandparent takes over"
    );
    assert_eq!(leaf.describe().unwrap().fork_seq, 2);
    assert_eq!(message_rows(&store), 5);
    store.delete_session("root").unwrap();
    assert_eq!(contents(&leaf), ["a", "b", "l"]);
    assert_eq!(leaf.describe().unwrap().parent_id, None);
    assert_eq!(message_rows(&store), 3);
    store.delete_session("leaf").unwrap();
    for table in ["messages", "segments", "search_outbox", "receipts", "tags"] {
        assert_eq!(rows(&store, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}

#[test]
fn a_message_and_what_follows_is_replaced_here_or_in_a_fork() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b", "c", "d"]);
    let done = session
        .replace(3, vec![user("C")], Branching::Fork(Box::new(named("fork"))))
        .unwrap();
    let fork = done.session.unwrap();
    assert_eq!(
        (fork.id(), contents(&fork)),
        ("fork", vec!["a".into(), "b".into(), "C".into()])
    );
    assert_eq!(done.receipt.first_seq, 3);
    assert_eq!(contents(&session).len(), 4);
    let revision = session.describe().unwrap().revision;
    let error = session
        .replace(1, vec![user("A")], Branching::Rewind(Some(revision + 1)))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    let done = session
        .replace(1, vec![user("A"), assistant("B")], Branching::Rewind(Some(revision)))
        .unwrap();
    assert!(done.session.is_none());
    assert_eq!(contents(&session), ["A", "B"]);
    assert_eq!(contents(&fork), ["a", "b", "C"]);
}

#[test]
fn an_answer_is_given_anew_from_the_question_on() {
    let store = TempStore::new();
    let session = store.create();
    let call = NewMessage {
        tool_calls: Some(r#"[{"id":"c"}]"#.into()),
        ..assistant("")
    };
    let result = NewMessage {
        tool_call_id: Some("c".into()),
        ..NewMessage::new(Role::Tool, "42")
    };
    say(&session, &["q1", "a1"]);
    session
        .append(
            vec![user("q2"), call, result, assistant("a2")],
            AppendOptions::default(),
        )
        .unwrap();
    let fork = session.regenerate(0, Branching::Fork(Box::default())).unwrap();
    assert_eq!(contents(&fork.session.unwrap()), ["q1", "a1", "q2"]);
    session.regenerate(2, Branching::Rewind(None)).unwrap();
    assert_eq!(contents(&session), ["q1"]);
    for seq in [0, 1] {
        let error = session.regenerate(seq, Branching::Rewind(None)).map(drop).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.message().contains("no answer yet"), "{error}");
    }
}

#[test]
fn a_replacement_by_nothing_says_the_revision_and_no_places() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b", "c"]);
    let receipt = session.replace(2, Vec::new(), Branching::Rewind(None)).unwrap().receipt;
    assert_eq!((receipt.first_seq, receipt.last_seq, receipt.revision), (0, 0, 3));
    let fork = session.replace(1, Vec::new(), Branching::Fork(Box::default())).unwrap();
    assert_eq!((fork.receipt.last_seq, fork.receipt.revision), (0, 1));
    assert_eq!(contents(&fork.session.unwrap()), Vec::<String>::new());
}

#[test]
fn a_fork_is_like_nobody_but_the_session_it_comes_from() {
    let store = TempStore::new();
    let session = store.create();
    let like = NewSession {
        like: Some(session.id().to_owned()),
        ..NewSession::default()
    };
    let error = session.fork(None, like).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("like is given for a fork"), "{error}");
}

#[test]
fn a_session_that_is_gone_is_named_also_when_it_is_the_other_one() {
    let store = TempStore::new();
    let session = store.create();
    let gone = store.create_session(named("gone")).unwrap();
    store.delete_session("gone").unwrap();
    let compared = session.compare(&gone).map(drop).unwrap_err();
    let adopted = session.adopt(&gone, 1, 1, AppendOptions::default()).unwrap_err();
    for error in [compared, adopted] {
        assert_eq!(error.kind(), Kind::NotFound);
        assert!(error.message().contains("session 'gone'"), "{error}");
    }
}

#[test]
fn two_sessions_are_compared_by_what_they_share() {
    let store = TempStore::new();
    let session = store.create();
    say(&session, &["a", "b", "c", "d"]);
    let one = session.fork(Some(3), NewSession::default()).unwrap();
    let other = session.fork(Some(2), NewSession::default()).unwrap();
    say(&other, &["x"]);
    let deep = one.fork(None, NewSession::default()).unwrap();
    say(&deep, &["y"]);
    let common = |one: &Session, other: &Session| one.compare(other).unwrap().common_seq;
    assert_eq!(
        (common(&one, &other), common(&session, &one), common(&deep, &session)),
        (2, 3, 3)
    );
    assert_eq!((common(&deep, &other), common(&deep, &deep)), (2, 4));
    session.rewind(1, None).unwrap();
    assert_eq!((common(&session, &deep), common(&one, &other)), (1, 2));
    let stranger = store.create();
    assert_eq!(common(&stranger, &session), 0);
}

#[test]
fn adopted_messages_say_where_they_came_from() {
    let store = TempStore::new();
    let session = store.create_session(named("main")).unwrap();
    say(&session, &["a", "b"]);
    let fork = session.fork(None, named("draft")).unwrap();
    let own = NewMessage {
        metadata: Some(r#"{"mine": 1.0}"#.into()),
        ..user("c")
    };
    fork.append(vec![own, assistant("d")], AppendOptions::default())
        .unwrap();
    say(&session, &["x", "y"]);
    let common = session.compare(&fork).unwrap().common_seq;
    let receipt = session
        .adopt(&fork, u64::from(common) + 1, u64::MAX, AppendOptions::default())
        .unwrap();
    assert_eq!((receipt.first_seq, receipt.last_seq), (5, 6));
    assert_eq!(contents(&session), ["a", "b", "x", "y", "c", "d"]);
    let adopted = session.message(5).unwrap();
    assert_eq!(
        support::details(&adopted.views()[0]).metadata,
        r#"{"turnkeep:origin":{"seq":3,"session":"draft"},"mine": 1.0}"#
    );
    let error = session
        .adopt(&fork, 9, 9, AppendOptions::default())
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
}

#[test]
fn what_was_adopted_twice_says_where_it_was_last() {
    let store = TempStore::new();
    let [one, two, three] = ["one", "two", "three"].map(|id| store.create_session(named(id)).unwrap());
    say(&one, &["a"]);
    two.adopt(&one, 1, 1, AppendOptions::default()).unwrap();
    three.adopt(&two, 1, 1, AppendOptions::default()).unwrap();
    let adopted = three.message(1).unwrap();
    assert_eq!(
        support::details(&adopted.views()[0]).metadata,
        r#"{"turnkeep:origin":{"seq":1,"session":"two"}}"#
    );
}

#[test]
fn forks_parents_and_the_whole_tree_are_listed() {
    let store = TempStore::new();
    let root = store.create_session(named("root")).unwrap();
    say(&root, &["a"]);
    let one = root.fork(None, named("one")).unwrap();
    let two = root.fork(None, named("two")).unwrap();
    let leaf = one.fork(None, named("leaf")).unwrap();
    store.create();
    let ids = |list: Vec<turnkeep::model::SessionInfo>| list.into_iter().map(|info| info.id).collect::<Vec<_>>();
    assert_eq!(ids(root.forks().unwrap()), ["one", "two"]);
    assert_eq!(ids(leaf.ancestors().unwrap()), ["one", "root"]);
    for member in [&root, &one, &two, &leaf] {
        assert_eq!(ids(member.tree().unwrap()), ["root", "one", "leaf", "two"]);
    }
    assert!(leaf.forks().unwrap().is_empty() && root.ancestors().unwrap().is_empty());
}

#[test]
fn a_chain_of_100_forks_reads_as_one_session() {
    let store = TempStore::new();
    let mut session = store.create();
    let mut expected = Vec::new();
    for link in 0..100 {
        let own: Vec<String> = (0..5).map(|number| format!("{link}.{number}")).collect();
        say(&session, &own.iter().map(String::as_str).collect::<Vec<_>>());
        expected.extend(own);
        session = session.fork(None, NewSession::default()).unwrap();
    }
    assert_eq!(contents(&session), expected);
    let reopened = store.share();
    let session = reopened.open_session(session.id()).unwrap();
    let window = session.window(&WindowOptions::default()).unwrap();
    assert_eq!(window.report().head_seq, 500);
    assert_eq!(contents(&session), expected);
}

#[test]
fn a_window_of_a_fork_is_that_of_a_copy() {
    let store = TempStore::new();
    let session = store.create();
    let options = WindowOptions {
        max_tokens: 120,
        ..WindowOptions::default()
    };
    let lines: Vec<String> = (0..60)
        .map(|number| format!("message number {number} of a chat"))
        .collect();
    for pair in lines.chunks(2) {
        say(&session, &[&pair[0], &pair[1]]);
        session.window(&options).unwrap();
    }
    for at in [1, 2, 17, 30, 59, 60] {
        let fork = session.fork(Some(at), NewSession::default()).unwrap();
        let copy = store.create();
        for line in lines.chunks(2) {
            say(&copy, &[&line[0], &line[1]]);
        }
        if at < 60 {
            copy.rewind(at, None).unwrap();
        }
        let (one, other) = (fork.window(&options).unwrap(), copy.window(&options).unwrap());
        assert_eq!(one.report().cut_seq, other.report().cut_seq, "fork at {at}");
        assert_eq!(one.common_prefix(&other), one.len().max(other.len()), "fork at {at}");
    }
}

#[test]
fn keys_of_appends_that_were_taken_back_can_be_used_again() {
    let store = TempStore::new();
    let session = store.create();
    let keyed = || AppendOptions {
        idempotency_key: Some("k".into()),
        ..AppendOptions::default()
    };
    say(&session, &["a"]);
    session.append(vec![assistant("b")], keyed()).unwrap();
    session.rewind(1, None).unwrap();
    let again = session.append(vec![assistant("c")], keyed()).unwrap();
    assert!(!again.repeated);
    assert_eq!(contents(&session), ["a", "c"]);
}

#[test]
fn another_store_on_the_file_sees_a_rewind_and_what_came_after() {
    let store = TempStore::new();
    let session = store.create_session(named("s")).unwrap();
    say(&session, &["a", "b", "c"]);
    let other = store.share();
    let theirs = other.open_session("s").unwrap();
    assert_eq!(contents(&theirs).len(), 3);
    session.fork(Some(3), NewSession::default()).unwrap();
    session.rewind(1, None).unwrap();
    say(&session, &["x"]);
    assert_eq!(contents(&theirs), ["a", "x"]);
    theirs.append(vec![assistant("y")], AppendOptions::default()).unwrap();
    assert_eq!(contents(&session), ["a", "x", "y"]);
}

#[test]
fn a_summary_can_be_another_in_a_fork() {
    let store = TempStore::new();
    let session = store.create();
    session
        .update(SessionChanges {
            summary: Some("long ago".into()),
            ..SessionChanges::default()
        })
        .unwrap();
    say(&session, &["a"]);
    let same = session.fork(None, NewSession::default()).unwrap();
    let other = session
        .fork(
            None,
            NewSession {
                summary: "otherwise".into(),
                ..NewSession::default()
            },
        )
        .unwrap();
    assert_eq!(same.describe().unwrap().summary, "long ago");
    assert_eq!(other.describe().unwrap().summary, "otherwise");
}

/// Loads a tree: a node that begins a new branch forks the session of its parent.
fn load(store: &Store, tree: &chats::Tree) -> Vec<(Session, Vec<String>)> {
    let mut paths: Vec<(Session, Vec<usize>)> = Vec::new();
    for (index, node) in tree.nodes.iter().enumerate() {
        let parent = node
            .parent
            .as_ref()
            .map(|id| tree.nodes.iter().position(|node| node.id == *id).unwrap());
        let home = parent.map(|parent| {
            let (place, path) = paths
                .iter()
                .enumerate()
                .find(|(_, (_, path))| path.contains(&parent))
                .unwrap();
            (place, path.1.iter().position(|node| *node == parent).unwrap() + 1)
        });
        let place = match home {
            None => {
                paths.push((store.create_session(NewSession::default()).unwrap(), Vec::new()));
                paths.len() - 1
            }
            Some((place, depth)) if depth == paths[place].1.len() => place,
            Some((place, depth)) => {
                let fork = paths[place].0.fork(Some(depth as u64), NewSession::default()).unwrap();
                let path = paths[place].1[..depth].to_vec();
                paths.push((fork, path));
                paths.len() - 1
            }
        };
        let (session, path) = &mut paths[place];
        session.append(vec![node.message()], AppendOptions::default()).unwrap();
        path.push(index);
    }
    let texts = |path: Vec<usize>| path.into_iter().map(|node| tree.nodes[node].content.clone()).collect();
    paths
        .into_iter()
        .map(|(session, path)| (session, texts(path)))
        .collect()
}

#[test]
fn recorded_trees_load_as_forks_and_every_leaf_path_reads_back() {
    let Some(trees) = chats::trees("recorded_trees_load_as_forks") else {
        return;
    };
    assert_eq!(trees.len(), 99);
    let store = TempStore::new();
    let mut nodes = 0;
    for tree in &trees {
        for (session, path) in load(&store, tree) {
            assert_eq!(contents(&session), path, "{}", tree.id);
        }
        nodes += tree.nodes.len() as u32;
    }
    assert_eq!(message_rows(&store), nodes, "every message is stored once");
}
