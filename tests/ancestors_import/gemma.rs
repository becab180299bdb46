//! Gemma.cpp sessions: the JSON in session_data.

use crate::fixture::*;
use turnkeep::transfer::{Format, ProblemKind};

const START: i64 = 1_700_000_000_000_000;

#[test]
fn a_gemma_sessions_database_is_brought_over_with_one_command() {
    let (store, source) = (memory(), written_by("make_gemma.py", &[]));
    let report = source.import(&store).unwrap();
    assert_eq!(report.format, Format::GemmaDatabase);
    assert_eq!(
        (report.sessions, report.messages, report.failed),
        (5, 10_005, 6),
        "{:#?}",
        report.problems
    );
    assert_eq!(ids(&store), ["bare", "differs", "full", "long", "renamed"]);
    let (full, info) = session(&store, "full");
    assert_eq!((info.window_tokens, info.token_total), (Some(4096), 12));
    assert_eq!((info.created, info.updated), (START, START + 60_000_000));
    assert_eq!(
        messages(&store, "full"),
        [
            said(SYSTEM, "Be kind.", START),
            said(USER, "a\0b '\" \u{1F600}", START + 1_000_000),
            said(ASSISTANT, "Two.", START + 500_000),
        ]
    );
    assert_eq!(
        full.last(3)
            .unwrap()
            .views()
            .iter()
            .map(|view| view.tokens)
            .collect::<Vec<_>>(),
        [3, 7, 2]
    );
}

#[test]
fn ten_thousand_messages_in_one_session_data_come_in_their_order() {
    let (store, source) = (memory(), written_by("make_gemma.py", &[]));
    source.import(&store).unwrap();
    let long = messages(&store, "long");
    assert_eq!(long.len(), 10_000);
    for (number, said) in long.iter().enumerate() {
        assert!(
            said.content.starts_with(&format!("message {number} x")),
            "{}",
            said.content
        );
        assert_eq!(said.created, START + number as i64 * 1000);
    }
    assert_eq!(session(&store, "long").1.token_total, 400_000);
}

#[test]
fn where_row_and_session_data_disagree_it_is_said() {
    let (store, source) = (memory(), written_by("make_gemma.py", &[]));
    let report = source.import(&store).unwrap();
    assert_eq!(contents(&store, "renamed"), ["Hello"]);
    let changed = problems(&report, ProblemKind::Changed);
    for (place, words) in [
        (
            "row 3 of sessions",
            "session_data says that the id is \"another id\"; the row's, 'renamed', is taken",
        ),
        (
            "row 4 of sessions",
            "its created_at is 1700000000005, and 1700000000000 in session_data, which is taken",
        ),
        (
            "row 4 of sessions",
            "its last_activity is 1700000060000, and 1700000000000 in session_data",
        ),
        ("row 4 of sessions", "its total_tokens is 9, and 1 in session_data"),
    ] {
        let told = changed
            .iter()
            .any(|(_, at, reason)| at == place && reason.contains(words));
        assert!(told, "{words}: {changed:#?}");
    }
    let (_, bare) = session(&store, "bare");
    assert_eq!((bare.created, bare.updated), (START, START + 60_000_000));
}

#[test]
fn session_data_that_is_none_fails_alone() {
    let report = written_by("make_gemma.py", &[]).import(&memory()).unwrap();
    for (id, place, words) in [
        ("role", "row 6 of sessions", "7"),
        ("broken", "row 7 of sessions", "JSON"),
        ("list", "row 8 of sessions", "not an object"),
        ("twice", "row 9 of sessions", "session_id"),
        ("deep", "row 10 of sessions", "JSON"),
        ("bytes", "row 11 of sessions", "session_data holds bytes"),
    ] {
        assert_told(&report, ProblemKind::Failed, id, place, words);
    }
}
