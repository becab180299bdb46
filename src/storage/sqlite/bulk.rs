//! The same change to many sessions. Those that are so already are left alone: their revision says that nothing happened.

use super::changes::{Known, Result};
use super::delete::delete;
use super::filter::Condition;
use super::update::{add_tags, remove_tags};
use crate::model::{BulkAction, Micros};
use crate::storage::mutation::{Bulk, Changed};
use crate::storage::{Outcome, SessionKey};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

pub(super) fn bulk(connection: &Connection, known: &mut Known, bulk: &Bulk) -> Result<Outcome> {
    let sessions = affected(connection, bulk)?;
    for session in &sessions {
        known.tails.pop(&session.key);
        change(connection, known, session.key, bulk)?;
    }
    Ok(Outcome::Changed(sessions))
}

/// The sessions for which the action makes a difference.
fn affected(connection: &Connection, bulk: &Bulk) -> Result<Vec<Changed>> {
    const TAGGED: &str = "EXISTS (SELECT 1 FROM tags WHERE session = s.key AND tag = ?)";
    let mut condition = Condition::of_many(&bulk.filter)?;
    match &bulk.action {
        BulkAction::SetStatus(status) => condition.and("s.status <> ?", [Value::Integer(*status as i64)]),
        BulkAction::AddTag(tag) => condition.and(&format!("NOT {TAGGED}"), [Value::Text(tag.clone())]),
        BulkAction::RemoveTag(tag) => condition.and(TAGGED, [Value::Text(tag.clone())]),
        BulkAction::Delete => {}
    }
    let sessions = connection
        .prepare_cached(&format!(
            "SELECT s.key, s.id FROM sessions s WHERE {} ORDER BY s.key",
            condition.sql
        ))?
        .query_map(params_from_iter(condition.params), |row| {
            Ok(Changed {
                key: SessionKey(row.get(0)?),
                id: row.get(1)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(sessions)
}

fn change(connection: &Connection, known: &mut Known, key: SessionKey, bulk: &Bulk) -> Result<()> {
    match &bulk.action {
        BulkAction::SetStatus(status) => {
            connection
                .prepare_cached("UPDATE sessions SET status = ?2 WHERE key = ?1")?
                .execute(params![key.0, *status as i32])?;
        }
        BulkAction::AddTag(tag) => add_tags(connection, key, std::slice::from_ref(tag))?,
        BulkAction::RemoveTag(tag) => remove_tags(connection, key, std::slice::from_ref(tag))?,
        BulkAction::Delete => return delete(connection, known, key),
    }
    note_change(connection, key, bulk.now)
}

fn note_change(connection: &Connection, key: SessionKey, now: Micros) -> Result<()> {
    connection
        .prepare_cached("UPDATE sessions SET revision = revision + 1, updated = max(updated, ?2) WHERE key = ?1")?
        .execute(params![key.0, now])?;
    Ok(())
}
