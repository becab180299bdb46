//! ChatGPT's conversations.json: a mapping of nodes, of which some are messages.

use super::*;
use serde_json::json;
use turnkeep::model::Status;

fn node(id: &str, parent: Option<&str>, message: Value) -> (String, Value) {
    (
        id.to_owned(),
        json!({"id": id, "parent": parent, "children": [], "message": message}),
    )
}

fn said(role: &str, text: &str) -> Value {
    json!({
        "id": "x", "author": {"role": role, "name": null, "metadata": {}}, "create_time": 1_700_000_000.25,
        "content": {"content_type": "text", "parts": [text]}, "status": "finished_successfully", "weight": 1.0,
        "metadata": {"model_slug": if role == "assistant" { json!("gpt-4o") } else { json!(null) }}, "recipient": "all",
    })
}

fn with(mut message: Value, key: &str, value: Value) -> Value {
    message[key] = value;
    message
}

fn conversation(nodes: Vec<(String, Value)>, current: &str) -> String {
    let mapping: serde_json::Map<String, Value> = nodes.into_iter().collect();
    json!([{
        "title": "Cats & dogs", "create_time": 1_700_000_000.5, "update_time": 1_700_000_100.0, "mapping": mapping,
        "moderation_results": [], "current_node": current, "plugin_ids": null, "conversation_id": "c", "id": "c",
        "conversation_template_id": null, "gizmo_id": "g-123", "is_archived": true, "default_model_slug": "gpt-4o",
        "safe_urls": ["https://x"],
    }])
    .to_string()
}

#[test]
fn a_conversation_is_the_path_that_was_shown_and_a_fork_for_each_other() {
    let came = import(conversation(
        vec![
            node("root", None, Value::Null),
            node("sys", Some("root"), said("system", "")),
            node("q", Some("sys"), said("user", "Hello")),
            node("a1", Some("q"), said("assistant", "One")),
            node("a2", Some("q"), said("assistant", "Two")),
            node("q2", Some("sys"), said("user", "Hello!")),
        ],
        "a2",
    ));
    assert_eq!(came.report.format, Format::ChatGpt);
    assert_eq!(came.report.problems, []);
    assert_eq!(came.ids(), ["c", "c/a1", "c/q2"]);
    assert_eq!(came.lines("c"), ["user: Hello", "assistant: Two"]);
    assert_eq!(came.lines("c/a1"), ["user: Hello", "assistant: One"]);
    assert_eq!(came.lines("c/q2"), ["user: Hello!"]);
    assert_eq!((came.report.messages, came.report.forks), (4, 1));
    let info = came.info("c");
    assert_eq!((info.title.as_str(), info.model.as_str()), ("Cats & dogs", "gpt-4o"));
    assert_eq!(
        (info.created, info.updated),
        (1_700_000_000_500_000, 1_700_000_100_000_000)
    );
    assert_eq!(info.status, Status::Archived);
    assert_eq!(came.info("c/a1").status, Status::Archived);
    assert_eq!(came.metadata("c"), json!({"chatgpt": {"gizmo_id": "g-123"}}));
    let answer = &said_in(&came.store, "c")[1];
    assert_eq!(
        (answer.model.as_str(), answer.created),
        ("gpt-4o", 1_700_000_000_250_000)
    );
}

#[test]
fn what_the_model_says_to_a_tool_is_a_call_and_what_comes_back_answers_it() {
    let code = json!({"content_type": "code", "language": "python", "text": "print(1)"});
    let call = with(
        with(said("assistant", ""), "recipient", json!("python")),
        "content",
        code,
    );
    let output = |text: &str| {
        let content = json!({"content_type": "execution_output", "text": text});
        let author = json!({"role": "tool", "name": "python"});
        with(with(said("tool", ""), "content", content), "author", author)
    };
    let came = import(conversation(
        vec![
            node("q", None, said("user", "Run")),
            node("call", Some("q"), call),
            node("empty", Some("call"), Value::Null),
            node("out", Some("empty"), output("1")),
            node("out2", Some("out"), output("2")),
            node("a", Some("out2"), said("assistant", "Done")),
        ],
        "a",
    ));
    assert_eq!(came.report.problems, []);
    assert_eq!(
        came.lines("c"),
        ["user: Run", "assistant: ", "tool: 1", "tool: 2", "assistant: Done"]
    );
    let said = said_in(&came.store, "c");
    assert_eq!(
        said[1].tool_calls,
        json!([{"id": "call", "type": "function", "function": {"name": "python", "arguments": "print(1)"}}])
    );
    assert_eq!(
        (said[2].tool_call_id.as_str(), said[3].tool_call_id.as_str()),
        ("call", "call")
    );
    assert_eq!(said[2].metadata, json!({"chatgpt": {"tool": "python"}}));
}

#[test]
fn contents_of_every_kind_are_text_or_counted() {
    let of = |content: Value| with(said("user", ""), "content", content);
    let parts = json!([
        "Look:", {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"},
        {"content_type": "audio_transcription", "text": "spoken"}, {"content_type": "audio_asset_pointer"}, "",
    ]);
    let custom =
        json!({"content_type": "user_editable_context", "user_profile": "I am Ann.", "user_instructions": ""});
    let hidden = with(
        with(said("user", ""), "content", custom),
        "metadata",
        json!({"is_visually_hidden_from_conversation": true, "is_user_system_message": true}),
    );
    let thoughts = with(
        said("assistant", ""),
        "content",
        json!({"content_type": "thoughts", "thoughts": [{"summary": "S", "content": "C"}]}),
    );
    let recap = with(
        said("assistant", ""),
        "content",
        json!({"content_type": "reasoning_recap", "content": "Thought for 8s"}),
    );
    let attached = with(
        said("user", "See"),
        "metadata",
        json!({"attachments": [{"id": "f", "name": "a.pdf"}]}),
    );
    let came = import(conversation(
        vec![
            node("0", None, hidden),
            node(
                "1",
                Some("0"),
                of(json!({"content_type": "multimodal_text", "parts": parts})),
            ),
            node("2", Some("1"), thoughts),
            node("3", Some("2"), recap),
            node("4", Some("3"), said("assistant", "Nice")),
            node(
                "5",
                Some("4"),
                of(json!({"content_type": "tether_quote", "url": "https://x", "title": "T", "text": "quoted"})),
            ),
            node(
                "6",
                Some("5"),
                of(json!({"content_type": "tether_browsing_display", "result": "found", "summary": null})),
            ),
            node(
                "7",
                Some("6"),
                of(json!({"content_type": "system_error", "name": "E", "text": "failed"})),
            ),
            node(
                "8",
                Some("7"),
                of(json!({"content_type": "something_new", "parts": ["new"]})),
            ),
            node("9", Some("8"), attached),
            node(
                "10",
                Some("9"),
                of(json!({"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}]})),
            ),
        ],
        "10",
    ));
    assert_eq!(came.report.problems, []);
    assert_eq!(
        came.contents("c"),
        ["Look:\nspoken", "Nice", "quoted", "found", "failed", "new", "See", ""]
    );
    let counts = ["images", "audio clips", "thoughts", "attachments"].map(|what| came.lost(what));
    assert_eq!(counts, [2, 1, 2, 1]);
    assert_eq!(
        came.metadata("c")["chatgpt"]["custom_instructions"],
        json!({"user_profile": "I am Ann."})
    );
    assert_eq!(
        said_in(&came.store, "c")[6].metadata["chatgpt"]["attachments"],
        json!(["a.pdf"])
    );
}

#[test]
fn an_unknown_role_fails_its_conversation_with_reason_and_place() {
    let bad = conversation(vec![node("x", None, said("critic", "No"))], "x").replace("\"c\"", "\"bad\"");
    let good = conversation(vec![node("x", None, said("user", "Yes"))], "x");
    let both = format!("[{},{}]", &bad[1..bad.len() - 1], &good[1..good.len() - 1]);
    let came = import(both);
    assert_eq!(came.ids(), ["c"]);
    assert_eq!(came.report.problems[0].session_id, "bad");
    assert!(
        came.failure()
            .contains("element 1 at line 1: message 'x': its role is 'critic'"),
        "{}",
        came.failure()
    );
}

#[test]
fn a_tool_result_without_a_call_stays_as_a_message_of_the_assistant() {
    let came = import(conversation(
        vec![
            node("q", None, said("user", "Q")),
            node("t", Some("q"), said("tool", "found")),
        ],
        "t",
    ));
    assert_eq!(came.lines("c"), ["user: Q", "assistant: found"]);
    assert_eq!(came.problems(ProblemKind::Changed).len(), 1);
}

#[test]
fn times_that_are_none_are_told_and_left_to_the_store() {
    let message = with(said("user", "Q"), "create_time", json!("soon"));
    let text = conversation(vec![node("q", None, message)], "q").replace("1700000000.5", "1e300");
    let came = import(text);
    assert_eq!(came.problems(ProblemKind::Changed).len(), 2, "{:?}", came.report);
    assert!(came.info("c").created > 1_700_000_000_000_000);
}

#[test]
fn a_chain_of_results_that_parts_at_each_of_them_is_not_repeated_for_each() {
    const LINKS: usize = 500;
    let mut nodes = Vec::new();
    for link in 0..LINKS {
        let parent = link.checked_sub(1).map(|above| format!("t{above}"));
        nodes.push(node(&format!("t{link}"), parent.as_deref(), said("tool", "x")));
        nodes.push(node(
            &format!("leaf{link}"),
            Some(&format!("t{link}")),
            said("tool", "y"),
        ));
    }
    let came = import(conversation(nodes, "leaf499"));
    assert_eq!(came.report.failed, 0);
    assert_eq!(came.ids().len(), LINKS);
    assert!(came.report.messages < 20 * LINKS as u64, "{}", came.report.messages);
    assert_eq!(came.contents("c").len(), LINKS + 1);
    assert_eq!(came.contents("c/leaf3"), ["x", "x", "x", "x", "y"]);
}

#[test]
fn other_fields_of_a_message_are_kept() {
    let message = with(said("user", "Hi"), "rating", json!("good"));
    let came = import(conversation(vec![node("q", None, message)], "q"));
    assert_eq!(
        said_in(&came.store, "c")[0].metadata,
        json!({"chatgpt": {"rating": "good"}})
    );
}
