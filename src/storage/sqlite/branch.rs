//! New sessions, whole or sharing messages with another, and sessions that lose messages.
//!
//! Segments form trees: each goes on from a message of its parent. A session has the segment that it writes to, and with it
//! all before. So what a segment must keep is known by one number: the last message that its session or one of the segments
//! that go on from it still has.

use super::append::{first_turn, insert_messages};
use super::changes::{Known, Refusal, Result, Tail, check_revision, existing, existing_with_path, note_number};
use super::readers::stretch_before;
use super::rows::{self, message_key, signed};
use super::{search, update};
use crate::context::Memo;
use crate::error::{Error, Kind};
use crate::model::{Durability, Micros, NewSession, Place, ReadyMessage, Receipt, Role};
use crate::storage::mutation::{Clear, Create, Fork, Import, Removal, Rewind, Truncate};
use crate::storage::{Head, Outcome, Path, SessionKey, Stretch};
use rusqlite::{Connection, OptionalExtension, params};

/// What a new session begins with.
#[derive(Default)]
struct Origin {
    parent: Option<SessionKey>,
    place: Place,
    bytes: u64,
    /// What its segment goes on from.
    before: Option<Stretch>,
    memo: Option<Memo>,
}

pub(super) fn create(connection: &Connection, known: &mut Known, create: &Create) -> Result<Outcome> {
    begin(
        connection,
        known,
        create,
        &create.session,
        create.summary_tokens,
        Origin::default(),
    )
    .map(|head| Outcome::Created(Box::new(head)))
}

pub(super) fn fork(connection: &Connection, known: &mut Known, fork: &Fork) -> Result<Outcome> {
    let parent = existing(connection, fork.parent)?;
    check_revision(fork.expected_revision, parent.revision)?;
    let at_seq = fork.at_seq.unwrap_or(parent.place.seq);
    let origin = Origin {
        memo: parent.memo.clone().and_then(|memo| memo.at(at_seq)),
        ..behind(connection, &parent, at_seq)?
    };
    let (session, summary_tokens) = inherit(connection, &parent, fork)?;
    let head = begin(connection, known, &fork.create, &session, summary_tokens, origin)?;
    Ok(Outcome::Forked(head.key, head.place))
}

/// A session that comes from elsewhere: unlike a fork it takes nothing over but messages.
pub(super) fn begin_import(connection: &Connection, known: &mut Known, import: &Import) -> Result<Outcome> {
    let origin = match import.shared {
        Some((key, seq)) => behind(connection, &existing(connection, key)?, seq)?,
        None => Origin::default(),
    };
    let create = &import.create;
    begin(
        connection,
        known,
        create,
        &create.session,
        create.summary_tokens,
        origin,
    )
    .map(|head| Outcome::Created(Box::new(head)))
}

/// What a session begins with that goes on from a message of another.
fn behind(connection: &Connection, parent: &Head, seq: u32) -> Result<Origin> {
    let (place, bytes) = place_at(connection, parent, seq)?;
    Ok(Origin {
        parent: Some(parent.key),
        place,
        bytes,
        before: stretch_with(connection, parent, seq)?,
        memo: None,
    })
}

/// What a fork does not say for itself is as with its parent, but for the name, which only one can have, and the day of
/// expiry.
fn inherit(connection: &Connection, parent: &Head, fork: &Fork) -> Result<(NewSession, u32)> {
    let from = rows::describe(connection, parent.key)?
        .ok_or_else(|| Error::new(Kind::NotFound, "the session was deleted; nothing was changed"))?;
    let mut session = fork.create.session.clone().filled_from(&from);
    if session.summary.is_empty() {
        session.summary = from.summary;
        return Ok((session, parent.summary_tokens));
    }
    Ok((session, fork.create.summary_tokens))
}

/// The head of the new session, with the last stretch of its path.
fn begin(
    connection: &Connection,
    known: &mut Known,
    create: &Create,
    session: &NewSession,
    summary_tokens: u32,
    origin: Origin,
) -> Result<Head> {
    // One number for the session and its first segment: both are never used again.
    let segment = known.next_number(connection)?;
    let key = SessionKey(i64::from(segment));
    let start = Tail {
        revision: 1,
        place: origin.place,
        bytes: origin.bytes,
        max_bytes: session.max_bytes,
        segment,
    };
    let end = start.after(&create.messages)?;
    let first_seq = start.place.seq + 1;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO sessions (key, id, user_id, name, title, model, metadata, window_tokens, created, updated, \
             tail_segment, summary, summary_tokens, parent, fork_seq, tail_first_seq, head_seq, token_total, turn_count, \
             bytes, max_bytes, expires, expires_after, window_memo) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?1, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
        )?
        .execute(params![
            key.0,
            create.id,
            session.user_id,
            session.name,
            session.title,
            session.model,
            session.metadata.as_deref().unwrap_or("{}"),
            session.window_tokens.map(signed),
            create.now,
            session.summary,
            summary_tokens,
            origin.parent.map(|parent| parent.0),
            start.place.seq,
            first_seq,
            end.place.seq,
            signed(end.place.total_tokens),
            end.place.turn,
            signed(end.bytes),
            session.max_bytes.map(signed),
            session.expires,
            session.expires_after,
            origin.memo.as_ref().and_then(|memo| serde_json::to_string(memo).ok()),
        ]);
    match inserted {
        Ok(_) => {}
        Err(error) if update::is_taken(&error) => {
            return Err(who_has_it(connection, &create.id, &session.user_id, session.name.as_deref())?.into());
        }
        Err(error) => return Err(error.into()),
    }
    update::add_tags(connection, key, &session.tags)?;
    if !(session.title.is_empty() && session.summary.is_empty() && session.name.is_none()) {
        search::note_session(connection, key)?;
    }
    go_on_from(connection, origin.before, segment, first_seq)?;
    if !create.messages.is_empty() {
        insert_messages(connection, known, key, &create.messages, start)?;
    }
    Ok(Head {
        key,
        revision: 1,
        place: end.place,
        window_tokens: session.window_tokens,
        summary: session.summary.clone(),
        summary_tokens,
        memo: origin.memo,
        bytes: end.bytes,
        max_bytes: session.max_bytes,
        path: Path(vec![Stretch { first_seq, segment }]),
    })
}

fn who_has_it(connection: &Connection, id: &str, user_id: &str, name: Option<&str>) -> Result<Error> {
    let id_is_taken: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1)")?
        .query_row([id], |row| row.get(0))?;
    Ok(if id_is_taken {
        Error::new(
            Kind::Exists,
            format!("there is a session '{id}' already; open it, or give another id"),
        )
    } else {
        update::name_is_taken(user_id, name.unwrap_or_default())
    })
}

pub(super) fn rewind(
    connection: &Connection,
    known: &mut Known,
    rewind: &Rewind,
    reached: Durability,
) -> Result<Outcome> {
    let head = existing(connection, rewind.key)?;
    check_revision(rewind.expected_revision, head.revision)?;
    let tail = cut_to(connection, known, &head, rewind.to_seq)?;
    let end = put(connection, known, rewind.key, &rewind.messages, tail, rewind.now)?;
    let removal = Removal {
        messages: head.place.seq - rewind.to_seq,
        revision: head.revision + 1,
    };
    let receipt = (!rewind.messages.is_empty()).then_some(Receipt {
        first_seq: rewind.to_seq + 1,
        last_seq: end.place.seq,
        first_turn: first_turn(tail, &rewind.messages),
        revision: removal.revision,
        durability: reached,
        repeated: false,
    });
    Ok(Outcome::Rewound(removal, receipt))
}

pub(super) fn clear(connection: &Connection, known: &mut Known, clear: &Clear) -> Result<Outcome> {
    let head = existing(connection, clear.key)?;
    check_revision(clear.expected_revision, head.revision)?;
    let tail = cut_to(connection, known, &head, 0)?;
    put(connection, known, clear.key, &[], tail, clear.now)?;
    connection
        .prepare_cached("UPDATE sessions SET summary = '', summary_tokens = 0 WHERE key = ?1")?
        .execute([clear.key.0])?;
    if !head.summary.is_empty() {
        search::note_session(connection, clear.key)?;
    }
    Ok(Outcome::Cleared(head.revision + 1))
}

/// What stays is written anew, from 1 on: a path has no holes.
pub(super) fn truncate(connection: &Connection, known: &mut Known, truncate: &Truncate) -> Result<Outcome> {
    let head = existing_with_path(connection, truncate.key)?;
    check_revision(truncate.expected_revision, head.revision)?;
    let kept = kept_by(connection, &head, truncate)?;
    let messages = u32::try_from(kept.len()).unwrap_or(u32::MAX);
    if messages == head.place.seq {
        return Ok(Outcome::Truncated(Removal {
            messages: 0,
            revision: head.revision,
        }));
    }
    let tail = cut_to(connection, known, &head, 0)?;
    // What stays was there: a limit that was lowered since is for what comes.
    let unlimited = Tail {
        max_bytes: None,
        ..tail
    };
    put(connection, known, truncate.key, &kept, unlimited, truncate.now)?;
    Ok(Outcome::Truncated(Removal {
        messages: head.place.seq - messages,
        revision: head.revision + 1,
    }))
}

/// The instructions at the head, and the newest messages that are allowed, from the beginning of a step on.
fn kept_by(connection: &Connection, head: &Head, truncate: &Truncate) -> Result<Vec<ReadyMessage>> {
    let messages = read_all(connection, head)?;
    let instructions = messages
        .iter()
        .take_while(|message| message.role.is_instruction())
        .count();
    let most = truncate.most_messages.map_or(usize::MAX, |most| most as usize);
    let mut tokens_left = truncate.most_tokens.unwrap_or(u64::MAX);
    let mut first = messages.len();
    let mut allowed = messages.len();
    while let Some(index) = allowed.checked_sub(1).filter(|index| *index >= instructions) {
        let Some(message) = messages.get(index) else { break };
        if messages.len() - index > most || u64::from(message.tokens) > tokens_left {
            break;
        }
        tokens_left -= u64::from(message.tokens);
        allowed = index;
        // A tool's result without its call could stand in no prompt.
        if message.role != Role::Tool {
            first = index;
        }
    }
    let stays = |index: usize| index < instructions || index >= first;
    Ok(messages
        .into_iter()
        .enumerate()
        .filter_map(|(index, message)| stays(index).then_some(message))
        .collect())
}

fn read_all(connection: &Connection, head: &Head) -> Result<Vec<ReadyMessage>> {
    let mut messages = Vec::with_capacity(head.place.seq as usize);
    let mut statement = connection.prepare_cached(rows::SELECT_MESSAGES)?;
    for keys in super::readers::key_ranges(&head.path, &(1..=head.place.seq)) {
        let mut found = statement.query(keys)?;
        while let Some(row) = found.next()? {
            messages.push(rows::ready_message(row)?);
        }
    }
    Ok(messages)
}

/// Takes everything behind a message from a session, and says where the next one goes. The session's row still has its old
/// counters: [`put`] must follow.
fn cut_to(connection: &Connection, known: &mut Known, head: &Head, to_seq: u32) -> Result<Tail> {
    known.tails.pop(&head.key);
    let (place, bytes) = place_at(connection, head, to_seq)?;
    let own = *head.path.0.last().ok_or_else(|| no_path(head.key))?;
    let keeps_segment = to_seq + 1 >= own.first_seq && !is_gone_on_from_behind(connection, own.segment, to_seq)?;
    let (segment, first_seq) = if keeps_segment {
        (own.segment, own.first_seq)
    } else {
        let segment = known.next_number(connection)?;
        note_number(connection, i64::from(segment))?;
        go_on_from(connection, stretch_with(connection, head, to_seq)?, segment, to_seq + 1)?;
        (segment, to_seq + 1)
    };
    connection
        .prepare_cached("DELETE FROM receipts WHERE session = ?1 AND last_seq > ?2")?
        .execute(params![head.key.0, to_seq])?;
    // Without one the next window would weigh the whole history: an answer is given anew more often than a cut moves.
    let memo = head
        .memo
        .clone()
        .filter(|_| to_seq > 0)
        .and_then(|memo| memo.at(to_seq));
    let memo = memo.and_then(|memo| serde_json::to_string(&memo).ok());
    connection
        .prepare_cached(
            "UPDATE sessions SET tail_segment = ?2, tail_first_seq = ?3, head_seq = ?4, window_memo = ?5 WHERE key = ?1",
        )?
        .execute(params![head.key.0, segment, first_seq, to_seq, memo])?;
    trim(connection, own.segment)?;
    Ok(Tail {
        revision: head.revision,
        place,
        bytes,
        max_bytes: head.max_bytes,
        segment,
    })
}

/// Appends to a session that was cut, and brings its counters up to date.
fn put(
    connection: &Connection,
    known: &mut Known,
    key: SessionKey,
    messages: &[ReadyMessage],
    tail: Tail,
    now: Micros,
) -> Result<Tail> {
    let end = tail.after(messages)?;
    connection
        .prepare_cached(
            "UPDATE sessions SET head_seq = ?2, token_total = ?3, turn_count = ?4, bytes = ?5, revision = revision + 1, \
             updated = max(updated, ?6) WHERE key = ?1",
        )?
        .execute(params![
            key.0,
            end.place.seq,
            signed(end.place.total_tokens),
            end.place.turn,
            signed(end.bytes),
            now
        ])?;
    if !messages.is_empty() {
        insert_messages(connection, known, key, messages, tail)?;
    }
    Ok(end)
}

/// Lets go of every message of a session that was deleted.
pub(super) fn release(connection: &Connection, head: &Head) -> Result<()> {
    let own = head.path.0.last().ok_or_else(|| no_path(head.key))?;
    trim(connection, own.segment)
}

/// Removes what nobody has on his path any more, from a segment and, if it is gone as a whole, from those before it.
fn trim(connection: &Connection, segment: u32) -> Result<()> {
    let mut next = Some(segment);
    while let Some(segment) = next.take() {
        let last = last_needed(connection, segment)?;
        let first_gone = last.map_or(0, |last| last + 1);
        search::forget(connection, segment, first_gone)?;
        connection
            .prepare_cached("DELETE FROM messages WHERE key BETWEEN ?1 AND ?2")?
            .execute([message_key(segment, first_gone), message_key(segment, u32::MAX)])?;
        if last.is_none() {
            next = connection
                .prepare_cached("DELETE FROM segments WHERE segment = ?1 RETURNING parent")?
                .query_row([segment], |row| row.get(0))
                .optional()?;
        }
    }
    Ok(())
}

/// The last message of a segment that anybody has on his path; `None` if nobody has the segment.
pub(super) fn last_needed(connection: &Connection, segment: u32) -> rusqlite::Result<Option<u32>> {
    connection
        .prepare_cached(
            "SELECT max(last) FROM (\
             SELECT max(first_seq) - 1 AS last FROM segments WHERE parent = ?1 \
             UNION ALL SELECT head_seq FROM sessions WHERE key = ?1 AND tail_segment = ?1 \
             UNION ALL SELECT head_seq FROM sessions WHERE tail_segment = ?1 AND tail_segment <> key)",
        )?
        .query_row([segment], |row| row.get(0))
}

/// Whether another segment goes on from a message of this one that comes after `seq`.
fn is_gone_on_from_behind(connection: &Connection, segment: u32, seq: u32) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM segments WHERE parent = ?1 AND first_seq > ?2 + 1)")?
        .query_row(params![segment, seq], |row| row.get(0))?)
}

/// Notes where a new segment goes on from, unless it begins a conversation.
fn go_on_from(connection: &Connection, before: Option<Stretch>, segment: u32, first_seq: u32) -> Result<()> {
    if let Some(parent) = before {
        connection
            .prepare_cached("INSERT INTO segments (segment, parent, first_seq) VALUES (?1, ?2, ?3)")?
            .execute([segment, parent.segment, first_seq])?;
    }
    Ok(())
}

/// The counters as they were after a message of a session.
pub(super) fn place_at(connection: &Connection, head: &Head, seq: u32) -> Result<(Place, u64)> {
    if seq == 0 {
        return Ok((Place::default(), 0));
    }
    if seq == head.place.seq {
        return Ok((head.place, head.bytes));
    }
    let stretch = match seq < head.place.seq {
        true => stretch_with(connection, head, seq)?,
        false => None,
    };
    let stretch = stretch.ok_or_else(|| {
        Error::new(
            Kind::NotFound,
            format!("there is no message {seq}; the last one is {}", head.place.seq),
        )
    })?;
    let totals = rows::totals_at(connection, stretch.segment, seq)?.ok_or_else(|| {
        Error::new(
            Kind::Corrupt,
            format!("message {seq} should be there and is not: the file is damaged; nothing was changed"),
        )
    })?;
    let place = Place {
        seq,
        total_tokens: totals.tokens,
        turn: totals.turns,
    };
    Ok((place, totals.bytes))
}

/// The stretch of a session's path that holds a message; `None` for message 0.
fn stretch_with(connection: &Connection, head: &Head, seq: u32) -> rusqlite::Result<Option<Stretch>> {
    let mut next = head.path.0.last().copied();
    while let Some(stretch) = next.filter(|stretch| stretch.first_seq > seq) {
        next = stretch_before(connection, stretch)?;
    }
    Ok(next.filter(|_| seq > 0))
}

fn no_path(key: SessionKey) -> Refusal {
    Error::new(
        Kind::Corrupt,
        format!("session number {} has no path: the file is damaged", key.0),
    )
    .into()
}
