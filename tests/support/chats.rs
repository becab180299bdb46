//! The recorded conversations that lie beside the repository. They are not part of it: a test that wants them skips where
//! they are absent, and says so.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use turnkeep::model::{NewMessage, Role};

/// One conversation.
#[derive(Deserialize)]
pub(crate) struct Chat {
    pub(crate) id: String,
    pub(crate) messages: Vec<ChatMessage>,
}

/// One message of a conversation, in the shape of the OpenAI chat API.
#[derive(Deserialize)]
pub(crate) struct ChatMessage {
    pub(crate) role: String,
    pub(crate) content: String,
    pub(crate) tool_calls: Option<serde_json::Value>,
    pub(crate) tool_call_id: Option<String>,
}

/// Every conversation; `None`, and a line on stderr, where there are none.
pub(crate) fn all(test: &str) -> Option<Vec<Chat>> {
    read(test, "chats.jsonl")
}

/// The lines of a file; `None`, and a line on stderr, where it is absent.
fn read<T: serde::de::DeserializeOwned>(test: &str, file: &str) -> Option<Vec<T>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Not eprintln: the test runner swallows that of a test that passes.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "{test}: skipped, there is no {}", path.display()).unwrap();
            return None;
        }
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let lines = BufReader::new(file).lines().enumerate().map(|(line, text)| {
        serde_json::from_str(&text.unwrap())
            .unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), line + 1))
    });
    Some(lines.collect())
}

/// A tree of messages: each node hangs on its parent.
#[derive(Deserialize)]
pub(crate) struct Tree {
    pub(crate) id: String,
    pub(crate) nodes: Vec<Node>,
}

/// One message of a tree.
#[derive(Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) role: String,
    pub(crate) content: String,
}

impl Node {
    pub(crate) fn message(&self) -> NewMessage {
        let role = if self.role == "user" {
            Role::User
        } else {
            Role::Assistant
        };
        NewMessage::new(role, self.content.clone())
    }
}

/// Every tree; `None`, and a line on stderr, where there are none.
pub(crate) fn trees(test: &str) -> Option<Vec<Tree>> {
    read(test, "trees.jsonl")
}
