//! Pages of sessions, newest first.
//!
//! A page ends at a session, not at a number: sessions that others create or delete meanwhile neither repeat nor hide one.

use super::rows;
use crate::error::{Error, Result};
use crate::model::{ListOptions, Micros, Session, SessionPage};
use rusqlite::{Connection, Row};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;

/// The place of a session in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    created: Micros,
    key: i64,
}

impl Position {
    const NEWEST: Self = Self {
        created: Micros::MAX,
        key: i64::MAX,
    };

    fn token(self) -> String {
        format!("c{:x}.{:x}", self.created, self.key)
    }

    fn parse(token: &str) -> Option<Self> {
        let (created, key) = token.strip_prefix('c')?.split_once('.')?;
        Some(Self {
            // Times before 1970 are written as the two's complement.
            created: u64::from_str_radix(created, 16).ok()? as i64,
            key: i64::from_str_radix(key, 16).ok()?,
        })
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
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {} FROM sessions s LEFT JOIN sessions p ON p.key = s.parent \
             WHERE (s.created, s.key) < (?1, ?2) AND (?3 IS NULL OR s.user_id = ?3) \
             ORDER BY s.created DESC, s.key DESC",
            rows::SESSION_COLUMNS
        ))?;
        let mut found = statement.query((self.before.created, self.before.key, self.user_id))?;
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

fn read(row: &Row<'_>) -> rusqlite::Result<(Session, Position)> {
    let session = rows::session(row)?;
    let position = Position {
        created: session.created,
        key: row.get("key")?,
    };
    Ok((session, position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_the_position_it_was_made_from() {
        for created in [i64::MIN, -1, 0, 1, i64::MAX] {
            let position = Position { created, key: 7 };
            assert_eq!(Position::parse(&position.token()), Some(position));
        }
    }

    #[test]
    fn a_token_that_no_list_gave_is_refused() {
        for bad in ["", "c", "c1", "x1.2", "c1.2.3", "c-1.2", "c1.g"] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
