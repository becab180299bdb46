//! Finding: from FTS5's rows, newest first, to messages of sessions that the filter lets through.

use super::expression::Expression;
use super::index::{first_number, last_number, session_text, time_of};
use crate::error::{Error, Result as ModelResult};
use crate::model::{Micros, SearchOptions, SearchOrder, TimeRange};
use crate::storage::SessionKey;
use crate::storage::search::{Finding, Findings};
use crate::storage::sqlite::filter::Condition;
use crate::storage::sqlite::rows::{self, seq_of};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, ffi, params_from_iter};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

/// The text index leads: what it finds is in order already.
const NEWEST: &str = "SELECT d.document, d.key FROM search CROSS JOIN search_documents d ON d.document = search.rowid \
     WHERE search MATCH ?1 AND search.rowid BETWEEN ?2 AND ?3 ORDER BY search.rowid DESC";
const RANKED: &str = "SELECT d.document, d.key, -bm25(search) FROM search \
     CROSS JOIN search_documents d ON d.document = search.rowid \
     WHERE search MATCH ?1 AND search.rowid BETWEEN ?2 AND ?3 ORDER BY search.rowid DESC";

/// How many documents are scored between two looks at the clock.
const BETWEEN_LOOKS: u32 = 32;

/// What to find, ready to be run.
pub(in crate::storage::sqlite) struct Wanted {
    expression: Expression,
    condition: Condition,
    roles: u32,
    created: TimeRange,
    order: SearchOrder,
    time_limit: Duration,
    limit: usize,
}

impl Wanted {
    pub(in crate::storage::sqlite) fn new(options: &SearchOptions) -> ModelResult<Self> {
        Ok(Self {
            expression: Expression::of(options),
            condition: Condition::of(&options.filter)?,
            roles: options.roles,
            created: options.created,
            order: options.order,
            time_limit: options.time_limit,
            limit: options.limit as usize,
        })
    }

    pub(in crate::storage::sqlite) fn find(self, connection: &Connection) -> Result<Findings> {
        let mut findings = Findings {
            complete: true,
            ..Findings::default()
        };
        if self.limit > 0 && !self.expression.fts5.is_empty() {
            match self.order {
                SearchOrder::Newest => findings.hits = self.newest(connection)?,
                SearchOrder::Rank => (findings.hits, findings.complete) = self.ranked(connection)?,
            }
        }
        findings.phrases = self.expression.phrases;
        Ok(findings)
    }

    /// The caller's own syntax error, if it is one.
    pub(in crate::storage::sqlite) fn explain(raw: bool, error: &rusqlite::Error) -> Option<Error> {
        match error {
            rusqlite::Error::SqliteFailure(code, Some(message)) if raw && code.extended_code == ffi::SQLITE_ERROR => {
                Some(Error::invalid(format!("the raw expression is wrong: {message}")))
            }
            _ => None,
        }
    }

    fn parameters(&self) -> (&str, i64, i64) {
        let first = self.created.from.map_or(0, first_number);
        let last = self.created.before.map_or(i64::MAX, last_number);
        (&self.expression.fts5, first, last)
    }

    fn newest(&self, connection: &Connection) -> Result<Vec<Finding>> {
        let mut statement = connection.prepare_cached(NEWEST)?;
        let mut found = statement.query(self.parameters())?;
        let mut sieve = Sieve::new(connection, self);
        let mut hits = Vec::with_capacity(self.limit.min(64));
        while hits.len() < self.limit {
            let Some(row) = found.next()? else { break };
            hits.extend(sieve.let_through(row.get(0)?, row.get(1)?, 0.0)?);
        }
        Ok(hits)
    }

    /// The best, and whether there was time to score them all.
    fn ranked(&self, connection: &Connection) -> Result<(Vec<Finding>, bool)> {
        let begin = Instant::now();
        let mut statement = connection.prepare_cached(RANKED)?;
        let mut found = statement.query(self.parameters())?;
        let mut sieve = Sieve::new(connection, self);
        let mut best: BinaryHeap<Ranked> = BinaryHeap::with_capacity(self.limit.min(64) + 1);
        let mut scored = 0u32;
        let mut complete = true;
        while let Some(row) = found.next()? {
            let score = row.get(2)?;
            let good_enough = best.len() < self.limit || best.peek().is_some_and(|worst| score > worst.0.score);
            if good_enough && let Some(hit) = sieve.let_through(row.get(0)?, row.get(1)?, score)? {
                best.push(Ranked(hit));
                if best.len() > self.limit {
                    best.pop();
                }
            }
            scored += 1;
            if scored.is_multiple_of(BETWEEN_LOOKS) && begin.elapsed() >= self.time_limit {
                complete = found.next()?.is_none();
                break;
            }
        }
        let hits = best.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect();
        Ok((hits, complete))
    }
}

/// By its score, the best first; of equals the newest.
struct Ranked(Finding);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let scores = other.0.score.total_cmp(&self.0.score);
        scores.then_with(|| other.0.created.cmp(&self.0.created))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// Which documents are hits, and of whom.
struct Sieve<'a> {
    connection: &'a Connection,
    wanted: &'a Wanted,
    own: String,
    moved: String,
    shared: String,
    session: String,
    /// Whose tail a segment is, if the filter lets that session through.
    owners: HashMap<u32, Option<Owner>>,
    /// Who goes on from a segment, of those whom the filter lets through, with the last message that each has of it.
    heirs: HashMap<u32, Vec<Owner>>,
}

#[derive(Clone)]
struct Owner {
    session: SessionKey,
    id: String,
    title: String,
    first_seq: u32,
    last_seq: u32,
}

impl Owner {
    fn of(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            session: SessionKey(row.get(0)?),
            id: row.get(1)?,
            title: row.get(2)?,
            first_seq: row.get(3)?,
            last_seq: row.get(4)?,
        })
    }

    fn has(&self, seq: u32) -> bool {
        (self.first_seq..=self.last_seq).contains(&seq)
    }
}

impl<'a> Sieve<'a> {
    fn new(connection: &'a Connection, wanted: &'a Wanted) -> Self {
        let filter = &wanted.condition.sql;
        let tail = "SELECT s.key, s.id, s.title, s.tail_first_seq, s.head_seq FROM sessions s WHERE";
        Self {
            connection,
            wanted,
            own: format!("{tail} s.key = ? AND s.tail_segment = s.key AND {filter}"),
            moved: format!("{tail} s.tail_segment = ? AND s.tail_segment <> s.key AND {filter}"),
            shared: format!(
                "WITH RECURSIVE behind (segment, last) AS (\
                 SELECT segment, first_seq - 1 FROM segments WHERE parent = ? \
                 UNION SELECT s.segment, b.last FROM behind b CROSS JOIN segments s ON s.parent = b.segment), \
                 tails (key, last) AS (SELECT s.key, b.last FROM behind b CROSS JOIN sessions s \
                 ON s.key = b.segment AND s.tail_segment = s.key \
                 UNION ALL SELECT s.key, b.last FROM behind b CROSS JOIN sessions s \
                 ON s.tail_segment = b.segment AND s.tail_segment <> s.key) \
                 SELECT s.key, s.id, s.title, 1, t.last FROM tails t CROSS JOIN sessions s ON s.key = t.key \
                 WHERE {filter} ORDER BY s.key"
            ),
            session: format!(
                "SELECT s.key, s.id, s.title, s.name, s.summary FROM sessions s WHERE s.key = ? AND {filter}"
            ),
            owners: HashMap::new(),
            heirs: HashMap::new(),
        }
    }

    fn let_through(&mut self, document: i64, key: i64, score: f64) -> Result<Option<Finding>> {
        if key < 0 {
            self.session(document, key, score)
        } else {
            self.message(key, score)
        }
    }

    fn session(&self, document: i64, key: i64, score: f64) -> Result<Option<Finding>> {
        let created = time_of(document);
        if self.wanted.roles != 0 || !self.is_in_time(created) {
            return Ok(None);
        }
        self.ask(&self.session, &[-key], |row| {
            let title: String = row.get(2)?;
            Ok(Finding {
                session: SessionKey(row.get(0)?),
                session_id: row.get(1)?,
                text: session_text(row.get(3)?, title.clone(), row.get(4)?),
                title,
                seq: 0,
                role: None,
                created,
                score,
            })
        })
    }

    fn message(&mut self, key: i64, score: f64) -> Result<Option<Finding>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT role, created, content, packed FROM messages WHERE key = ?1")?;
        let mut found = statement.query([key])?;
        let Some(row) = found.next()? else { return Ok(None) };
        let (role, created) = (rows::role(row, 0)?, row.get(1)?);
        let other_role = self.wanted.roles != 0 && self.wanted.roles >> role as u32 & 1 == 0;
        if other_role || !self.is_in_time(created) {
            return Ok(None);
        }
        let seq = seq_of(key);
        let Some(owner) = self.owner((key >> 32) as u32, seq)? else {
            return Ok(None);
        };
        Ok(Some(Finding {
            session: owner.session,
            session_id: owner.id,
            title: owner.title,
            seq,
            role: Some(role),
            created,
            score,
            text: rows::content(row, 2)?,
        }))
    }

    /// A document's number says less exactly when it was.
    fn is_in_time(&self, time: Micros) -> bool {
        let TimeRange { from, before } = self.wanted.created;
        from.is_none_or(|from| time >= from) && before.is_none_or(|before| time < before)
    }

    /// The session that a message is told for: the one that appends to its segment, else the first of those that go on from
    /// there.
    fn owner(&mut self, segment: u32, seq: u32) -> Result<Option<Owner>> {
        if !self.owners.contains_key(&segment) {
            let own = self.ask(&self.own, &[i64::from(segment)], Owner::of)?;
            let owner = match own {
                None => self.ask(&self.moved, &[i64::from(segment)], Owner::of)?,
                own => own,
            };
            self.owners.insert(segment, owner);
        }
        match self.owners.get(&segment) {
            Some(Some(owner)) if owner.has(seq) => Ok(Some(owner.clone())),
            _ => self.heir(segment, seq),
        }
    }

    /// Asked once for each segment: a family of thousands may have thousands of hits.
    fn heir(&mut self, segment: u32, seq: u32) -> Result<Option<Owner>> {
        if !self.heirs.contains_key(&segment) {
            let found = self.ask_all(&self.shared, &[i64::from(segment)], Owner::of)?;
            self.heirs.insert(segment, found);
        }
        let heirs = self.heirs.get(&segment).into_iter().flatten();
        Ok(heirs.into_iter().find(|heir| heir.has(seq)).cloned())
    }

    /// The first row of a statement that takes numbers and then what the filter binds.
    fn ask<T>(&self, sql: &str, numbers: &[i64], read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
        self.connection
            .prepare_cached(sql)?
            .query_row(params_from_iter(self.values(numbers)), read)
            .optional()
    }

    /// All rows of such a statement.
    fn ask_all<T>(&self, sql: &str, numbers: &[i64], read: impl Fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        self.connection
            .prepare_cached(sql)?
            .query_map(params_from_iter(self.values(numbers)), read)?
            .collect()
    }

    fn values(&self, numbers: &[i64]) -> impl Iterator<Item = Value> {
        let numbers = numbers.iter().copied().map(Value::Integer);
        numbers.chain(self.wanted.condition.params.iter().cloned())
    }
}
