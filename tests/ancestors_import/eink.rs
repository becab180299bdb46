//! e-ink: exchanges become turns.

use crate::fixture::*;
use turnkeep::model::{AppendOptions, Exchange, NewSession, Status, Turn};
use turnkeep::transfer::{Format, ProblemKind};

const CONVERSATION: &str = "conv_20240701_100000_0a1b2c3d";

#[test]
fn an_eink_database_is_brought_over_with_one_command() {
    let (store, source) = (memory(), written_by("make_eink.py", &[]));
    let report = source.import(&store).unwrap();
    assert_eq!(report.format, Format::EinkDatabase);
    assert_eq!(
        (report.sessions, report.messages, report.failed),
        (4, 2 * 163, 0),
        "{:#?}",
        report.problems
    );
    let (_, info) = session(&store, CONVERSATION);
    assert_eq!(info.user_id, "reader's \"id\"");
    assert_eq!(info.summary, "They talk about \u{E4}pfel.");
    assert_eq!(info.metadata, r#"{"device": "kindle"}"#);
    assert_eq!(info.created, micros("2024-07-01T10:00:00.25Z"));
    assert_eq!(info.updated, micros("2024-07-01T11:00:00Z"));
    assert_eq!(session(&store, "put away").1.status, Status::Archived);
    assert_eq!(session(&store, "done").1.metadata, r#"{"status":"completed"}"#);
}

#[test]
fn an_exchange_of_eink_is_the_turn_that_would_have_been_appended() {
    let (store, source) = (memory(), written_by("make_eink.py", &[]));
    source.import(&store).unwrap();
    let appended = store.create_session(NewSession::default()).unwrap();
    for (name, kind, answer, processing, tokens_used, metadata) in [
        (
            "../notes '1'.pdf",
            "pdf",
            "An answer\0 \u{1F600}",
            2_250_000,
            321,
            Some(r#"{"pages": 3}"#),
        ),
        ("scan.png", "image", "Another one", 1_500_000, 100, None),
    ] {
        let exchange = Exchange {
            input_name: name.to_owned(),
            input_type: kind.to_owned(),
            answer: answer.to_owned(),
            processing,
            tokens_used,
            metadata: metadata.map(str::to_owned),
            ..Exchange::default()
        };
        appended.append_exchange(exchange, AppendOptions::default()).unwrap();
    }
    let (imported, _) = session(&store, CONVERSATION);
    let undated = |turns: Vec<Turn>| {
        turns
            .into_iter()
            .map(|turn| Turn { created: 0, ..turn })
            .collect::<Vec<_>>()
    };
    let turns = imported.turns(1, 9).unwrap();
    assert_eq!(turns[0].created, micros("2024-07-01T10:00:01Z"));
    assert_eq!(undated(turns), undated(appended.turns(1, 9).unwrap()));
    assert!(
        messages(&store, CONVERSATION)[1]
            .metadata
            .starts_with(r#"{"turnkeep:source":{"id":"ex_00000001"},"#)
    );
}

#[test]
fn exchanges_of_eink_with_the_same_number_are_all_taken_in_and_told() {
    let (store, source) = (memory(), written_by("make_eink.py", &[]));
    let report = source.import(&store).unwrap();
    let (threads, _) = session(&store, "threads");
    let turns = threads.turns(1, 1000).unwrap();
    let answers: Vec<String> = turns.into_iter().map(|turn| turn.answer).collect();
    assert_eq!(answers, (0..160).map(|i| format!("answer {i}")).collect::<Vec<_>>());
    let place = "row 2 of conversations";
    assert_told(
        &report,
        ProblemKind::Changed,
        "threads",
        place,
        "total_exchanges is 83, and it has 160",
    );
    assert_told(
        &report,
        ProblemKind::Changed,
        "threads",
        place,
        "53 of its exchanges have a number",
    );
}

#[test]
fn what_of_eink_does_not_fit_is_said_and_kept_where_it_can_be() {
    let (store, source) = (memory(), written_by("make_eink.py", &[]));
    let report = source.import(&store).unwrap();
    let place = "row 163 of exchanges";
    for words in [
        "input_file is 300 bytes long",
        "response_text is NULL",
        "processing_time is -1",
        "tokens_used is -5",
    ] {
        assert_told(&report, ProblemKind::Changed, "done", place, words);
    }
    let (done, _) = session(&store, "done");
    let turn = &done.turns(1, 1).unwrap()[0];
    assert_eq!(
        (
            turn.input_name.len(),
            turn.answer.as_str(),
            turn.processing,
            turn.tokens_used
        ),
        (255, "", 0, 0)
    );
    assert!(messages(&store, "done")[1].metadata.contains(&"x".repeat(300)));
    assert_told(
        &report,
        ProblemKind::LeftOut,
        "",
        "row 164 of exchanges",
        "exchanges that belong to 'conv_deleted', which is not among the conversations: 1",
    );
}
