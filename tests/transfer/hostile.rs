//! What is made to break a reader, or to slip something in: each is refused with a reason and a place, and nothing of it stays.

use super::*;
use serde_json::json;
use std::time::{Duration, Instant};

/// A good conversation of each format that is JSON, and how to put a text where a content is.
const FORMATS: [Format; 6] = [
    Format::OpenAi,
    Format::ShareGpt,
    Format::GemmaSessions,
    Format::LlamaCpp,
    Format::ChatGpt,
    Format::Claude,
];

fn good(format: Format, id: &str, content: &str) -> String {
    let value = match format {
        Format::OpenAi => json!({"id": id, "messages": [{"role": "user", "content": "TEXT"}]}),
        Format::ShareGpt => json!({"id": id, "conversations": [{"from": "human", "value": "TEXT"}]}),
        Format::GemmaSessions => json!({"session_id": id, "conversation_history": [{"role": 0, "content": "TEXT"}]}),
        Format::LlamaCpp => {
            json!({"conv": {"id": id}, "messages": [{"id": "m", "parent": null, "role": "user", "content": "TEXT"}]})
        }
        Format::ChatGpt => {
            json!({"id": id, "mapping": {"m": {"message": {"author": {"role": "user"}, "content": {"parts": ["TEXT"]}}}}})
        }
        Format::Claude => json!({"uuid": id, "chat_messages": [{"uuid": "m", "sender": "human", "text": "TEXT"}]}),
        other => panic!("{other:?}"),
    };
    value.to_string().replace("\"TEXT\"", content)
}

/// An array of a good conversation, one with this for a content, and another good one.
fn among_others(format: Format, content: &str) -> String {
    let all = [("a", "\"x\""), ("bad", content), ("z", "\"y\"")];
    let all: Vec<String> = all.iter().map(|(id, content)| good(format, id, content)).collect();
    format!("[\n{}\n]", all.join(",\n"))
}

#[test]
fn the_good_conversations_are_good() {
    for format in FORMATS {
        let came = import(good(format, "x", "\"Hello\""));
        assert_eq!(
            (came.report.format, came.contents("x")),
            (format, vec!["Hello".to_owned()])
        );
    }
}

#[test]
fn nesting_of_a_million_levels_fails_one_conversation() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    for format in FORMATS {
        let came = import_as(format, among_others(format, &deep)).unwrap();
        assert_eq!(came.ids(), ["a", "z"]);
        assert!(came.failure().contains("more than 127 levels"), "{}", came.failure());
    }
}

#[test]
fn nesting_that_never_ends_is_a_file_that_was_cut_short() {
    for format in FORMATS {
        for text in ["[".repeat(1_000_000), format!("[{}", "{\"a\":".repeat(1_000_000))] {
            assert_refused(Some(format), text, Kind::Invalid, "cut short");
        }
    }
}

#[test]
fn a_key_that_stands_there_twice_fails_its_conversation_with_its_place() {
    for format in FORMATS {
        let text = among_others(format, "{\"k\":1,\"k\":2}");
        let came = import_as(format, text).unwrap();
        assert_eq!(came.ids(), ["a", "z"]);
        let failure = came.failure();
        assert!(failure.starts_with("element 2 at line 3: line 3, column "), "{failure}");
        assert!(
            failure.ends_with(".k): the key stands there twice")
                || failure.ends_with("].k): the key stands there twice"),
            "{failure}"
        );
    }
}

#[test]
fn lone_surrogates_fail_their_conversation() {
    for format in FORMATS {
        for content in [r#""\ud800""#, r#""\udc00x""#, r#""\ud83d\u0041""#, r#""\uD83D""#] {
            let came = import_as(format, among_others(format, content)).unwrap();
            assert_eq!(came.ids(), ["a", "z"]);
            assert!(came.failure().contains("hex escape"), "{}", came.failure());
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_fail_their_conversation() {
    for format in FORMATS {
        let mut bytes = among_others(format, "\"MARK\"").into_bytes();
        let at = bytes.windows(4).position(|four| four == b"MARK").unwrap();
        for bad in [b"\xff\xfeab", b"\xed\xa0\x80a", b"\xc0\x80ab", b"abc\xe2"] {
            bytes[at..at + 4].copy_from_slice(bad);
            let came = import_as(format, &bytes).unwrap();
            assert_eq!(came.ids(), ["a", "z"]);
            assert!(
                came.failure().contains("it is not UTF-8 (byte 0x"),
                "{}",
                came.failure()
            );
        }
    }
}

#[test]
fn nan_and_infinity_break_an_array_as_a_whole() {
    for format in FORMATS {
        for content in ["NaN", "-Infinity", "Infinity", "undefined", "'x'", "01", "\"a\nb\""] {
            let refused = import_as(format, among_others(format, content));
            let error = refused.err().unwrap_or_else(|| panic!("{format:?} takes {content}"));
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(error.message().contains(": line "), "{error}");
            assert!(error.message().contains("nothing was taken in"), "{error}");
        }
    }
}

#[test]
fn a_bad_line_fails_alone_with_its_number() {
    for (format, bad) in [
        (Format::OpenAi, "{\"messages\":[NaN]}"),
        (Format::ShareGpt, "{\"conversations\":[{]}"),
    ] {
        let text = format!(
            "{}\n{bad}\n\n{}\n",
            good(format, "a", "\"x\""),
            good(format, "z", "\"y\"")
        );
        let came = import_as(format, text).unwrap();
        assert_eq!(came.ids(), ["a", "z"]);
        assert!(
            came.failure().starts_with("line 2: line 2, column "),
            "{}",
            came.failure()
        );
    }
}

#[test]
fn a_file_of_bad_lines_only_is_refused() {
    for format in [Format::OpenAi, Format::ShareGpt] {
        assert_refused(
            Some(format),
            "{\"a\n{\"b\n",
            Kind::Invalid,
            "nothing in it could be read; line 1",
        );
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_was_cut() {
    for format in FORMATS {
        let whole = among_others(format, "\"some [text] {in} \\\" it\"");
        for length in (1..whole.len()).step_by(7) {
            assert_refused(Some(format), &whole[..length], Kind::Invalid, "cut short");
        }
    }
}

#[test]
fn empty_files_are_refused() {
    for format in FORMATS.map(Some).into_iter().chain([None]) {
        for empty in ["", " \n\t\r\n", "\u{feff}"] {
            assert_refused(format, empty, Kind::Invalid, "empty");
        }
    }
    assert_refused(Some(Format::Csv), "", Kind::Invalid, "header");
}

#[test]
fn an_empty_array_of_a_named_format_is_no_session() {
    for format in FORMATS {
        let came = import_as(format, "[]").unwrap();
        assert_eq!((came.report.sessions, came.report.problem_count), (0, 0));
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    for format in FORMATS {
        let came = import(format!("\u{feff}{}", good(format, "x", "\"Hi\"")));
        assert_eq!(came.contents("x"), ["Hi"]);
    }
    let came = import("\u{feff}session_id,role,content\r\nx,user,Hi\r\n");
    assert_eq!(came.contents("x"), ["Hi"]);
}

#[test]
fn utf16_is_told_to_be_that() {
    let text = good(Format::OpenAi, "x", "\"Hi\"");
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        for mark in [Some(0xFEFF), None] {
            let bytes: Vec<u8> = mark.into_iter().chain(text.encode_utf16()).flat_map(order).collect();
            for format in [Some(Format::OpenAi), None] {
                let error = import_bytes(&bytes, format).err().unwrap();
                assert!(
                    error.message().contains("UTF-16") || error.message().contains("UTF-8"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn nul_in_a_content_is_kept_and_in_an_id_is_told() {
    for format in FORMATS {
        let came = import(good(format, "x", r#""a\u0000b""#));
        assert_eq!(came.contents("x"), ["a\0b"]);
        let came = import(good(format, "a\0b", "\"x\""));
        assert_eq!(came.report.sessions, 1);
        assert!(
            came.problems(ProblemKind::Changed)[0].contains("control character"),
            "{:?}",
            came.report
        );
        assert_eq!(came.said()[0].content, "x");
    }
}

#[test]
fn wrong_roles_fail_their_conversation_with_the_number_of_the_message() {
    for (format, text) in [
        (
            Format::OpenAi,
            r#"{"messages":[{"role":"user","content":"x"},{"role":"robot","content":"x"}]}"#,
        ),
        (
            Format::OpenAi,
            r#"{"messages":[{"role":"user","content":"x"},{"role":3,"content":"x"}]}"#,
        ),
        (
            Format::OpenAi,
            r#"{"messages":[{"role":"user","content":"x"},{"content":"x"}]}"#,
        ),
        (Format::OpenAi, r#"{"messages":[{"role":"user","content":"x"},7]}"#),
        (
            Format::ShareGpt,
            r#"{"conversations":[{"from":"human","value":"x"},{"from":"","value":"x"}]}"#,
        ),
        (
            Format::GemmaSessions,
            r#"[{"session_id":"x","conversation_history":[{"role":0,"content":"x"},{"role":3,"content":"x"}]}]"#,
        ),
        (
            Format::GemmaSessions,
            r#"[{"session_id":"x","conversation_history":[{"role":0,"content":"x"},{"role":"user","content":"x"}]}]"#,
        ),
        (
            Format::GemmaSessions,
            r#"[{"session_id":"x","conversation_history":[{"role":0,"content":"x"},{"role":-1,"content":"x"}]}]"#,
        ),
        (
            Format::LlamaCpp,
            r#"{"conv":{"id":"x"},"messages":[{"id":"a","role":"user","content":"x"},{"id":"b","role":"robot","content":"x"}]}"#,
        ),
        (
            Format::Claude,
            r#"[{"uuid":"x","chat_messages":[{"sender":"human","text":"x"},{"sender":"system","text":"x"}]}]"#,
        ),
    ] {
        let came = import_as(format, text).unwrap();
        assert!(came.failure().contains("message 2"), "{}", came.failure());
        assert_eq!(came.ids(), Vec::<String>::new());
    }
}

#[test]
fn values_of_other_types_are_refused_and_never_a_panic() {
    let values = [
        "null",
        "true",
        "7",
        "-1.5",
        "\"x\"",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[7]",
        "[{}]",
        "{\"a\":{}}",
        "1e308",
    ];
    for format in FORMATS {
        let whole: Value = serde_json::from_str(&good(format, "x", "\"Hi\"")).unwrap();
        let mut paths = Vec::new();
        collect(&whole, String::new(), &mut paths);
        for path in &paths {
            for value in values {
                let mut changed = whole.clone();
                *changed.pointer_mut(path).unwrap() = serde_json::from_str(value).unwrap();
                let _read_or_refused = import_as(format, format!("[{changed}]")).map(|came| came.report);
            }
        }
    }
}

/// The pointers to every value inside another.
fn collect(value: &Value, path: String, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| collect(value, format!("{path}/{key}"), into)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, value)| collect(value, format!("{path}/{n}"), into)),
        _ => {}
    }
    if !path.is_empty() {
        into.push(path);
    }
}

#[test]
fn circles_and_missing_parents_are_cut_told_and_kept() {
    let node = |id: &str, parent: &str| json!({"id": id, "parent": parent, "role": "user", "content": id, "timestamp": 1_700_000_000_000_i64});
    let text = json!({"conv": {"id": "c", "currNode": "b"}, "messages": [
        node("a", "b"), node("b", "a"), node("self", "self"), node("orphan", "gone"), node("child", "orphan"),
    ]});
    let came = import(text.to_string());
    assert_eq!(came.ids(), ["c", "c/child", "c/self"]);
    assert_eq!(came.contents("c"), ["a", "b"]);
    assert_eq!(came.contents("c/child"), ["orphan", "child"]);
    let told = came.problems(ProblemKind::Changed).join("\n");
    assert!(
        told.contains("1 of its messages hang on messages that are not there, the first is 'orphan'"),
        "{told}"
    );
    assert!(
        told.contains("2 of its messages hang on what hangs on themselves, the first is 'a'"),
        "{told}"
    );
}

#[test]
fn two_messages_with_one_id_fail_their_conversation() {
    let node = json!({"id": "a", "parent": null, "role": "user", "content": "x"});
    let text = json!({"conv": {"id": "c"}, "messages": [node, node]});
    let came = import(text.to_string());
    assert!(
        came.failure().contains("two of its messages have the id 'a'"),
        "{}",
        came.failure()
    );
}

#[test]
fn a_tree_of_a_hundred_thousand_levels_is_read_in_seconds() {
    const MANY: usize = 100_000;
    let began = Instant::now();
    let node = |n: usize| json!({"id": n, "parent": n.checked_sub(1), "role": "user", "content": ""}).to_string();
    let nodes: Vec<String> = (0..MANY).map(node).collect();
    let came = import(format!(
        "{{\"conv\":{{\"id\":\"c\"}},\"messages\":[{}]}}",
        nodes.join(",")
    ));
    assert_eq!((came.report.sessions, came.report.messages), (1, MANY as u64));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn a_huge_line_fails_alone() {
    let huge = "x".repeat(65 << 20);
    let text = format!(
        "{}\n{}\n{}\n",
        good(Format::OpenAi, "a", "\"x\""),
        good(Format::OpenAi, "bad", &format!("\"{huge}\"")),
        good(Format::OpenAi, "z", "\"y\"")
    );
    let came = import(text);
    assert_eq!(came.ids(), ["a", "z"]);
    assert!(
        came.failure().contains("line 2: it is longer than 50331648 bytes"),
        "{}",
        came.failure()
    );
}

#[test]
fn a_table_whose_quote_is_never_closed_is_refused_before_it_fills_memory() {
    let text = format!("session_id,role,content\r\nx,user,\"{}", "a,b\r\n".repeat(14 << 20));
    assert_refused(None, text, Kind::TooLarge, "a quote is not closed");
}

#[test]
fn a_table_that_is_none_is_refused_as_a_whole() {
    for (text, kind, expected) in [
        ("role,content\nuser,Hi\nuser\n", Kind::Invalid, "it is no table"),
        ("role,content\nuser,Hi,there\n", Kind::Invalid, "it is no table"),
        ("role,content,role\nuser,Hi,user\n", Kind::Invalid, "two columns 'role'"),
        ("role\nuser\n", Kind::Invalid, "header"),
    ] {
        assert_refused(Some(Format::Csv), text, kind, expected);
    }
    assert_refused(
        Some(Format::Csv),
        b"role,content\nuser,\xff\n",
        Kind::Encoding,
        "line 2 is not UTF-8",
    );
}

#[test]
fn bad_rows_fail_their_session_with_their_line() {
    let header = "session_id,seq,role,content,tokens,pinned,tool_calls,tool_call_id,metadata\n";
    for (row, expected) in [
        ("bad,1,robot,x,,,,,", "its role is 'robot'"),
        ("bad,x,user,x,,,,,", "its seq is 'x'"),
        ("bad,0,user,x,,,,,", "its seq is 0, behind 0"),
        ("bad,1,user,x,-7,,,,", "its tokens are '-7'"),
        ("bad,1,user,x,99999999999,,,,", "its tokens are '99999999999'"),
        ("bad,1,user,x,,maybe,,,", "its pinned is 'maybe'"),
        ("bad,1,assistant,x,,,nonsense,,", "tool_calls"),
        ("bad,1,user,x,,,[{}],,", "only an assistant message"),
    ] {
        let came = import(format!("{header}a,1,user,x,,,,,\n{row}\nz,1,user,y,,,,,\n"));
        assert_eq!(came.ids(), ["a", "z"], "{row}");
        assert!(came.failure().contains(expected), "{}", came.failure());
    }
    let came = import(format!("{header}a,2,user,x,,,,,\na,1,user,y,,,,,\n"));
    assert!(came.failure().contains("not in their order"), "{}", came.failure());
    let came = import(format!("{header}a,1,user,x,,,,,\nb,1,user,y,,,,,\na,2,user,z,,,,,\n"));
    assert!(came.failure().contains("twice"), "{}", came.failure());
}

#[test]
fn what_no_format_is_says_what_can_be_imported() {
    for text in [
        "hello",
        "%PDF-1.7",
        "\u{1f}\u{8b}x",
        "{\"a\":1}",
        "[1]",
        "<!DOCTYPE html><html>",
        "SQLite format 3",
    ] {
        assert_refused(None, text, Kind::Invalid, "what can be imported is turnkeep, openai");
    }
}

#[test]
fn ids_that_are_paths_or_sql_are_only_ids() {
    for id in ["../../etc/passwd", "'; DROP TABLE sessions; --", "a/b\\c", "%s%n"] {
        for format in FORMATS {
            let came = import(good(format, id, "\"x\""));
            assert_eq!(came.ids(), [id]);
        }
    }
}

#[test]
fn what_turns_the_direction_of_writing_is_shown_by_every_format_for_people() {
    let store = import(good(Format::OpenAi, "x", r#""a\u200eb\u200fc\u061cd\u202ee""#)).store;
    for format in [Format::Markdown, Format::Text, Format::Html] {
        let (text, report) = export(&store, format);
        assert!(
            text.contains("a[U+200E]b[U+200F]c[U+061C]d[U+202E]e"),
            "{format:?}: {text}"
        );
        assert_eq!(lost(&report.losses, "control characters"), 4, "{format:?}");
    }
}
