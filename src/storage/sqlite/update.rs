//! Everything about a session that can be changed but its messages.

use super::changes::{Result, check_revision, existing};
use super::rows::signed;
use super::search;
use crate::error::{Error, Kind};
use crate::storage::mutation::Update;
use crate::storage::{Outcome, SessionKey};
use rusqlite::{Connection, ErrorCode, params};

pub(super) fn update(connection: &Connection, update: &Update) -> Result<Outcome> {
    let head = existing(connection, update.key)?;
    let changes = &update.changes;
    check_revision(changes.expected_revision, head.revision)?;
    let updated = connection
        .prepare_cached(
            "UPDATE sessions SET revision = revision + 1, updated = max(updated, ?2), \
             name = iif(?3, ?4, name), title = coalesce(?5, title), model = coalesce(?6, model), \
             summary = coalesce(?7, summary), summary_tokens = iif(?7 IS NULL, summary_tokens, ?8), \
             metadata = coalesce(?9, iif(?12 IS NULL, metadata, turnkeep_merged(metadata, ?12))), \
             window_tokens = iif(?10, ?11, window_tokens), \
             status = coalesce(?13, status), expires = iif(?14, ?15, expires), \
             expires_after = iif(?16, ?17, expires_after), max_bytes = iif(?18, ?19, max_bytes) WHERE key = ?1",
        )?
        .execute(params![
            update.key.0,
            update.now,
            changes.name.is_some(),
            changes.name.as_ref().and_then(Option::as_ref),
            changes.title,
            changes.model,
            changes.summary,
            update.summary_tokens,
            changes.metadata,
            changes.window_tokens.is_some(),
            changes.window_tokens.flatten().map(signed),
            changes.metadata_patch,
            changes.status.map(|status| status as i32),
            changes.expires.is_some(),
            changes.expires.flatten(),
            changes.expires_after.is_some(),
            changes.expires_after.flatten(),
            changes.max_bytes.is_some(),
            changes.max_bytes.flatten().map(signed),
        ]);
    match updated {
        Ok(_) => {}
        Err(error) if is_taken(&error) => {
            let user_id: String = connection
                .prepare_cached("SELECT user_id FROM sessions WHERE key = ?1")?
                .query_row([update.key.0], |row| row.get(0))?;
            let name = changes.name.as_ref().and_then(Option::as_deref).unwrap_or_default();
            return Err(name_is_taken(&user_id, name).into());
        }
        Err(error) => return Err(error.into()),
    }
    remove_tags(connection, update.key, &changes.remove_tags)?;
    add_tags(connection, update.key, &changes.add_tags)?;
    if changes.title.is_some() || changes.summary.is_some() || changes.name.is_some() {
        search::note_session(connection, update.key)?;
    }
    Ok(Outcome::Updated(head.revision + 1))
}

pub(super) fn add_tags(connection: &Connection, key: SessionKey, tags: &[String]) -> Result<()> {
    for tag in tags {
        connection
            .prepare_cached("INSERT INTO tags (session, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute(params![key.0, tag])?;
    }
    Ok(())
}

pub(super) fn remove_tags(connection: &Connection, key: SessionKey, tags: &[String]) -> Result<()> {
    for tag in tags {
        connection
            .prepare_cached("DELETE FROM tags WHERE session = ?1 AND tag = ?2")?
            .execute(params![key.0, tag])?;
    }
    Ok(())
}

/// Whether a statement failed because an id or a name belongs to another session.
pub(super) fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

pub(super) fn name_is_taken(user_id: &str, name: &str) -> Error {
    let whose = if user_id.is_empty() {
        "without an owner".to_owned()
    } else {
        format!("of user '{user_id}'")
    };
    Error::new(
        Kind::Exists,
        format!("there is a session {whose} with the name '{name}' already; give another name"),
    )
}
