//! Of each segment that goes on from another: is that one there, does it reach so far, and does anybody have this one?

use super::super::rows::message_key;
use super::Check;
use rusqlite::{OptionalExtension, Result};

struct Segment {
    number: u32,
    parent: u32,
    first_seq: u32,
}

pub(super) fn check(check: &mut Check<'_>) -> Result<()> {
    let connection = check.connection;
    let mut statement = connection.prepare("SELECT segment, parent, first_seq FROM segments ORDER BY segment")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let segment = Segment {
            number: row.get(0)?,
            parent: row.get(1)?,
            first_seq: row.get(2)?,
        };
        check.highest_segment = check.highest_segment.max(segment.number);
        beginning(check, &segment)?;
        if !has_user(check, &segment)? {
            check.problem(format!(
                "segment {} goes on from segment {}, though no session has it",
                segment.number, segment.parent
            ));
        }
    }
    Ok(())
}

fn beginning(check: &mut Check<'_>, segment: &Segment) -> Result<()> {
    let Segment {
        number,
        parent,
        first_seq,
    } = segment;
    let parents_first: u32 = check
        .connection
        .prepare_cached("SELECT first_seq FROM segments WHERE segment = ?1")?
        .query_row([parent], |row| row.get(0))
        .optional()?
        .unwrap_or(1);
    if parents_first >= *first_seq {
        check.problem(format!(
            "segment {number} goes on from message {} of segment {parent}, which begins at {parents_first}",
            i64::from(*first_seq) - 1
        ));
        return Ok(());
    }
    let is_there = check
        .connection
        .prepare_cached("SELECT 1 FROM messages WHERE key = ?1")?
        .exists([message_key(*parent, first_seq - 1)])?;
    if !is_there {
        check.site.note_damage();
        check.problem(format!(
            "segment {number} goes on from message {} of segment {parent}, which is missing",
            first_seq - 1
        ));
    }
    Ok(())
}

fn has_user(check: &Check<'_>, segment: &Segment) -> Result<bool> {
    check
        .connection
        .prepare_cached(
            "SELECT 1 FROM segments WHERE parent = ?1 \
             UNION ALL SELECT 1 FROM sessions WHERE key = ?1 AND tail_segment = ?1 \
             UNION ALL SELECT 1 FROM sessions WHERE tail_segment = ?1 AND tail_segment <> key",
        )?
        .exists([segment.number])
}
