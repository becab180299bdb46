//! coda: the tables of its code, and those of its README.

use crate::fixture::*;
use turnkeep::model::Status;
use turnkeep::transfer::{Format, ProblemKind};

const QUESTION: &str = "Question \u{1F600} '\"\0 end";

#[test]
fn a_coda_database_is_brought_over_with_one_command() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    let report = source.import(&store).unwrap();
    assert_eq!(report.format, Format::CodaDatabase);
    assert_eq!(
        (report.sessions, report.failed, report.forks),
        (13, 1, 2),
        "{:#?}",
        report.problems
    );

    let (_, info) = session(&store, "trunk");
    assert_eq!(info.name.as_deref(), Some("trunk's name"));
    assert_eq!((info.model.as_str(), info.status), ("gpt-4", Status::Active));
    assert_eq!(info.tags, ["c++ 'quoted'", "work"]);
    assert_eq!(info.created, micros("2024-06-01T08:00:00Z"));
    assert_eq!(info.updated, micros("2024-06-01T09:00:00Z"));
    assert_eq!(
        info.metadata,
        "{\"total_cost\":0.25,\"description\":\"Can't, c++, foo-bar\",\"provider\":\"openai\",\"mode\":\"debug\",\
         \"accessed_at\":\"2024-06-02 00:00:00.000000\",\"temperature\":0.0,\"max_tokens\":2048,\
         \"config\":{\"theme\":\"dark\"}}"
    );
}

#[test]
fn messages_of_coda_keep_usage_cost_attachments_errors_and_calls() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    source.import(&store).unwrap();
    let calls = r#"[{"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}]"#;
    let answered = "\"cost\":0.0021,\"provider\":\"openai\",\"finish\": \"stop\", \"n\": 1.50";
    assert_eq!(
        messages(&store, "trunk"),
        [
            said(SYSTEM, "Be brief.", micros("2024-06-01T08:00:00Z")),
            said(USER, QUESTION, micros("2024-06-01T08:00:01Z")).from("trunk-1", ""),
            said(ASSISTANT, "", micros("2024-06-01T08:00:02Z"))
                .from(
                    "trunk-2",
                    &format!("\"usage\":{{\"completion\":30,\"prompt\":120,\"total\":150}},{answered}")
                )
                .with(|said| {
                    said.model = "gpt-4-turbo".to_owned();
                    said.tool_calls = calls.to_owned();
                }),
            said(TOOL, "result", micros("2024-06-01T08:00:03Z"))
                .from("trunk-3", "\"tool_call_id\": \"call_1\"")
                .with(|said| said.tool_call_id = "call_1".to_owned()),
            said(ASSISTANT, "Answer", micros("2024-06-01T08:00:04Z")).from(
                "trunk-4",
                "\"attachments\":[{\"name\":\"a.png\"}],\"error\":\"timed out\",\"error_type\":\"Timeout\""
            ),
        ]
    );
    let (trunk, _) = session(&store, "trunk");
    assert_eq!(trunk.message(3).unwrap().views()[0].tokens, 30);
}

#[test]
fn a_branch_of_coda_shares_what_it_copied_and_has_again_what_the_copies_lost() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    source.import(&store).unwrap();
    let (trunk, _) = session(&store, "trunk");
    for (id, parent, shared) in [("branch", "trunk", 3), ("twig", "branch", 4)] {
        let (session, info) = session(&store, id);
        assert_eq!(
            (info.parent_id.as_deref(), info.fork_seq),
            (Some(parent), shared),
            "{id}"
        );
        assert_eq!(trunk.compare(&session).unwrap().common_seq, 3, "{id}");
    }
    assert_eq!(messages(&store, "branch")[..3], messages(&store, "trunk")[..3]);
    assert_eq!(
        contents(&store, "twig"),
        ["Be brief.", QUESTION, "", "Another way", "That way"]
    );
    assert_eq!(session(&store, "branch").1.tags, ["work"]);
}

#[test]
fn a_branch_of_coda_that_was_edited_is_kept_whole_and_knows_its_parent() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    let report = source.import(&store).unwrap();
    let (_, info) = session(&store, "edited");
    assert_eq!((info.parent_id.as_deref(), info.fork_seq), (Some("trunk"), 0));
    assert_eq!(
        contents(&store, "edited"),
        ["Be brief.", "Another question", "Another answer"]
    );
    assert_told(
        &report,
        ProblemKind::Changed,
        "edited",
        "row 4 of sessions",
        "it is kept whole",
    );
}

#[test]
fn parents_in_a_circle_or_nowhere_cost_no_session() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    let report = source.import(&store).unwrap();
    for (id, place) in [
        ("ring1", "row 6 of sessions"),
        ("ring2", "row 7 of sessions"),
        ("self", "row 8 of sessions"),
    ] {
        assert_eq!(session(&store, id).1.parent_id, None);
        assert_eq!(contents(&store, id), ["round and round"]);
        assert_told(&report, ProblemKind::Changed, id, place, "lead back to it");
    }
    assert_eq!(contents(&store, "stray"), ["alone"]);
    assert_eq!(contents(&store, "of-bad"), ["My parent cannot be taken in"]);
    assert_told(
        &report,
        ProblemKind::Failed,
        "bad",
        "row 13 of sessions",
        "role is 'wizard'",
    );
    let lost = report
        .losses
        .iter()
        .find(|loss| loss.what.starts_with("parents of forks"));
    assert_eq!(lost.unwrap().count, 2);
}

#[test]
fn the_states_of_coda_and_names_that_stand_twice_are_kept() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    let report = source.import(&store).unwrap();
    assert_eq!(session(&store, "archive").1.status, Status::Archived);
    let (_, trash) = session(&store, "trash");
    assert_eq!(
        (trash.status, trash.name, trash.title.as_str()),
        (Status::Trashed, None, "same name")
    );
    let (_, paused) = session(&store, "paused");
    assert_eq!(paused.status, Status::Active);
    assert_eq!(paused.metadata, r#"{"system_prompt":"Not this one","status":"paused"}"#);
    assert_eq!(contents(&store, "paused"), ["The one that leads"]);
    assert_told(
        &report,
        ProblemKind::Changed,
        "paused",
        "row 11 of sessions",
        "its status is 'paused'",
    );
}

#[test]
fn numbers_that_eight_threads_gave_twice_are_put_in_the_order_of_their_rows() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    let report = source.import(&store).unwrap();
    let rows: Vec<String> = (0..7).map(|row| format!("row {row}")).collect();
    assert_eq!(contents(&store, "threads"), rows);
    assert_told(
        &report,
        ProblemKind::Changed,
        "threads",
        "row 12 of sessions",
        "3 of its messages have a number",
    );
    assert_told(
        &report,
        ProblemKind::LeftOut,
        "",
        "row 28 of messages",
        "messages that belong to 'deleted', which is not among the sessions: 1",
    );
    let losses: Vec<_> = report.losses.iter().map(|loss| (loss.what, loss.count)).collect();
    assert!(losses.contains(&("messages without a session", 1)), "{losses:?}");
    assert!(
        losses.contains(&("attachments in a table of their own", 1)),
        "{losses:?}"
    );
}

#[test]
fn the_database_of_codas_readme_is_brought_over_too() {
    let (store, source) = (memory(), written_by("make_coda.py", &["--readme"]));
    let report = source.import(&store).unwrap();
    assert_eq!(
        (report.format, report.sessions, report.problem_count),
        (Format::CodaDatabase, 1, 0)
    );
    let (_, info) = session(&store, "r1");
    assert_eq!(
        (info.name.as_deref(), info.metadata.as_str()),
        (Some("my \"project\""), r#"{"topic": "c++"}"#)
    );
    assert_eq!(info.updated, micros("2024-05-01T11:00:00Z"));
    assert_eq!(
        messages(&store, "r1"),
        [
            said(USER, "Hello \u{1F600}", micros("2024-05-01T10:00:01Z")).from("1", ""),
            said(ASSISTANT, "Hi", micros("2024-05-01T10:00:02.5Z"))
                .from("2", "\"model\": \"gpt-4\"")
                .with(|said| said.model = "gpt-4".to_owned()),
        ]
    );
}
