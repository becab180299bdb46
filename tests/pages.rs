//! Exports for people to read: Markdown, plain text, HTML. Whatever somebody said stays where he said it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "support/chats.rs"]
mod chats;
#[path = "support/mod.rs"]
mod support;

#[path = "pages/browser.rs"]
mod browser;
#[path = "pages/html.rs"]
mod html;
#[path = "pages/markdown.rs"]
mod markdown;
#[path = "pages/text.rs"]
mod text;

use support::{TempStore, assistant, user};
use turnkeep::model::{NewMessage, NewSession, Role};
use turnkeep::store::{ExportOptions, Selection};
use turnkeep::transfer::{ExportReport, Format};
use turnkeep::{Store, StoreOptions};

/// 2026-11-20T12:00:00Z.
const NOON: i64 = 1_795_176_000_000_000;

/// Contents that have broken pages: tags, ends of what a page is made of, pieces of Markdown, characters that act.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><a href=\"javascript:alert(1)\" onclick='alert(1)'>x</a>",
    "</div></article></section></main></body></html><h1>Mine</h1>",
    "</textarea></title></pre></code></details>",
    "<!-- <h2>",
    "]]><![CDATA[<?php ?>",
    "&lt;b&gt; &amp;amp; &#60;script&#62;",
    "<base href=https://example.com/><meta http-equiv=refresh content=0>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "```\n</code></pre><script>alert(1)</script>",
    "`<b>` and ``<i>`` and `<u>",
    "~~~\nnever closed\n# Not a heading\n",
    "````\n```\n# Not a heading\n```\n````\n<b>",
    "# A heading\n\n## 99 · System · of somebody else\n\nSetext\n======\n",
    "[session]: https://example.com/ \"t\"\n\n[Messages]: <javascript:alert(1)>\n[^1]: note\n",
    "![pixel](https://example.com/p.png) [link](javascript:alert(1)) <https://example.com>",
    "- a\n  ```\n<b>\n",
    "  ```\n<b>\n\n```\n<b>\n",
    "https://example.com/`<b>` https://example.com/\\<b>",
    "> quoted\nlazy\n\n---\n\n***\n",
    "| a | b |\n|---|---|\n| ` | ` <b> |\n",
    "    indented <b>\n\ttab <b>\n",
    "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}\u{9b}2J\u{8}\u{8}\r\nline\rover\0nul\u{7f}",
    "\u{202e}gpj.exe\u{202c} \u{2066}isolated\u{2069} \u{2028}line\u{2029}",
    "======================================================================\nMine\n\n[7] System, 2026-11-20 12:00:00 UTC\n    said",
    "",
    " ",
    "\n\n\n",
];

fn at(minute: i64, message: NewMessage) -> NewMessage {
    NewMessage {
        created: Some(NOON + minute * 60_000_000),
        ..message
    }
}

fn tool(id: &str, content: &str) -> NewMessage {
    NewMessage {
        tool_call_id: Some(id.to_owned()),
        ..NewMessage::new(Role::Tool, content)
    }
}

fn calling(content: &str, calls: &str) -> NewMessage {
    NewMessage {
        tool_calls: Some(calls.to_owned()),
        ..assistant(content)
    }
}

fn export_all(store: &Store, format: Format) -> (String, ExportReport) {
    let mut written = Vec::new();
    let options = ExportOptions {
        format,
        selection: Selection::All,
        progress: None,
    };
    let mut sink = |bytes: &[u8]| {
        written.extend_from_slice(bytes);
        Ok(())
    };
    let report = store.export(options, &mut sink).unwrap();
    assert_eq!(report.bytes, written.len() as u64);
    (String::from_utf8(written).unwrap(), report)
}

fn exported(store: &Store, format: Format) -> String {
    export_all(store, format).0
}

/// A store in memory with one session of these messages.
fn store_of(messages: Vec<NewMessage>) -> Store {
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    let session = NewSession {
        id: Some("s".to_owned()),
        title: "Test".to_owned(),
        messages,
        ..NewSession::default()
    };
    store.create_session(session).unwrap();
    store
}

/// Everything that is hostile, in every place that takes a text.
fn hostile_store() -> Store {
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    for (index, text) in HOSTILE.iter().enumerate() {
        let label: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
        let json = serde_json::to_string(&[text]).unwrap();
        let object = format!("{{\"x\":{json}}}");
        let named = serde_json::to_string(&label).unwrap();
        let id = serde_json::to_string(&format!("{label}{index}")).unwrap();
        let arguments = serde_json::to_string(&object).unwrap();
        let calls = format!(
            "[{{\"id\":{id},\"type\":\"function\",\"function\":{{\"name\":{named},\"arguments\":{arguments}}}}}]"
        );
        let with_labels = |message: NewMessage| NewMessage {
            model: Some(label.clone()),
            metadata: Some(object.clone()),
            ..message
        };
        let session = NewSession {
            id: Some(format!("{label}{index}")),
            user_id: label.clone(),
            name: Some(format!("{label}{index}")),
            title: (*text).to_owned(),
            model: label.clone(),
            summary: (*text).to_owned(),
            metadata: Some(object.clone()),
            tags: if label.is_empty() {
                Vec::new()
            } else {
                vec![label.clone()]
            },
            messages: vec![
                NewMessage::new(Role::System, format!("{text}{}", " long".repeat(200))),
                with_labels(user(text)),
                with_labels(calling(text, &calls)),
                tool(&format!("{label}{index}"), text),
                assistant(text),
            ],
            ..NewSession::default()
        };
        let session = store.create_session(session).unwrap();
        let fork = NewSession {
            id: Some(format!("fork of {label}{index}")),
            title: (*text).to_owned(),
            ..NewSession::default()
        };
        let fork = store.open_session(session.id()).unwrap().fork(Some(2), fork).unwrap();
        fork.append(vec![assistant(text)], turnkeep::model::AppendOptions::default())
            .unwrap();
    }
    store
}

/// Two sessions with a bit of everything: instructions, a tool, a pin, another model, a fork.
fn small_store() -> TempStore {
    let store = TempStore::new();
    let session = NewSession {
        id: Some("trip".to_owned()),
        title: "A trip to *Lisbon*".to_owned(),
        model: "gpt-4o".to_owned(),
        tags: vec!["travel".to_owned(), "a`b".to_owned()],
        summary: "Somebody plans a trip.".to_owned(),
        messages: vec![
            at(
                0,
                NewMessage {
                    pinned: true,
                    ..NewMessage::new(Role::System, "Be brief.")
                },
            ),
            at(1, user("How is the weather?")),
            at(
                2,
                calling(
                    "",
                    r#"[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Lisbon\"}"}}]"#,
                ),
            ),
            at(3, tool("c1", r#"{"sky":"clear","degrees":18.50}"#)),
            at(
                4,
                NewMessage {
                    model: Some("gpt-4o-mini".to_owned()),
                    ..assistant("**Clear**, 18.5 °C:\n\n```cpp\nstd::vector<int> days;\n```")
                },
            ),
        ],
        ..NewSession::default()
    };
    let session = store.create_session(session).unwrap();
    let fork = NewSession {
        id: Some("trip-2".to_owned()),
        ..NewSession::default()
    };
    let fork = session.fork(Some(2), fork).unwrap();
    let answer = at(5, assistant("I do not know."));
    fork.append(vec![answer], turnkeep::model::AppendOptions::default())
        .unwrap();
    store
}

/// Without the lines that tell when it was made.
fn without_times_of_the_sessions(page: &str) -> String {
    let is_told = |line: &&str| !line.contains("Created:") && !line.contains("Changed:");
    page.lines().filter(is_told).map(|line| format!("{line}\n")).collect()
}
