//! Which of coda's sessions were branched from which: parents before their branches, and circles found.

use super::places::Owners;
use super::rows::Table;
use super::source::Source;
use crate::error::Result;

/// The level of a session whose parents go around in a circle: behind all others.
pub(super) const IN_A_CIRCLE: i64 = i64::MAX;

/// Orders the sessions in temporary tables. [`super::places::Places`] has made the one with their ids.
pub(super) fn order(source: &Source, sessions: &Owners<'_>) -> Result<()> {
    let parent = match sessions.table.has("parent_id") {
        true => "(SELECT min(o.place) FROM temp.owners o WHERE o.id = s.parent_id)",
        false => "NULL",
    };
    let connection = source.connection();
    source.run(connection.execute_batch(&format!(
        "CREATE TEMP TABLE family AS SELECT s.rowid AS place, {parent} AS parent FROM main.\"{}\" AS s NOT INDEXED; \
         CREATE INDEX temp.family_by_place ON family (place); \
         CREATE INDEX temp.family_by_parent ON family (parent); \
         CREATE TEMP TABLE ordered (place INTEGER PRIMARY KEY, level INTEGER NOT NULL); \
         INSERT INTO temp.ordered SELECT place, 0 FROM temp.family WHERE parent IS NULL; \
         CREATE INDEX temp.ordered_by_level ON ordered (level, place);",
        sessions.table.name
    )))?;
    const NEXT: &str = "INSERT INTO temp.ordered SELECT f.place, o.level + 1 FROM temp.ordered AS o \
         JOIN temp.family AS f ON f.parent = o.place WHERE o.level = ?1";
    let mut next = source.run(connection.prepare(NEXT))?;
    let mut level = 0;
    while source.run(next.execute([level]))? > 0 {
        level += 1;
    }
    const REST: &str = "INSERT OR IGNORE INTO temp.ordered SELECT place, ?1 FROM temp.family";
    source.run(connection.execute(REST, [IN_A_CIRCLE])).map(drop)
}

/// A SELECT of the sessions in this order, each with the row of its parent and whether it has branches.
pub(super) fn select(sessions: &Table, wanted: &[&str]) -> String {
    format!(
        "SELECT o.place AS place, s.rowid IS NOT NULL AS is_there, o.level AS level, f.parent AS parent_place, \
         EXISTS (SELECT 1 FROM temp.family AS b WHERE b.parent = o.place) AS has_branches, {} \
         FROM temp.ordered AS o CROSS JOIN temp.family AS f ON f.place = o.place \
         LEFT JOIN main.\"{}\" AS s ON s.rowid = o.place ORDER BY o.level, o.place",
        sessions.list("s", wanted),
        sessions.name
    )
}
