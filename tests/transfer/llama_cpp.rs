//! What the llama.cpp web UI exports, in the shapes that were in the wild.

use super::*;
use serde_json::json;

/// A session with a question and two answers, as JSON Lines.
fn lines() -> String {
    [
        json!({"type": "session", "harness": "llama.app", "id": "c1", "name": "Cats", "lastModified": 1_700_000_009_000_i64, "currNode": "a2", "pinned": true}),
        json!({"type": "message", "message": {"id": "r", "convId": "c1", "type": "root", "timestamp": 1_700_000_000_000_i64, "role": "system", "content": "", "parent": null, "toolCalls": "", "children": ["s"]}}),
        json!({"type": "message", "message": {"id": "s", "convId": "c1", "type": "system", "timestamp": 1_700_000_000_500_i64, "role": "system", "content": "Be brief.", "parent": "r", "children": ["u"]}}),
        json!({"type": "message", "message": {"id": "u", "convId": "c1", "type": "text", "timestamp": 1_700_000_001_000_i64, "role": "user", "content": "Hi", "parent": "s", "children": ["a1", "a2"],
            "extra": [{"type": "TEXT", "name": "x.txt", "content": "text"}, {"type": "imageFile", "name": "x.png", "base64Url": "data:..."}]}}),
        json!({"type": "message", "message": {"id": "a1", "convId": "c1", "type": "text", "timestamp": 1_700_000_002_000_i64, "role": "assistant", "content": "One", "parent": "u", "children": [], "model": "gemma"}}),
        json!({"type": "message", "message": {"id": "a2", "convId": "c1", "type": "text", "timestamp": 1_700_000_003_000_i64, "role": "assistant", "content": "", "reasoningContent": "Hm.", "parent": "u", "children": ["t"],
            "toolCalls": [{"id": "k", "type": "function", "function": {"name": "f", "arguments": "{}"}}], "timings": {"predicted_n": 5}}}),
        json!({"type": "message", "message": {"id": "t", "convId": "c1", "type": "text", "timestamp": 1_700_000_004_000_i64, "role": "tool", "toolCallId": "k", "content": "42", "parent": "a2", "children": []}}),
    ]
    .iter()
    .map(|line| format!("{line}\n"))
    .collect()
}

#[test]
fn a_session_and_its_messages_are_lines() {
    let came = import(lines());
    assert_eq!(came.report.format, Format::LlamaCpp);
    assert_eq!(came.report.problems, []);
    assert_eq!(came.ids(), ["c1", "c1/a1"]);
    assert_eq!(
        came.lines("c1"),
        ["system: Be brief.", "user: Hi", "assistant: ", "tool: 42"]
    );
    assert_eq!(came.lines("c1/a1"), ["system: Be brief.", "user: Hi", "assistant: One"]);
    let (info, fork) = (came.info("c1"), came.info("c1/a1"));
    assert_eq!((info.title.as_str(), info.updated), ("Cats", 1_700_000_009_000_000));
    assert_eq!(info.created, 1_700_000_000_500_000);
    assert_eq!((fork.parent_id.as_deref(), fork.fork_seq), (Some("c1"), 2));
    assert_eq!(came.metadata("c1"), json!({"llama-cpp": {"pinned": true}}));
    let said = said_in(&came.store, "c1");
    assert_eq!(said[1].metadata["llama-cpp"]["attachments"][0]["content"], "text");
    assert_eq!(
        said[2].metadata["llama-cpp"],
        json!({"reasoning": "Hm.", "timings": {"predicted_n": 5}})
    );
    assert_eq!(said[2].tool_calls[0]["function"]["name"], "f");
    assert_eq!(
        (said[3].tool_call_id.as_str(), said[3].created),
        ("k", 1_700_000_004_000_000)
    );
    assert_eq!(said_in(&came.store, "c1/a1")[2].model, "gemma");
    assert_eq!(came.lost("images"), 1);
}

#[test]
fn earlier_versions_had_one_json_with_calls_as_text_and_numbers_as_ids() {
    let one = json!({
        "conv": {"id": "conv-1", "lastModified": 1_700_000_009_000_i64, "currNode": 3, "name": "Old"},
        "messages": [
            {"id": 1, "convId": "conv-1", "type": "root", "role": "system", "content": "", "parent": -1, "children": [2], "timestamp": 1_700_000_000_000_i64},
            {"id": 2, "convId": "conv-1", "type": "text", "role": "user", "content": "Hi", "parent": 1, "children": [3], "timestamp": 1_700_000_001_000_i64},
            {"id": 3, "convId": "conv-1", "type": "text", "role": "assistant", "content": "Ho", "parent": 2, "children": [], "timestamp": 1_700_000_002_000_i64,
             "thinking": "", "toolCalls": "[{\"id\":\"k\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]"},
        ],
    });
    for text in [
        one.to_string(),
        format!("[{one}]"),
        serde_json::to_string_pretty(&one).unwrap(),
    ] {
        let came = import(text);
        assert_eq!(came.report.format, Format::LlamaCpp);
        assert_eq!(came.report.problems, []);
        assert_eq!(came.lines("conv-1"), ["user: Hi", "assistant: Ho"]);
        assert_eq!(said_in(&came.store, "conv-1")[1].tool_calls[0]["id"], "k");
    }
}

#[test]
fn the_first_versions_had_a_list_without_parents() {
    let text = r#"{"id":"conv-9","lastModified":1700000000000,"messages":[
        {"id":1,"role":"user","content":"Hi"},{"id":2,"role":"assistant","content":null},{"id":3,"role":"user","content":"?"}]}"#;
    let came = import(text);
    assert_eq!(came.lines("conv-9"), ["user: Hi", "assistant: ", "user: ?"]);
}

#[test]
fn a_bad_line_spoils_its_session_and_no_other() {
    let text = format!(
        "{}{}{}",
        lines(),
        lines()
            .replace("\"c1\"", "\"c2\"")
            .replacen("{\"message\":{", "{\"message\":{{", 1),
        lines().replace("\"c1\"", "\"c3\"")
    );
    let came = import(text);
    assert_eq!(came.ids(), ["c1", "c1/a1", "c3", "c3/a1"]);
    assert!(came.failure().contains("line 9"), "{}", came.failure());
    assert_eq!(came.report.problems[0].session_id, "c2");
}

#[test]
fn a_message_whose_session_is_not_there_is_told() {
    let text = lines();
    let (_, without) = text.split_once('\n').unwrap();
    let came = import_as(Format::LlamaCpp, format!("{without}{text}")).unwrap();
    assert_eq!(came.problems(ProblemKind::LeftOut).len(), 6);
    assert_eq!(came.ids(), ["c1", "c1/a1"]);
}

#[test]
fn a_fork_of_a_conversation_in_the_source_knows_its_parent() {
    let other = lines()
        .replace("\"c1\"", "\"c2\"")
        .replace("\"pinned\":true", "\"forkedFromConversationId\":\"c1\"");
    let came = import(format!("{}{other}", lines()));
    assert_eq!(came.info("c2").parent_id.as_deref(), Some("c1"));
    let came = import(other);
    assert_eq!(came.info("c2").parent_id, None);
    assert!(
        came.lost("parents of forks that are not in the source") >= 1,
        "{:?}",
        came.report.losses
    );
}

#[test]
fn forks_of_a_conversation_that_was_forked_itself_hang_on_it() {
    let other = lines()
        .replace("\"c1\"", "\"c2\"")
        .replace("\"pinned\":true", "\"forkedFromConversationId\":\"c1\"");
    let came = import(format!("{}{other}", lines()));
    let fork = came.info("c2/a1");
    assert_eq!((fork.parent_id.as_deref(), fork.fork_seq), (Some("c2"), 2));
}

#[test]
fn what_is_cut_out_of_an_attachment_is_counted() {
    let pdf = json!([{"type": "PDF", "name": "x.pdf", "content": "text", "images": ["data:1", "data:2"], "base64Data": "AAAA"}]);
    let image = json!([{"type": "imageFile", "name": "x.png", "base64Url": "data:..."}]);
    let text = lines().replace(
        &image.to_string()[1..image.to_string().len() - 1],
        &pdf.to_string()[1..pdf.to_string().len() - 1],
    );
    let came = import(text);
    let said = said_in(&came.store, "c1");
    assert_eq!(
        said[1].metadata["llama-cpp"]["attachments"][1],
        json!({"type": "PDF", "name": "x.pdf", "content": "text"})
    );
    assert_eq!((came.lost("images"), came.lost("files")), (2, 1));
}
