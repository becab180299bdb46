//! Is everything as it should be? SQLite's own check, and ours: row by row, in order, with bounded memory.

mod messages;
mod segments;
mod sessions;

use super::failure::Site;
use crate::error::{Kind, Result};
use crate::model::CheckReport;
use rusqlite::{Connection, OptionalExtension, Params, ffi};
use std::ffi::c_int;

/// Checks what a connection sees, which must be one moment.
pub(super) fn check(connection: &Connection, site: &Site) -> Result<CheckReport> {
    let mut check = Check {
        connection,
        site,
        report: CheckReport::default(),
        highest_segment: 0,
    };
    check.part("the database", Check::integrity)?;
    check.part("the table of sessions", sessions::check)?;
    check.part("the tree of segments", segments::check)?;
    check.part("the table of messages", messages::check)?;
    check.part("what belongs to sessions", Check::orphans)?;
    check.part("the search index", Check::documents)?;
    check.part("the settings", Check::settings)?;
    Ok(check.report)
}

struct Check<'a> {
    connection: &'a Connection,
    site: &'a Site,
    report: CheckReport,
    highest_segment: u32,
}

impl Check<'_> {
    /// Runs a part. Where the file cannot be read that is a problem like others, and the next part is tried.
    fn part(&mut self, what: &str, run: impl FnOnce(&mut Self) -> rusqlite::Result<()>) -> Result<()> {
        let Err(error) = run(self) else { return Ok(()) };
        let failure = self.site.explain(&error);
        if failure.kind() != Kind::Corrupt {
            return Err(failure);
        }
        self.problem(format!("{what} cannot be read to its end: {error}"));
        Ok(())
    }

    fn problem(&mut self, problem: impl Into<String>) {
        self.report.problems.add(problem);
    }

    /// What SQLite says of pages, tables, indexes and the full-text index.
    fn integrity(&mut self) -> rusqlite::Result<()> {
        self.report.pages = self
            .connection
            .pragma_query_value(None, "page_count", |row| super::rows::unsigned(row, 0))?;
        let mut statement = self.connection.prepare("PRAGMA integrity_check(1000)")?;
        let mut found: Vec<String> = Vec::new();
        // What it told before it met something that it cannot go on from is told, too.
        let end = statement
            .query_map([], |row| row.get(0))?
            .try_for_each(|line| line.map(|line| found.push(line)));
        let lines = || found.iter().flat_map(|text| text.lines()).filter(|line| *line != "ok");
        // SQLite tells of a disk that cannot be read as it tells of damage; and what it could not read it then misses elsewhere.
        if let Some(code) = lines().find_map(code_of_unreadable) {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        }
        for line in lines() {
            self.site.note_damage();
            self.problem(format!("SQLite: {line}"));
        }
        end
    }

    /// One problem for each row of a query that finds what should not be there.
    fn each<P: Params>(
        &mut self,
        sql: &str,
        parameters: P,
        describe: impl Fn(i64, String) -> String,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let text: Option<String> = row.get(1)?;
            self.report.problems.add(describe(number, text.unwrap_or_default()));
        }
        Ok(())
    }

    fn orphans(&mut self) -> rusqlite::Result<()> {
        for (table, what) in [("tags", "a tag"), ("receipts", "a receipt")] {
            let sql = format!(
                "SELECT session, NULL FROM {table} WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE key = {table}.session)"
            );
            self.each(&sql, [], |session, _| {
                format!("{what} belongs to session number {session}, which does not exist")
            })?;
        }
        self.each(
            "SELECT last_seq, id FROM receipts JOIN sessions ON key = session WHERE last_seq > head_seq",
            [],
            |seq, id| format!("session '{id}': a receipt is for message {seq}, which it does not have"),
        )?;
        self.each(
            "SELECT parent, id FROM sessions AS s WHERE parent IS NOT NULL AND \
             NOT EXISTS (SELECT 1 FROM sessions WHERE key = s.parent)",
            [],
            |parent, id| format!("session '{id}': its parent, session number {parent}, does not exist"),
        )
    }

    fn documents(&mut self) -> rusqlite::Result<()> {
        self.report.documents = self
            .connection
            .query_row("SELECT count(*) FROM search_documents", [], |row| {
                super::rows::unsigned(row, 0)
            })?;
        self.each(
            "SELECT key >> 32, CAST(key & 4294967295 AS TEXT) FROM search_documents AS d WHERE key > 0 AND \
             NOT EXISTS (SELECT 1 FROM messages WHERE key = d.key)",
            [],
            |segment, seq| format!("the search index has message {seq} of segment {segment}, which does not exist"),
        )?;
        self.each(
            "SELECT -key, NULL FROM search_documents AS d WHERE key <= 0 AND \
             NOT EXISTS (SELECT 1 FROM sessions WHERE key = -d.key)",
            [],
            |session, _| format!("the search index has session number {session}, which does not exist"),
        )?;
        self.each(
            "SELECT id, NULL FROM search_docsize WHERE id NOT IN (SELECT document FROM search_documents)",
            [],
            |id, _| format!("the search index has text of document {id}, which is about nothing"),
        )?;
        self.each(
            "SELECT document, NULL FROM search_documents WHERE document NOT IN (SELECT id FROM search_docsize)",
            [],
            |id, _| format!("the search index has no text of document {id}"),
        )?;
        self.each(
            "SELECT segment, NULL FROM search_outbox AS o WHERE segment > 0 AND \
             NOT EXISTS (SELECT 1 FROM segments WHERE parent = o.segment) AND \
             NOT EXISTS (SELECT 1 FROM sessions WHERE key = o.segment AND tail_segment = o.segment) AND \
             NOT EXISTS (SELECT 1 FROM sessions WHERE tail_segment = o.segment AND tail_segment <> key)",
            [],
            |segment, _| format!("segment {segment} waits to be indexed, and no session has it"),
        )?;
        self.each(
            "SELECT -segment, NULL FROM search_outbox AS o WHERE segment <= 0 AND \
             NOT EXISTS (SELECT 1 FROM sessions WHERE key = -o.segment)",
            [],
            |session, _| format!("session number {session} waits to be indexed, and does not exist"),
        )
    }

    fn settings(&mut self) -> rusqlite::Result<()> {
        for name in ["store_id", "created", "last_key", "flushes"] {
            let value: Option<rusqlite::types::Value> = self
                .connection
                .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
                .optional()?;
            if matches!(value, None | Some(rusqlite::types::Value::Null)) {
                self.problem(format!("the setting '{name}' is missing"));
            }
        }
        let highest: i64 = self.connection.query_row(
            "SELECT max(coalesce((SELECT value FROM meta WHERE name = 'last_key'), 0), \
             coalesce((SELECT max(key) FROM sessions), 0))",
            [],
            |row| row.get(0),
        )?;
        if i64::from(self.highest_segment) > highest {
            self.problem(format!(
                "the number {} is in use, and would be given again: the highest that is noted is {highest}",
                self.highest_segment
            ));
        }
        Ok(())
    }
}

/// Why SQLite could not look at something, if that is what a line of its report says, and it is not the file that is wrong.
fn code_of_unreadable(line: &str) -> Option<c_int> {
    if line.contains("unable to validate") {
        let reasons = [
            ("disk I/O error", ffi::SQLITE_IOERR),
            ("out of memory", ffi::SQLITE_NOMEM),
        ];
        return reasons
            .into_iter()
            .find_map(|(reason, code)| line.ends_with(reason).then_some(code));
    }
    // A page of a long row, whose number was found to be right: only the reading can have failed.
    if line.contains("failed to get page") {
        return Some(ffi::SQLITE_IOERR);
    }
    let (_, code) = line.split_once("unable to get the page. error code=")?;
    let code: c_int = code.trim().parse().ok()?;
    let primary = code & 0xff;
    let is_damage =
        [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB].contains(&primary) || code == ffi::SQLITE_IOERR_SHORT_READ;
    (!is_damage).then_some(code)
}
