//! ShareGPT: conversations of who says what, both ways (docs/formats.md, "sharegpt").

use super::carried::{self, Field};
use super::draft::{self, Remarks};
use super::export::{Exported, Out};
use super::fields::Fields;
use super::input::Input;
use super::json::{self, Json, Position, stream};
use super::taker::{Conversation, Taker};
use crate::error::Result;
use crate::model::{MessageRef, NewMessage, NewSession, Role};

/// What other fields are kept under in metadata.
const EXTRAS: &str = "sharegpt";

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    stream::each_conversation(input, None, taker, take)
}

fn take(mut value: Json, place: String, taker: &mut Taker<'_>) -> Result<()> {
    let mut remarks = Remarks::default();
    let said = value.remove("conversations");
    let mut fields = Fields::of(&value);
    let id = fields.id("id");
    let messages = match messages(said, fields.said("system"), &mut remarks) {
        Ok(messages) => messages,
        Err(reason) => {
            taker.fail(&id.unwrap_or_default(), place, reason);
            return Ok(());
        }
    };
    let title = fields.said("title").unwrap_or_default().to_owned();
    let model = fields.said("model").unwrap_or_default().to_owned();
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
            model,
            metadata,
            ..NewSession::default()
        },
        ..Conversation::default()
    };
    draft::hand_over(conversation, messages, remarks, taker)
}

/// What is read is dropped message by message.
fn messages(
    value: Option<Json>,
    system: Option<&str>,
    remarks: &mut Remarks,
) -> std::result::Result<Vec<NewMessage>, String> {
    let Some(Json::Array(items)) = value else {
        return Err("it has no conversations: there should be an array of that name".to_owned());
    };
    let mut messages: Vec<NewMessage> = Vec::with_capacity(items.len() + 1);
    if let Some(system) = system {
        messages.push(NewMessage::new(Role::System, system));
    }
    // A call belongs to what the model said just before it, if it says nothing of its own.
    let mut may_call = false;
    for (index, item) in items.into_iter().enumerate() {
        let read = said(&item, remarks).map_err(|reason| format!("message {}: {reason}", index + 1))?;
        let is_call = read.tool_calls.is_some();
        match messages.last_mut() {
            Some(last) if is_call && may_call && read.metadata.is_none() => last.tool_calls = read.tool_calls,
            _ => messages.push(read),
        }
        may_call = !is_call && messages.last().is_some_and(|last| last.role == Role::Assistant);
    }
    Ok(messages)
}

fn said(item: &Json, remarks: &mut Remarks) -> std::result::Result<NewMessage, String> {
    let mut fields = Fields::of(item);
    let from = fields.text("from").or_else(|| fields.text("role"));
    let from = from.ok_or("it does not say from whom it is")?;
    let value = fields.any("value").or_else(|| fields.any("content"));
    let value = match value {
        Some(Json::Text(text)) => text.clone(),
        Some(other) => return Err(format!("its value is {}, not a string", other.kind())),
        None => return Err("it has no value".to_owned()),
    };
    let role = match from {
        "human" | "user" | "prompter" => Role::User,
        "gpt" | "assistant" | "chatgpt" | "model" | "bot" | "bing" | "bard" | "function_call" | "tool_call" => {
            Role::Assistant
        }
        "system" => Role::System,
        "developer" => Role::Developer,
        "tool" | "observation" | "function_response" | "tool_response" => Role::Tool,
        other => {
            let other: String = other.chars().take(40).collect();
            return Err(format!(
                "it is from '{other}'; it must be human, gpt, system, developer, function_call or observation, or another \
                 name of one of these"
            ));
        }
    };
    let mut message = NewMessage::new(role, value);
    if matches!(from, "function_call" | "tool_call") {
        match calls(&message.content) {
            Some(calls) => {
                message.content.clear();
                message.tool_calls = Some(calls.to_string());
            }
            None => remarks.lost("calls that are no JSON, kept as text", 1),
        }
    }
    if role == Role::Tool {
        message.tool_call_id = fields.said("tool_call_id").map(str::to_owned);
    }
    message.metadata = draft::with_extras(None, EXTRAS, fields.rest(), "other fields of messages", remarks);
    Ok(message)
}

/// Calls as ShareGPT has them: one or several of a name and arguments.
fn calls(text: &str) -> Option<Json> {
    let value = json::parse(text.as_bytes(), Position::FIRST).ok()?;
    let one = std::slice::from_ref(&value);
    let calls = match &value {
        Json::Object(_) => one,
        Json::Array(calls) if !calls.is_empty() => calls,
        _ => return None,
    };
    let calls: Option<Vec<Json>> = calls.iter().map(call).collect();
    calls.map(Json::Array)
}

fn call(call: &Json) -> Option<Json> {
    if call.get("function").is_some() {
        return Some(call.clone());
    }
    let name = call.text_of("name")?;
    let arguments = call.get("arguments").or_else(|| call.get("parameters"));
    Some(draft::tool_call(
        call.text_of("id"),
        name,
        arguments.unwrap_or(&Json::Object(Vec::new())),
    ))
}

/// A call as ShareGPT has it; as it is, where that would lose something.
fn short_call(call: Json) -> Json {
    let function = call.get("function");
    let parts = function.and_then(|function| Some((function.text_of("name")?, function.text_of("arguments")?)));
    let Some((name, text)) = parts else { return call };
    // Arguments that would be written otherwise stay the text that they are.
    let arguments = match json::parse(text.as_bytes(), Position::FIRST) {
        Ok(arguments @ (Json::Object(_) | Json::Array(_))) if arguments.to_string() == text => arguments,
        _ => text.into(),
    };
    let id = call.text_of("id");
    if draft::tool_call(id, name, &arguments) != call {
        return call;
    }
    let id = id.map(|id| ("id".to_owned(), Json::from(id)));
    let rest = [
        ("name".to_owned(), Json::from(name)),
        ("arguments".to_owned(), arguments),
    ];
    Json::Object(id.into_iter().chain(rest).collect())
}

/// Writes a line for each session.
#[derive(Default)]
pub(crate) struct Exporter {
    messages: u64,
    follows_gpt: bool,
}

impl Exporter {
    fn say(&mut self, out: &mut Out<'_>, from: &str, value: &str, tool_call_id: Option<&str>) -> Result<()> {
        out.text(if self.messages == 0 { "" } else { "," })?;
        self.messages += 1;
        self.follows_gpt = from == "gpt";
        let mut said = vec![("from".to_owned(), from.into()), ("value".to_owned(), value.into())];
        said.extend(tool_call_id.map(|id| ("tool_call_id".to_owned(), id.into())));
        out.json(&Json::Object(said))
    }
}

impl super::export::Exporter for Exporter {
    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()> {
        *self = Self::default();
        let info = session.info;
        out.text("{\"id\":")?;
        out.json(&info.id)?;
        for (key, text) in [("title", &info.title), ("model", &info.model)] {
            if !text.is_empty() {
                out.text(&format!(",\"{key}\":"))?;
                out.json(text)?;
            }
        }
        carried::count_session(out, session, &[Field::Title, Field::Model]);
        out.text(",\"conversations\":[")
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        carried::count_message(out, message, &[Field::ToolCalls, Field::ToolCallIds]);
        let from = match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "human",
            Role::Tool => "observation",
            Role::Assistant => "gpt",
        };
        // Without text a call stands alone, unless it would be taken for one of the message before it.
        if message.tool_calls.is_none() || !message.content.is_empty() || self.follows_gpt {
            self.say(out, from, message.content, message.tool_call_id)?;
        }
        if message.tool_calls.is_some() {
            let calls = carried::calls(message).into_iter().map(short_call).collect();
            self.say(out, "function_call", &Json::Array(calls).to_string(), None)?;
        }
        Ok(())
    }

    fn end_session(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text("]}\n")
    }
}
