//! ChatGPT's conversations.json, in one file or several, a folder or the archive it came in (docs/formats.md, "chatgpt").
//! The mapping is a tree of messages.

use super::draft::{self, Remarks, Unit};
use super::fields::Fields;
use super::input::Input;
use super::json::{Json, stream};
use super::taker::{Conversation, Taker};
use super::tree::{self, Node, Nodes};
use crate::error::Result;
use crate::model::{NewMessage, NewSession, Role, Status};
use std::collections::HashMap;

/// What other fields are kept under in metadata.
const EXTRAS: &str = "chatgpt";

/// What the program notes of a message for itself.
const NOT_LOOKED_AT: [&str; 6] = ["id", "update_time", "status", "end_turn", "weight", "channel"];

/// So many answers of one call follow each other at most, before they are taken for orphans.
const MOST_ANSWERS: usize = 64;

/// Which files of the archive it is.
pub(crate) fn is_wanted(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("conversations") && name.ends_with(".json")
}

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    stream::each_conversation(input, Some(is_wanted), taker, take)
}

fn take(mut value: Json, place: String, taker: &mut Taker<'_>) -> Result<()> {
    let mut remarks = Remarks::default();
    let mapping = value.remove("mapping");
    let mut fields = Fields::of(&value);
    let (id, other_id) = (fields.id("conversation_id"), fields.id("id"));
    let id = id.or(other_id);
    let mut instructions = None;
    let nodes = match mapping {
        Some(Json::Object(mapping)) => nodes(mapping, &place, &mut instructions, &mut remarks),
        _ => Err("it has no mapping: it is no conversation".to_owned()),
    };
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(reason) => {
            taker.fail(&id.unwrap_or_default(), place, reason);
            return Ok(());
        }
    };
    let mut time = |key: &str| remarks.time(fields.any(key), Unit::Seconds, || format!("{place}, {key}"));
    let (created, updated) = (time("create_time"), time("update_time"));
    let current = fields.id("current_node");
    let title = fields.said("title").unwrap_or_default().to_owned();
    let model = fields.said("default_model_slug").unwrap_or_default().to_owned();
    let status = fields.any("is_archived").filter(|archived| archived.is_true());
    fields.pass(&["moderation_results", "safe_urls", "blocked_urls", "async_status"]);
    let extras = fields.rest().into_iter().chain(instructions).collect();
    let metadata = draft::with_extras(None, EXTRAS, extras, "other fields of conversations", &mut remarks);
    let conversation = Conversation {
        place,
        session: NewSession {
            id,
            title,
            model,
            metadata,
            ..NewSession::default()
        },
        status: status.map(|_| Status::Archived),
        created,
        updated,
        ..Conversation::default()
    };
    tree::take(conversation, nodes, current.as_deref(), remarks, taker)
}

/// The mapping is dropped piece by piece, as nodes are made of it.
fn nodes(
    mapping: Vec<(String, Json)>,
    place: &str,
    instructions: &mut Option<(String, Json)>,
    remarks: &mut Remarks,
) -> std::result::Result<Vec<Node>, String> {
    let mut nodes = Nodes::default();
    for (id, value) in mapping {
        let mut node = Node {
            parent: value.get("parent").and_then(Json::id),
            id,
            ..Node::default()
        };
        if let Some(message) = value.get("message") {
            read_message(message, &mut node, place, instructions, remarks)
                .map_err(|reason| format!("message '{}': {reason}", short(&node.id)))?;
        }
        nodes.push(node)?;
    }
    let mut nodes = nodes.all();
    answer_calls(&mut nodes);
    Ok(nodes)
}

fn short(id: &str) -> String {
    id.chars().take(80).collect()
}

/// Gives each result of a tool the id of the call above it.
fn answer_calls(nodes: &mut [Node]) {
    let calls_or_answers = |node: &Node| match node.messages.first() {
        Some(message) if message.tool_calls.is_some() => Some(true),
        Some(message) if message.role == Role::Tool => Some(false),
        Some(_) => None,
        None => Some(false),
    };
    let above: HashMap<&str, (Option<bool>, Option<&str>)> = nodes
        .iter()
        .map(|node| (node.id.as_str(), (calls_or_answers(node), node.parent.as_deref())))
        .collect();
    let call_above = |node: &Node| {
        let mut at = node.parent.as_deref();
        for _ in 0..MOST_ANSWERS {
            let (id, (calls, parent)) = above.get_key_value(at?)?;
            match calls {
                Some(true) => return Some((*id).to_owned()),
                Some(false) => at = *parent,
                None => return None,
            }
        }
        None
    };
    let is_answer = |node: &&Node| node.messages.first().is_some_and(|message| message.role == Role::Tool);
    let found: HashMap<String, String> = nodes
        .iter()
        .filter(is_answer)
        .filter_map(|node| Some((node.id.clone(), call_above(node)?)))
        .collect();
    for node in nodes {
        if let (Some(call), Some(message)) = (found.get(&node.id), node.messages.first_mut()) {
            message.tool_call_id = Some(call.clone());
        }
    }
}

fn read_message(
    value: &Json,
    node: &mut Node,
    place: &str,
    instructions: &mut Option<(String, Json)>,
    remarks: &mut Remarks,
) -> std::result::Result<(), String> {
    let role = role_of(value)?;
    let nothing = Json::Null;
    let content = value.get("content").unwrap_or(&nothing);
    match content.text_of("content_type").unwrap_or("text") {
        "thoughts" | "reasoning_recap" => remarks.lost("thoughts", 1),
        "user_editable_context" | "model_editable_context" => {
            if let Some(said) = instructions_of(content) {
                *instructions = Some(said);
            }
        }
        _ => {
            let place = || format!("{place}, message '{}'", short(&node.id));
            node.messages.extend(message(value, role, &node.id, &place, remarks));
        }
    }
    Ok(())
}

fn role_of(value: &Json) -> std::result::Result<Role, String> {
    let role = value.get("author").and_then(|author| author.text_of("role"));
    match role.ok_or("it has no author with a role")? {
        "system" => Ok(Role::System),
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "tool" => Ok(Role::Tool),
        other => {
            let other: String = other.chars().take(40).collect();
            Err(format!(
                "its role is '{other}'; it must be system, user, assistant or tool"
            ))
        }
    }
}

fn instructions_of(content: &Json) -> Option<(String, Json)> {
    let mut fields = Fields::of(content);
    fields.pass(&["content_type"]);
    let said = fields.rest();
    (!said.is_empty()).then(|| ("custom_instructions".to_owned(), Json::Object(said)))
}

/// A message; none of what the program put there for itself, and of answers that never came.
fn message(
    value: &Json,
    role: Role,
    id: &str,
    place: &dyn Fn() -> String,
    remarks: &mut Remarks,
) -> Option<NewMessage> {
    let nothing = Json::Null;
    let text = text_of(value.get("content").unwrap_or(&nothing), remarks);
    let metadata = value.get("metadata").unwrap_or(&nothing);
    remarks.lost("attachments", metadata.items_of("attachments").len());
    remarks.lost("citations", metadata.items_of("citations").len());
    let recipient = value
        .text_of("recipient")
        .filter(|recipient| !matches!(*recipient, "all" | ""));
    let calls = recipient.filter(|_| role == Role::Assistant);
    if text.is_empty() && calls.is_none() && matches!(role, Role::System | Role::Assistant) {
        return None;
    }
    let created = remarks.time(value.get("create_time"), Unit::Seconds, place);
    let mut message = match calls {
        None => draft::message(role, text, created),
        Some(tool) => {
            let mut message = draft::message(role, "", created);
            let call = draft::tool_call(Some(id), tool, &text.into());
            message.tool_calls = Some(Json::Array(vec![call]).to_string());
            message
        }
    };
    message.model = metadata
        .text_of("model_slug")
        .filter(|model| !model.is_empty())
        .map(str::to_owned);
    let extras = extras(value, metadata, role);
    message.metadata = draft::with_extras(None, EXTRAS, extras, "other fields of messages", remarks);
    Some(message)
}

/// What is worth keeping of a message besides its text.
fn extras(value: &Json, metadata: &Json, role: Role) -> Vec<(String, Json)> {
    let mut extras = Vec::new();
    let name = value.get("author").and_then(|author| author.text_of("name"));
    if let (Some(name), Role::Tool) = (name, role) {
        extras.push(("tool".to_owned(), name.into()));
    }
    let names = metadata
        .items_of("attachments")
        .iter()
        .filter_map(|item| item.get("name"))
        .cloned();
    let names: Vec<Json> = names.collect();
    if !names.is_empty() {
        extras.push(("attachments".to_owned(), Json::Array(names)));
    }
    if metadata
        .get("is_visually_hidden_from_conversation")
        .is_some_and(Json::is_true)
    {
        extras.push(("hidden".to_owned(), Json::Bool(true)));
    }
    let mut fields = Fields::of(value);
    fields.pass(&NOT_LOOKED_AT);
    fields.pass(&["author", "content", "create_time", "metadata", "recipient"]);
    extras.extend(fields.rest());
    extras
}

/// The text of a content of any kind.
fn text_of(content: &Json, remarks: &mut Remarks) -> String {
    let mut texts = Vec::new();
    for part in content.items_of("parts") {
        match part {
            Json::Text(text) => texts.push(text.as_str()),
            part => texts.extend(text_of_part(part, remarks)),
        }
    }
    let fields = ["text", "result", "output_str", "content"].into_iter();
    texts.extend(fields.filter_map(|key| content.text_of(key)));
    texts.retain(|text| !text.is_empty());
    texts.join("\n")
}

fn text_of_part<'a>(part: &'a Json, remarks: &mut Remarks) -> Option<&'a str> {
    let what = match part.text_of("content_type").unwrap_or_default() {
        "audio_transcription" => return part.text_of("text"),
        "image_asset_pointer" => "images",
        "audio_asset_pointer" | "real_time_user_audio_video_asset_pointer" => "audio clips",
        "video_container_asset_pointer" => "videos",
        _ => match part.text_of("text") {
            Some(text) => return Some(text),
            None => "other parts of contents",
        },
    };
    remarks.lost(what, 1);
    None
}
