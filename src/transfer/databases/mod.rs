//! The databases of four other session managers, as they are. docs/formats.md says what of each goes where.
//!
//! `source` opens a file without changing anything, `rows` reads values out of it, `places` finds which rows belong
//! together, `fields` makes fields of a store of them; then one file for each program.

mod coda;
mod copy;
mod eink;
mod family;
mod fields;
mod gemma;
mod places;
mod qv;
mod rows;
mod source;

use super::input::Input;
use super::taker::{Conversation, Taker};
use super::{Format, ProblemKind};
use crate::error::{Error, Kind, Result};
use rows::{Table, Values};
use source::Source;
use std::path::Path;

/// Whose database it is; `None` if it is none, or an encrypted one.
pub(crate) fn detect(path: &Path) -> Result<Option<Format>> {
    if !path.is_file() {
        return Ok(None);
    }
    let Some(source) = Source::open(path)? else {
        return Ok(None);
    };
    Ok(Some(if eink::Tables::find(&source)?.is_some() {
        Format::EinkDatabase
    } else if qv::Tables::find(&source)?.is_some() {
        Format::QvDatabase
    } else if gemma::table(&source)?.is_some() {
        Format::GemmaDatabase
    } else if coda::Tables::find(&source)?.is_some() {
        Format::CodaDatabase
    } else {
        return Err(unknown(&source));
    }))
}

/// Reads one, and looks at the end whether it is still what was read.
pub(crate) fn read(format: Format, input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    let source = Source::open(input.path())?.ok_or_else(|| {
        Error::new(
            Kind::Mismatch,
            format!(
                "{} is not an SQLite database, or an encrypted one; decrypt it and import that",
                input.location()
            ),
        )
    })?;
    let read = match format {
        Format::QvDatabase => qv::read(&source, taker),
        Format::CodaDatabase => coda::read(&source, taker),
        Format::GemmaDatabase => gemma::read(&source, taker),
        Format::EinkDatabase => eink::read(&source, taker),
        other => Err(Error::new(
            Kind::Unsupported,
            format!("{} is not kept in a database", other.name()),
        )),
    };
    source.check_unchanged()?;
    read
}

fn unknown(source: &Source) -> Error {
    Error::new(
        Kind::Mismatch,
        format!(
            "{} is an SQLite database of another program; one that can be imported has the tables conversations and \
             messages, or sessions and messages, or sessions with session_data, or conversations and exchanges",
            source.location()
        ),
    )
}

fn of_another(source: &Source, format: Format, needed: &str) -> Error {
    Error::new(
        Kind::Mismatch,
        format!("{} is no {}: it lacks {needed}", source.location(), format.name()),
    )
}

/// Whether an error is the fault of one row, so that the other conversations can be taken in.
fn is_of_a_row(error: &Error) -> bool {
    matches!(error.kind(), Kind::Invalid | Kind::Encoding | Kind::TooLarge)
}

/// Begins a conversation with what its row says; false if nothing of it is taken in, which is reported.
fn begin(
    taker: &mut Taker<'_>,
    values: &mut Values<'_>,
    id: &str,
    read: impl FnOnce(&mut Values<'_>) -> Result<Conversation>,
) -> Result<bool> {
    match read(values) {
        Ok(conversation) => {
            taker.begin(conversation)?;
            if !taker.wants_messages() {
                taker.end()?;
                return Ok(false);
            }
            report_changes(taker, values);
            Ok(true)
        }
        Err(error) if is_of_a_row(&error) => {
            let id = values.key(id).ok().flatten().unwrap_or_default();
            taker.fail(&id, values.place(), error.message());
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn report_changes(taker: &mut Taker<'_>, values: &mut Values<'_>) {
    let changes = std::mem::take(&mut values.changes);
    for change in changes {
        taker.report(ProblemKind::Changed, values.place(), change);
    }
}

/// Ends a conversation; what is wrong with one of its rows is wrong with all of it.
fn end(taker: &mut Taker<'_>, messages: Result<()>) -> Result<()> {
    match messages {
        Err(error) if is_of_a_row(&error) => taker.refuse(error.message())?,
        other => other?,
    }
    taker.end()
}

/// Reports numbers that stand more than once.
fn report_repeated(taker: &mut Taker<'_>, place: &str, count: u64, what: &str) {
    if count > 0 {
        taker.report(
            ProblemKind::Changed,
            place,
            format!("{count} of its {what} have a number that another one has; those are in the order of their rows"),
        );
    }
}

/// Reads the conversations of a table one after the other.
fn each_conversation(
    source: &Source,
    table: &'static str,
    select: &str,
    mut take: impl FnMut(Values<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = source.run(source.connection().prepare(select))?;
    let mut rows = source.run(statement.query([]))?;
    while let Some(values) = rows::next(source, table, &mut rows)? {
        take(values)?;
    }
    Ok(())
}

/// The two tables that most of them have.
struct Pair {
    owners: Table,
    parts: Table,
}

impl Pair {
    fn find(
        source: &Source,
        (owners, of_owners): (&'static str, &[&str]),
        (parts, of_parts): (&'static str, &[&str]),
    ) -> Result<Option<Self>> {
        let Some(owners) = Table::find(source, owners, of_owners)? else {
            return Ok(None);
        };
        let parts = Table::find(source, parts, of_parts)?;
        Ok(parts.map(|parts| Self { owners, parts }))
    }
}
