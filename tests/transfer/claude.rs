//! Claude's conversations.json.

use super::*;
use serde_json::json;

fn said(number: usize, sender: &str, content: Value) -> Value {
    let text: String = content
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect();
    json!({
        "uuid": format!("m{number}"), "text": text, "content": content, "sender": sender,
        "created_at": format!("2026-03-23T03:44:{number:02}.917458Z"), "updated_at": "2026-03-23T03:44:28.917458Z",
        "attachments": [], "files": [],
    })
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text, "citations": []})
}

fn conversation(messages: Vec<Value>) -> String {
    json!([{
        "uuid": "c", "name": "Words", "summary": "About words.", "created_at": "2026-03-23T03:44:27.886210Z",
        "updated_at": "2026-03-23T07:38:14Z", "account": {"uuid": "acc"}, "chat_messages": messages,
    }])
    .to_string()
}

#[test]
fn a_list_of_messages_is_a_session() {
    let came = import(conversation(vec![
        said(1, "human", json!([text("Hi")])),
        said(2, "assistant", json!([text("Ho"), text("Hum")])),
    ]));
    assert_eq!(came.report.format, Format::Claude);
    assert_eq!(came.report.problems, []);
    assert_eq!(came.lines("c"), ["user: Hi", "assistant: Ho\n\nHum"]);
    let info = came.info("c");
    assert_eq!((info.title.as_str(), info.summary.as_str()), ("Words", "About words."));
    assert_eq!(
        (info.created, info.updated),
        (1_774_237_467_886_210, 1_774_251_494_000_000)
    );
    assert_eq!(said_in(&came.store, "c")[0].created, 1_774_237_441_917_458);
}

#[test]
fn one_message_with_calls_becomes_what_was_said_called_and_answered() {
    let came = import(conversation(vec![
        said(1, "human", json!([text("Weather?")])),
        said(
            2,
            "assistant",
            json!([
                {"type": "thinking", "thinking": "Look it up.", "summaries": []},
                text("Let me see."),
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Kiel"}},
                {"type": "tool_use", "id": "t2", "name": "time", "input": {}},
                {"type": "tool_result", "tool_use_id": "t1", "name": "weather", "content": [{"type": "text", "text": "rain"}, {"type": "image"}], "is_error": false},
                {"type": "tool_result", "tool_use_id": "t2", "name": "time", "content": "noon", "is_error": true},
                {"type": "token_budget"},
                text("Rain at noon."),
                {"type": "strange"},
            ]),
        ),
    ]));
    assert_eq!(came.report.problems, []);
    assert_eq!(
        came.lines("c"),
        [
            "user: Weather?",
            "assistant: Let me see.",
            "tool: rain",
            "tool: noon",
            "assistant: Rain at noon."
        ]
    );
    let said = said_in(&came.store, "c");
    assert_eq!(said[1].metadata, json!({"claude": {"thinking": ["Look it up."]}}));
    assert_eq!(said[1].tool_calls[0]["function"]["arguments"], "{\"city\":\"Kiel\"}");
    assert_eq!(
        (said[2].tool_call_id.as_str(), said[3].tool_call_id.as_str()),
        ("t1", "t2")
    );
    assert_eq!(said[3].metadata, json!({"claude": {"tool": "time", "is_error": true}}));
    assert_eq!((came.lost("images"), came.lost("other parts of contents")), (1, 1));
}

#[test]
fn parents_make_a_tree_and_edited_questions_are_forks() {
    let root = "00000000-0000-4000-8000-000000000000";
    let hang = |mut message: Value, parent: &str| {
        message["parent_message_uuid"] = json!(parent);
        message
    };
    let came = import(conversation(vec![
        hang(said(1, "human", json!([text("A")])), root),
        hang(said(2, "assistant", json!([text("B")])), "m1"),
        hang(said(3, "human", json!([text("C")])), root),
        hang(said(4, "assistant", json!([text("D")])), "m3"),
        hang(said(5, "assistant", json!([text("E")])), "m1"),
    ]));
    assert_eq!(came.report.problems, []);
    assert_eq!(came.contents("c"), ["A", "E"]);
    assert_eq!(came.contents("c/m2"), ["A", "B"]);
    assert_eq!(came.contents("c/m4"), ["C", "D"]);
}

#[test]
fn old_messages_have_only_a_text_and_attachments_are_named() {
    let old = json!({
        "uuid": "m", "text": "Read this", "sender": "human", "created_at": "2024-01-01T00:00:00Z",
        "attachments": [{"file_name": "a.txt", "file_size": 3, "file_type": "txt", "extracted_content": "abc"}],
        "files": [{"file_name": "b.png"}],
    });
    let empty =
        json!({"uuid": "n", "text": "", "content": [], "sender": "assistant", "created_at": "2024-01-01T00:00:01Z"});
    let came = import(conversation(vec![old, empty]));
    assert_eq!(came.lines("c"), ["user: Read this"]);
    let metadata = &said_in(&came.store, "c")[0].metadata["claude"];
    assert_eq!(metadata["attachments"][0]["extracted_content"], "abc");
    assert_eq!(metadata["files"], json!([{"file_name": "b.png"}]));
    assert_eq!((came.lost("attachments"), came.lost("files")), (0, 1));
}

#[test]
fn an_unknown_sender_fails_the_conversation() {
    let came = import(conversation(vec![said(1, "robot", json!([text("Hi")]))]));
    assert!(came.failure().contains("its sender is 'robot'"), "{}", came.failure());
    assert_eq!(came.ids(), Vec::<String>::new());
}

#[test]
fn other_fields_of_a_message_are_kept_or_counted() {
    let with = |mut message: Value| {
        message["stop_reason"] = json!("stop_sequence");
        message
    };
    let came = import(conversation(vec![
        said(1, "human", json!([text("Hi")])),
        with(said(2, "assistant", json!([text("Ho")]))),
        with(said(3, "assistant", json!([]))),
    ]));
    assert_eq!(came.lines("c"), ["user: Hi", "assistant: Ho"]);
    let metadata = &said_in(&came.store, "c")[1].metadata;
    assert_eq!(*metadata, json!({"claude": {"stop_reason": "stop_sequence"}}));
    assert_eq!(came.lost("other fields of messages"), 1);
}
