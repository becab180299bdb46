//! The tables of a source and the values of their rows. What is not of the type that belongs there is said with its column,
//! never guessed.

use super::source::{Source, damaged};
use crate::error::{Error, Kind, Result};
use crate::model::{Micros, moment};
use rusqlite::Rows;
use rusqlite::types::ValueRef;
use serde_json::Value;
use std::collections::HashSet;

/// A table of a source: a real one with row ids, not a view, a virtual table or anything that computes its columns.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: HashSet<String>,
}

/// By each of these SQLite would find a row, but for a column with that name.
const ROW_ID: &str = "rowid";

impl Table {
    /// The table with this name, if the source has one with all these columns.
    pub(super) fn find(source: &Source, name: &'static str, needed: &[&str]) -> Result<Option<Self>> {
        const IS_A_TABLE: &str = "SELECT count(*) FROM main.sqlite_schema \
             WHERE type = 'table' AND rootpage > 0 AND name = ?1 COLLATE NOCASE";
        let connection = source.connection();
        let count: i64 = source.run(connection.query_row(IS_A_TABLE, [name], |row| row.get(0)))?;
        if count != 1 {
            return Ok(None);
        }
        let table = Self {
            name,
            columns: source.run(plain_columns(source, name))?,
        };
        let has_row_ids = !table.has(ROW_ID)
            && connection
                .prepare(&format!("SELECT {ROW_ID} FROM main.\"{name}\""))
                .is_ok();
        Ok(Some(table).filter(|table| has_row_ids && needed.iter().all(|column| table.has(column))))
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }

    /// The columns for a SELECT, with NULL for those that it lacks.
    pub(super) fn list(&self, alias: &str, wanted: &[&str]) -> String {
        let columns = wanted.iter().map(|column| match self.has(column) {
            true => format!("{alias}.\"{column}\" AS \"{column}\""),
            false => format!("NULL AS \"{column}\""),
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    /// A SELECT of its rows in the order in which they were inserted.
    pub(super) fn select(&self, wanted: &[&str]) -> String {
        format!(
            "SELECT t.rowid AS place, 1 AS is_there, {} FROM main.\"{}\" AS t NOT INDEXED ORDER BY t.rowid",
            self.list("t", wanted),
            self.name
        )
    }

    /// How many rows it has.
    pub(super) fn count(&self, source: &Source) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM main.\"{}\" NOT INDEXED", self.name);
        let count: i64 = source.run(source.connection().query_row(&sql, [], |row| row.get(0)))?;
        Ok(count.unsigned_abs())
    }
}

/// The next row of a statement that gives `place` and `is_there`.
pub(super) fn next<'r>(source: &Source, table: &'static str, rows: &'r mut Rows<'_>) -> Result<Option<Values<'r>>> {
    let Some(row) = source.run(rows.next())? else {
        return Ok(None);
    };
    if !source.run(row.get::<_, bool>("is_there"))? {
        return Err(damaged(
            source.location(),
            &format!("a row of {table} is found by a scan and not by its number"),
        ));
    }
    Values::new(source, table, row).map(Some)
}

/// The names of columns that are stored, in lower case.
fn plain_columns(source: &Source, table: &str) -> rusqlite::Result<HashSet<String>> {
    let mut statement = source
        .connection()
        .prepare(&format!("PRAGMA main.table_xinfo(\"{table}\")"))?;
    let columns = statement.query_map([], |row| {
        Ok((row.get::<_, String>("name")?, row.get::<_, i64>("hidden")?))
    })?;
    columns
        .filter_map(|column| match column {
            Ok((name, 0)) => Some(Ok(name.to_ascii_lowercase())),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// A row, and what was found of it that has to be read otherwise than it stands there.
pub(super) struct Values<'a> {
    row: &'a rusqlite::Row<'a>,
    table: &'static str,
    /// Its row id.
    pub(super) id: i64,
    pub(super) changes: Vec<String>,
}

impl<'a> Values<'a> {
    /// A row whose column `place` is its row id.
    pub(super) fn new(source: &Source, table: &'static str, row: &'a rusqlite::Row<'a>) -> Result<Self> {
        Ok(Self {
            row,
            table,
            id: source.run(row.get("place"))?,
            changes: Vec::new(),
        })
    }

    /// Where it stands, for people.
    pub(super) fn place(&self) -> String {
        format!("row {} of {}", self.id, self.table)
    }

    fn get(&self, column: &str) -> Result<ValueRef<'a>> {
        self.row
            .get_ref(column)
            .map_err(|error| Error::new(Kind::Storage, format!("{}: {column}: {error}", self.place())))
    }

    fn wrong(&self, column: &str, what: &str) -> Error {
        Error::invalid(format!("{}: {column} holds {what}", self.place()))
    }

    /// A text; NULL is none.
    pub(super) fn text(&self, column: &str) -> Result<Option<String>> {
        match self.get(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(error) => Err(Error::new(
                    Kind::Encoding,
                    format!(
                        "{}: {column} is not UTF-8 from byte {} on",
                        self.place(),
                        error.valid_up_to()
                    ),
                )),
            },
            other => Err(self.wrong(column, &format!("{} where a text belongs", kind_of(other)))),
        }
    }

    /// An id: a text, or a number as its digits.
    pub(super) fn key(&self, column: &str) -> Result<Option<String>> {
        match self.get(column)? {
            ValueRef::Integer(number) => Ok(Some(number.to_string())),
            _ => self.text(column),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, column: &str) -> Result<Option<i64>> {
        match self.get(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            other => Err(self.wrong(column, &format!("{} where a whole number belongs", kind_of(other)))),
        }
    }

    /// A number.
    pub(super) fn real(&self, column: &str) -> Result<Option<f64>> {
        match self.get(column)? {
            ValueRef::Real(number) => Ok(Some(number)),
            _ => Ok(self.integer(column)?.map(|number| number as f64)),
        }
    }

    /// Whatever stands there, as JSON.
    pub(super) fn value(&self, column: &str) -> Result<Option<Value>> {
        Ok(match self.get(column)? {
            ValueRef::Integer(number) => Some(Value::from(number)),
            ValueRef::Real(number) if number.is_finite() => Some(Value::from(number)),
            ValueRef::Real(number) => Some(Value::from(number.to_string())),
            _ => self.text(column)?.map(Value::from),
        })
    }

    /// A column with JSON in it, or with anything else.
    pub(super) fn json(&self, column: &str) -> Result<Option<Value>> {
        let value = self.value(column)?;
        let parsed = value
            .as_ref()
            .and_then(|value| serde_json::from_str(value.as_str()?).ok());
        Ok(parsed.or(value).filter(|value| !value.is_null()))
    }

    /// A time: a text as ISO 8601 has it, in UTC where it has no offset, or a number of seconds since 1970. What is none is
    /// said and left out.
    pub(super) fn time(&mut self, column: &str) -> Result<Option<Micros>> {
        let (time, shown) = match self.get(column)? {
            ValueRef::Null => return Ok(None),
            ValueRef::Integer(number) => (from_seconds(number as f64), number.to_string()),
            ValueRef::Real(number) => (from_seconds(number), number.to_string()),
            _ => {
                let text = self.text(column)?.unwrap_or_default();
                (moment(text.trim()), text)
            }
        };
        // 0 is what a clock says that was never set, and no time to a store.
        let time = time.filter(|time| *time > 0);
        if time.is_none() {
            let shown: String = shown.chars().take(40).collect();
            self.changes
                .push(format!("{column} is '{shown}', which is no time; it is left out"));
        }
        Ok(time)
    }
}

/// Times that a calendar has: before the year 10000.
const MOST_SECONDS: f64 = 253_402_300_800.0;

/// Seconds as microseconds, if they are a time.
pub(super) fn from_seconds(seconds: f64) -> Option<Micros> {
    (seconds.abs() < MOST_SECONDS).then(|| (seconds * 1e6).round() as Micros)
}

fn kind_of(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "nothing",
        ValueRef::Integer(_) | ValueRef::Real(_) => "a number",
        ValueRef::Text(_) => "a text",
        ValueRef::Blob(_) => "bytes",
    }
}
