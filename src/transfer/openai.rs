//! Conversations in the shape of the OpenAI chat API, an object a line, both ways (docs/formats.md, "openai").

use super::carried::{self, Field};
use super::draft::{self, Remarks, Unit};
use super::export::{Exported, Out};
use super::fields::Fields;
use super::input::Input;
use super::json::{self, Json, stream};
use super::taker::{Conversation, Taker};
use crate::error::Result;
use crate::model::{MessageRef, NewMessage, NewSession, Role, Status};

/// What other fields are kept under in metadata.
const EXTRAS: &str = "openai";

/// A content of parts is kept whole, where not all of it is text, under this.
const CONTENT_PARTS: &str = "content_parts";

/// The fields of a conversation and of a message that have a meaning here.
const OF_SESSION: [&str; 12] = [
    "id", "user_id", "name", "title", "model", "status", "tags", "summary", "created", "updated", "metadata",
    "messages",
];
/// What is read as the owner where nothing else is.
const OTHER_OWNER: &str = "user";
const OF_MESSAGE: [&str; 5] = ["role", "content", "tool_calls", "tool_call_id", "function_call"];

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    stream::each_conversation(input, None, taker, take)
}

fn take(mut value: Json, place: String, taker: &mut Taker<'_>) -> Result<()> {
    let mut remarks = Remarks::default();
    match messages(value.remove("messages"), &place, &mut remarks) {
        Ok(messages) => {
            let conversation = conversation(&value, place, &mut remarks);
            draft::hand_over(conversation, messages, remarks, taker)
        }
        Err(reason) => {
            let id = value.get("id").and_then(Json::id).unwrap_or_default();
            taker.fail(&id, place, reason);
            Ok(())
        }
    }
}

fn conversation(value: &Json, place: String, remarks: &mut Remarks) -> Conversation {
    let mut fields = Fields::of(value);
    let mut time = |keys: [&str; 2]| {
        let found = keys.into_iter().find_map(|key| Some((key, fields.any(key)?)))?;
        remarks.time(Some(found.1), Unit::Seconds, || format!("{place}, {}", found.0))
    };
    let (created, updated) = (time(["created", "created_at"]), time(["updated", "updated_at"]));
    let mut said = |key: &str| fields.said(key).map(str::to_owned);
    let (user, name, title) = (
        said("user_id").or_else(|| said(OTHER_OWNER)),
        said("name"),
        said("title"),
    );
    let (model, summary) = (said("model"), said("summary"));
    let is_status = |text: &str| Status::by_name(text).is_some();
    let status = value.text_of("status").filter(|text| is_status(text));
    let status = status.and_then(|text| {
        fields.any("status");
        Status::by_name(text)
    });
    let (id, tags, own) = (fields.id("id"), fields.texts("tags"), fields.object("metadata"));
    let metadata = draft::with_extras(own, EXTRAS, fields.rest(), "other fields of conversations", remarks);
    Conversation {
        place,
        session: NewSession {
            id,
            user_id: user.unwrap_or_default(),
            name,
            title: title.unwrap_or_default(),
            model: model.unwrap_or_default(),
            summary: summary.unwrap_or_default(),
            metadata,
            tags,
            ..NewSession::default()
        },
        status,
        created,
        updated,
        ..Conversation::default()
    }
}

/// What is read is dropped message by message.
fn messages(value: Option<Json>, place: &str, remarks: &mut Remarks) -> std::result::Result<Vec<NewMessage>, String> {
    let Some(Json::Array(items)) = value else {
        return Err("it has no messages: there should be an object with an array of that name".to_owned());
    };
    let mut legacy = LegacyCalls::default();
    let mut messages = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let read = message(&item, &mut legacy, &format!("{place}, message {}", index + 1), remarks);
        messages.push(read.map_err(|reason| format!("message {}: {reason}", index + 1))?);
    }
    Ok(messages)
}

/// Before calls had ids there was one at a time, and its result came next.
#[derive(Default)]
struct LegacyCalls {
    count: usize,
    open: Option<String>,
}

fn message(
    item: &Json,
    legacy: &mut LegacyCalls,
    place: &str,
    remarks: &mut Remarks,
) -> std::result::Result<NewMessage, String> {
    let mut fields = Fields::of(item);
    let role = fields.text("role").ok_or("it has no role")?;
    let answers_legacy = role == "function";
    let role = match role {
        "function" => Role::Tool,
        role => Role::by_name(role).ok_or_else(|| {
            format!(
                "its role is '{}'; it must be system, developer, user, assistant or tool",
                role.chars().take(40).collect::<String>()
            )
        })?,
    };
    let mut parts = None;
    let content = match fields.any("content") {
        Some(Json::Text(text)) => text.clone(),
        Some(Json::Array(items)) => text_of_parts(items, &mut parts, remarks)?,
        Some(other) => return Err(format!("its content is {}", other.kind())),
        None if role == Role::Assistant => String::new(),
        None => return Err("it has no content".to_owned()),
    };
    let mut message = draft::message(role, content, None);
    message.tool_calls = tool_calls(fields.any("tool_calls"))?;
    message.tool_call_id = fields.said("tool_call_id").map(str::to_owned);
    if let Some(call) = fields.object("function_call") {
        legacy.count += 1;
        let id = format!("call_{}", legacy.count);
        let arguments = call.get("arguments").unwrap_or(&Json::Null);
        let call = draft::tool_call(Some(&id), call.text_of("name").unwrap_or_default(), arguments);
        message.tool_calls = Some(Json::Array(vec![call]).to_string());
        legacy.open = Some(id);
    }
    if answers_legacy {
        message.tool_call_id = legacy.open.take();
    }
    let created = fields.any("created").or_else(|| fields.any("created_at"));
    message.created = remarks.time(created, Unit::Seconds, || place.to_owned());
    let mut extras = fields.rest();
    let others = extras.len();
    // Under this name stands what this importer keeps itself, and what comes back as the content.
    extras.retain(|(key, _)| key != CONTENT_PARTS);
    remarks.lost("other fields of messages", others - extras.len());
    extras.extend(parts);
    message.metadata = draft::with_extras(None, EXTRAS, extras, "other fields of messages", remarks);
    Ok(message)
}

/// The text of a part, if that is all that it says.
fn text_of_part(part: &Json) -> Option<&str> {
    part.text()
        .or_else(|| part.text_of("text"))
        .or_else(|| part.text_of("refusal"))
}

fn kind_of_part(part: &Json) -> &str {
    part.text_of("type")
        .or_else(|| part.text().map(|_| "text"))
        .unwrap_or_default()
}

fn is_text(kind: &str) -> bool {
    matches!(kind, "text" | "input_text" | "output_text" | "refusal")
}

/// Whether parts have this text: else they are of somebody else, or the message was changed since.
fn say(parts: &Json, content: &str) -> bool {
    let Json::Array(items) = parts else { return false };
    let texts = items.iter().filter(|part| is_text(kind_of_part(part)));
    let texts: Vec<&str> = texts.filter_map(text_of_part).collect();
    texts.join("\n") == content
}

/// The text of a content in parts. What is more than text is also kept as it is, under a name of its own.
fn text_of_parts(
    items: &[Json],
    parts: &mut Option<(String, Json)>,
    remarks: &mut Remarks,
) -> std::result::Result<String, String> {
    let mut texts = Vec::new();
    let mut others = 0;
    for item in items {
        let (kind, text) = (kind_of_part(item), text_of_part(item));
        match (kind, text) {
            (kind, Some(text)) if is_text(kind) => texts.push(text),
            ("image_url" | "input_image" | "image", _) => remarks.lost("images", 1),
            ("input_audio" | "audio", _) => remarks.lost("audio clips", 1),
            ("file" | "input_file", _) => remarks.lost("files", 1),
            ("", _) => return Err("its content has a part without a type".to_owned()),
            _ => remarks.lost("other parts of contents", 1),
        }
        others += usize::from(text.is_none() || kind == "refusal");
    }
    let whole = Json::Array(items.to_vec());
    if others > 0 && whole.to_string().len() <= draft::MOST_BYTES_OF_EXTRAS / 2 {
        *parts = Some((CONTENT_PARTS.to_owned(), whole));
    }
    Ok(texts.join("\n"))
}

/// Calls, with their arguments as the text that they are in this API.
fn tool_calls(value: Option<&Json>) -> std::result::Result<Option<String>, String> {
    match value {
        None => Ok(None),
        Some(Json::Array(calls)) if calls.is_empty() => Ok(None),
        Some(Json::Array(calls)) => Ok(Some(
            Json::Array(calls.iter().map(with_text_arguments).collect()).to_string(),
        )),
        Some(other) => Err(format!("its tool_calls are {}, not an array", other.kind())),
    }
}

fn with_text_arguments(call: &Json) -> Json {
    let mut call = call.clone();
    if let Json::Object(entries) = &mut call {
        let function = entries.iter_mut().find(|(key, _)| key == "function");
        if let Some((_, Json::Object(function))) = function {
            for (key, value) in function.iter_mut() {
                if key == "arguments" && matches!(value, Json::Object(_) | Json::Array(_)) {
                    *value = Json::Text(value.to_string());
                }
            }
        }
    }
    call
}

/// Writes a line for each session.
#[derive(Default)]
pub(crate) struct Exporter {
    messages: u64,
}

impl super::export::Exporter for Exporter {
    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()> {
        let info = session.info;
        self.messages = 0;
        let (extras, metadata) = draft::split_extras(&info.metadata, EXTRAS);
        let mut line: Vec<(String, Json)> = vec![("id".to_owned(), info.id.as_str().into())];
        let mut add = |key: &str, text: &str| {
            if !text.is_empty() {
                line.push((key.to_owned(), text.into()));
            }
        };
        add("user_id", &info.user_id);
        add("name", info.name.as_deref().unwrap_or_default());
        add("title", &info.title);
        add("model", &info.model);
        add("status", info.status.name());
        add("summary", &info.summary);
        add("created", &draft::text_of_time(info.created));
        add("updated", &draft::text_of_time(info.updated));
        if !info.tags.is_empty() {
            let tags = info.tags.iter().map(|tag| Json::from(tag.as_str()));
            line.push(("tags".to_owned(), Json::Array(tags.collect())));
        }
        if !metadata.says_nothing() {
            line.push(("metadata".to_owned(), metadata));
        }
        let mut others = others(extras, &OF_SESSION, "other fields of sessions", out);
        if info.user_id.is_empty() {
            // It would be read as the owner, whom somebody took away.
            let kept = others.len();
            others.retain(|(key, _)| key != OTHER_OWNER);
            out.lost("other fields of sessions", (kept - others.len()) as u64);
        }
        line.extend(others);
        let text = Json::Object(line).to_string();
        out.text(text.strip_suffix('}').unwrap_or(&text))?;
        carried::count_session(
            out,
            session,
            &[
                Field::Owner,
                Field::Name,
                Field::Title,
                Field::Model,
                Field::Metadata,
                Field::Tags,
                Field::Summary,
                Field::Status,
                Field::Times,
            ],
        );
        out.text(",\"messages\":[")
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        let (extras, metadata) = draft::split_extras(message.metadata.unwrap_or("{}"), EXTRAS);
        let parts = extras.as_ref().and_then(|extras| extras.get(CONTENT_PARTS));
        let content = match parts.filter(|parts| say(parts, message.content)) {
            Some(parts) => parts.clone(),
            None if message.content.is_empty() && message.tool_calls.is_some() => Json::Null,
            None => message.content.into(),
        };
        let mut object = vec![
            ("role".to_owned(), message.role.name().into()),
            ("content".to_owned(), content),
        ];
        if let Some(calls) = message.tool_calls {
            object.push(("tool_calls".to_owned(), json::kept(calls)));
        }
        if let Some(id) = message.tool_call_id {
            object.push(("tool_call_id".to_owned(), id.into()));
        }
        object.extend(others(extras, &OF_MESSAGE, "other fields of messages", out));
        out.lost(
            "metadata of messages",
            u64::from(draft::says_something(&metadata.to_string())),
        );
        let carried = [Field::ToolCalls, Field::ToolCallIds, Field::MessageMetadata];
        carried::count_message(out, message, &carried);
        out.text(if self.messages == 0 { "" } else { "," })?;
        self.messages += 1;
        out.json(&Json::Object(object))
    }

    fn end_session(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text("]}\n")
    }
}

/// What an import kept, to be written as it was: but for what has a meaning here and would be read otherwise, which is
/// counted.
fn others(extras: Option<Json>, known: &[&str], what: &'static str, out: &mut Out<'_>) -> Vec<(String, Json)> {
    let Some(Json::Object(mut entries)) = extras else {
        return Vec::new();
    };
    entries.retain(|(key, _)| key != CONTENT_PARTS);
    let kept = entries.len();
    entries.retain(|(key, _)| !known.contains(&key.as_str()));
    out.lost(what, (kept - entries.len()) as u64);
    entries
}
