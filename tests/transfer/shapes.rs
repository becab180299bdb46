//! The shapes that one format is found in: OpenAI messages, ShareGPT, Gemma.cpp sessions, tables.

use super::*;
use serde_json::json;

#[test]
fn openai_comes_as_lines_as_an_array_and_as_one_object() {
    let one = json!({"id": "x", "title": "T", "messages": [{"role": "user", "content": "Hi"}]});
    let texts = [
        one.to_string(),
        format!("[{one}]"),
        serde_json::to_string_pretty(&one).unwrap(),
        format!("\n\n{one}\r\n\r\n"),
        serde_json::to_string_pretty(&json!([one])).unwrap(),
    ];
    for text in texts {
        let came = import(&text);
        assert_eq!(
            (came.report.format, came.contents("x")),
            (Format::OpenAi, vec!["Hi".to_owned()]),
            "{text}"
        );
    }
}

#[test]
fn openai_conversations_without_an_id_get_one() {
    let line = json!({"messages": [{"role": "user", "content": "Hi"}]});
    let came = import(format!("{line}\n{line}\n"));
    assert_eq!((came.report.sessions, came.ids().len()), (2, 2));
}

#[test]
fn functions_of_the_old_openai_api_are_calls_with_ids() {
    let line = json!({"id": "x", "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": null, "function_call": {"name": "weather", "arguments": "{\"city\":\"Kiel\"}"}},
        {"role": "function", "name": "weather", "content": "rain"},
        {"role": "assistant", "content": "Rain."},
    ]});
    let came = import(line.to_string());
    assert_eq!(came.report.problems, []);
    let said = came.said();
    assert_eq!(
        said[1].tool_calls,
        json!([{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Kiel\"}"}}])
    );
    assert_eq!((said[2].role, said[2].tool_call_id.as_str()), (Role::Tool, "call_1"));
    assert_eq!(said[2].metadata, json!({"openai": {"name": "weather"}}));
}

#[test]
fn openai_contents_in_parts_are_joined_and_what_is_no_text_is_kept_aside_if_it_is_small() {
    let image = json!({"type": "image_url", "image_url": {"url": "https://x"}});
    let huge = json!({"type": "image_url", "image_url": {"url": format!("data:{}", "A".repeat(100_000))}});
    let text = |text: &str| json!({"type": "text", "text": text});
    let line = json!({"id": "x", "messages": [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "user", "content": [text("see"), image]},
        {"role": "user", "content": [text("see"), huge, {"type": "input_audio"}, {"type": "file"}, {"type": "new"}]},
        {"role": "user", "content": []},
    ]});
    let came = import(line.to_string());
    assert_eq!(came.contents("x"), ["a\nb", "see", "see", ""]);
    let said = came.said();
    assert_eq!(said[0].metadata, Value::Null);
    assert_eq!(said[1].metadata["openai"]["content_parts"][1], image);
    assert_eq!(said[2].metadata, Value::Null);
    let counts = ["images", "audio clips", "files", "other parts of contents"].map(|what| came.lost(what));
    assert_eq!(counts, [2, 1, 1, 1]);
}

#[test]
fn openai_calls_whose_arguments_are_an_object_get_them_as_text() {
    let line = json!({"id": "x", "messages": [
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
        {"role": "tool", "content": "1"},
        {"role": "assistant", "content": "", "tool_calls": []},
    ]});
    let said = import(line.to_string()).said();
    assert_eq!(
        said[0].tool_calls,
        json!([{"function": {"name": "f", "arguments": "{\"a\":1}"}}])
    );
    assert_eq!((said[1].role, &said[2].tool_calls), (Role::Tool, &Value::Null));
}

#[test]
fn openai_orphans_of_tools_stay_as_messages_of_the_assistant() {
    let line = json!({"id": "x", "messages": [{"role": "tool", "tool_call_id": "k", "content": "1"}]});
    let came = import(line.to_string());
    assert_eq!(came.lines("x"), ["assistant: 1"]);
    assert_eq!(came.problems(ProblemKind::Changed).len(), 1);
}

#[test]
fn openai_messages_without_content_fail_where_it_must_be() {
    for (message, expected) in [
        (json!({"role": "user"}), "it has no content"),
        (json!({"role": "user", "content": null}), "it has no content"),
        (json!({"role": "user", "content": 7}), "its content is a number"),
        (
            json!({"role": "assistant", "content": "", "tool_calls": {}}),
            "its tool_calls are an object",
        ),
        (
            json!({"role": "user", "content": "x", "tool_calls": [{}]}),
            "only an assistant message",
        ),
        (
            json!({"role": "assistant", "content": "", "tool_calls": [7]}),
            "a call is not an object",
        ),
    ] {
        let came = import(json!({"id": "x", "messages": [message]}).to_string());
        assert!(came.failure().contains(expected), "{}", came.failure());
        assert!(came.failure().contains("message 1"), "{}", came.failure());
    }
}

#[test]
fn sharegpt_knows_the_names_that_its_users_gave_to_who_speaks() {
    let names = [
        ("human", "user"),
        ("user", "user"),
        ("gpt", "assistant"),
        ("assistant", "assistant"),
        ("chatgpt", "assistant"),
        ("bing", "assistant"),
        ("bard", "assistant"),
        ("model", "assistant"),
        ("system", "system"),
        ("developer", "developer"),
    ];
    let said: Vec<Value> = names
        .iter()
        .map(|(from, _)| json!({"from": from, "value": "x"}))
        .collect();
    let came = import(json!([{"id": 7, "system": "S", "conversations": said, "source": "web"}]).to_string());
    let roles: Vec<&str> = came.said().iter().map(|said| said.role.name()).collect();
    let expected: Vec<&str> = std::iter::once("system")
        .chain(names.iter().map(|(_, role)| *role))
        .collect();
    assert_eq!(roles, expected);
    assert_eq!(came.ids(), ["7"]);
    assert_eq!(came.metadata("7"), json!({"sharegpt": {"source": "web"}}));
}

#[test]
fn sharegpt_calls_are_read_in_every_shape_and_answered() {
    for value in [
        r#"{"name": "f", "arguments": {"a": 1}}"#,
        r#"[{"name": "f", "parameters": {"a": 1}}]"#,
        r#"{"type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}"#,
    ] {
        let line = json!({"id": "x", "conversations": [
            {"from": "human", "value": "?"},
            {"from": "function_call", "value": value},
            {"from": "observation", "value": "1"},
            {"from": "gpt", "value": "One."},
        ]});
        let came = import(line.to_string());
        assert_eq!(came.report.problems, []);
        assert_eq!(
            came.lines("x"),
            ["user: ?", "assistant: ", "tool: 1", "assistant: One."]
        );
        let call = json!([{"type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]);
        assert_eq!(came.said()[1].tool_calls, call);
    }
    let line = json!({"id": "x", "conversations": [{"from": "function_call", "value": "f(1)"}]});
    let came = import(line.to_string());
    assert_eq!(came.lines("x"), ["assistant: f(1)"]);
    assert_eq!(came.lost("calls that are no JSON, kept as text"), 1);
}

#[test]
fn sharegpt_calls_keep_what_stands_beside_them() {
    let line = json!({"id": "x", "conversations": [
        {"from": "human", "value": "Weather?"},
        {"from": "gpt", "value": "Let me see."},
        {"from": "function_call", "value": "{\"name\":\"weather\",\"arguments\":{}}", "weight": 0},
        {"from": "observation", "value": "rain"},
    ]});
    let came = import(line.to_string());
    let said = came.said();
    assert_eq!(said[2].metadata, json!({"sharegpt": {"weight": 0}}));
    assert_eq!(said[2].tool_calls[0]["function"]["name"], "weather");
    assert_eq!(said[3].role, Role::Tool);
}

#[test]
fn other_fields_of_a_gemma_message_are_kept() {
    let text = json!([{"session_id": "g", "conversation_history": [{"role": 0, "content": "Hi", "rating": 5}]}]);
    let came = import(text.to_string());
    assert_eq!(came.said()[0].metadata, json!({"gemma-sessions": {"rating": 5}}));
}

#[test]
fn nothing_is_told_of_what_is_skipped_or_fails() {
    let strange = json!({"id": "x", "created": "yesterday", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]},
    ]});
    let broken = json!({"id": "y", "created": "yesterday", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]},
        {"role": "assistant", "content": "b", "tool_calls": [7]},
    ]});
    let table = "session_id,role,content,rating\nz,user,Hi,5\nz,nobody,Hi,5\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    let store = memory();
    std::fs::write(&path, strange.to_string()).unwrap();
    let first = import_into(&store, &path, None).unwrap();
    let again = import_into(&store, &path, None).unwrap();
    assert_eq!((lost(&first.losses, "images"), first.problem_count), (1, 1));
    assert_eq!((again.losses, again.problem_count, again.skipped), (Vec::new(), 1, 1));
    for text in [broken.to_string(), table.to_owned()] {
        std::fs::write(&path, text).unwrap();
        let failed = import_into(&memory(), &path, None).unwrap();
        assert_eq!((failed.losses, failed.problem_count, failed.failed), (Vec::new(), 1, 1));
    }
}

#[test]
fn a_gemma_export_has_roles_by_number_and_times_in_milliseconds() {
    let text = json!([{
        "session_id": "s", "max_context_tokens": 4096, "total_tokens": 5, "created_at": 1_700_000_000_000_i64,
        "last_activity": 1_700_000_001_000_i64, "metadata": {"k": 1},
        "conversation_history": [
            {"role": 2, "content": "Be brief.", "timestamp": 1_700_000_000_000_i64, "token_count": 2},
            {"role": 0, "content": "Hi", "timestamp": 1_700_000_000_500_i64, "token_count": 0},
            {"role": 1, "content": "Ho", "timestamp": -5, "token_count": -1},
        ],
    }]);
    let came = import(text.to_string());
    assert_eq!(came.lines("s"), ["system: Be brief.", "user: Hi", "assistant: Ho"]);
    let info = came.info("s");
    assert_eq!(
        (info.window_tokens, info.created, info.updated),
        (Some(4096), 1_700_000_000_000_000, 1_700_000_001_000_000)
    );
    let said = came.said();
    assert_eq!((said[0].tokens, said[0].estimated), (2, false));
    assert!(said[1].estimated, "nobody counted it");
    assert_eq!(
        said[2].created, said[1].created,
        "a time that is none is that of the message before"
    );
    assert_eq!(came.problems(ProblemKind::Changed).len(), 2, "{:?}", came.report);
    assert_eq!(came.metadata("s"), json!({"gemma-sessions": {"metadata": {"k": 1}}}));
}

#[test]
fn a_table_needs_two_columns_and_takes_more_in_any_order() {
    let came = import("content;x;role\r\n\"a;\"\"b\"\"\r\nc\";;user\r\nd;e;assistant\r\n");
    let said = came.said();
    assert_eq!(
        (said[0].content.as_str(), said[1].content.as_str()),
        ("a;\"b\"\r\nc", "d")
    );
    assert_eq!(came.lost("cells of unknown columns"), 1);
    let came = import("role\tcontent\nuser\tHi\n");
    assert_eq!(came.said()[0].content, "Hi");
}

#[test]
fn a_dry_run_reports_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    std::fs::write(
        &path,
        json!({"messages": [{"role": "user", "content": "Hi"}]}).to_string(),
    )
    .unwrap();
    let store = memory();
    let options = ImportOptions {
        dry_run: true,
        ..ImportOptions::default()
    };
    let report = store.import(path.to_str().unwrap(), options).unwrap();
    assert_eq!((report.sessions, report.messages), (1, 1));
    assert_eq!(sessions_of(&store).len(), 0);
}
