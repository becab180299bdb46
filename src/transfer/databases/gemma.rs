//! The database of Gemma.cpp sessions: a row for each session, with all of it as one JSON text.

use super::rows::{Table, Values};
use super::source::Source;
use super::{each_conversation, is_of_a_row, of_another};
use crate::error::{Error, Result};
use crate::transfer::json::{self, Json, Position};
use crate::transfer::taker::Taker;
use crate::transfer::{Format, ProblemKind, gemma_sessions};
use rusqlite::Connection;

/// What tells that it is one.
pub(super) fn table(source: &Source) -> Result<Option<Table>> {
    Table::find(source, "sessions", &["session_id", "session_data"])
}

/// What a row says besides its JSON.
const TOLD_TWICE: [&str; 3] = ["created_at", "last_activity", "total_tokens"];

/// Reads one.
pub(super) fn read(source: &Source, taker: &mut Taker<'_>) -> Result<()> {
    let Some(table) = table(source)? else {
        let needed = "sessions(session_id, session_data)";
        return Err(of_another(source, Format::GemmaDatabase, needed));
    };
    let total = table.count(source)?;
    let mut done = 0;
    let [created, last, tokens] = TOLD_TWICE;
    let select = table.select(&["session_id", created, last, tokens]);
    each_conversation(source, table.name, &select, |values| {
        match session(source, &values, taker) {
            Ok(value) => gemma_sessions::take_session(&value, values.place(), taker)?,
            Err(error) if is_of_a_row(&error) => {
                let id = values.key("session_id").ok().flatten().unwrap_or_default();
                taker.fail(&id, values.place(), error.message());
            }
            Err(error) => return Err(error),
        }
        done += 1;
        taker.went_on((done, total))
    })
}

/// The JSON of a row. Its id is the row's, which is what everybody asked for it by.
fn session(source: &Source, values: &Values<'_>, taker: &mut Taker<'_>) -> Result<Json> {
    let id = values.key("session_id")?;
    let text = data(source, source.connection(), values.id)?;
    let parsed = json::parse(text.as_bytes(), Position::FIRST);
    let Json::Object(mut fields) =
        parsed.map_err(|wrong| Error::invalid(format!("session_data is not JSON: {}", wrong.reason)))?
    else {
        return Err(Error::invalid("session_data is JSON, but not an object"));
    };
    let mut report = |reason: String| taker.report(ProblemKind::Changed, values.place(), reason);
    if let Some(id) = id {
        let inner = replace(&mut fields, "session_id", Json::from(id.as_str()));
        if let Some(inner) = inner.filter(|inner| inner.text() != Some(&id)) {
            let inner = shown(&inner);
            report(format!(
                "session_data says that the id is {inner}; the row's, '{id}', is taken"
            ));
        }
    }
    for column in TOLD_TWICE {
        let Some(told) = values.value(column)?.as_ref().map(Json::from) else {
            continue;
        };
        match replace(&mut fields, column, told.clone()) {
            Some(inner) if inner != Json::Null => {
                if inner != told {
                    let (told, inner) = (shown(&told), shown(&inner));
                    report(format!(
                        "its {column} is {told}, and {inner} in session_data, which is taken"
                    ));
                }
                replace(&mut fields, column, inner);
            }
            _ => {}
        }
    }
    Ok(Json::Object(fields))
}

/// Gives a field a value, and returns the one that it had.
fn replace(fields: &mut Vec<(String, Json)>, name: &str, value: Json) -> Option<Json> {
    if let Some((_, old)) = fields.iter_mut().find(|(field, _)| field == name) {
        return Some(std::mem::replace(old, value));
    }
    fields.push((name.to_owned(), value));
    None
}

/// By a statement of its own: one that is too large must not end the reading of the others.
fn data(source: &Source, connection: &Connection, row: i64) -> Result<String> {
    const DATA: &str = "SELECT rowid AS place, session_data FROM main.sessions WHERE rowid = ?1";
    let mut statement = source.run(connection.prepare_cached(DATA))?;
    let mut rows = source.run(statement.query([row]))?;
    let Some(row) = source.run(rows.next())? else {
        return Err(Error::invalid("its row is gone"));
    };
    Values::new(source, "sessions", row)?
        .text("session_data")?
        .ok_or_else(|| Error::invalid("session_data is NULL"))
}

fn shown(value: &Json) -> String {
    value.to_string().chars().take(40).collect()
}
