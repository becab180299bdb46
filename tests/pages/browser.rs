//! The page in a real browser: `tests/pages_in_browser.py` drives Chromium.

use super::chats::{self, Chat, ChatMessage};
use super::{at, calling, hostile_store, small_store, tool};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use turnkeep::model::{NewMessage, NewSession, Role};
use turnkeep::store::{ExportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::{Store, StoreOptions};

fn write(store: &Store, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let options = ExportOptions {
        format: Format::Html,
        selection: Selection::All,
        progress: None,
    };
    store.export_to_file(path.to_str().unwrap(), options).unwrap();
    path
}

fn chromium() -> Option<&'static str> {
    let is_there = |name: &&str| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|run| run.status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(is_there)
}

/// What the script says of a page, after it has taken pictures of it and tried it.
fn try_page(page: &Path, what: &str) {
    let Some(chromium) = chromium() else {
        // Not eprintln: the test runner swallows that of a test that passes.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "pages in a browser: skipped, there is no chromium").unwrap();
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages_in_browser.py");
    let run = Command::new("python3")
        .arg(script)
        .args([chromium, what])
        .arg(page)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}

#[test]
fn a_browser_searches_unfolds_and_follows_branches_and_fetches_nothing() {
    try_page(&write(&small_store(), "small.html"), "small");
}

#[test]
fn a_browser_shows_hostile_texts_as_text_and_runs_none() {
    try_page(&write(&hostile_store(), "hostile.html"), "hostile");
}

#[test]
fn a_browser_searches_tens_of_thousands_of_messages_while_somebody_types() {
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    for session in 0..200 {
        let messages =
            (0..200).map(|number| at(number, super::user(&format!("Message {number} of {session}, äpfel"))));
        let session = NewSession {
            title: format!("Session {session}"),
            messages: messages.collect(),
            ..NewSession::default()
        };
        store.create_session(session).unwrap();
    }
    try_page(&write(&store, "large.html"), "large");
}

#[test]
fn a_browser_shows_recorded_chats() {
    let Some(chats) = chats::all("pages in a browser") else {
        return;
    };
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    for chat in chats.into_iter().step_by(40).take(25) {
        store.create_session(recorded(chat)).unwrap();
    }
    for tree in chats::trees("pages in a browser").into_iter().flatten().take(3) {
        branch_out(&store, tree);
    }
    try_page(&write(&store, "chats.html"), "chats");
}

fn recorded(chat: Chat) -> NewSession {
    let first = chat.messages.iter().find(|message| message.role == "user").unwrap();
    let title: String = first.content.chars().take(60).collect();
    NewSession {
        id: Some(chat.id),
        title: title.replace('\n', " "),
        model: "gpt-4o".to_owned(),
        tags: vec!["airline".to_owned(), "recorded".to_owned()],
        summary: "Somebody asks for something, and an agent looks it up.".to_owned(),
        messages: chat
            .messages
            .into_iter()
            .zip(0..)
            .map(|(message, minute)| at(minute, said(message)))
            .collect(),
        ..NewSession::default()
    }
}

fn said(message: ChatMessage) -> NewMessage {
    let calls = message
        .tool_calls
        .map(|calls| calls.to_string())
        .filter(|calls| calls != "null");
    match message.role.as_str() {
        "system" => NewMessage::new(Role::System, message.content),
        "user" => NewMessage::new(Role::User, message.content),
        "tool" => tool(&message.tool_call_id.unwrap(), &message.content),
        _ => match calls {
            Some(calls) => calling(&message.content, &calls),
            None => NewMessage::new(Role::Assistant, message.content),
        },
    }
}

/// A session for the first way through a tree, and a fork for each other one.
fn branch_out(store: &Store, tree: chats::Tree) {
    let mut ends: HashMap<String, (String, u64)> = HashMap::new();
    for (index, node) in tree.nodes.iter().enumerate() {
        let parent = node.parent.as_ref().and_then(|parent| ends.get(parent));
        let session = match parent {
            None => store.create_session(NewSession {
                id: Some(tree.id.clone()),
                title: node.content.chars().take(60).collect(),
                ..NewSession::default()
            }),
            Some((id, seq)) => {
                let session = store.open_session(id).unwrap();
                if u64::from(session.describe().unwrap().head_seq) == *seq {
                    Ok(session)
                } else {
                    session.fork(
                        Some(*seq),
                        NewSession {
                            title: format!("Another answer {index}"),
                            ..NewSession::default()
                        },
                    )
                }
            }
        }
        .unwrap();
        let receipt = session
            .append(vec![node.message()], turnkeep::model::AppendOptions::default())
            .unwrap();
        ends.insert(node.id.clone(), (session.id().to_owned(), u64::from(receipt.last_seq)));
    }
}
