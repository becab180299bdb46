//! A filter as a condition of SQL. Its text says only which fields a filter has: every value is bound.

use super::functions;
use super::rows::signed;
use crate::error::Result;
use crate::model::{Filter, Status, TimeRange};
use rusqlite::types::Value;

/// A condition on the row `s` of sessions, with a `?` for each parameter, in order.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) params: Vec<Value>,
}

/// In which sessions it may be removed: at a time, or so long after its last change, whichever comes first.
const EXPIRES: &str = "min(coalesce(s.expires, s.updated + s.expires_after), \
     coalesce(s.updated + s.expires_after, s.expires))";

impl Condition {
    /// The condition that asks each session by itself, which is best where few sessions are asked: in a search.
    pub(super) fn of(filter: &Filter) -> Result<Self> {
        filter.check()?;
        let mut condition = Self {
            // Bit by bit, so that the text is the same for all states.
            sql: "(? >> s.status) & 1".to_owned(),
            params: vec![Value::Integer(statuses(&filter.statuses))],
        };
        condition.owner(filter.user_id.as_deref());
        condition.tags(filter);
        if let Some(model) = &filter.model {
            condition.and("s.model = ?", [text(model)]);
        }
        if let Some(wanted) = filter.text.as_ref().filter(|wanted| !wanted.is_empty()) {
            condition.and("turnkeep_contains(?, s.title, s.name)", [text(wanted)]);
        }
        if !filter.metadata.is_empty() {
            let conditions = functions::conditions_to_json(&filter.metadata);
            condition.and("turnkeep_metadata(?, s.metadata)", [Value::Text(conditions)]);
        }
        condition.time("s.created", filter.created);
        condition.time("s.updated", filter.updated);
        condition.time(EXPIRES, filter.expires);
        if let Some(id) = &filter.parent_id {
            condition.and("s.parent = (SELECT key FROM sessions WHERE id = ?)", [text(id)]);
        }
        match filter.has_messages {
            None => {}
            Some(true) => condition.and("s.head_seq > 0", []),
            Some(false) => condition.and("s.head_seq = 0", []),
        }
        Ok(condition)
    }

    /// The same condition for a statement that goes through all sessions: it begins with those that have the tags.
    pub(super) fn of_many(filter: &Filter) -> Result<Self> {
        let mut condition = Self::of(filter)?;
        match filter.all_tags.first() {
            Some(tag) => condition.and("s.key IN (SELECT session FROM tags WHERE tag = ?)", [text(tag)]),
            None if !filter.any_tags.is_empty() => condition.and(
                "s.key IN (SELECT session FROM tags WHERE tag IN (SELECT value FROM json_each(?)))",
                [list(filter.any_tags.iter())],
            ),
            None => {}
        }
        Ok(condition)
    }

    pub(super) fn and(&mut self, sql: &str, params: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.params.extend(params);
    }

    fn owner(&mut self, user_id: Option<&str>) {
        match user_id {
            None => {}
            Some("") => self.and("s.user_id = ''", []),
            // The condition of the index on owners stands in the text: SQLite does not look at a bound value for it.
            Some(user_id) => self.and("s.user_id = ? AND s.user_id <> ''", [text(user_id)]),
        }
    }

    /// Any number of tags is one text, and one parameter.
    fn tags(&mut self, filter: &Filter) {
        if !filter.all_tags.is_empty() {
            let distinct: std::collections::BTreeSet<&String> = filter.all_tags.iter().collect();
            let count = Value::Integer(signed(distinct.len() as u64));
            self.and(
                "(SELECT count(*) FROM tags t WHERE t.session = s.key AND t.tag IN (SELECT value FROM json_each(?))) = ?",
                [list(distinct.into_iter()), count],
            );
        }
        if !filter.any_tags.is_empty() {
            self.and(
                "EXISTS (SELECT 1 FROM tags t WHERE t.session = s.key AND t.tag IN (SELECT value FROM json_each(?)))",
                [list(filter.any_tags.iter())],
            );
        }
    }

    fn time(&mut self, column: &str, range: TimeRange) {
        if let Some(from) = range.from {
            self.and(&format!("{column} >= ?"), [Value::Integer(from)]);
        }
        if let Some(before) = range.before {
            self.and(&format!("{column} < ?"), [Value::Integer(before)]);
        }
    }
}

/// A bit for each state.
fn statuses(wanted: &[Status]) -> i64 {
    let wanted = if wanted.is_empty() {
        &[Status::Active, Status::Archived]
    } else {
        wanted
    };
    wanted.iter().fold(0, |bits, status| bits | 1 << *status as i32)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn list<'a>(texts: impl Iterator<Item = &'a String>) -> Value {
    Value::Text(serde_json::Value::from_iter(texts.map(String::as_str)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Comparison, MetadataCondition};

    fn filter(word: &str, number: i64) -> Filter {
        let time = TimeRange {
            from: Some(number),
            before: Some(number + 1),
        };
        Filter {
            user_id: Some(word.to_owned()),
            statuses: vec![Status::Trashed],
            all_tags: vec![word.to_owned(); 1 + number as usize],
            any_tags: vec![word.to_owned(); 1 + number as usize],
            model: Some(word.to_owned()),
            text: Some(word.to_owned()),
            metadata: vec![
                MetadataCondition {
                    pointer: format!("/{}", word.replace('~', "~0")),
                    comparison: Comparison::Equal,
                    value: word.into(),
                };
                1 + number as usize
            ],
            created: time,
            updated: time,
            expires: time,
            parent_id: Some(word.to_owned()),
            has_messages: Some(true),
        }
    }

    #[test]
    fn the_text_of_a_condition_says_nothing_of_its_values() {
        let plain = Condition::of_many(&filter("a", 1)).unwrap();
        for (word, number) in [
            ("' OR 1=1 --", 1),
            ("?", 7),
            ("$.a' || (SELECT 1) || '", 1_000),
            ("~", 3),
        ] {
            let hostile = Condition::of_many(&filter(word, number)).unwrap();
            assert_eq!(hostile.sql, plain.sql);
        }
    }

    #[test]
    fn there_is_a_parameter_for_every_question_mark() {
        for filter in [Filter::default(), filter("a", 1)] {
            let condition = Condition::of_many(&filter).unwrap();
            assert_eq!(
                condition.sql.matches('?').count(),
                condition.params.len(),
                "{}",
                condition.sql
            );
        }
    }
}
