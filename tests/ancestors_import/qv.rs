//! QV: with model_name, without, and half-way between.

use crate::fixture::*;
use turnkeep::transfer::{Format, ProblemKind};

#[test]
fn a_qv_database_is_brought_over_with_one_command() {
    let (store, source) = (memory(), written_by("make_qv.py", &[]));
    let report = source.import(&store).unwrap();
    assert_eq!(report.format, Format::QvDatabase);
    assert_eq!((report.sessions, report.messages, report.failed), (4, 10, 3));
    assert_eq!(ids(&store), ["clock", "empty", "full", "odd"]);

    let (_, info) = session(&store, "full");
    assert_eq!(info.title, "It's \"quoted\"; DROP TABLE x; -- \u{1F600}");
    assert_eq!(info.model, "llama3");
    assert_eq!(info.metadata, r#"{"project": "x", "n": 1.50}"#);
    assert_eq!(info.created, micros("2024-03-01T09:00:00.123456Z"));
    assert_eq!(info.updated, micros("2024-03-02T10:00:00Z"));
    assert_eq!((info.name, info.user_id.as_str(), info.parent_id), (None, "", None));
}

#[test]
fn messages_of_qv_keep_every_field() {
    let (store, source) = (memory(), written_by("make_qv.py", &[]));
    source.import(&store).unwrap();
    let calls = r#"[{"id": "call_1", "function": {"name": "read", "arguments": {"path": "a"}}}]"#;
    let pictured = "a\0b '\" \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} \u{E4}";
    assert_eq!(
        messages(&store, "full"),
        [
            said(SYSTEM, "Be kind.", micros("2024-03-01T09:00:00Z")).from("m1", ""),
            said(USER, pictured, micros("2024-03-01T09:00:01Z")).from("m2", r#""images": ["aGVsbG8="]"#),
            said(ASSISTANT, "", micros("2024-03-01T09:00:02.5Z"))
                .from("m3", &format!(r#""tool_calls": {calls}"#))
                .with(|said| said.tool_calls = calls.to_owned()),
            said(TOOL, "contents", micros("2024-03-01T14:00:03Z"))
                .from("m4", r#""tool_call_id": "call_1""#)
                .with(|said| said.tool_call_id = "call_1".to_owned()),
            said(ASSISTANT, "Done.", micros("2024-03-01T09:00:04.123456Z")).from("m5", ""),
        ]
    );
    let (_, empty) = session(&store, "empty");
    assert_eq!((empty.title.as_str(), empty.message_count), ("", 0));
}

#[test]
fn a_clock_that_was_set_back_reorders_nothing_on_the_way_in() {
    let (store, source) = (memory(), written_by("make_qv.py", &[]));
    source.import(&store).unwrap();
    assert_eq!(
        messages(&store, "clock"),
        [
            said(USER, "first", micros("2024-10-27T02:59:58Z")).from("k1", ""),
            said(ASSISTANT, "second", micros("2024-10-27T02:00:01Z")).from("k2", ""),
            said(USER, "third", micros("2024-10-27T02:00:00Z")).from("k3", ""),
        ]
    );
}

#[test]
fn what_of_qv_cannot_be_taken_in_is_said_with_its_place() {
    let report = written_by("make_qv.py", &[]).import(&memory()).unwrap();
    assert_told(
        &report,
        ProblemKind::Failed,
        "wizard",
        "row 5 of conversations",
        "row 12 of messages: role is 'wizard'",
    );
    assert_told(
        &report,
        ProblemKind::Failed,
        "latin",
        "row 6 of conversations",
        "row 13 of messages: content is not UTF-8 from byte 1",
    );
    assert_told(
        &report,
        ProblemKind::Failed,
        "bytes",
        "row 7 of conversations",
        "row 14 of messages: content holds bytes",
    );
    assert_told(
        &report,
        ProblemKind::LeftOut,
        "",
        "row 15 of messages",
        "messages that belong to 'deleted', which is not among the conversations: 3",
    );
    assert_told(
        &report,
        ProblemKind::LeftOut,
        "",
        "row 18 of messages",
        "messages that belong to nothing: 1",
    );
    assert_eq!(report.losses.len(), 1);
    assert_eq!(
        (report.losses[0].what, report.losses[0].count),
        ("messages without a conversation", 4)
    );
}

#[test]
fn what_of_qv_is_read_otherwise_than_it_stands_is_said() {
    let store = memory();
    let report = written_by("make_qv.py", &[]).import(&store).unwrap();
    assert_told(
        &report,
        ProblemKind::Changed,
        "odd",
        "row 4 of conversations",
        "created_at is 'yesterday'",
    );
    assert_told(
        &report,
        ProblemKind::Changed,
        "odd",
        "row 4 of conversations",
        "kept as the text 'metadata'",
    );
    assert_told(
        &report,
        ProblemKind::Changed,
        "odd",
        "row 9 of messages",
        "created_at is 'soon'",
    );
    assert_told(
        &report,
        ProblemKind::Changed,
        "odd",
        "row 9 of messages",
        "its content is NULL",
    );
    assert_told(
        &report,
        ProblemKind::Changed,
        "odd",
        "row 4 of conversations, message 2",
        "kept as a message of the assistant",
    );
    let (_, info) = session(&store, "odd");
    assert_eq!(info.metadata, r#"{"metadata":"{\"score\": NaN}"}"#);
    assert_eq!(contents(&store, "odd"), ["", "answers nothing"]);
}

#[test]
fn an_older_qv_database_lacks_the_model_and_nothing_else() {
    for (how, model) in [("--without-model-name", ""), ("--half-migrated", "llama3")] {
        let (store, source) = (memory(), written_by("make_qv.py", &[how]));
        let report = source.import(&store).unwrap();
        assert_eq!(
            (report.format, report.sessions, report.messages),
            (Format::QvDatabase, 4, 10),
            "{how}"
        );
        assert_eq!(session(&store, "full").1.model, model, "{how}");
        assert_eq!(session(&store, "clock").1.model, "", "{how}");
        assert_eq!(
            session(&store, "full").1.title,
            "It's \"quoted\"; DROP TABLE x; -- \u{1F600}"
        );
    }
}
