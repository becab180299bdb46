//! Of each segment: are its messages all there, and no others; can they be read; do their running totals add up?

use super::super::branch::last_needed;
use super::super::rows::{Totals, content, totals_at, unsigned};
use super::Check;
use crate::model::Role;
use crate::model::words::words;
use crate::storage::compression::unpack;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Result, Row};

/// The segment that is being read.
struct Segment {
    number: u32,
    /// The session to name, if there is one.
    owner: Option<String>,
    /// The last message that anybody has of it.
    last: Option<u32>,
    next: u32,
    before: Option<Totals>,
    unreached: Option<(u32, u32)>,
    /// The first message that waits to be indexed.
    waiting_from: Option<u32>,
    not_indexed: Option<(u32, u64)>,
}

impl Segment {
    fn name(&self) -> String {
        match &self.owner {
            Some(id) => format!("session '{id}'"),
            None => format!("segment {}", self.number),
        }
    }
}

pub(super) fn check(check: &mut Check<'_>) -> Result<()> {
    let connection = check.connection;
    let mut statement = connection.prepare(
        "SELECT m.key, tokens, total_tokens, turn, total_bytes, role, content, packed, tool_calls, metadata, \
         tool_call_id, model, d.key IS NOT NULL FROM messages AS m LEFT JOIN search_documents AS d ON d.key = m.key \
         ORDER BY m.key",
    )?;
    let mut rows = statement.query([])?;
    let mut segment: Option<Segment> = None;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let (number, seq) = ((key >> 32) as u32, (key & 0xFFFF_FFFF) as u32);
        check.report.messages += 1;
        let mut current = match segment.take() {
            Some(current) if current.number == number => current,
            before => {
                if let Some(before) = before {
                    end(check, &before);
                }
                begin(check, number)?
            }
        };
        message(check, &mut current, seq, row)?;
        segment = Some(current);
    }
    if let Some(last) = segment {
        end(check, &last);
    }
    Ok(())
}

/// Where the segment begins, what it goes on from, and whose own it is.
const BEGINNING: &str = "SELECT coalesce((SELECT first_seq FROM segments WHERE segment = ?1), 1), \
     (SELECT parent FROM segments WHERE segment = ?1), \
     (SELECT id FROM sessions WHERE key = ?1 AND tail_segment = ?1 \
     UNION ALL SELECT id FROM sessions WHERE tail_segment = ?1 AND tail_segment <> key)";

fn begin(check: &mut Check<'_>, number: u32) -> Result<Segment> {
    check.highest_segment = check.highest_segment.max(number);
    let (first, parent, owner): (u32, Option<u32>, Option<String>) = check
        .connection
        .prepare_cached(BEGINNING)?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let waiting_from = check
        .connection
        .prepare_cached("SELECT next_seq FROM search_outbox WHERE segment = ?1")?
        .query_row([number], |row| row.get(0))
        .optional()?;
    let before = match parent {
        None if first <= 1 => Some(Totals::default()),
        None => None,
        Some(parent) => totals_at(check.connection, parent, first - 1)?,
    };
    Ok(Segment {
        number,
        owner,
        last: last_needed(check.connection, number)?,
        next: first,
        before,
        unreached: None,
        waiting_from,
        not_indexed: None,
    })
}

fn message(check: &mut Check<'_>, segment: &mut Segment, seq: u32, row: &Row<'_>) -> Result<()> {
    if segment.last.is_none_or(|last| seq > last) {
        let first = segment.unreached.map_or(seq, |(first, _)| first);
        segment.unreached = Some((first, seq));
        return Ok(());
    }
    if seq > segment.next {
        check.site.note_damage();
        check.problem(format!(
            "{}: {} missing",
            segment.name(),
            messages_are(segment.next, seq - 1)
        ));
        segment.before = None;
    } else if seq < segment.next {
        check.problem(format!(
            "{}: message {seq} lies before the beginning of its segment",
            segment.name()
        ));
        return Ok(());
    }
    segment.next = seq.saturating_add(1);
    let says = Totals {
        tokens: unsigned(row, 2)?,
        turns: row.get(3)?,
        bytes: unsigned(row, 4)?,
    };
    match text_bytes(row) {
        Ok(bytes) => totals(check, segment, seq, row, bytes, says)?,
        Err(why) => {
            check.site.note_damage();
            check.problem(format!("{}: message {seq} cannot be read: {why}", segment.name()));
        }
    }
    segment.before = Some(says);
    let indexed: bool = row.get(12)?;
    if !indexed && segment.waiting_from.is_none_or(|from| seq < from) && has_words(row) {
        let (first, count) = segment.not_indexed.unwrap_or((seq, 0));
        segment.not_indexed = Some((first, count + 1));
    }
    Ok(())
}

fn totals(check: &mut Check<'_>, segment: &Segment, seq: u32, row: &Row<'_>, bytes: u64, says: Totals) -> Result<()> {
    let role: i32 = row.get(5)?;
    if Role::from_number(role).is_err() {
        check.site.note_damage();
        check.problem(format!("{}: message {seq} has the role {role}", segment.name()));
        return Ok(());
    }
    let Some(before) = segment.before else { return Ok(()) };
    let is = Totals {
        tokens: before.tokens + unsigned(row, 1)?,
        turns: before.turns + u32::from(role == Role::User as i32),
        bytes: before.bytes + bytes,
    };
    for (what, says, is) in [
        ("tokens", says.tokens, is.tokens),
        ("turns", u64::from(says.turns), u64::from(is.turns)),
        ("bytes", says.bytes, is.bytes),
    ] {
        if says != is {
            check.problem(format!(
                "{}: message {seq} says that there are {says} {what} up to it; there are {is}",
                segment.name()
            ));
        }
    }
    Ok(())
}

/// How many bytes of text count, once all of it was found to be text.
fn text_bytes(row: &Row<'_>) -> std::result::Result<u64, String> {
    let text = |column: usize, what: &str| match row.get_ref(column) {
        Ok(ValueRef::Null) => Ok(0),
        Ok(ValueRef::Text(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.len() as u64),
            Err(error) => Err(format!("its {what} is no text ({error})")),
        },
        _ => Err(format!("its {what} is no text")),
    };
    let content = match row.get_ref(7) {
        Ok(ValueRef::Blob(packed)) => unpack(packed)
            .map(|content| content.len() as u64)
            .map_err(|error| format!("its content cannot be unpacked ({error})"))?,
        _ => text(6, "content")?,
    };
    text(10, "tool call id")?;
    text(11, "model")?;
    Ok(content + text(8, "tool calls")? + text(9, "metadata")?)
}

/// Whether there is a word in it that could be found. What cannot be read is told elsewhere.
fn has_words(row: &Row<'_>) -> bool {
    content(row, 6).is_ok_and(|content| words(&content).next().is_some())
}

fn end(check: &mut Check<'_>, segment: &Segment) {
    if let Some((first, last)) = segment.unreached {
        check.problem(format!(
            "segment {}: {} kept, though no session has them",
            segment.number,
            messages_are(first, last)
        ));
    }
    if let Some((first, count)) = segment.not_indexed {
        check.problem(format!(
            "{}: {count} messages, the first of them {first}, are neither in the search index nor waiting for it",
            segment.name()
        ));
    }
    // That the last one is there is asked session by session; what lies between is told here.
    if let Some(last) = segment.last
        && segment.next < last
    {
        check.site.note_damage();
        check.problem(format!(
            "{}: {} missing",
            segment.name(),
            messages_are(segment.next, last - 1)
        ));
    }
}

fn messages_are(first: u32, last: u32) -> String {
    match last - first {
        0 => format!("message {first} is"),
        _ => format!("messages {first} to {last} are"),
    }
}
