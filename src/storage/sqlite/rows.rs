//! From rows to model types. The column lists stand beside the functions that read them.

use super::raw;
use crate::context::Entry;
use crate::error::Result as ModelResult;
use crate::model::{
    Activity, MessageFlags, MessageRef, Micros, Place, ReadyMessage, Role, SessionInfo, Status, StoreTotals,
};
use crate::storage::compression::unpack;
use crate::storage::{Head, Path, SessionKey, Stretch};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Result, Row};

/// Where a message lies: its segment in the upper half, its seq in the lower.
pub(super) fn message_key(segment: u32, seq: u32) -> i64 {
    i64::from(segment) << 32 | i64::from(seq)
}

pub(super) fn seq_of(key: i64) -> u32 {
    (key & 0xFFFF_FFFF) as u32
}

/// SQLite's integers are signed; every count here is far below the sign.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

struct Unsigned(u64);

impl FromSql for Unsigned {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number)
            .map(Self)
            .map_err(|_| FromSqlError::OutOfRange(number))
    }
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, Unsigned>(column).map(|Unsigned(number)| number)
}

fn checked<T>(number: i32, column: usize, convert: impl FnOnce(i32) -> ModelResult<T>) -> Result<T> {
    convert(number).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Integer, Box::new(error))
    })
}

pub(super) const SELECT_HEAD: &str = "SELECT key, revision, head_seq, token_total, turn_count, window_tokens, \
     summary_tokens, summary, window_memo, tail_first_seq, tail_segment, bytes, max_bytes FROM sessions WHERE key = ?1";

/// A head with the last stretch of its path; the caller puts the stretches before it in front.
pub(super) fn head(row: &Row<'_>) -> Result<Head> {
    let memo: Option<String> = row.get(8)?;
    Ok(Head {
        key: SessionKey(row.get(0)?),
        revision: unsigned(row, 1)?,
        place: Place {
            seq: row.get(2)?,
            total_tokens: unsigned(row, 3)?,
            turn: row.get(4)?,
        },
        window_tokens: row.get::<_, Option<Unsigned>>(5)?.map(|Unsigned(tokens)| tokens),
        summary_tokens: row.get(6)?,
        summary: row.get(7)?,
        // A memo of another version is no loss: the planner replays the history.
        memo: memo.and_then(|json| serde_json::from_str(&json).ok()),
        bytes: unsigned(row, 11)?,
        max_bytes: row.get::<_, Option<Unsigned>>(12)?.map(|Unsigned(bytes)| bytes),
        path: Path(vec![Stretch {
            first_seq: row.get(9)?,
            segment: row.get(10)?,
        }]),
    })
}

macro_rules! columns {
    () => {
        "s.id, s.user_id, s.name, s.title, s.model, s.status, s.summary, s.metadata, s.window_tokens, s.created, \
         s.updated, s.expires, p.id, s.fork_seq, s.head_seq, s.token_total, s.revision, s.key, s.expires_after, s.bytes, \
         s.max_bytes"
    };
}

/// Where in them a session's number stands.
pub(super) const KEY_COLUMN: usize = 17;

/// A session but its tags, which a page reads for all its sessions at once.
pub(super) const SESSION_COLUMNS_BUT_TAGS: &str = columns!();

pub(super) const SESSION_COLUMNS: &str = concat!(
    columns!(),
    ", (SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE session = s.key ORDER BY tag))"
);

pub(super) fn session(row: &Row<'_>) -> Result<SessionInfo> {
    let mut session = session_but_tags(row)?;
    session.tags = tags(row, 21)?;
    Ok(session)
}

pub(super) fn session_but_tags(row: &Row<'_>) -> Result<SessionInfo> {
    let head_seq: u32 = row.get(14)?;
    Ok(SessionInfo {
        id: row.get(0)?,
        user_id: row.get(1)?,
        name: row.get(2)?,
        title: row.get(3)?,
        model: row.get(4)?,
        status: checked(row.get(5)?, 5, Status::from_number)?,
        summary: row.get(6)?,
        metadata: row.get(7)?,
        window_tokens: row.get::<_, Option<Unsigned>>(8)?.map(|Unsigned(tokens)| tokens),
        created: row.get(9)?,
        updated: row.get(10)?,
        expires: row.get(11)?,
        parent_id: row.get(12)?,
        fork_seq: row.get(13)?,
        head_seq,
        message_count: u64::from(head_seq),
        token_total: unsigned(row, 15)?,
        revision: unsigned(row, 16)?,
        expires_after: row.get(18)?,
        bytes: unsigned(row, 19)?,
        max_bytes: row.get::<_, Option<Unsigned>>(20)?.map(|Unsigned(bytes)| bytes),
        tags: Vec::new(),
    })
}

/// A session's description.
pub(super) fn describe(connection: &Connection, key: SessionKey) -> Result<Option<SessionInfo>> {
    connection
        .prepare_cached(&format!(
            "SELECT {SESSION_COLUMNS} FROM sessions s LEFT JOIN sessions p ON p.key = s.parent WHERE s.key = ?1"
        ))?
        .query_row([key.0], session)
        .optional()
}

fn tags(row: &Row<'_>, column: usize) -> Result<Vec<String>> {
    let json = row.get_ref(column)?.as_str()?;
    // Most sessions have none.
    if json == "[]" {
        return Ok(Vec::new());
    }
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

pub(super) const SELECT_ENTRIES: &str =
    "SELECT key, role, flags, tokens, turn FROM messages WHERE key BETWEEN ?1 AND ?2 ORDER BY key";

pub(super) fn entry(row: &raw::Row<'_>) -> Result<Entry> {
    Ok(Entry {
        seq: seq_of(row.integer(0)),
        role: checked(row.number(1)?, 1, Role::from_number)?,
        pinned: MessageFlags(row.number(2)?).contains(MessageFlags::PINNED),
        tokens: row.number(3)?,
        turn: row.number(4)?,
    })
}

pub(super) const SELECT_MESSAGES: &str = "SELECT key, role, flags, tokens, turn, total_tokens, created, content, \
     tool_calls, tool_call_id, model, metadata, packed FROM messages WHERE key BETWEEN ?1 AND ?2 ORDER BY key";

/// A message; a content that is kept compressed is unpacked into `unpacked`.
pub(super) fn message<'a>(row: &'a raw::Row<'_>, unpacked: &'a mut String) -> Result<MessageRef<'a>> {
    let mut content = row.text_or_fail(7)?;
    if content.is_empty()
        && let Some(packed) = row.blob(PACKED)
    {
        *unpacked = unpack(packed).map_err(cannot_unpack)?;
        content = unpacked;
    }
    Ok(MessageRef {
        place: Place {
            seq: seq_of(row.integer(0)),
            total_tokens: row.number(5)?,
            turn: row.number(4)?,
        },
        role: checked(row.number(1)?, 1, Role::from_number)?,
        flags: MessageFlags(row.number(2)?),
        tokens: row.number(3)?,
        created: row.integer(6),
        content,
        tool_calls: row.text(8)?,
        tool_call_id: row.text(9)?,
        model: row.text(10)?,
        metadata: row.text(11)?,
    })
}

/// What is counted along a path, up to and with a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) tokens: u64,
    pub(super) turns: u32,
    pub(super) bytes: u64,
}

/// The totals at a message; `None` if it is not there.
pub(super) fn totals_at(connection: &Connection, segment: u32, seq: u32) -> Result<Option<Totals>> {
    connection
        .prepare_cached("SELECT total_tokens, turn, total_bytes FROM messages WHERE key = ?1")?
        .query_row([message_key(segment, seq)], |row| {
            Ok(Totals {
                tokens: unsigned(row, 0)?,
                turns: row.get(1)?,
                bytes: unsigned(row, 2)?,
            })
        })
        .optional()
}

/// What a message says, from its content and, where it is kept compressed, from the column after that.
pub(super) fn content(row: &Row<'_>, column: usize) -> Result<String> {
    match row.get_ref(column + 1)?.as_blob_or_null()? {
        Some(packed) => unpack(packed).map_err(cannot_unpack),
        None => row.get(column),
    }
}

pub(super) fn role(row: &Row<'_>, column: usize) -> Result<Role> {
    checked(row.get(column)?, column, Role::from_number)
}

/// A message to append again, from a row of [`SELECT_MESSAGES`].
pub(super) fn ready_message(row: &Row<'_>) -> Result<ReadyMessage> {
    let packed: Option<Vec<u8>> = row.get(PACKED)?;
    Ok(ReadyMessage {
        role: checked(row.get(1)?, 1, Role::from_number)?,
        flags: MessageFlags(row.get(2)?),
        tokens: row.get(3)?,
        created: row.get(6)?,
        content: match &packed {
            Some(packed) => unpack(packed).map_err(cannot_unpack)?,
            None => row.get(7)?,
        },
        tool_calls: row.get(8)?,
        tool_call_id: row.get(9)?,
        model: row.get(10)?,
        metadata: row.get(11)?,
        packed,
    })
}

/// Where [`SELECT_MESSAGES`] has what is compressed.
const PACKED: usize = 12;

fn cannot_unpack(error: std::io::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(PACKED, rusqlite::types::Type::Blob, Box::new(error))
}

/// What there is on the whole.
pub(super) fn store_totals(connection: &Connection) -> Result<StoreTotals> {
    connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2), \
             count(*) FILTER (WHERE status = 3), coalesce(sum(head_seq), 0), coalesce(sum(token_total), 0), \
             coalesce(sum(bytes), 0), coalesce(sum(max(0, updated - created)), 0) FROM sessions",
        )?
        .query_row([], |row| {
            Ok(StoreTotals {
                active_sessions: unsigned(row, 0)?,
                archived_sessions: unsigned(row, 1)?,
                trashed_sessions: unsigned(row, 2)?,
                messages: unsigned(row, 3)?,
                tokens: unsigned(row, 4)?,
                bytes: unsigned(row, 5)?,
                duration: unsigned(row, 6)?,
            })
        })
}

pub(super) fn activity(connection: &Connection, from: Micros, span: Micros) -> Result<Vec<Activity>> {
    connection
        .prepare_cached(
            "SELECT (created - ?1) / ?2 AS spans, count(*), sum(tokens) FROM messages WHERE created >= ?1 \
             GROUP BY spans ORDER BY spans",
        )?
        .query_map([from, span], |row| {
            Ok(Activity {
                from: from + row.get::<_, i64>(0)? * span,
                messages: unsigned(row, 1)?,
                tokens: unsigned(row, 2)?,
            })
        })?
        .collect()
}
