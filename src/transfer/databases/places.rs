//! Which rows belong to which conversation, and in which order, found by one scan.
//!
//! None of the ancestors has an index that finds a conversation's messages in their order, and an index of a damaged file may
//! lack rows. So row ids, and nothing else, are sorted in a temporary table.

use super::rows::{Table, Values, next};
use super::source::Source;
use crate::error::Result;
use crate::transfer::ProblemKind;
use crate::transfer::taker::Taker;
use rusqlite::{CachedStatement, OptionalExtension};
use std::cell::Cell;

/// How often the caller is told how far it is.
const ROWS_BETWEEN_TELLING: u64 = 256;

/// The conversations of a source.
pub(super) struct Owners<'a> {
    pub(super) table: &'a Table,
    pub(super) id: &'static str,
}

/// The rows that belong to them.
pub(super) struct Parts<'a> {
    pub(super) table: &'a Table,
    /// The column that names the conversation.
    pub(super) owner: &'static str,
    /// The column that they are ordered by before their row ids, if there is one.
    pub(super) order: Option<&'static str>,
    /// The columns that are read.
    pub(super) wanted: &'a [&'a str],
    /// What they are, in the plural.
    pub(super) what: &'static str,
}

/// The rows of each conversation.
pub(super) struct Places<'a> {
    source: &'a Source,
    table: &'static str,
    owner: &'static str,
    what: &'static str,
    owners: &'static str,
    select: String,
    done: Cell<u64>,
    total: u64,
}

impl<'a> Places<'a> {
    /// Finds them all.
    pub(super) fn find(source: &'a Source, owners: &Owners<'_>, parts: &Parts<'_>) -> Result<Self> {
        let (table, name) = (parts.table, parts.table.name);
        let order = match parts.order.filter(|order| table.has(order)) {
            Some(order) => format!("m.\"{order}\""),
            None => "NULL".to_owned(),
        };
        source.run(source.connection().execute_batch(&format!(
            "CREATE TEMP TABLE owners AS SELECT \"{id}\" AS id, rowid AS place FROM main.\"{owners}\" NOT INDEXED; \
             CREATE INDEX temp.owners_by_id ON owners (id, place); \
             CREATE TEMP TABLE places AS SELECT (SELECT min(o.place) FROM temp.owners o WHERE o.id = m.\"{owner}\") AS owner, \
             {order} AS nth, m.rowid AS place FROM main.\"{name}\" AS m NOT INDEXED; \
             CREATE INDEX temp.places_in_order ON places (owner, nth, place);",
            id = owners.id,
            owners = owners.table.name,
            owner = parts.owner,
        )))?;
        let places = Self {
            source,
            table: name,
            owner: parts.owner,
            what: parts.what,
            owners: owners.table.name,
            select: format!(
                "SELECT p.place AS place, m.rowid IS NOT NULL AS is_there, {} \
                 FROM temp.places AS p LEFT JOIN main.\"{name}\" AS m ON m.rowid = p.place \
                 WHERE p.owner = ?1 ORDER BY p.nth, p.place",
                table.list("m", parts.wanted)
            ),
            done: Cell::new(0),
            total: table.count(source)? + owners.table.count(source)?,
        };
        Ok(places)
    }

    /// The statement for the rows of the conversation in the row that is bound to it.
    pub(super) fn statement(&self) -> Result<CachedStatement<'a>> {
        self.source.run(self.source.connection().prepare_cached(&self.select))
    }

    /// The next of its rows.
    pub(super) fn next<'r>(&self, rows: &'r mut rusqlite::Rows<'_>) -> Result<Option<Values<'r>>> {
        next(self.source, self.table, rows)
    }

    /// Each row of the conversation in this row, in order.
    pub(super) fn each(&self, owner: i64, mut take: impl FnMut(Values<'_>) -> Result<()>) -> Result<()> {
        let mut statement = self.statement()?;
        let mut rows = self.source.run(statement.query([owner]))?;
        while let Some(values) = self.next(&mut rows)? {
            take(values)?;
        }
        Ok(())
    }

    /// One more row is done.
    pub(super) fn went_on(&self, taker: &mut Taker<'_>) -> Result<()> {
        self.done.set(self.done.get() + 1);
        match self.done.get() % ROWS_BETWEEN_TELLING {
            0 => taker.went_on((self.done.get().min(self.total), self.total)),
            _ => Ok(()),
        }
    }

    /// How many of a conversation's rows have a number that another one before them has.
    pub(super) fn repeated(&self, owner: i64) -> Result<u64> {
        let sql = "SELECT count(nth) - count(DISTINCT nth) FROM temp.places WHERE owner = ?1";
        let mut statement = self.source.run(self.source.connection().prepare_cached(sql))?;
        let count: i64 = self.source.run(statement.query_row([owner], |row| row.get(0)))?;
        Ok(count.unsigned_abs())
    }

    /// The first row of a conversation.
    pub(super) fn first(&self, owner: i64) -> Result<Option<i64>> {
        let sql = "SELECT place FROM temp.places WHERE owner = ?1 ORDER BY nth, place LIMIT 1";
        let mut statement = self.source.run(self.source.connection().prepare_cached(sql))?;
        self.source
            .run(statement.query_row([owner], |row| row.get(0)).optional())
    }

    /// Says which rows belong to no conversation, and that all is read.
    pub(super) fn finish(&self, taker: &mut Taker<'_>, lost: &'static str) -> Result<()> {
        let sql = format!(
            "SELECT count(*), min(p.place) AS place, m.\"{owner}\" AS owner FROM temp.places AS p \
             JOIN main.\"{table}\" AS m ON m.rowid = p.place WHERE p.owner IS NULL GROUP BY 3 ORDER BY 2",
            owner = self.owner,
            table = self.table,
        );
        let mut statement = self.source.run(self.source.connection().prepare(&sql))?;
        let mut rows = self.source.run(statement.query([]))?;
        while let Some(row) = self.source.run(rows.next())? {
            let values = Values::new(self.source, self.table, row)?;
            let count = self.source.run(row.get::<_, i64>(0))?.unsigned_abs();
            let owner = match values.key("owner") {
                Ok(Some(id)) => format!("'{id}', which is not among the {}", self.owners),
                Ok(None) => "nothing".to_owned(),
                Err(_) => "something that is no id".to_owned(),
            };
            taker.report(
                ProblemKind::LeftOut,
                values.place(),
                format!("{} that belong to {owner}: {count}", self.what),
            );
            taker.lost(lost, count);
        }
        taker.went_on((self.total, self.total))
    }
}
