//! The database of a QV session manager, with and without model_name.

use super::fields;
use super::places::{Owners, Parts, Places};
use super::rows::Values;
use super::source::Source;
use super::{Pair, begin, each_conversation, end, of_another, report_changes};
use crate::error::Result;
use crate::model::{NewMessage, NewSession};
use crate::transfer::Format;
use crate::transfer::taker::{Conversation, Taker};
use serde_json::json;

const OF_CONVERSATIONS: [&str; 6] = ["id", "title", "model_name", "created_at", "updated_at", "metadata"];
const OF_MESSAGES: [&str; 5] = ["id", "role", "content", "created_at", "metadata"];

/// What tells that it is one.
pub(super) struct Tables(Pair);

impl Tables {
    pub(super) fn find(source: &Source) -> Result<Option<Self>> {
        let pair = Pair::find(
            source,
            ("conversations", &["id", "title"]),
            ("messages", &["conversation_id", "role", "content"]),
        )?;
        Ok(pair.map(Self))
    }
}

/// Reads one.
pub(super) fn read(source: &Source, taker: &mut Taker<'_>) -> Result<()> {
    let Some(Tables(tables)) = Tables::find(source)? else {
        let needed = "conversations(id, title) and messages(conversation_id, role, content)";
        return Err(of_another(source, Format::QvDatabase, needed));
    };
    let owners = Owners {
        table: &tables.owners,
        id: "id",
    };
    // A message's time is the clock's, which may step back; rows stand in the order in which they were saved.
    let parts = Parts {
        table: &tables.parts,
        owner: "conversation_id",
        order: None,
        wanted: &OF_MESSAGES,
        what: "messages",
    };
    let places = Places::find(source, &owners, &parts)?;
    let select = tables.owners.select(&OF_CONVERSATIONS);
    each_conversation(source, tables.owners.name, &select, |mut values| {
        places.went_on(taker)?;
        if !begin(taker, &mut values, "id", conversation)? {
            return Ok(());
        }
        let messages = places.each(values.id, |mut values| {
            let message = message(&mut values)?;
            taker.message(message.into())?;
            report_changes(taker, &mut values);
            places.went_on(taker)
        });
        end(taker, messages)
    })?;
    places.finish(taker, "messages without a conversation")
}

fn conversation(values: &mut Values<'_>) -> Result<Conversation> {
    let session = NewSession {
        id: values.key("id")?,
        title: values.text("title")?.unwrap_or_default(),
        model: values.text("model_name")?.unwrap_or_default(),
        metadata: fields::object(values, "metadata")?,
        ..NewSession::default()
    };
    Ok(Conversation {
        place: values.place(),
        session,
        created: values.time("created_at")?,
        updated: values.time("updated_at")?,
        ..Conversation::default()
    })
}

fn message(values: &mut Values<'_>) -> Result<NewMessage> {
    let mut message = NewMessage {
        created: values.time("created_at")?,
        metadata: fields::object(values, "metadata")?,
        ..NewMessage::new(fields::role(values)?, "")
    };
    fields::fill_from_metadata(&mut message, &mut values.changes);
    message.content = fields::content(values, message.tool_calls.is_some())?;
    if let Some(id) = values.key("id")? {
        message.metadata = Some(fields::with_source(message.metadata, &json!({ "id": id })));
    }
    Ok(message)
}
