//! What a store consists of: its tables and indexes in SQLite's own words, compared when it is opened.
//!
//! A trigger, a view, a column that is computed or an index on an expression would run when we read or write; so nothing may be
//! there that no migration made. `1.txt` and `2.txt` are written by the test below.

use super::super::failure::Site;
use crate::error::{Error, Kind, Result};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// By version of the schema, from 1 on.
const KNOWN: [&str; 2] = [include_str!("1.txt"), include_str!("2.txt")];

const BETWEEN: &str = "\n;\n";

/// What ANALYZE adds.
const STATISTICS: [&str; 2] = [
    "table sqlite_stat1 on sqlite_stat1\nCREATE TABLE sqlite_stat1(tbl,idx,stat)",
    "table sqlite_stat4 on sqlite_stat4\nCREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
];

/// Refuses what is more or less than a store of this version.
pub(super) fn check(connection: &Connection, site: &Site, version: i32) -> Result<()> {
    let Some(known) = usize::try_from(version - 1).ok().and_then(|index| KNOWN.get(index)) else {
        return Ok(());
    };
    let known: BTreeSet<&str> = known.trim_end().split(BETWEEN).collect();
    let found = read(connection).map_err(|error| site.explain(&error))?;
    for object in &found {
        if known.contains(object.as_str()) || STATISTICS.contains(&object.as_str()) {
            continue;
        }
        let name = first_line(object);
        return Err(if known.iter().any(|known| first_line(known) == name) {
            site.damage(format_args!(
                "its {name} is described in other words than when it was made"
            ))
        } else {
            not_ours(site, name)
        });
    }
    match known.iter().find(|known| !found.contains(**known)) {
        Some(missing) => Err(site.damage(format_args!("it has no {}", first_line(missing)))),
        None => Ok(()),
    }
}

fn read(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    connection
        .prepare("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")?
        .query_map([], |row| {
            let text = |index| row.get::<_, String>(index);
            Ok(format!("{} {} on {}\n{}", text(0)?, text(1)?, text(2)?, text(3)?))
        })?
        .collect()
}

fn first_line(object: &str) -> &str {
    object.split('\n').next().unwrap_or_default()
}

fn not_ours(site: &Site, name: &str) -> Error {
    let at = &site.location;
    Error::new(
        Kind::Mismatch,
        format!(
            "{at} is not a store as Turnkeep makes it: it has a {}, which nothing here made; it was left untouched; \
             salvage it, which takes the conversations alone into a new file",
            name.escape_debug()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::MIGRATIONS;
    use super::*;

    #[test]
    fn what_is_known_of_each_version_is_what_the_migrations_make() {
        let connection = Connection::open_in_memory().unwrap();
        let mut are_known = Vec::new();
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            connection.execute_batch(migration).unwrap();
            let made: Vec<String> = read(&connection).unwrap().into_iter().collect();
            let made = made.join(BETWEEN) + "\n";
            if std::env::var_os("TURNKEEP_WRITE_SCHEMA").is_some() {
                let path = format!(
                    "{}/src/storage/sqlite/schema/{}.txt",
                    env!("CARGO_MANIFEST_DIR"),
                    index + 1
                );
                std::fs::write(path, &made).unwrap();
            }
            are_known.push(KNOWN.get(index) == Some(&made.as_str()));
        }
        assert_eq!(
            are_known,
            [true, true],
            "after a new migration, run this test with TURNKEEP_WRITE_SCHEMA=1"
        );
        assert_eq!(KNOWN.len(), MIGRATIONS.len());
    }

    #[test]
    fn what_analyze_adds_is_known() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (a); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1), (2); ANALYZE")
            .unwrap();
        let found = read(&connection).unwrap();
        assert!(STATISTICS.iter().all(|known| found.contains(*known)), "{found:?}");
    }
}
