//! Reading: a pool of connections, and the view that one of them gives.

use super::connection::Opener;
use super::failure::Site;
use super::filter::Condition;
use super::raw::{Row, Statement};
use super::{delete, events, family, import, list, rows, search};
use crate::context::Entry;
use crate::error::{Error, Kind, Result};
use crate::model::{
    Activity, Candidates, EventPage, Filter, KeptReceipt, ListOptions, MessageRef, Micros, SearchOptions,
    SessionInfo, SessionPage, StoreTotals,
};
use crate::storage::mutation::Over;
use crate::storage::search::Findings;
use crate::storage::{Family, Head, Path, SessionKey, Snapshot, Stretch};
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, OptionalExtension};
use std::cell::RefCell;
use std::ops::RangeInclusive;

/// A connection, and what is prepared on it for good.
pub(super) struct Reader {
    // Dropped before the connection.
    entries: RefCell<Statement>,
    messages: RefCell<Statement>,
    rollback: RefCell<Statement>,
    pub(super) connection: Connection,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            entries: Statement::prepare(&connection, rows::SELECT_ENTRIES)?.into(),
            messages: Statement::prepare(&connection, rows::SELECT_MESSAGES)?.into(),
            rollback: Statement::prepare(&connection, "ROLLBACK")?.into(),
            connection,
        })
    }

    /// Ends the transaction, if one is open. Without memory nothing could be prepared for that.
    pub(super) fn roll_back(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.rollback.borrow_mut().run()
    }

    /// Lets go of what is prepared.
    pub(super) fn into_connection(self) -> Connection {
        self.connection.flush_prepared_statement_cache();
        self.connection
    }
}

/// Connections that only read, opened as they are needed and kept.
pub(super) struct Pool {
    pub(super) opener: Opener,
    most: usize,
    state: Mutex<PoolState>,
    returned: Condvar,
}

struct PoolState {
    idle: Vec<Reader>,
    open: usize,
    /// Connections beside those of the pool.
    apart: usize,
    closed: bool,
}

impl Pool {
    pub(super) fn new(opener: Opener, most: usize) -> Self {
        Self {
            opener,
            most: most.max(1),
            state: Mutex::new(PoolState {
                idle: Vec::new(),
                open: 0,
                apart: 0,
                closed: false,
            }),
            returned: Condvar::new(),
        }
    }

    /// A connection of one's own, until the lease is dropped.
    pub(super) fn lease(&self) -> Result<Lease<'_>> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return Err(closed(&self.opener.site));
            }
            if let Some(reader) = state.idle.pop() {
                return Ok(Lease::new(self, reader));
            }
            if state.open < self.most {
                break;
            }
            self.returned.wait(&mut state);
        }
        state.open += 1;
        drop(state);
        self.opener
            .reader()
            .and_then(|connection| Reader::new(connection).map_err(|error| self.opener.site.explain(&error)))
            .map(|reader| Lease::new(self, reader))
            .inspect_err(|_| {
                self.state.lock().open -= 1;
                self.returned.notify_one();
            })
    }

    /// A connection beside those of the pool, for what takes long and must keep nobody from reading; close waits for it, too.
    pub(super) fn apart(&self) -> Result<Apart<'_>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(closed(&self.opener.site));
        }
        state.apart += 1;
        drop(state);
        let mut apart = Apart {
            pool: self,
            reader: None,
        };
        let connection = self.opener.reader()?;
        // From here on it sees one moment.
        connection
            .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
            .map_err(|error| self.opener.site.explain(&error))?;
        let reader = Reader::new(connection).map_err(|error| self.opener.site.explain(&error))?;
        apart.reader = Some(reader);
        Ok(apart)
    }

    /// Lets go of every connection, once those that are leased have come back.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.returned.notify_all();
        loop {
            state.open -= state.idle.drain(..).count();
            if state.open + state.apart == 0 {
                break;
            }
            self.returned.wait(&mut state);
        }
    }
}

/// The error of everything that comes after close.
pub(super) fn closed(site: &Site) -> Error {
    Error::new(Kind::Closed, format!("the store {} was closed", site.location))
}

/// A connection that goes back to its pool.
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    reader: Option<Reader>,
}

impl<'a> Lease<'a> {
    fn new(pool: &'a Pool, reader: Reader) -> Self {
        Self {
            pool,
            reader: Some(reader),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        state.idle.extend(self.reader.take());
        // Close may wait beside those who want a connection.
        self.pool.returned.notify_all();
    }
}

/// A connection of its own, which sees one moment.
pub(super) struct Apart<'a> {
    pool: &'a Pool,
    reader: Option<Reader>,
}

impl Apart<'_> {
    pub(super) fn connection(&self) -> Result<&Connection> {
        let reader = self.reader.as_ref().ok_or_else(|| closed(&self.pool.opener.site))?;
        Ok(&reader.connection)
    }
}

impl Hold for Apart<'_> {
    fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        drop(self.reader.take());
        self.pool.state.lock().apart -= 1;
        self.pool.returned.notify_all();
    }
}

/// Something that holds a connection for as long as a view is needed.
pub(super) trait Hold {
    fn reader(&self) -> Option<&Reader>;
}

impl Hold for Lease<'_> {
    fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }
}

/// One view: a read transaction on a held connection, or the writer itself while it is held.
pub(super) struct View<'a, H: Hold> {
    hold: H,
    site: &'a Site,
    in_transaction: bool,
}

impl<'a, H: Hold> View<'a, H> {
    /// A view of its own; nobody else's commit shows in it.
    pub(super) fn begin(hold: H, site: &'a Site) -> Result<Self> {
        let mut view = Self::still(hold, site);
        view.with_reader(|reader| {
            // One that could not be ended would show an old moment.
            reader.roll_back()?;
            reader.connection.prepare_cached("BEGIN")?.raw_execute().map(drop)
        })?;
        view.in_transaction = true;
        Ok(view)
    }

    /// The view of a connection that sees one moment as long as it is held: one apart, or the writer.
    pub(super) fn still(hold: H, site: &'a Site) -> Self {
        Self {
            hold,
            site,
            in_transaction: false,
        }
    }

    fn with<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.with_reader(|reader| run(&reader.connection))
    }

    fn with_reader<T>(&self, run: impl FnOnce(&Reader) -> rusqlite::Result<T>) -> Result<T> {
        let reader = self.hold.reader().ok_or_else(|| closed(self.site))?;
        run(reader).map_err(|error| self.site.explain(&error))
    }
}

impl<H: Hold> Drop for View<'_, H> {
    fn drop(&mut self) {
        if self.in_transaction {
            // If this fails, the next view tries it again.
            let _next_time = self.with_reader(Reader::roll_back);
        }
    }
}

/// The keys of a part of a path: one range for each stretch, in order.
pub(super) fn key_ranges(path: &Path, range: &RangeInclusive<u32>) -> Vec<(i64, i64)> {
    let ends = path.0.iter().skip(1).map(|next| next.first_seq - 1).chain([u32::MAX]);
    path.0
        .iter()
        .zip(ends)
        .filter_map(|(stretch, end)| {
            let first = *range.start().max(&stretch.first_seq);
            let last = *range.end().min(&end);
            (first <= last).then(|| {
                (
                    rows::message_key(stretch.segment, first),
                    rows::message_key(stretch.segment, last),
                )
            })
        })
        .collect()
}

impl<H: Hold> Snapshot for View<'_, H> {
    fn find(&self, id: &str) -> Result<Option<SessionKey>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT key FROM sessions WHERE id = ?1")?
                .query_row([id], |row| row.get(0).map(SessionKey))
                .optional()
        })
    }

    fn head(&self, key: SessionKey) -> Result<Option<Head>> {
        self.with(|connection| read_head(connection, key))
    }

    fn describe(&self, key: SessionKey) -> Result<Option<SessionInfo>> {
        self.with(|connection| rows::describe(connection, key))
    }

    fn receipts(&self, key: SessionKey) -> Result<Vec<KeptReceipt>> {
        self.with(|connection| import::receipts(connection, key))
    }

    fn family(&self, key: SessionKey, family: Family) -> Result<Vec<SessionInfo>> {
        self.with(|connection| family::read(connection, key, family))
    }

    fn list(&self, options: &ListOptions) -> Result<SessionPage> {
        let wanted = list::Page::wanted(options)?;
        self.with(|connection| wanted.read(connection))
    }

    fn count(&self, filter: &Filter) -> Result<u64> {
        let condition = Condition::of_many(filter)?;
        self.with(|connection| list::count(connection, &condition))
    }

    fn expired(&self, over: &Over) -> Result<Vec<SessionKey>> {
        self.with(|connection| delete::expired(connection, over))
    }

    fn candidates(&self, text: &str, limit: usize) -> Result<Candidates> {
        self.with(|connection| list::candidates(connection, text, limit))
    }

    fn activity(&self, from: Micros, span: Micros) -> Result<Vec<Activity>> {
        self.with(|connection| rows::activity(connection, from, span))
    }

    fn events_after(&self, number: u64, limit: usize) -> Result<EventPage> {
        self.with(|connection| events::after(connection, number, limit))
    }

    fn totals(&self) -> Result<StoreTotals> {
        self.with(rows::store_totals)
    }

    fn is_search_behind(&self) -> Result<bool> {
        self.with(search::is_behind)
    }

    fn search(&self, options: &SearchOptions) -> Result<Findings> {
        let wanted = search::Wanted::new(options)?;
        let reader = self.hold.reader().ok_or_else(|| closed(self.site))?;
        wanted.find(&reader.connection).map_err(|error| {
            search::Wanted::explain(options.raw, &error).unwrap_or_else(|| self.site.explain(&error))
        })
    }

    fn entries(
        &self,
        path: &Path,
        range: RangeInclusive<u32>,
        visit: &mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<()> {
        self.walk(
            |reader| &reader.entries,
            path,
            &range,
            |row| Ok(visit(rows::entry(row)?)),
        )
    }

    fn messages(
        &self,
        path: &Path,
        range: RangeInclusive<u32>,
        visit: &mut dyn FnMut(MessageRef<'_>) -> Result<()>,
    ) -> Result<()> {
        self.walk(
            |reader| &reader.messages,
            path,
            &range,
            |row| Ok(visit(rows::message(row, &mut String::new())?)),
        )
    }
}

impl<H: Hold> View<'_, H> {
    /// Visits the rows of a part of a path, until there are no more or the visitor refuses one.
    fn walk(
        &self,
        statement: fn(&Reader) -> &RefCell<Statement>,
        path: &Path,
        range: &RangeInclusive<u32>,
        mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<Result<()>>,
    ) -> Result<()> {
        let mut visited = Ok(());
        self.with_reader(|reader| {
            let mut statement = statement(reader).borrow_mut();
            for keys in key_ranges(path, range) {
                statement.each(keys, |row| {
                    visited = visit(row)?;
                    Ok(visited.is_ok())
                })?;
                if visited.is_err() {
                    break;
                }
            }
            Ok(())
        })?;
        visited
    }
}

/// A head with its whole path.
pub(super) fn read_head(connection: &Connection, key: SessionKey) -> rusqlite::Result<Option<Head>> {
    let Some(mut head) = read_row_of_head(connection, key)? else {
        return Ok(None);
    };
    if let Some(own) = head.path.0.first().copied() {
        head.path.0 = path_to(connection, own)?;
    }
    Ok(Some(head))
}

/// The stretches up to one, in order. Each row is read once: it says where its segment begins, and on what it goes on from.
fn path_to(connection: &Connection, last: Stretch) -> rusqlite::Result<Vec<Stretch>> {
    let mut path = vec![last];
    let mut statement = connection.prepare_cached("SELECT parent, first_seq FROM segments WHERE segment = ?1")?;
    let mut row_of = |segment: u32| -> rusqlite::Result<Option<(u32, u32)>> {
        statement
            .query_row([segment], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    };
    let mut begins = last.first_seq;
    let mut row = if begins > 1 { row_of(last.segment)? } else { None };
    while let Some((segment, _)) = row {
        row = row_of(segment)?;
        let first_seq = row.map_or(1, |(_, first_seq)| first_seq);
        // Each begins before the one that goes on from it, so that the walk ends whatever the file holds.
        if first_seq >= begins {
            break;
        }
        path.push(Stretch { first_seq, segment });
        if first_seq <= 1 {
            break;
        }
        begins = first_seq;
    }
    path.reverse();
    Ok(path)
}

/// A head with the last stretch of its path, the session's own: what its row says.
pub(super) fn read_row_of_head(connection: &Connection, key: SessionKey) -> rusqlite::Result<Option<Head>> {
    connection
        .prepare_cached(rows::SELECT_HEAD)?
        .query_row([key.0], rows::head)
        .optional()
}

/// The stretch that another one goes on from; `None` for the first.
pub(super) fn stretch_before(connection: &Connection, stretch: Stretch) -> rusqlite::Result<Option<Stretch>> {
    if stretch.first_seq <= 1 {
        return Ok(None);
    }
    let parent = connection
        .prepare_cached(
            "SELECT own.parent, coalesce(parent.first_seq, 1) FROM segments own \
             LEFT JOIN segments parent ON parent.segment = own.parent WHERE own.segment = ?1",
        )?
        .query_row([stretch.segment], |row| {
            Ok(Stretch {
                segment: row.get(0)?,
                first_seq: row.get(1)?,
            })
        })
        .optional()?;
    // Each begins before the one that goes on from it, so that a walk ends whatever the file holds.
    Ok(parent.filter(|parent| parent.first_seq < stretch.first_seq))
}
