//! The database of an e-ink session manager: each exchange is a turn.

use super::fields;
use super::places::{Owners, Parts, Places};
use super::rows::{Values, from_seconds};
use super::source::Source;
use super::{Pair, begin, each_conversation, end, of_another, report_changes, report_repeated};
use crate::error::Result;
use crate::model::{Exchange, NewMessage, NewSession, ids};
use crate::transfer::taker::{Conversation, Taker};
use crate::transfer::{Format, ProblemKind, mend};
use serde_json::{Map, Value};

const OF_CONVERSATIONS: [&str; 8] = [
    "conversation_id",
    "user_id",
    "created_at",
    "last_activity",
    "total_exchanges",
    "status",
    "context_summary",
    "metadata",
];
const OF_EXCHANGES: [&str; 8] = [
    "exchange_id",
    "input_file",
    "input_type",
    "response_text",
    "processing_time",
    "tokens_used",
    "created_at",
    "metadata",
];

/// What tells that it is one.
pub(super) struct Tables(Pair);

impl Tables {
    pub(super) fn find(source: &Source) -> Result<Option<Self>> {
        let pair = Pair::find(
            source,
            ("conversations", &["conversation_id"]),
            ("exchanges", &["conversation_id", "sequence_number", "response_text"]),
        )?;
        Ok(pair.map(Self))
    }
}

/// Reads one.
pub(super) fn read(source: &Source, taker: &mut Taker<'_>) -> Result<()> {
    let Some(Tables(tables)) = Tables::find(source)? else {
        let needed = "conversations(conversation_id) and exchanges(conversation_id, sequence_number, response_text)";
        return Err(of_another(source, Format::EinkDatabase, needed));
    };
    let owners = Owners {
        table: &tables.owners,
        id: "conversation_id",
    };
    let parts = Parts {
        table: &tables.parts,
        owner: "conversation_id",
        order: Some("sequence_number"),
        wanted: &OF_EXCHANGES,
        what: "exchanges",
    };
    let places = Places::find(source, &owners, &parts)?;
    let select = tables.owners.select(&OF_CONVERSATIONS);
    each_conversation(source, tables.owners.name, &select, |mut values| {
        places.went_on(taker)?;
        if !begin(taker, &mut values, "conversation_id", conversation)? {
            return Ok(());
        }
        let mut count = 0;
        let exchanges = places.each(values.id, |mut values| {
            count += 1;
            for message in exchange(&mut values)? {
                taker.message(message.into())?;
            }
            report_changes(taker, &mut values);
            places.went_on(taker)
        });
        report_counts(taker, &values, count, places.repeated(values.id)?);
        end(taker, exchanges)
    })?;
    places.finish(taker, "exchanges without a conversation")
}

/// Its counter and its numbers are wrong wherever several threads wrote.
fn report_counts(taker: &mut Taker<'_>, values: &Values<'_>, count: i64, repeated: u64) {
    if let Ok(Some(told)) = values.integer("total_exchanges")
        && told != count
    {
        let reason = format!("total_exchanges is {told}, and it has {count}; all of them are taken in");
        taker.report(ProblemKind::Changed, values.place(), reason);
    }
    report_repeated(taker, &values.place(), repeated, "exchanges");
}

fn conversation(values: &mut Values<'_>) -> Result<Conversation> {
    let (status, unknown) = fields::status(values)?;
    let more = unknown.map(|name| ("status", Value::from(name)));
    let own = fields::object(values, "metadata")?;
    let session = NewSession {
        id: values.key("conversation_id")?,
        user_id: values.key("user_id")?.unwrap_or_default(),
        summary: values.text("context_summary")?.unwrap_or_default(),
        metadata: fields::joined(own, more.into_iter().collect()),
        ..NewSession::default()
    };
    Ok(Conversation {
        place: values.place(),
        session,
        status,
        created: values.time("created_at")?,
        updated: values.time("last_activity")?,
        ..Conversation::default()
    })
}

/// An exchange as a store keeps one that is appended to it.
fn exchange(values: &mut Values<'_>) -> Result<[NewMessage; 2]> {
    let created = values.time("created_at")?;
    let mut source = Map::new();
    if let Some(id) = values.key("exchange_id")? {
        source.insert("id".to_owned(), Value::from(id));
    }
    let exchange = Exchange {
        input_name: label(values, "input_file", &mut source)?,
        input_type: label(values, "input_type", &mut source)?,
        answer: answer(values)?,
        processing: processing(values)?,
        tokens_used: tokens_used(values)?,
        metadata: fields::object(values, "metadata")?,
        ..Exchange::default()
    };
    let mut messages = exchange.unchecked_messages();
    for message in &mut messages {
        message.created = created;
    }
    if let ([_, answer], false) = (&mut messages, source.is_empty()) {
        answer.metadata = Some(fields::with_source(answer.metadata.take(), &Value::from(source)));
    }
    Ok(messages)
}

fn answer(values: &mut Values<'_>) -> Result<String> {
    let answer = values.text("response_text")?;
    if answer.is_none() {
        values
            .changes
            .push("its response_text is NULL; its answer is empty now".to_owned());
    }
    Ok(answer.unwrap_or_default())
}

/// A short text; one that is none is cut, and stands whole with where the exchange is from.
fn label(values: &mut Values<'_>, column: &'static str, source: &mut Map<String, Value>) -> Result<String> {
    let text = values.text(column)?.unwrap_or_default();
    let Err(error) = ids::check_label(column, &text) else {
        return Ok(text);
    };
    values.changes.push(format!(
        "{error}; what fits of it is kept, and the whole in the metadata of the answer"
    ));
    let fitting = mend::fitting_label(&text);
    source.insert(column.to_owned(), Value::from(text));
    Ok(fitting)
}

fn processing(values: &mut Values<'_>) -> Result<i64> {
    let Some(seconds) = values.real("processing_time")? else {
        return Ok(0);
    };
    let time = from_seconds(seconds).filter(|time| *time >= 0);
    if time.is_none() {
        values.changes.push(format!(
            "processing_time is {seconds}, which is no length of time; it is left out"
        ));
    }
    Ok(time.unwrap_or_default())
}

fn tokens_used(values: &mut Values<'_>) -> Result<u64> {
    let told = values.integer("tokens_used")?.unwrap_or_default();
    let tokens = u64::try_from(told);
    if tokens.is_err() {
        values.changes.push(format!("tokens_used is {told}; it is left out"));
    }
    Ok(tokens.unwrap_or_default())
}
