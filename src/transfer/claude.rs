//! Claude's conversations.json, a folder or the archive it came in (docs/formats.md, "claude"). Messages may be a tree.

use super::draft::{self, Remarks, Unit};
use super::fields::Fields;
use super::input::Input;
use super::json::{Json, stream};
use super::taker::{Conversation, Taker};
use super::tree::{self, Node, Nodes};
use crate::error::Result;
use crate::model::{Micros, NewMessage, NewSession, Role};

/// What other fields are kept under in metadata.
const EXTRAS: &str = "claude";

/// What the first messages of a conversation name as their parent.
const ROOT: &str = "00000000-0000-4000-8000-000000000000";

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    stream::each_conversation(input, Some(super::chatgpt::is_wanted), taker, take)
}

fn take(mut value: Json, place: String, taker: &mut Taker<'_>) -> Result<()> {
    let mut remarks = Remarks::default();
    let messages = value.remove("chat_messages");
    let mut fields = Fields::of(&value);
    let id = fields.id("uuid");
    let messages = match messages {
        Some(Json::Array(messages)) => nodes(messages, &place, &mut remarks),
        _ => Err("it has no chat_messages: it is no conversation".to_owned()),
    };
    let nodes = match messages {
        Ok(nodes) => nodes,
        Err(reason) => {
            taker.fail(&id.unwrap_or_default(), place, reason);
            return Ok(());
        }
    };
    let mut time = |key: &str| remarks.time(fields.any(key), Unit::Seconds, || format!("{place}, {key}"));
    let (created, updated) = (time("created_at"), time("updated_at"));
    let current = fields.id("current_leaf_message_uuid");
    let mut said = |key: &str| fields.said(key).unwrap_or_default().to_owned();
    let (title, summary, model) = (said("name"), said("summary"), said("model"));
    // Whose export it is, and settings of the program.
    fields.pass(&["account", "settings"]);
    let metadata = draft::with_extras(
        None,
        EXTRAS,
        fields.rest(),
        "other fields of conversations",
        &mut remarks,
    );
    let conversation = Conversation {
        place,
        session: NewSession {
            id,
            title,
            summary,
            model,
            metadata,
            ..NewSession::default()
        },
        created,
        updated,
        ..Conversation::default()
    };
    tree::take(conversation, nodes, current.as_deref(), remarks, taker)
}

/// The messages are dropped one by one, as nodes are made of them.
fn nodes(messages: Vec<Json>, place: &str, remarks: &mut Remarks) -> std::result::Result<Vec<Node>, String> {
    // Exports had no tree for a long time: each message follows the one before it.
    let is_a_list = messages
        .iter()
        .all(|message| message.get("parent_message_uuid").is_none());
    let mut nodes = Nodes::default();
    for (index, message) in messages.into_iter().enumerate() {
        let number = index + 1;
        let read = node(&message, &format!("{place}, message {number}"), remarks)
            .map_err(|reason| format!("message {number}: {reason}"))?;
        if is_a_list {
            nodes.push_to_list(read)?;
        } else {
            nodes.push(read)?;
        }
    }
    Ok(nodes.all())
}

fn node(value: &Json, place: &str, remarks: &mut Remarks) -> std::result::Result<Node, String> {
    let role = match value.text_of("sender") {
        Some("human" | "user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            return Err(format!("its sender is '{other}'; it must be human or assistant"));
        }
        None => return Err("it has no sender".to_owned()),
    };
    let created = remarks.time(value.get("created_at"), Unit::Seconds, || place.to_owned());
    let mut said = Said::new(role, created);
    let blocks = value.items_of("content");
    for block in blocks {
        said.block(block, remarks);
    }
    if blocks.is_empty() {
        said.text(value.text_of("text").unwrap_or_default());
    }
    let attached = attached(value, remarks);
    let mut fields = Fields::of(value);
    fields.pass(&[
        "uuid",
        "parent_message_uuid",
        "sender",
        "text",
        "content",
        "created_at",
        "updated_at",
        "attachments",
        "files",
        // Its place in a list, which the tree says.
        "index",
    ]);
    Ok(Node {
        id: value.get("uuid").and_then(Json::id).unwrap_or_default(),
        parent: value
            .get("parent_message_uuid")
            .and_then(Json::id)
            .filter(|parent| parent != ROOT),
        messages: said.messages(attached, fields.rest(), remarks),
    })
}

/// What was attached: names, and the texts that are small.
fn attached(value: &Json, remarks: &mut Remarks) -> Vec<(String, Json)> {
    let mut kept = Vec::new();
    let mut bytes = 0;
    for (key, what) in [("attachments", "attachments"), ("files", "files")] {
        let mut items = Vec::new();
        for item in value.items_of(key) {
            let mut item = item.clone();
            bytes += item.to_string().len();
            let is_small = bytes <= draft::MOST_BYTES_OF_EXTRAS / 2;
            let has_text = item.text_of("extracted_content").is_some();
            if !is_small || !has_text {
                remarks.lost(what, 1);
            }
            if let (false, Json::Object(entries)) = (is_small, &mut item) {
                entries.retain(|(key, _)| key == "file_name");
            }
            items.push(item);
        }
        if !items.is_empty() {
            kept.push((key.to_owned(), Json::Array(items)));
        }
    }
    kept
}

/// What one message of Claude's says, which may be several of ours: what it says, the results of its calls, and what it
/// says to them.
struct Said {
    role: Role,
    created: Option<Micros>,
    done: Vec<(NewMessage, Vec<Json>)>,
    texts: Vec<String>,
    thoughts: Vec<Json>,
    calls: Vec<Json>,
}

impl Said {
    fn new(role: Role, created: Option<Micros>) -> Self {
        Self {
            role,
            created,
            done: Vec::new(),
            texts: Vec::new(),
            thoughts: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.texts.push(text.to_owned());
        }
    }

    fn block(&mut self, block: &Json, remarks: &mut Remarks) {
        match block.text_of("type").unwrap_or_default() {
            "text" | "voice_note" => {
                self.text(block.text_of("text").unwrap_or_default());
                remarks.lost("citations", block.items_of("citations").len());
            }
            "thinking" => self.thoughts.extend(block.get("thinking").cloned()),
            "redacted_thinking" => remarks.lost("thoughts", 1),
            "tool_use" | "server_tool_use" => {
                let arguments = block.get("input").unwrap_or(&Json::Null);
                let name = block.text_of("name").unwrap_or_default();
                self.calls.push(draft::tool_call(block.text_of("id"), name, arguments));
            }
            kind if kind.ends_with("tool_result") => self.result(block, remarks),
            "image" => remarks.lost("images", 1),
            "document" => remarks.lost("files", 1),
            // How much the model might still say.
            "token_budget" | "flag" => {}
            _ => match block.text_of("text") {
                Some(text) => self.text(text),
                None => remarks.lost("other parts of contents", 1),
            },
        }
    }

    fn result(&mut self, block: &Json, remarks: &mut Remarks) {
        self.finish();
        let mut texts = Vec::new();
        match block.get("content") {
            Some(Json::Text(text)) => texts.push(text.as_str()),
            Some(content) => {
                for item in content.items() {
                    match item.text_of("text") {
                        Some(text) => texts.push(text),
                        None if item.text_of("type") == Some("image") => remarks.lost("images", 1),
                        None => remarks.lost("other parts of contents", 1),
                    }
                }
            }
            None => {}
        }
        let mut result = draft::message(Role::Tool, texts.join("\n"), self.created);
        result.tool_call_id = block.text_of("tool_use_id").map(str::to_owned);
        let extras = [("tool", "name"), ("is_error", "is_error")].into_iter();
        let extras = extras.filter_map(|(key, from)| Some((key.to_owned(), block.get(from)?.clone())));
        let extras = extras.filter(|(_, value)| !value.says_nothing()).collect();
        result.metadata = draft::with_extras(None, EXTRAS, extras, "other fields of messages", remarks);
        self.done.push((result, Vec::new()));
    }

    /// What was said up to here is a message.
    fn finish(&mut self) {
        if self.texts.is_empty() && self.calls.is_empty() && self.thoughts.is_empty() {
            return;
        }
        let content = std::mem::take(&mut self.texts).join("\n\n");
        let mut message = draft::message(self.role, content, self.created);
        if !self.calls.is_empty() {
            message.tool_calls = Some(Json::Array(std::mem::take(&mut self.calls)).to_string());
        }
        self.done.push((message, std::mem::take(&mut self.thoughts)));
    }

    fn messages(
        mut self,
        attached: Vec<(String, Json)>,
        others: Vec<(String, Json)>,
        remarks: &mut Remarks,
    ) -> Vec<NewMessage> {
        self.finish();
        if self.done.is_empty() && (self.role == Role::User || !attached.is_empty()) {
            self.done
                .push((draft::message(self.role, "", self.created), Vec::new()));
        }
        let mut besides = attached;
        besides.extend(others);
        let mut messages = Vec::with_capacity(self.done.len());
        for (mut message, thoughts) in self.done {
            if message.role != Role::Tool {
                let mut extras = std::mem::take(&mut besides);
                if !thoughts.is_empty() {
                    extras.push(("thinking".to_owned(), Json::Array(thoughts)));
                }
                message.metadata = draft::with_extras(None, EXTRAS, extras, "other fields of messages", remarks);
            }
            messages.push(message);
        }
        remarks.lost("other fields of messages", besides.len());
        messages
    }
}
