//! Sessions that are related by forks.

use super::rows;
use crate::model::SessionInfo;
use crate::storage::{Family, SessionKey};
use rusqlite::{Connection, Result};

const FORKS: &str = "SELECT key, key AS place FROM sessions WHERE parent = ?1";

const ANCESTORS: &str = "WITH RECURSIVE up (key, place) AS (\
     SELECT parent, 1 FROM sessions WHERE key = ?1 \
     UNION ALL SELECT s.parent, up.place + 1 FROM sessions s JOIN up ON s.key = up.key) \
     SELECT key, place FROM up WHERE key IS NOT NULL";

// In a recursive query ORDER BY says which row is gone on from next: the deepest first is depth first.
const TREE: &str = "WITH RECURSIVE up (key, place) AS (\
     SELECT ?1, 0 \
     UNION ALL SELECT s.parent, up.place + 1 FROM sessions s JOIN up ON s.key = up.key WHERE s.parent IS NOT NULL), \
     down (key, depth) AS (\
     SELECT key, 0 FROM (SELECT key FROM up ORDER BY place DESC LIMIT 1) \
     UNION ALL SELECT s.key, down.depth + 1 FROM sessions s JOIN down ON s.parent = down.key \
     ORDER BY 2 DESC, 1) \
     SELECT key, row_number() OVER () AS place FROM down";

pub(super) fn read(connection: &Connection, key: SessionKey, family: Family) -> Result<Vec<SessionInfo>> {
    let members = match family {
        Family::Forks => FORKS,
        Family::Ancestors => ANCESTORS,
        Family::Tree => TREE,
    };
    connection
        .prepare_cached(&format!(
            "SELECT {} FROM ({members}) AS member JOIN sessions s ON s.key = member.key \
             LEFT JOIN sessions p ON p.key = s.parent ORDER BY member.place",
            rows::SESSION_COLUMNS
        ))?
        .query_map([key.0], rows::session)?
        .collect()
}
