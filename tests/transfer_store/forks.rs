//! Forks that move: what they share, with whom, and whose forks they are then.

use super::*;

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
