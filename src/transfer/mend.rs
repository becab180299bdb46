//! What other programs allow and a store does not, made fit with as little loss as can be, and said in the report.

use crate::error::Result;
use crate::model::message::ToolCalls;
use crate::model::session::MAX_TITLE_BYTES;
use crate::model::{NewMessage, NewSession, Role, ids, metadata};
use serde_json::json;

/// Makes a session's fields fit, and says what was changed.
pub(crate) fn session(session: &mut NewSession) -> Vec<String> {
    let mut changes = Vec::new();
    if let Some(id) = &session.id
        && let Err(error) = ids::check_id("its id", id)
    {
        changes.push(format!("{error}; it got a new one"));
        session.id = None;
    }
    if let Some(name) = &session.name
        && let Err(error) = ids::check_id("its name", name)
    {
        changes.push(format!("{error}; it has no name now"));
        if session.title.is_empty() {
            session.title.clone_from(name);
        }
        session.name = None;
    }
    if session.title.len() > MAX_TITLE_BYTES {
        changes.push(format!(
            "its title is {} bytes long; the first {MAX_TITLE_BYTES} are kept",
            session.title.len()
        ));
        cut(&mut session.title, MAX_TITLE_BYTES);
    }
    for (what, label) in [("its owner", &mut session.user_id), ("its model", &mut session.model)] {
        if let Err(error) = ids::check_label(what, label) {
            changes.push(format!("{error}; what fits of it is kept"));
            *label = fitting_label(label);
        }
    }
    session.tags.retain(|tag| {
        let checked = ids::check_id("a tag", tag);
        changes.extend(checked.as_ref().err().map(|error| format!("{error}; it is left out")));
        checked.is_ok()
    });
    if let Some(Err(error)) = session
        .metadata
        .as_deref()
        .map(|json| metadata::check_object("its metadata", json))
    {
        changes.push(format!("{error}; it is left out"));
        session.metadata = None;
    }
    changes
}

/// Makes a message's fields fit, and says what was changed. `step` are the calls that a tool message would answer.
pub(crate) fn message(message: &mut NewMessage, step: Option<&str>) -> Option<String> {
    let mut changes = Vec::new();
    if let Some(Err(error)) = message
        .metadata
        .as_deref()
        .map(|json| metadata::check_object("its metadata", json))
    {
        changes.push(format!("{error}; it is left out"));
        message.metadata = None;
    }
    if let Some(model) = &message.model
        && let Err(error) = ids::check_label("its model", model)
    {
        changes.push(format!("{error}; what fits of it is kept"));
        message.model = Some(fitting_label(model)).filter(|model| !model.is_empty());
    }
    if message.role == Role::Tool
        && let Err(error) = answers(step, message.tool_call_id.as_deref())
    {
        changes.push(format!("{error}; it is kept as a message of the assistant"));
        let note = json!({ "role": "tool", "tool_call_id": message.tool_call_id });
        message.role = Role::Assistant;
        message.tool_call_id = None;
        message.metadata = Some(metadata::with_new_note(message.metadata.as_deref(), "imported", &note));
    }
    (!changes.is_empty()).then(|| changes.join("; "))
}

fn answers(step: Option<&str>, id: Option<&str>) -> Result<()> {
    if let Some(id) = id {
        ids::check_id("tool_call_id", id)?;
    }
    ToolCalls::of_step(step)?.check_answer(id)
}

/// What of a text can be a label.
pub(crate) fn fitting_label(label: &str) -> String {
    let mut fitting: String = label.chars().filter(|c| !c.is_control()).collect();
    cut(&mut fitting, ids::MAX_ID_BYTES);
    fitting
}

fn cut(text: &mut String, most_bytes: usize) {
    let mut length = most_bytes.min(text.len());
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    text.truncate(length);
}
