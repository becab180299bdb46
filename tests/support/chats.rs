//! The recorded conversations that lie beside the repository. They are not part of it: a test that wants them skips where
//! they are absent, and says so.

use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;

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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chats.jsonl");
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
    let chats = BufReader::new(file).lines().enumerate().map(|(line, text)| {
        serde_json::from_str(&text.unwrap())
            .unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), line + 1))
    });
    Some(chats.collect())
}
