//! The database of coda's session module: the one that its code makes, and the simpler one of its README.
//!
//! A branch there is a session with copies of its parent's messages. Where they are still the same up to the branch point,
//! the branch shares them with its parent here, and has again what the copies lost.

use super::fields;
use super::places::{Owners, Parts, Places};
use super::rows::{self, Table, Values};
use super::source::Source;
use super::{Pair, begin, each_conversation, end, family, is_of_a_row, of_another, report_changes, report_repeated};
use crate::error::Result;
use crate::model::message::MAX_MESSAGE_TOKENS;
use crate::model::{NewMessage, NewSession, Role, Tokens};
use crate::transfer::Format;
use crate::transfer::taker::{Conversation, ForkedFrom, SharedWith, Taker};
use rusqlite::OptionalExtension;
use serde_json::{Map, Value, json};

const OF_SESSIONS: [&str; 18] = [
    "id",
    "name",
    "description",
    "provider",
    "model",
    "mode",
    "created_at",
    "updated_at",
    "accessed_at",
    "status",
    "parent_id",
    "branch_point_message_id",
    "system_prompt",
    "temperature",
    "max_tokens",
    "config",
    "total_cost",
    "metadata",
];
const OF_MESSAGES: [&str; 17] = [
    "id",
    "role",
    "content",
    "created_at",
    "timestamp",
    "model",
    "provider",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cost",
    "message_metadata",
    "metadata",
    "tool_calls",
    "attachments",
    "error",
    "error_type",
];

/// What tells that it is one.
pub(super) struct Tables(Pair);

impl Tables {
    pub(super) fn find(source: &Source) -> Result<Option<Self>> {
        let pair = Pair::find(
            source,
            ("sessions", &["id", "name"]),
            ("messages", &["session_id", "role", "content"]),
        )?;
        Ok(pair.map(Self))
    }
}

/// Reads one.
pub(super) fn read(source: &Source, taker: &mut Taker<'_>) -> Result<()> {
    let Some(Tables(tables)) = Tables::find(source)? else {
        let needed = "sessions(id, name) and messages(session_id, role, content)";
        return Err(of_another(source, Format::CodaDatabase, needed));
    };
    let owners = Owners {
        table: &tables.owners,
        id: "id",
    };
    let parts = Parts {
        table: &tables.parts,
        owner: "session_id",
        order: Some("sequence"),
        wanted: &OF_MESSAGES,
        what: "messages",
    };
    let reader = Reader {
        places: Places::find(source, &owners, &parts)?,
        source,
        sessions: &tables.owners,
        has_tags: find_tags(source, taker)?,
    };
    family::order(source, &owners)?;
    let select = family::select(&tables.owners, &OF_SESSIONS);
    each_conversation(source, tables.owners.name, &select, |values| reader.take(values, taker))?;
    if let Some(attachments) = Table::find(source, "attachments", &[])? {
        taker.lost("attachments in a table of their own", attachments.count(source)?);
    }
    reader.places.finish(taker, "messages without a session")
}

/// Finds which tag belongs to which session.
fn find_tags(source: &Source, taker: &mut Taker<'_>) -> Result<bool> {
    let tags = Table::find(source, "tags", &["id", "name"])?;
    let links = Table::find(source, "session_tags", &["session_id", "tag_id"])?;
    if tags.is_none() || links.is_none() {
        for other in ["tags", "session_tags"] {
            if let Some(table) = Table::find(source, other, &[])? {
                taker.lost("tags in tables of another shape", table.count(source)?);
            }
        }
        return Ok(false);
    }
    source.run(source.connection().execute_batch(
        "CREATE TEMP TABLE tag_names AS SELECT id, name FROM main.tags NOT INDEXED; \
         CREATE INDEX temp.tag_names_by_id ON tag_names (id); \
         CREATE TEMP TABLE tags_of AS SELECT l.session_id AS owner, t.name AS tag \
         FROM main.session_tags AS l NOT INDEXED CROSS JOIN temp.tag_names AS t ON t.id = l.tag_id; \
         CREATE INDEX temp.tags_by_owner ON tags_of (owner, tag);",
    ))?;
    Ok(true)
}

struct Reader<'a> {
    source: &'a Source,
    sessions: &'a Table,
    places: Places<'a>,
    has_tags: bool,
}

/// A session's row, read.
struct Session {
    conversation: Conversation,
    /// The system message that it begins with, where it has none of its own.
    prompt: Option<NewMessage>,
}

impl Reader<'_> {
    fn take(&self, mut values: Values<'_>, taker: &mut Taker<'_>) -> Result<()> {
        self.places.went_on(taker)?;
        let (mut prompt, mut shared) = (None, 0);
        let read = self.session(&mut values).and_then(|mut session| {
            shared = self.find_parent(&mut values, &mut session.conversation, taker)?;
            prompt = session.prompt;
            Ok(session.conversation)
        });
        let row = values.id;
        if !begin(taker, &mut values, "id", |_| read)? {
            return Ok(());
        }
        report_repeated(taker, &values.place(), self.places.repeated(row)?, "messages");
        let messages = self.messages(row, prompt, shared, taker);
        end(taker, messages)
    }

    /// Hands over the messages behind those that are shared.
    fn messages(&self, row: i64, prompt: Option<NewMessage>, shared: u32, taker: &mut Taker<'_>) -> Result<()> {
        let mut left = shared;
        if let Some(prompt) = prompt {
            match left {
                0 => taker.message(prompt.into())?,
                _ => left -= 1,
            }
        }
        self.places.each(row, |mut values| {
            self.places.went_on(taker)?;
            if left > 0 {
                left -= 1;
                return Ok(());
            }
            let (message, id) = message(&mut values)?;
            taker.message(with_id(message, id).into())?;
            report_changes(taker, &mut values);
            Ok(())
        })
    }

    fn session(&self, values: &mut Values<'_>) -> Result<Session> {
        let id = values.key("id")?;
        let created = values.time("created_at")?;
        let prompt = self.prompt(values.id, created)?;
        let (status, unknown) = fields::status(values)?;
        let mut more = Vec::new();
        let cost = values.value("total_cost")?.filter(|cost| cost.as_f64() != Some(0.0));
        more.extend(cost.map(|cost| ("total_cost", cost)));
        for column in ["description", "provider", "mode", "accessed_at"] {
            more.extend(
                values
                    .text(column)?
                    .filter(|text| !text.is_empty())
                    .map(|text| (column, Value::from(text))),
            );
        }
        for column in ["temperature", "max_tokens", "config"] {
            let value = values.json(column)?.filter(|value| !is_nothing(value));
            more.extend(value.map(|value| (column, value)));
        }
        if let (None, Some(text)) = (&prompt, values.text("system_prompt")?.filter(|text| !text.is_empty())) {
            more.push(("system_prompt", Value::from(text)));
        }
        more.extend(unknown.map(|name| ("status", Value::from(name))));
        let own = fields::object(values, "metadata")?;
        let session = NewSession {
            tags: self.tags(values)?,
            id,
            name: values.text("name")?.filter(|name| !name.is_empty()),
            model: values.text("model")?.unwrap_or_default(),
            metadata: fields::joined(own, more),
            ..NewSession::default()
        };
        let conversation = Conversation {
            place: values.place(),
            session,
            status,
            created,
            updated: values.time("updated_at")?,
            is_shared: values.integer("has_branches")? == Some(1),
            ..Conversation::default()
        };
        Ok(Session { conversation, prompt })
    }

    fn tags(&self, values: &Values<'_>) -> Result<Vec<String>> {
        if !self.has_tags {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT ?1 AS place, 1 AS is_there, tag FROM temp.tags_of \
             WHERE owner = (SELECT id FROM main.\"{}\" WHERE rowid = ?1)",
            self.sessions.name
        );
        let mut statement = self.source.run(self.source.connection().prepare_cached(&sql))?;
        let mut rows = self.source.run(statement.query([values.id]))?;
        let mut tags = Vec::new();
        while let Some(values) = rows::next(self.source, "sessions", &mut rows)? {
            tags.extend(values.key("tag")?);
        }
        Ok(tags)
    }

    /// The system prompt of a session that does not begin with a system message.
    fn prompt(&self, row: i64, created: Option<i64>) -> Result<Option<NewMessage>> {
        if !self.sessions.has("system_prompt") {
            return Ok(None);
        }
        let connection = self.source.connection();
        const PROMPT: &str = "SELECT ?1 AS place, 1 AS is_there, system_prompt FROM main.sessions WHERE rowid = ?1";
        let mut statement = self.source.run(connection.prepare_cached(PROMPT))?;
        let mut rows = self.source.run(statement.query([row]))?;
        let text = match rows::next(self.source, "sessions", &mut rows)? {
            Some(values) => values.text("system_prompt")?.filter(|text| !text.is_empty()),
            None => None,
        };
        let Some(text) = text else { return Ok(None) };
        let leads = match self.places.first(row)? {
            None => false,
            Some(first) => {
                const LEADS: &str = "SELECT role IN ('system', 'developer') FROM main.messages WHERE rowid = ?1";
                let mut statement = self.source.run(connection.prepare_cached(LEADS))?;
                let leads = self
                    .source
                    .run(statement.query_row([first], |row| row.get(0)).optional())?;
                leads.flatten().unwrap_or(false)
            }
        };
        Ok((!leads).then(|| NewMessage {
            created,
            ..NewMessage::new(Role::System, text)
        }))
    }

    /// Says what a session was branched from, and how many messages it has from there.
    fn find_parent(
        &self,
        values: &mut Values<'_>,
        conversation: &mut Conversation,
        taker: &Taker<'_>,
    ) -> Result<u32> {
        let Some(id) = values.key("parent_id")?.filter(|id| !id.is_empty()) else {
            return Ok(0);
        };
        if values.integer("level")? == Some(family::IN_A_CIRCLE) {
            values.changes.push(format!(
                "its parent is '{id}', and that one's parents lead back to it; it is kept without a parent"
            ));
            conversation.forked_from = ForkedFrom::Gone(0);
            return Ok(0);
        }
        let parent = values.integer("parent_place")?.filter(|_| taker.has_messages_of(&id));
        let point = values.key("branch_point_message_id")?;
        let shared = match parent {
            Some(parent) => self.shared(values.id, parent, point.as_deref())?,
            None => 0,
        };
        let from = SharedWith { id, seq: shared };
        if shared > 0 {
            conversation.shares = Some(from);
            return Ok(shared);
        }
        if parent.is_some() && point.is_some() {
            values.changes.push(format!(
                "its first messages are not those of '{}' up to the branch point; it is kept whole",
                from.id
            ));
        }
        conversation.forked_from = ForkedFrom::Another(from);
        Ok(0)
    }

    /// How many messages a branch has as its parent has them: up to the branch point, or as far as they are the same where
    /// none is named. 0 if it does not have them all.
    fn shared(&self, branch: i64, parent: i64, point: Option<&str>) -> Result<u32> {
        let mut same = match (self.prompt(branch, None)?, self.prompt(parent, None)?) {
            (None, None) => 0,
            (Some(mine), Some(theirs)) if mine.content == theirs.content => 1,
            _ => return Ok(0),
        };
        let (mut mine, mut theirs) = (self.places.statement()?, self.places.statement()?);
        let mut copies = self.source.run(mine.query([branch]))?;
        let mut originals = self.source.run(theirs.query([parent]))?;
        while let (Some(mut copy), Some(mut original)) =
            (self.places.next(&mut copies)?, self.places.next(&mut originals)?)
        {
            let (copy, original) = match (message(&mut copy), message(&mut original)) {
                (Ok(copy), Ok(original)) => (copy, original),
                (Err(error), _) | (_, Err(error)) if !is_of_a_row(&error) => return Err(error),
                // Whichever of them it is: it says so when it is read for itself.
                _ => return Ok(0),
            };
            if !is_copy(&copy.0, &original.0) {
                break;
            }
            same += 1;
            if point.is_some() && original.1.as_deref() == point {
                return Ok(same);
            }
        }
        Ok(if point.is_none() { same } else { 0 })
    }
}

/// Whether a message says what another one says, and nothing that the other one does not: a copy's id and its time are its
/// own, and some of the rest is lost in copying.
fn is_copy(copy: &NewMessage, original: &NewMessage) -> bool {
    fn same_or_lost<T: PartialEq>(copy: &Option<T>, original: &Option<T>) -> bool {
        copy.is_none() || copy == original
    }
    copy.role == original.role
        && copy.content == original.content
        && same_or_lost(&copy.tool_calls, &original.tool_calls)
        && same_or_lost(&copy.tool_call_id, &original.tool_call_id)
        && same_or_lost(&copy.model, &original.model)
        && is_part(copy.metadata.as_deref(), original.metadata.as_deref())
}

fn is_part(copy: Option<&str>, original: Option<&str>) -> bool {
    let Some(copy) = copy else { return true };
    let read = |json| serde_json::from_str::<Map<String, Value>>(json).ok();
    match (read(copy), original.and_then(read)) {
        (Some(copy), Some(original)) => copy.iter().all(|(name, value)| original.get(name) == Some(value)),
        _ => false,
    }
}

/// A message, and its id.
fn message(values: &mut Values<'_>) -> Result<(NewMessage, Option<String>)> {
    let role = fields::role(values)?;
    let mut more = Vec::new();
    let mut usage = Map::new();
    for (name, column) in [
        ("prompt", "prompt_tokens"),
        ("completion", "completion_tokens"),
        ("total", "total_tokens"),
    ] {
        let value = values.value(column)?.filter(|value| value.as_f64() != Some(0.0));
        usage.extend(value.map(|value| (name.to_owned(), value)));
    }
    let tokens = usage.get("completion").and_then(Value::as_u64);
    let tokens = tokens.filter(|tokens| role == Role::Assistant && *tokens <= u64::from(MAX_MESSAGE_TOKENS));
    if !usage.is_empty() {
        more.push(("usage", Value::from(usage)));
    }
    let cost = values.value("cost")?.filter(|cost| cost.as_f64() != Some(0.0));
    more.extend(cost.map(|cost| ("cost", cost)));
    for column in ["attachments", "error", "error_type", "provider"] {
        let value = values.json(column)?.filter(|value| !is_nothing(value));
        more.extend(value.map(|value| (column, value)));
    }
    let calls = match fields::calls(&values.text("tool_calls")?.unwrap_or_default()) {
        Ok(calls) if role == Role::Assistant => calls,
        kept => {
            values.changes.extend(
                kept.err()
                    .map(|error| format!("{error}; they are kept in its metadata")),
            );
            let value = values.json("tool_calls")?.filter(|value| !is_nothing(value));
            more.extend(value.map(|value| ("tool_calls", value)));
            None
        }
    };
    let mut own = fields::object(values, "message_metadata")?;
    if own.is_none() {
        own = fields::object(values, "metadata")?;
    }
    let mut created = values.time("created_at")?;
    if created.is_none() {
        created = values.time("timestamp")?;
    }
    let mut message = NewMessage {
        content: fields::content(values, calls.is_some())?,
        tokens: tokens.map_or(Tokens::Count, |tokens| Tokens::Given(tokens as u32)),
        created,
        tool_calls: calls,
        model: values.text("model")?.filter(|model| !model.is_empty()),
        metadata: own,
        ..NewMessage::new(role, "")
    };
    fields::fill_from_metadata(&mut message, &mut values.changes);
    message.metadata = fields::joined(message.metadata, more);
    Ok((message, values.key("id")?))
}

fn with_id(mut message: NewMessage, id: Option<String>) -> NewMessage {
    if let Some(id) = id {
        message.metadata = Some(fields::with_source(message.metadata, &json!({ "id": id })));
    }
    message
}

/// What a column holds before anybody writes something to it.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
