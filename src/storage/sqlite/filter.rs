//! A filter as a condition of SQL. Its text says only which fields a filter has: every value is bound.

use crate::error::Result;
use crate::model::{Filter, Status};
use rusqlite::types::Value;

/// A condition on the row `s` of sessions, with a `?` for each parameter, in order.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) params: Vec<Value>,
}

impl Condition {
    /// The condition that asks each session by itself, which is best where few sessions are asked: in a search.
    pub(super) fn of(filter: &Filter) -> Result<Self> {
        filter.check()?;
        let mut condition = Self {
            // Bit by bit, so that the text is the same for all states.
            sql: "(? >> s.status) & 1".to_owned(),
            params: vec![Value::Integer(statuses(&filter.statuses))],
        };
        if let Some(user_id) = &filter.user_id {
            condition.sql.push_str(" AND s.user_id = ?");
            condition.params.push(Value::Text(user_id.clone()));
        }
        Ok(condition)
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
