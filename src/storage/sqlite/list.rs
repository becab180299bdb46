//! Pages of sessions.
//!
//! A page ends at a session, not at a number: sessions that others create or delete meanwhile neither repeat nor hide one.

use super::filter::Condition;
use super::page_token::{Place, SortValue, fingerprint};
use super::rows;
use crate::error::{Error, Result};
use crate::model::{Candidates, ListOptions, SessionInfo, SessionPage, Sort};
use crate::storage::SessionKey;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::HashMap;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;

/// What to read.
pub(super) struct Page {
    condition: Condition,
    sort: Sort,
    ascending: bool,
    limit: usize,
    after: Option<Place>,
    /// What the tokens of this list have in common.
    list: u64,
}

/// A session and its number, which orders those that are created after each other.
type Numbered = (SessionKey, SessionInfo);

impl Page {
    pub(super) fn wanted(options: &ListOptions) -> Result<Self> {
        let limit = match options.limit {
            0 => DEFAULT_LIMIT,
            limit if limit <= MAX_LIMIT => limit,
            limit => {
                return Err(Error::invalid(format!(
                    "limit is {limit}; a page holds at most {MAX_LIMIT} sessions"
                )));
            }
        };
        let condition = Condition::of_many(&options.filter)?;
        let list = fingerprint(&condition, options.sort, options.ascending);
        let after = options.page_token.as_deref();
        Ok(Self {
            after: after.map(|token| Place::parse(token, list)).transpose()?,
            condition,
            sort: options.sort,
            ascending: options.ascending,
            limit: limit as usize,
            list,
        })
    }

    pub(super) fn read(self, connection: &Connection) -> rusqlite::Result<SessionPage> {
        let list = self.list;
        let (mut sessions, next) = match self.sort {
            Sort::Created => self.by_creation(connection)?,
            _ => self.by_value(connection)?,
        };
        read_tags(connection, &mut sessions)?;
        Ok(SessionPage {
            sessions: sessions.into_iter().map(|(_, session)| session).collect(),
            next_page_token: next.map(|place| place.token(list)),
        })
    }

    fn operator(&self) -> (&'static str, &'static str) {
        if self.ascending { (">", "ASC") } else { ("<", "DESC") }
    }

    /// In the order of keys, which is that of creation, and that in which the table and its indexes lie.
    fn by_creation(self, connection: &Connection) -> rusqlite::Result<(Vec<Numbered>, Option<Place>)> {
        let mut statement = connection.prepare_cached(&self.creation_sql())?;
        let begin = if self.ascending { i64::MIN } else { i64::MAX };
        let after = self.after.map_or(begin, |place| place.key);
        let params = self.condition.params.into_iter().chain([Value::Integer(after)]);
        let mut found = statement.query(params_from_iter(params))?;
        let mut sessions: Vec<Numbered> = Vec::with_capacity(self.limit.min(64));
        // Stepping stops here instead of by LIMIT ?: one row more tells whether there is another page.
        while let Some(row) = found.next()? {
            if sessions.len() == self.limit {
                let last = sessions.last().map(|(key, _)| Place {
                    key: key.0,
                    value: SortValue::Key,
                });
                return Ok((sessions, last));
            }
            sessions.push((SessionKey(row.get(rows::KEY_COLUMN)?), rows::session_but_tags(row)?));
        }
        Ok((sessions, None))
    }

    fn creation_sql(&self) -> String {
        let (operator, direction) = self.operator();
        format!(
            "SELECT {} FROM sessions s LEFT JOIN sessions p ON p.key = s.parent \
             WHERE {} AND s.key {operator} ? ORDER BY s.key {direction}",
            rows::SESSION_COLUMNS_BUT_TAGS,
            self.condition.sql
        )
    }

    /// In the order of a column: first the numbers of the page's sessions, so that what is sorted is small.
    fn by_value(self, connection: &Connection) -> rusqlite::Result<(Vec<Numbered>, Option<Place>)> {
        let limit = self.limit;
        let mut places = self.places(connection)?;
        let next = (places.len() > limit).then(|| {
            places.truncate(limit);
            places.last().cloned()
        });
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {} FROM sessions s LEFT JOIN sessions p ON p.key = s.parent WHERE s.key = ?1",
            rows::SESSION_COLUMNS_BUT_TAGS
        ))?;
        let sessions = places
            .iter()
            .map(|place| {
                let session = statement.query_row([place.key], rows::session_but_tags)?;
                Ok((SessionKey(place.key), session))
            })
            .collect::<rusqlite::Result<_>>()?;
        Ok((sessions, next.flatten()))
    }

    /// Where the sessions of the page stand, and the first one of the next.
    fn places(self, connection: &Connection) -> rusqlite::Result<Vec<Place>> {
        let mut statement = connection.prepare_cached(&self.places_sql())?;
        let mut params = self.condition.params;
        if let Some(place) = self.after {
            params.push(place.value.into());
            params.push(Value::Integer(place.key));
        }
        params.push(Value::Integer(self.limit as i64 + 1));
        statement
            .query_map(params_from_iter(params), |row| {
                Ok(Place {
                    value: SortValue::try_from(row.get::<_, Value>(0)?)
                        .map_err(|kind| rusqlite::Error::InvalidColumnType(0, "value".to_owned(), kind))?,
                    key: row.get(1)?,
                })
            })?
            .collect()
    }

    fn places_sql(&self) -> String {
        let (operator, direction) = self.operator();
        let column = column(self.sort);
        let behind = match &self.after {
            None => String::new(),
            Some(_) => format!("AND ({column}, s.key) {operator} (?, ?)"),
        };
        // With plans that depend on no value, LIMIT ? is not prepared again for another number.
        format!(
            "SELECT {column} AS value, s.key FROM sessions s WHERE {} {behind} \
             ORDER BY {column} {direction}, s.key {direction} LIMIT ?",
            self.condition.sql
        )
    }
}

fn column(sort: Sort) -> &'static str {
    match sort {
        Sort::Created => "s.key",
        Sort::Updated => "s.updated",
        Sort::Id => "s.id",
        Sort::Tokens => "s.token_total",
        Sort::Messages => "s.head_seq",
        Sort::Name => "coalesce(s.name, '')",
    }
}

const TAGS_OF_PAGE: &str =
    "SELECT session, tag FROM tags WHERE session IN (SELECT value FROM json_each(?)) ORDER BY session, tag";

fn read_tags(connection: &Connection, sessions: &mut [Numbered]) -> rusqlite::Result<()> {
    // In most stores there are none, and to look for those of each session takes more than a tenth of a page's time.
    if !connection.prepare_cached("SELECT 1 FROM tags")?.exists([])? {
        return Ok(());
    }
    let keys = serde_json::Value::from_iter(sessions.iter().map(|(key, _)| key.0)).to_string();
    let mut statement = connection.prepare_cached(TAGS_OF_PAGE)?;
    let mut tags: HashMap<i64, Vec<String>> = HashMap::new();
    let mut found = statement.query([keys])?;
    while let Some(row) = found.next()? {
        tags.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    if !tags.is_empty() {
        for (key, session) in sessions {
            session.tags = tags.remove(&key.0).unwrap_or_default();
        }
    }
    Ok(())
}

/// How many sessions meet a condition.
pub(super) fn count(connection: &Connection, condition: &Condition) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(&format!("SELECT count(*) FROM sessions s WHERE {}", condition.sql))?
        .query_row(params_from_iter(&condition.params), |row| rows::unsigned(row, 0))
}

/// Sessions with a name, whoever has them. The index begins with the owner, so its names are looked through: they are few beside
/// the sessions without one.
const NAMED: &str = "SELECT id FROM sessions INDEXED BY sessions_by_name WHERE name = ?1 ORDER BY key";

/// The sessions that a person may mean by a text.
pub(super) fn candidates(connection: &Connection, text: &str, limit: usize) -> rusqlite::Result<Candidates> {
    let ids = |sql: &str, wanted: fn(&str, &str) -> bool| -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_map([text], |row| row.get(0))?;
        let wanted = |id: &rusqlite::Result<String>| id.as_ref().map_or(true, |id| wanted(id, text));
        found.take_while(wanted).take(limit).collect()
    };
    Ok(Candidates {
        named: ids(NAMED, |_, _| true)?,
        beginning: ids("SELECT id FROM sessions WHERE id >= ?1 ORDER BY id", |id, text| {
            id.starts_with(text)
        })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Filter;
    use crate::storage::sqlite::functions;

    fn plan(sql: &str) -> String {
        let connection = Connection::open_in_memory().unwrap();
        functions::register(&connection).unwrap();
        for migration in [
            include_str!("migrations/0001_core.sql"),
            include_str!("migrations/0002_branches_search_lifecycle.sql"),
        ] {
            connection.execute_batch(migration).unwrap();
        }
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = statement.query_map(params_from_iter(vec![0; statement.parameter_count()]), |row| row.get(3));
        lines
            .unwrap()
            .collect::<rusqlite::Result<Vec<String>>>()
            .unwrap()
            .join("; ")
    }

    fn plan_of_list(filter: Filter) -> String {
        let options = ListOptions {
            filter,
            ..ListOptions::default()
        };
        plan(&Page::wanted(&options).unwrap().creation_sql())
    }

    #[test]
    fn a_list_goes_along_the_keys_and_sorts_nothing() {
        let plan = plan_of_list(Filter::default());
        assert!(
            plan.starts_with("SEARCH s USING INTEGER PRIMARY KEY (rowid<?)"),
            "{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    #[test]
    fn the_list_of_one_owner_looks_at_no_other_session() {
        let plan = plan_of_list(Filter {
            user_id: Some("ada".to_owned()),
            ..Filter::default()
        });
        assert!(
            plan.contains("sessions_by_user") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }

    #[test]
    fn the_list_of_a_tag_looks_at_no_session_without_it() {
        let tags = vec!["a".to_owned(), "b".to_owned()];
        for filter in [
            Filter {
                all_tags: tags.clone(),
                ..Filter::default()
            },
            Filter {
                any_tags: tags,
                ..Filter::default()
            },
        ] {
            let plan = plan_of_list(filter);
            assert!(
                plan.starts_with("SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
                "{plan}"
            );
            assert!(plan.contains("USING COVERING INDEX tags_by_tag (tag=?)"), "{plan}");
        }
    }

    #[test]
    fn the_forks_of_a_session_are_found_by_their_parent() {
        let plan = plan_of_list(Filter {
            parent_id: Some("a".to_owned()),
            ..Filter::default()
        });
        assert!(plan.contains("sessions_by_parent"), "{plan}");
    }

    #[test]
    fn a_list_by_id_goes_along_the_ids_and_sorts_nothing() {
        let options = ListOptions {
            sort: Sort::Id,
            ..ListOptions::default()
        };
        let mut page = Page::wanted(&options).unwrap();
        page.after = Some(Place {
            key: 1,
            value: SortValue::Text("a".to_owned()),
        });
        let plan = plan(&page.places_sql());
        assert!(
            plan.contains("sqlite_autoindex_sessions_1 (id<?)") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }

    #[test]
    fn a_name_is_looked_for_among_the_sessions_that_have_one() {
        let plan = plan(NAMED);
        assert!(plan.starts_with("SCAN sessions USING INDEX sessions_by_name"), "{plan}");
    }

    #[test]
    fn the_tags_of_a_page_are_found_by_their_sessions() {
        let plan = plan(TAGS_OF_PAGE);
        assert!(plan.contains("SEARCH tags USING PRIMARY KEY (session=?)"), "{plan}");
    }

    #[test]
    fn a_search_asks_one_session_without_going_through_others() {
        let filter = Filter {
            all_tags: vec!["a".to_owned()],
            any_tags: vec!["b".to_owned()],
            user_id: Some("ada".to_owned()),
            ..Filter::default()
        };
        let condition = Condition::of(&filter).unwrap();
        let plan = plan(&format!(
            "SELECT 1 FROM sessions s WHERE s.key = ? AND ({})",
            condition.sql
        ));
        assert!(
            plan.starts_with("SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
            "{plan}"
        );
        assert!(!plan.contains("tags_by_tag") && !plan.contains("SCAN s"), "{plan}");
    }
}
