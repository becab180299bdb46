//! Pages of sessions, newest first.
//!
//! A page ends at a session, not at a number: sessions that others create or delete meanwhile neither repeat nor hide one.

use super::rows;
use crate::error::{Error, Result};
use crate::model::{ListOptions, SessionInfo, SessionPage};
use rusqlite::{Connection, Row};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;

/// The place of a session in the order of creation: keys only ever grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position(i64);

impl Position {
    const NEWEST: Self = Self(i64::MAX);

    fn token(self) -> String {
        format!("k{:x}", self.0)
    }

    fn parse(token: &str) -> Option<Self> {
        let digits = token.strip_prefix('k')?;
        let written_by_us = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        i64::from_str_radix(digits, 16).ok().filter(|_| written_by_us).map(Self)
    }
}

/// What to read.
pub(super) struct Page<'a> {
    user_id: Option<&'a str>,
    limit: usize,
    before: Position,
}

impl<'a> Page<'a> {
    pub(super) fn wanted(options: &'a ListOptions) -> Result<Self> {
        let limit = match options.limit {
            0 => DEFAULT_LIMIT,
            limit if limit <= MAX_LIMIT => limit,
            limit => {
                return Err(Error::invalid(format!(
                    "limit is {limit}; a page holds at most {MAX_LIMIT} sessions"
                )));
            }
        };
        let before = match options.page_token.as_deref() {
            None => Position::NEWEST,
            Some(token) => Position::parse(token).ok_or_else(|| {
                Error::invalid("page is not what a list gave for its next page; begin again without it")
            })?,
        };
        Ok(Self {
            user_id: options.user_id.as_deref(),
            limit: limit as usize,
            before,
        })
    }

    pub(super) fn read(&self, connection: &Connection) -> rusqlite::Result<SessionPage> {
        // The condition of the index on owners stands in the text: SQLite does not look at a bound value for it.
        let owned = match self.user_id {
            None => "?2 IS NULL",
            Some("") => "s.user_id = ?2",
            Some(_) => "s.user_id = ?2 AND s.user_id <> ''",
        };
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {} FROM sessions s LEFT JOIN sessions p ON p.key = s.parent \
             WHERE s.key < ?1 AND {owned} ORDER BY s.key DESC",
            rows::SESSION_COLUMNS
        ))?;
        let mut found = statement.query((self.before.0, self.user_id))?;
        let mut sessions = Vec::with_capacity(self.limit.min(64));
        let mut last = self.before;
        // Stepping stops here instead of by LIMIT ?, which SQLite would prepare anew for each number.
        while let Some(row) = found.next()? {
            if sessions.len() == self.limit {
                return Ok(SessionPage {
                    sessions,
                    next_page_token: Some(last.token()),
                });
            }
            let (session, position) = read(row)?;
            sessions.push(session);
            last = position;
        }
        Ok(SessionPage {
            sessions,
            next_page_token: None,
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(SessionInfo, Position)> {
    Ok((rows::session(row)?, Position(row.get("key")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_one_owner_looks_at_no_other_session() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("migrations/0001_core.sql"))
            .unwrap();
        let sql = "EXPLAIN QUERY PLAN SELECT * FROM sessions s WHERE s.key < ?1 AND s.user_id = ?2 AND s.user_id <> '' \
                   ORDER BY s.key DESC";
        let plan: String = connection.query_row(sql, (1, "ada"), |row| row.get(3)).unwrap();
        assert!(plan.contains("sessions_by_user"), "{plan}");
    }

    #[test]
    fn a_token_comes_back_as_the_position_it_was_made_from() {
        for key in [1, 7, i64::MAX] {
            assert_eq!(Position::parse(&Position(key).token()), Some(Position(key)));
        }
    }

    #[test]
    fn a_token_that_no_list_gave_is_refused() {
        for bad in ["", "k", "7", "x1", "k1.2", "k-1", "k+1", "kg", "kffffffffffffffff"] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
