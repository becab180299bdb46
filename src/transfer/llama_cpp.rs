//! What the llama.cpp web UI exports: JSON Lines of a session and its messages, and the JSON of earlier versions
//! (docs/formats.md, "llama-cpp"). Messages are a tree there.

use super::draft::{self, Remarks, Unit};
use super::fields::Fields;
use super::input::Input;
use super::json::{self, Json, Position, stream};
use super::report::ProblemKind;
use super::taker::{Conversation, ForkedFrom, SharedWith, Taker};
use super::tree::{self, Node, Nodes};
use crate::error::Result;
use crate::model::{NewSession, Role};

/// What other fields are kept under in metadata.
const EXTRAS: &str = "llama-cpp";

/// Which files of an archive it is: several conversations are exported as one file each.
pub(crate) fn is_wanted(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".jsonl") || (name.ends_with(".json") && name.starts_with("conversation"))
}

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    let mut open: Option<Open> = None;
    stream::each(input, Some(is_wanted), taker, &mut |found, taker| match found.value {
        Ok(value) => take(value, found.place, &mut open, taker),
        Err(reason) => {
            match &mut open {
                Some(open) => open.spoil(format!("{}: {reason}", found.place)),
                None => taker.fail("", found.place, reason),
            }
            Ok(())
        }
    })?;
    end(&mut open, taker)
}

/// A conversation whose lines are coming in.
struct Open {
    session: Json,
    place: String,
    messages: Vec<Json>,
    bytes: usize,
    wrong: Option<String>,
}

impl Open {
    fn spoil(&mut self, reason: String) {
        self.wrong.get_or_insert(reason);
        self.messages = Vec::new();
    }
}

fn end(open: &mut Option<Open>, taker: &mut Taker<'_>) -> Result<()> {
    match open.take() {
        None => Ok(()),
        Some(Open {
            session,
            place,
            wrong: Some(reason),
            ..
        }) => {
            taker.fail(&session.get("id").and_then(Json::id).unwrap_or_default(), place, reason);
            Ok(())
        }
        Some(open) => conversation(&open.session, open.messages, open.place, taker),
    }
}

fn take(value: Json, place: String, open: &mut Option<Open>, taker: &mut Taker<'_>) -> Result<()> {
    match value.text_of("type") {
        Some("session") => {
            end(open, taker)?;
            *open = Some(Open {
                bytes: value.bytes_in_memory(),
                session: value,
                place,
                messages: Vec::new(),
                wrong: None,
            });
            Ok(())
        }
        Some("message") if value.get("message").is_some() => {
            line(value, place, open, taker);
            Ok(())
        }
        _ => {
            end(open, taker)?;
            whole(value, place, taker)
        }
    }
}

/// A line with a message of the session above it.
fn line(value: Json, place: String, open: &mut Option<Open>, taker: &mut Taker<'_>) {
    let Json::Object(entries) = value else { return };
    let Some((_, message)) = entries.into_iter().find(|(key, _)| key == "message") else {
        return;
    };
    let belongs = |open: &Open| match (
        message.get("convId").and_then(Json::id),
        open.session.get("id").and_then(Json::id),
    ) {
        (Some(theirs), Some(own)) => theirs == own,
        _ => true,
    };
    match open {
        Some(open) if belongs(open) => {
            if open.wrong.is_some() {
                return;
            }
            open.bytes += message.bytes_in_memory();
            if open.bytes > json::MOST_BYTES_IN_MEMORY {
                open.spoil(json::takes_too_much_memory());
            } else {
                open.messages.push(message);
            }
        }
        _ => taker.report(
            ProblemKind::LeftOut,
            place,
            "a message of a conversation whose line does not come before it",
        ),
    }
}

/// A conversation in one piece, as earlier versions had it: with its messages beside it, or in it.
fn whole(mut value: Json, place: String, taker: &mut Taker<'_>) -> Result<()> {
    let messages = value.remove("messages");
    let session = value.get("conv").unwrap_or(&value);
    match messages {
        Some(Json::Array(messages)) => conversation(session, messages, place, taker),
        _ => {
            let reason = "it is neither a session, nor a message, nor a conversation with messages";
            taker.fail(&session.get("id").and_then(Json::id).unwrap_or_default(), place, reason);
            Ok(())
        }
    }
}

fn conversation(session: &Json, messages: Vec<Json>, place: String, taker: &mut Taker<'_>) -> Result<()> {
    let mut remarks = Remarks::default();
    let mut fields = Fields::of(session);
    fields.pass(&["type", "harness", "messages"]);
    let id = fields.id("id");
    let nodes = match nodes(messages, &place, &mut remarks) {
        Ok(nodes) => nodes,
        Err(reason) => {
            taker.fail(&id.unwrap_or_default(), place, reason);
            return Ok(());
        }
    };
    let updated = remarks.time(fields.any("lastModified"), Unit::Millis, || {
        format!("{place}, lastModified")
    });
    let title = fields
        .said("name")
        .or_else(|| fields.said("title"))
        .unwrap_or_default()
        .to_owned();
    let current = fields.id("currNode");
    let forked_from = fields.id("forkedFromConversationId");
    let metadata = draft::with_extras(
        None,
        EXTRAS,
        fields.rest(),
        "other fields of conversations",
        &mut remarks,
    );
    let created = nodes.iter().filter_map(|node| node.messages.first()?.created).min();
    let conversation = Conversation {
        place,
        session: NewSession {
            id,
            title,
            metadata,
            ..NewSession::default()
        },
        created: created.or(updated),
        updated,
        forked_from: forked_from.map_or(ForkedFrom::AsShared, |id| {
            ForkedFrom::Another(SharedWith { id, seq: 0 })
        }),
        ..Conversation::default()
    };
    tree::take(conversation, nodes, current.as_deref(), remarks, taker)
}

/// The messages are dropped one by one, as nodes are made of them.
fn nodes(messages: Vec<Json>, place: &str, remarks: &mut Remarks) -> std::result::Result<Vec<Node>, String> {
    // The first versions had no tree: each message follows the one before it.
    let is_a_list = messages.iter().all(|message| !message.has("parent"));
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
    let mut fields = Fields::of(value);
    fields.pass(&["convId", "children", "isSynthetic"]);
    let id = fields.id("id").unwrap_or_default();
    // The root has -1 or nothing above it.
    let parent = fields.id("parent").filter(|parent| parent != "-1");
    if fields.text("type") == Some("root") {
        return Ok(Node {
            id,
            parent,
            ..Node::default()
        });
    }
    let role = fields.text("role").ok_or("it has no role")?;
    let role = Role::by_name(role).ok_or_else(|| {
        format!(
            "its role is '{}'; it must be system, user, assistant or tool",
            role.chars().take(40).collect::<String>()
        )
    })?;
    let content = match fields.any("content") {
        Some(Json::Text(text)) => text.as_str(),
        None => "",
        Some(other) => return Err(format!("its content is {}, not a string", other.kind())),
    };
    let created = remarks.time(fields.any("timestamp"), Unit::Millis, || place.to_owned());
    let mut message = draft::message(role, content, created);
    message.tool_calls = calls(fields.any("toolCalls"))?;
    message.tool_call_id = fields.said("toolCallId").map(str::to_owned);
    message.model = fields.said("model").map(str::to_owned);
    let mut extras = Vec::new();
    let reasoning = fields.said("reasoningContent").or_else(|| fields.said("thinking"));
    if let Some(reasoning) = reasoning {
        extras.push(("reasoning".to_owned(), Json::from(reasoning)));
    }
    fields.pass(&["reasoningContent", "thinking"]);
    let attachments = attachments(fields.any("extra"), remarks);
    if !attachments.is_empty() {
        extras.push(("attachments".to_owned(), Json::Array(attachments)));
    }
    extras.extend(fields.rest());
    message.metadata = draft::with_extras(None, EXTRAS, extras, "other fields of messages", remarks);
    Ok(Node {
        id,
        parent,
        messages: vec![message],
    })
}

fn calls(value: Option<&Json>) -> std::result::Result<Option<String>, String> {
    let parsed;
    let calls = match value {
        None => return Ok(None),
        Some(Json::Text(text)) if text.is_empty() => return Ok(None),
        Some(Json::Text(text)) => {
            parsed = json::parse(text.as_bytes(), Position::FIRST)
                .map_err(|wrong| format!("its toolCalls are a string that is no JSON: {}", wrong.reason))?;
            &parsed
        }
        Some(other) => other,
    };
    match calls {
        Json::Array(items) if items.is_empty() => Ok(None),
        Json::Array(items) => Ok(Some(Json::Array(items.iter().map(call).collect()).to_string())),
        other => Err(format!("its toolCalls are {}, not an array", other.kind())),
    }
}

/// Some programs that write this format have the call flat.
fn call(call: &Json) -> Json {
    match (call.get("function"), call.text_of("name")) {
        (None, Some(name)) => {
            let arguments = call.get("arguments").unwrap_or(&Json::Null);
            draft::tool_call(call.text_of("id"), name, arguments)
        }
        _ => call.clone(),
    }
}

/// Cuts out of an attachment what is no text: the pages of a PDF as images, and the file itself. Whether that was there.
fn cut_bytes(attachment: &mut Json) -> bool {
    attachment.remove("images");
    let files = ["base64Data", "base64Url"].map(|key| attachment.remove(key));
    files.iter().flatten().any(|file| !file.says_nothing())
}

/// The attachments that are text and small; what else there was is counted.
fn attachments(value: Option<&Json>, remarks: &mut Remarks) -> Vec<Json> {
    let mut kept = Vec::new();
    let mut bytes = 0;
    for item in value.map(Json::items).unwrap_or_default() {
        let what = match item.text_of("type") {
            Some("imageFile") => "images",
            Some("audioFile") => "audio clips",
            Some("videoFile") => "videos",
            _ => {
                let mut text = item.clone();
                remarks.lost("files", usize::from(cut_bytes(&mut text)));
                remarks.lost("images", item.items_of("images").len());
                bytes += text.to_string().len();
                if bytes <= draft::MOST_BYTES_OF_EXTRAS / 2 {
                    kept.push(text);
                    continue;
                }
                "attachments"
            }
        };
        remarks.lost(what, 1);
    }
    kept
}
