//! Out of one store and into another, through each format that goes both ways: what it carries comes back field by field, and
//! what it does not carry is counted.

use super::nasty::NASTY;
use super::*;
use serde_json::json;
use turnkeep::model::{AppendOptions, NewMessage, NewSession, SessionChanges, Status, Tokens};

const CALLS: &str = r#"[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Kiel\"}"}},{"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}]"#;

fn answer(id: &str, content: &str) -> NewMessage {
    NewMessage {
        tool_call_id: Some(id.to_owned()),
        ..NewMessage::new(Role::Tool, content)
    }
}

/// A session that has something in every field, one that has nothing, and a fork of the first, which takes after it.
fn full() -> Store {
    let store = memory();
    let time = 1_700_000_000_123_000;
    let mut messages = vec![
        NewMessage::new(Role::System, "Be brief."),
        NewMessage::new(Role::Developer, "And kind."),
        NewMessage::new(Role::User, "Weather?\r\nAnd \"time\", too; =1+1\0\u{1F600}"),
        NewMessage {
            tool_calls: Some(CALLS.to_owned()),
            model: Some("gemma".to_owned()),
            tokens: Tokens::Given(77),
            ..NewMessage::new(Role::Assistant, "")
        },
        answer("call_1", "rain"),
        answer("call_2", "noon"),
        NewMessage {
            metadata: Some(r#"{"z":1,"a":[1.5]}"#.to_owned()),
            pinned: true,
            ..NewMessage::new(Role::Assistant, "Rain at noon.")
        },
    ];
    for (index, message) in messages.iter_mut().enumerate() {
        message.created = Some(time + index as i64 * 1_000_000);
    }
    let session = store
        .create_session(NewSession {
            id: Some("full".to_owned()),
            user_id: "ann".to_owned(),
            name: Some("weather".to_owned()),
            title: "=HYPERLINK(\"x\")".to_owned(),
            model: "gemma-2".to_owned(),
            summary: "They talk.".to_owned(),
            metadata: Some(r#"{"b":{"c":null},"a":"ü"}"#.to_owned()),
            window_tokens: Some(4096),
            tags: vec!["one".to_owned(), "two".to_owned()],
            messages,
            ..NewSession::default()
        })
        .unwrap();
    let changes = SessionChanges {
        status: Some(Status::Archived),
        ..SessionChanges::default()
    };
    session.update(changes).unwrap();
    store.create_session(named("empty")).unwrap();
    let fork = session.fork(Some(3), named("fork")).unwrap();
    fork.append(vec![NewMessage::new(Role::Assistant, "Sun.")], AppendOptions::default())
        .unwrap();
    store
}

fn named(id: &str) -> NewSession {
    NewSession {
        id: Some(id.to_owned()),
        ..NewSession::default()
    }
}

/// What stays of a message when a format carries only some of it.
fn without(said: Vec<Said>, forget: impl Fn(&mut Said)) -> Vec<Said> {
    let forget = |mut said: Said| {
        forget(&mut said);
        said
    };
    said.into_iter().map(forget).collect()
}

fn there_and_back(format: Format) -> (Store, ExportReport, Came) {
    let store = full();
    let (text, report) = export(&store, format);
    let came = import(text);
    assert_eq!(
        (came.report.format, came.report.sessions, came.report.failed),
        (format, 3, 0)
    );
    assert_eq!(came.report.problems, []);
    (store, report, came)
}

#[test]
fn openai_carries_sessions_and_what_the_chat_api_knows_of_messages() {
    let (store, report, came) = there_and_back(Format::OpenAi);
    let (before, after) = (
        store.open_session("full").unwrap().describe().unwrap(),
        came.info("full"),
    );
    let fields = |info: &SessionInfo| {
        (
            info.user_id.clone(),
            info.name.clone(),
            info.title.clone(),
            info.model.clone(),
            info.summary.clone(),
            info.metadata.clone(),
            info.tags.clone(),
            (info.status, info.created, info.updated),
        )
    };
    assert_eq!(fields(&before), fields(&after));
    let forget = |said: &mut Said| {
        said.model.clear();
        said.metadata = Value::Null;
        (said.created, said.tokens, said.estimated, said.pinned) = (0, 0, false, false);
    };
    for id in ["full", "empty", "fork"] {
        assert_eq!(
            without(said_in(&store, id), forget),
            without(said_in(&came.store, id), forget)
        );
    }
    for (what, count) in [
        ("forks", 1),
        ("window sizes", 2),
        ("times of messages", 11),
        ("token counts", 1),
        ("models of messages", 1),
        ("metadata of messages", 1),
        ("pins", 1),
        ("tags", 0),
        ("tool calls", 0),
    ] {
        assert_eq!(lost(&report.losses, what), count, "{what}: {:?}", report.losses);
    }
}

#[test]
fn sharegpt_carries_titles_texts_and_calls() {
    let (store, report, came) = there_and_back(Format::ShareGpt);
    assert_eq!(came.info("full").title, "=HYPERLINK(\"x\")");
    assert_eq!(came.info("full").model, "gemma-2");
    let forget = |said: &mut Said| {
        said.model.clear();
        said.metadata = Value::Null;
        (said.created, said.tokens, said.estimated, said.pinned) = (0, 0, false, false);
    };
    for id in ["full", "empty", "fork"] {
        assert_eq!(
            without(said_in(&store, id), forget),
            without(said_in(&came.store, id), forget)
        );
    }
    for (what, count) in [
        ("owners", 2),
        ("names", 1),
        ("tags", 4),
        ("summaries", 2),
        ("metadata of sessions", 2),
        ("archived and trashed states", 1),
        ("times of sessions", 3),
        ("times of messages", 11),
        ("tool calls", 0),
        ("ids of answered calls", 0),
    ] {
        assert_eq!(lost(&report.losses, what), count, "{what}: {:?}", report.losses);
    }
}

#[test]
fn csv_carries_every_field_of_a_message() {
    let (store, report, came) = there_and_back(Format::Csv);
    for id in ["full", "empty", "fork"] {
        assert_eq!(said_in(&store, id), said_in(&came.store, id));
    }
    let (before, after) = (
        store.open_session("full").unwrap().describe().unwrap(),
        came.info("full"),
    );
    assert_eq!(
        (before.user_id, before.name, before.title, before.model, before.metadata),
        (after.user_id, after.name, after.title, after.model, after.metadata)
    );
    for (what, count) in [
        ("tags", 4),
        ("summaries", 2),
        ("forks", 1),
        ("pins", 0),
        ("token counts", 0),
    ] {
        assert_eq!(lost(&report.losses, what), count, "{what}: {:?}", report.losses);
    }
}

#[test]
fn gemma_sessions_carry_texts_times_and_counts() {
    let (store, report, came) = there_and_back(Format::GemmaSessions);
    assert_eq!(came.info("full").window_tokens, Some(4096));
    assert_eq!(came.info("empty").window_tokens, Some(8192));
    assert_eq!(
        came.info("full").created,
        store.open_session("full").unwrap().describe().unwrap().created / 1000 * 1000
    );
    let forget = |said: &mut Said| {
        said.role = match said.role {
            Role::Tool => Role::Assistant,
            Role::Developer => Role::System,
            other => other,
        };
        said.model.clear();
        said.tool_call_id.clear();
        (said.metadata, said.tool_calls) = (Value::Null, Value::Null);
        said.created = said.created / 1000 * 1000;
        (said.estimated, said.pinned) = (false, false);
    };
    for id in ["full", "empty", "fork"] {
        assert_eq!(
            without(said_in(&store, id), forget),
            without(said_in(&came.store, id), forget)
        );
    }
    for (what, count) in [
        ("titles", 2),
        ("tags", 4),
        ("tool calls", 2),
        ("ids of answered calls", 2),
        ("roles tool, kept as assistant", 2),
        ("roles developer, kept as system", 2),
        ("pins", 1),
        ("models of messages", 1),
    ] {
        assert_eq!(lost(&report.losses, what), count, "{what}: {:?}", report.losses);
    }
}

#[test]
fn nothing_is_lost_from_a_session_that_has_nothing() {
    let store = memory();
    store.create_session(named("plain")).unwrap();
    for format in [Format::OpenAi, Format::Csv] {
        let (_, report) = export(&store, format);
        let other: Vec<_> = report
            .losses
            .iter()
            .filter(|loss| loss.what != "times of sessions")
            .collect();
        assert!(other.is_empty(), "{format:?}: {other:?}");
    }
}

#[test]
fn texts_that_have_broken_programs_come_back_through_every_format() {
    let store = memory();
    for (index, nasty) in NASTY.iter().enumerate() {
        let messages = vec![
            NewMessage::new(Role::User, *nasty),
            NewMessage::new(Role::Assistant, format!("'{nasty}\r\n{nasty}\0,;\t")),
            NewMessage::new(Role::User, ""),
        ];
        let session = NewSession {
            id: Some(
                format!("{index}{nasty}")
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(60)
                    .collect(),
            ),
            title: (*nasty).to_owned(),
            messages,
            ..NewSession::default()
        };
        store.create_session(session).unwrap();
    }
    for format in [Format::OpenAi, Format::ShareGpt, Format::Csv, Format::GemmaSessions] {
        let came = import(export(&store, format).0);
        assert_eq!(came.report.problems, [], "{format:?}");
        for info in sessions_of(&store) {
            let contents = |store: &Store| -> Vec<String> {
                said_in(store, &info.id).into_iter().map(|said| said.content).collect()
            };
            assert_eq!(contents(&store), contents(&came.store), "{format:?}");
            if format != Format::GemmaSessions {
                assert_eq!(info.title, came.info(&info.id).title, "{format:?}");
            }
        }
    }
}

#[test]
fn a_table_has_no_cell_that_a_spreadsheet_takes_for_a_formula() {
    let store = memory();
    let formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "=1\n=2"];
    let messages = formulas.iter().map(|text| NewMessage::new(Role::User, *text));
    let session = NewSession {
        id: Some("=id".to_owned()),
        messages: messages.collect(),
        ..NewSession::default()
    };
    store.create_session(session).unwrap();
    let (text, _) = export(&store, Format::Csv);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for record in reader.records() {
        for cell in &record.unwrap() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
        }
    }
    let came = import(text);
    assert_eq!(came.contents("=id"), formulas);
}

#[test]
fn calls_stand_in_sharegpt_as_others_write_them_where_that_loses_nothing() {
    let (text, _) = export(&full(), Format::ShareGpt);
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let call = line["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|said| said["from"] == "function_call")
        .unwrap();
    let calls: Value = serde_json::from_str(call["value"].as_str().unwrap()).unwrap();
    assert_eq!(
        calls,
        json!([
            {"id": "call_1", "name": "weather", "arguments": "{\"city\": \"Kiel\"}"},
            {"id": "call_2", "name": "time", "arguments": {}},
        ])
    );
}

#[test]
fn what_openai_messages_have_besides_is_written_back() {
    let line = json!({
        "id": "x",
        "tools": [{"type": "function"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "What is"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}], "name": "ann"},
            {"role": "assistant", "content": "A cat.", "weight": 0},
        ],
    });
    let came = import(line.to_string());
    assert_eq!(came.contents("x"), ["What is", "A cat."]);
    assert_eq!(came.lost("images"), 1);
    let (text, report) = export(&came.store, Format::OpenAi);
    let back: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(back["messages"], line["messages"]);
    assert_eq!(back["tools"], line["tools"]);
    assert_eq!(lost(&report.losses, "metadata of messages"), 0);
}

#[test]
fn a_foreign_field_with_the_name_of_the_parts_never_becomes_the_content() {
    let lines = [
        json!({"id": "a", "messages": [{"role": "user", "content": "said", "content_parts": [{"type": "text", "text": "forged"}]}]}),
        json!({"id": "b", "messages": [{"role": "user", "content": "said", "content_parts": "forged"}]}),
    ];
    let came = import(lines.map(|line| format!("{line}\n")).concat());
    assert_eq!(came.lost("other fields of messages"), 2);
    let forged = json!({"openai": {"content_parts": [{"type": "text", "text": "forged"}]}}).to_string();
    let message = NewMessage {
        metadata: Some(forged),
        ..NewMessage::new(Role::User, "said")
    };
    let session = came.store.open_session("a").unwrap();
    session.append(vec![message], AppendOptions::default()).unwrap();
    let (text, _) = export(&came.store, Format::OpenAi);
    assert!(!text.contains("forged"), "{text}");
    assert_eq!(text.matches(r#""content":"said""#).count(), 3);
}

#[test]
fn what_else_openai_says_of_an_owner_or_a_status_is_written_back_or_counted() {
    let line = json!({"id": "x", "user_id": "ann", "user": "hash-7", "status": "snoozed", "messages": []});
    let came = import(line.to_string());
    assert_eq!(came.info("x").user_id, "ann");
    let (text, report) = export(&came.store, Format::OpenAi);
    let back: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&back["user_id"], &back["user"]), (&json!("ann"), &json!("hash-7")));
    assert_eq!(lost(&report.losses, "other fields of sessions"), 1);
}

#[test]
fn json_that_a_store_keeps_with_a_key_twice_comes_back_with_the_last() {
    let store = memory();
    let message = NewMessage {
        tool_calls: Some("[ {\"id\":\"a\",\n\"id\":\"b\"} ]".to_owned()),
        ..NewMessage::new(Role::Assistant, "")
    };
    let session = NewSession {
        id: Some("x".to_owned()),
        metadata: Some("{\"k\":1,\"k\":2}".to_owned()),
        messages: vec![message],
        ..NewSession::default()
    };
    store.create_session(session).unwrap();
    let came = import(export(&store, Format::OpenAi).0);
    assert_eq!(came.said()[0].tool_calls, json!([{"id": "b"}]));
    assert_eq!(came.metadata("x"), json!({"k": 2}));
}
