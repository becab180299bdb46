//! Of each session: does its path cover every message, and do its counters say what its last message says?

use super::super::rows::{Totals, totals_at, unsigned};
use super::super::search::session_text;
use super::Check;
use crate::model::words::words;
use rusqlite::{OptionalExtension, Result, Row};

struct Session {
    id: String,
    head_seq: u32,
    tail_segment: u32,
    tail_first_seq: u32,
    counters: Totals,
}

pub(super) fn check(check: &mut Check<'_>) -> Result<()> {
    let connection = check.connection;
    let mut statement = connection.prepare(
        "SELECT key, id, head_seq, tail_segment, tail_first_seq, token_total, turn_count, bytes, \
         (title <> '' OR summary <> '' OR name IS NOT NULL) AND \
         NOT EXISTS (SELECT 1 FROM search_documents WHERE key = -s.key) AND \
         NOT EXISTS (SELECT 1 FROM search_outbox WHERE segment = -s.key), name, title, summary \
         FROM sessions AS s ORDER BY key",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let session = Session {
            id: row.get(1)?,
            head_seq: row.get(2)?,
            tail_segment: row.get(3)?,
            tail_first_seq: row.get(4)?,
            counters: Totals {
                tokens: unsigned(row, 5)?,
                turns: row.get(6)?,
                bytes: unsigned(row, 7)?,
            },
        };
        check.report.sessions += 1;
        path(check, &session)?;
        counters(check, &session)?;
        if row.get(8)? && has_words(row)? {
            check.problem(format!(
                "session '{}': its name, title and summary are neither in the search index nor waiting for it",
                session.id
            ));
        }
    }
    Ok(())
}

fn has_words(row: &Row<'_>) -> Result<bool> {
    let text = session_text(row.get(9)?, row.get(10)?, row.get(11)?);
    Ok(words(&text).next().is_some())
}

/// A session's own segment begins where the tree of segments says; that checks what comes before.
fn path(check: &mut Check<'_>, session: &Session) -> Result<()> {
    let id = &session.id;
    let first_seq: u32 = check
        .connection
        .prepare_cached("SELECT first_seq FROM segments WHERE segment = ?1")?
        .query_row([session.tail_segment], |row| row.get(0))
        .optional()?
        .unwrap_or(1);
    if first_seq != session.tail_first_seq {
        check.problem(format!(
            "session '{id}': its own messages begin at {}, and its segment at {first_seq}",
            session.tail_first_seq
        ));
    }
    if session.head_seq.saturating_add(1) < session.tail_first_seq {
        check.problem(format!(
            "session '{id}': its last message is {}, and its own messages begin at {}",
            session.head_seq, session.tail_first_seq
        ));
    }
    Ok(())
}

fn counters(check: &mut Check<'_>, session: &Session) -> Result<()> {
    let found = match session.head_seq {
        0 => Totals::default(),
        seq if seq >= session.tail_first_seq => match totals_at(check.connection, session.tail_segment, seq)? {
            Some(found) => found,
            None => {
                missing(check, session, seq);
                return Ok(());
            }
        },
        // It has no message of its own yet.
        seq => match shared(check, session, seq)? {
            Some(found) => found,
            None => return Ok(()),
        },
    };
    for (what, says, is) in [
        ("tokens", session.counters.tokens, found.tokens),
        ("turns", u64::from(session.counters.turns), u64::from(found.turns)),
        ("bytes", session.counters.bytes, found.bytes),
    ] {
        if says != is {
            check.problem(format!(
                "session '{}': it says that it has {says} {what}; its messages have {is}",
                session.id
            ));
        }
    }
    Ok(())
}

fn missing(check: &mut Check<'_>, session: &Session, seq: u32) {
    check.site.note_damage();
    check.problem(format!("session '{}': message {seq} is missing", session.id));
}

fn shared(check: &Check<'_>, session: &Session, seq: u32) -> Result<Option<Totals>> {
    let segment: Option<u32> = check
        .connection
        .prepare_cached("SELECT parent FROM segments WHERE segment = ?1")?
        .query_row([session.tail_segment], |row| row.get(0))
        .optional()?;
    match segment {
        Some(segment) => totals_at(check.connection, segment, seq),
        None => Ok(None),
    }
}
