//! The new store: rows written one after the other, with their counters counted anew.

use super::super::append::Statements;
use super::super::connection::Opener;
use super::super::failure::Site;
use super::super::new_file::NewFile;
use super::super::rows::{signed, totals_at};
use super::super::schema;
use super::super::search;
use super::plan::{Plan, Segment, Session};
use super::source::Source;
use crate::error::Result;
use crate::model::{Place, Problems, ReadyMessage, ids};
use crate::storage::SessionKey;
use rusqlite::{Connection, params};

pub(super) struct Target {
    // Dropped before the connection.
    statements: Statements,
    connection: Connection,
    site: Site,
    highest_number: u32,
    messages: u64,
}

/// Where the next message of a segment goes.
#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    place: Place,
    bytes: u64,
}

/// A session that is being made of messages that follow one another.
pub(super) struct Run {
    session: Session,
    counted: Counted,
}

impl Target {
    pub(super) fn create(into: &NewFile) -> Result<Self> {
        let site = into.site().clone();
        let mut connection = into.create()?;
        let opener = Opener {
            site: site.clone(),
            file: None,
            beside: Vec::new(),
            read_only: false,
            exclusive: false,
        };
        schema::bring_up_to_date(&mut connection, &opener)?;
        let target = Self {
            statements: Statements::prepare(&connection).map_err(|error| site.explain(&error))?,
            connection,
            site,
            highest_number: 0,
            messages: 0,
        };
        target.run(|connection| connection.execute_batch("BEGIN"))?;
        Ok(target)
    }

    fn run<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        run(&self.connection).map_err(|error| self.site.explain(&error))
    }

    pub(super) fn numbers_begin_after(&mut self, highest: u32) {
        self.highest_number = highest;
    }

    fn new_number(&mut self) -> u32 {
        self.highest_number += 1;
        self.highest_number
    }

    /// Where a segment begins; `None` if what comes before it is not there.
    pub(super) fn place_before(&self, plan: &Plan, segment: &Segment) -> Result<Option<Counted>> {
        if segment.first == 1 {
            return Ok(Some(Counted::default()));
        }
        let seq = segment.first - 1;
        let before = segment.before.filter(|before| {
            plan.segments
                .get(before)
                .is_some_and(|before| before.intact_to >= Some(seq))
        });
        match before {
            Some(before) => self.counted_at(before, seq),
            None => Ok(None),
        }
    }

    fn counted_at(&self, segment: u32, seq: u32) -> Result<Option<Counted>> {
        let totals = self.run(|connection| totals_at(connection, segment, seq))?;
        Ok(totals.map(|totals| Counted {
            place: Place {
                seq,
                total_tokens: totals.tokens,
                turn: totals.turns,
            },
            bytes: totals.bytes,
        }))
    }

    /// Writes the next message of a segment.
    pub(super) fn message(&mut self, segment: u32, counted: &mut Counted, message: &ReadyMessage) -> Result<()> {
        counted.place = counted.place.next(message.role, message.tokens);
        counted.bytes += message.bytes();
        self.messages += 1;
        let (place, bytes) = (counted.place, counted.bytes);
        let statements = &mut self.statements;
        statements
            .insert(segment, place, bytes, message)
            .and_then(|()| statements.note(segment, place.seq))
            .map_err(|error| self.site.explain(&error))
    }

    /// Writes a session that has its messages up to one of them.
    pub(super) fn session(&mut self, plan: &Plan, session: &Session, kept_to: u32) -> Result<()> {
        let mut shared: Vec<_> = session
            .path
            .iter()
            .filter(|part| part.first <= kept_to)
            .copied()
            .collect();
        let own = shared.last().copied();
        let counted = match own {
            Some(own) => self.counted_at(own.segment, kept_to)?.unwrap_or_default(),
            None => Counted::default(),
        };
        let ends_in_own = kept_to + 1 >= session.tail_first_seq && session.tail_first_seq > 0;
        let (tail_segment, tail_first_seq) = if ends_in_own && session.is_whole_until(kept_to) {
            shared.retain(|part| part.first < session.tail_first_seq);
            (session.tail_segment, session.tail_first_seq)
        } else {
            (self.new_number(), kept_to + 1)
        };
        let parent = session.parent.filter(|parent| plan.has_session(*parent));
        let segments: Vec<(u32, u32)> = shared
            .iter()
            .map(|part| (part.segment, part.first))
            .chain([(tail_segment, tail_first_seq)])
            .collect();
        for pair in segments.windows(2) {
            if let [(before, _), (segment, first)] = pair {
                self.run(|connection| {
                    connection
                        .prepare_cached(
                            "INSERT INTO segments (segment, parent, first_seq) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                        )?
                        .execute([segment, before, first])
                })?;
            }
        }
        self.row(session, counted, parent, (tail_segment, tail_first_seq))
    }

    fn row(&mut self, session: &Session, counted: Counted, parent: Option<i64>, tail: (u32, u32)) -> Result<()> {
        let id_is_free = self.is_free("SELECT 1 FROM sessions WHERE id = ?1", [&session.id])?;
        let id = match id_is_free {
            true => session.id.clone(),
            false => self.free_id(&session.id, " (salvaged)"),
        };
        let name = session.name.as_ref();
        let name_is_free = self.is_free(
            "SELECT 1 FROM sessions WHERE user_id = ?1 AND name = ?2",
            params![session.user_id, name],
        )?;
        self.run(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO sessions (key, id, user_id, name, title, model, status, metadata, window_tokens, \
                     created, updated, expires, parent, fork_seq, tail_segment, tail_first_seq, head_seq, token_total, \
                     turn_count, revision, summary_tokens, summary, bytes, max_bytes, expires_after) VALUES \
                     (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
                     ?22, ?23, ?24, ?25)",
                )?
                .execute(params![
                    session.number,
                    id,
                    session.user_id,
                    name.filter(|_| name_is_free),
                    session.title,
                    session.model,
                    session.status.clamp(1, 3),
                    session.metadata,
                    session.window_tokens,
                    session.created,
                    session.updated,
                    session.expires,
                    parent,
                    session.fork_seq,
                    tail.0,
                    tail.1,
                    counted.place.seq,
                    signed(counted.place.total_tokens),
                    counted.place.turn,
                    session.revision.max(1),
                    session.summary_tokens,
                    session.summary,
                    signed(counted.bytes),
                    session.max_bytes,
                    session.expires_after,
                ])?;
            search::note_session(connection, SessionKey(i64::from(session.number)))
        })
    }

    fn is_free<P: rusqlite::Params>(&self, sql: &str, parameters: P) -> Result<bool> {
        self.run(|connection| connection.prepare_cached(sql)?.exists(parameters).map(|taken| !taken))
    }

    /// Copies what else belongs to a session.
    pub(super) fn tags_and_receipts(
        &self,
        source: &Source,
        session: &Session,
        kept_to: u32,
        problems: &mut Problems,
    ) -> Result<()> {
        let mut all = true;
        if source.has_schema(2) {
            let sql = "SELECT tag FROM tags WHERE session = ?1 ORDER BY tag";
            let (tags, whole) = source.rows(sql, [session.number], |row| row.get::<_, String>(0))?;
            all &= whole;
            for tag in tags {
                let sql = "INSERT INTO tags (session, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                self.run(|connection| connection.prepare_cached(sql)?.execute(params![session.number, tag]))?;
            }
        }
        let (receipts, whole) = source.rows(
            "SELECT idempotency_key, first_seq, last_seq, revision FROM receipts WHERE session = ?1 AND last_seq <= ?2",
            [session.number, kept_to],
            |row| {
                let key: String = row.get(0)?;
                Ok((key, row.get::<_, u32>(1)?, row.get::<_, u32>(2)?, row.get::<_, i64>(3)?))
            },
        )?;
        for (key, first, last, revision) in receipts {
            let sql = "INSERT INTO receipts VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
            let row = params![session.number, key, first, last, revision];
            self.run(|connection| connection.prepare_cached(sql)?.execute(row))?;
        }
        if !(all && whole) {
            problems.add(format!(
                "session '{}': its tags or the receipts of its idempotency keys cannot all be read",
                session.id
            ));
        }
        Ok(())
    }

    /// An id that nobody has: what is given, shortened if need be, and what is behind it.
    pub(super) fn free_id(&self, id: &str, end: &str) -> String {
        let mut number = 1;
        loop {
            let end = match number {
                1 => end.to_owned(),
                _ => format!("{end} {number}"),
            };
            let free = ids::with_end(id, &end);
            if self
                .is_free("SELECT 1 FROM sessions WHERE id = ?1", [&free])
                .unwrap_or(true)
            {
                return free;
            }
            number += 1;
        }
    }

    /// Begins a session for messages that follow one another, with what is known of the one they came from.
    pub(super) fn begin_run(&mut self, from: &Session, id: String) -> Run {
        let number = self.new_number();
        Run {
            session: Session {
                number,
                id,
                user_id: from.user_id.clone(),
                title: from.title.clone(),
                model: from.model.clone(),
                metadata: from.metadata.clone(),
                status: from.status,
                window_tokens: from.window_tokens,
                created: from.created,
                updated: from.updated,
                ..Session::default()
            },
            counted: Counted::default(),
        }
    }

    pub(super) fn message_of(&mut self, run: &mut Run, message: &ReadyMessage) -> Result<()> {
        self.message(run.session.number, &mut run.counted, message)
    }

    pub(super) fn end_run(&mut self, run: Run) -> Result<()> {
        let tail = (run.session.number, 1);
        self.row(&run.session, run.counted, None, tail)
    }

    /// Ends the writing, and says how many messages were written.
    pub(super) fn close(self) -> Result<u64> {
        self.run(|connection| {
            connection
                .prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'last_key'")?
                .execute([self.highest_number])?;
            connection.execute_batch("COMMIT")
        })?;
        let Self {
            statements,
            connection,
            site,
            messages,
            ..
        } = self;
        drop(statements);
        connection.flush_prepared_statement_cache();
        connection.close().map_err(|(_, error)| site.explain(&error))?;
        Ok(messages)
    }
}
