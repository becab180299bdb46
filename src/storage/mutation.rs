//! Every way to change a store. What is not a mutation cannot.

use super::{Head, SessionKey};
use crate::context::Memo;
use crate::error::{Error, Kind};
use crate::model::{
    AppendOptions, BulkAction, Event, Filter, KeptReceipt, Micros, NewSession, Place, ReadyMessage, Receipt,
    SessionChanges, Status,
};
use std::sync::Arc;

/// A change, with everything that was known before it was queued: checked, counted, dated.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// A new session.
    Create(Create),
    /// A new session that shares the beginning of another.
    Fork(Fork),
    /// Messages at the end of a session.
    Append(Append),
    /// Other fields of a session.
    Update(Update),
    /// Fewer messages at the end of a session, and perhaps others in their place.
    Rewind(Rewind),
    /// Fewer messages at the beginning of a session.
    Truncate(Truncate),
    /// No more messages in a session.
    Clear(Clear),
    /// No more session.
    Delete(Delete),
    /// The same change to many sessions.
    Bulk(Bulk),
    /// No more sessions whose time is over.
    Cleanup(Cleanup),
    /// A session that comes from elsewhere: what it begins with.
    Import(Import),
    /// A session that came from elsewhere: what only it could know.
    Settle(Settle),
}

/// A new session.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    /// Its id: made by now, if the caller gave none.
    pub(crate) id: String,
    /// Everything else.
    pub(crate) session: NewSession,
    /// The summary's tokens.
    pub(crate) summary_tokens: u32,
    /// What it begins with.
    pub(crate) messages: Vec<ReadyMessage>,
    /// When.
    pub(crate) now: Micros,
}

/// A new session that shares the beginning of another.
#[derive(Clone, Debug)]
pub(crate) struct Fork {
    /// The other.
    pub(crate) parent: SessionKey,
    /// Its id, for the events.
    pub(crate) parent_id: Arc<str>,
    /// The last message that they share; 0 is none, `None` is the parent's last.
    pub(crate) at_seq: Option<u32>,
    /// Only while the other has this revision.
    pub(crate) expected_revision: Option<u64>,
    /// The new session, and what comes after the shared messages.
    pub(crate) create: Create,
}

/// Messages at the end of a session.
#[derive(Clone, Debug)]
pub(crate) struct Append {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its id, for the events.
    pub(crate) id: Arc<str>,
    /// At least one.
    pub(crate) messages: Vec<ReadyMessage>,
    /// Conditions.
    pub(crate) options: AppendOptions,
    /// Where a planner stands, to be kept with the session, and the revision at which it stood there.
    pub(crate) memo: Option<(u64, Memo)>,
    /// When.
    pub(crate) now: Micros,
}

/// Other fields of a session.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its id, for the events.
    pub(crate) id: Arc<str>,
    /// What to change.
    pub(crate) changes: SessionChanges,
    /// The new summary's tokens, if there is one.
    pub(crate) summary_tokens: u32,
    /// When.
    pub(crate) now: Micros,
}

/// Fewer messages at the end of a session, and perhaps others in their place.
#[derive(Clone, Debug)]
pub(crate) struct Rewind {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its id, for the events.
    pub(crate) id: Arc<str>,
    /// The last message that stays; 0 is none.
    pub(crate) to_seq: u32,
    /// What comes after it.
    pub(crate) messages: Vec<ReadyMessage>,
    /// Only at this revision.
    pub(crate) expected_revision: Option<u64>,
    /// When.
    pub(crate) now: Micros,
}

/// Fewer messages at the beginning of a session.
#[derive(Clone, Debug)]
pub(crate) struct Truncate {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its id, for the events.
    pub(crate) id: Arc<str>,
    /// At most so many of the last messages stay.
    pub(crate) most_messages: Option<u32>,
    /// At most so many tokens of them stay.
    pub(crate) most_tokens: Option<u64>,
    /// Only at this revision.
    pub(crate) expected_revision: Option<u64>,
    /// When.
    pub(crate) now: Micros,
}

/// No more messages in a session.
#[derive(Clone, Debug)]
pub(crate) struct Clear {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its id, for the events.
    pub(crate) id: Arc<str>,
    /// Only at this revision.
    pub(crate) expected_revision: Option<u64>,
    /// When.
    pub(crate) now: Micros,
}

/// No more session.
#[derive(Clone, Debug)]
pub(crate) struct Delete {
    /// Its id.
    pub(crate) id: String,
    /// So that no copy of its text stays in the store's files.
    pub(crate) erase: bool,
    /// When.
    pub(crate) now: Micros,
}

/// The same change to many sessions.
#[derive(Clone, Debug)]
pub(crate) struct Bulk {
    /// Which sessions.
    pub(crate) filter: Filter,
    /// What to do with them.
    pub(crate) action: BulkAction,
    /// When.
    pub(crate) now: Micros,
}

/// No more sessions whose time is over.
#[derive(Clone, Debug)]
pub(crate) struct Cleanup {
    /// Those that were found; whose time is no longer over stays.
    pub(crate) sessions: Vec<SessionKey>,
    pub(crate) over: Over,
}

/// When a session's time is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over {
    /// For sessions that have no expiry of their own: so long after creation, or after the last change.
    pub(crate) default_expiry: Option<Expiry>,
    /// When.
    pub(crate) now: Micros,
}

/// A session that comes from elsewhere. Its messages follow as appends, and then it is settled.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// The new session; its time is when it was created.
    pub(crate) create: Create,
    /// The session that has its first messages, and the last of these.
    pub(crate) shared: Option<(SessionKey, u32)>,
}

/// What a session that came from elsewhere was before.
#[derive(Clone, Debug)]
pub(crate) struct Settle {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its id, for the events.
    pub(crate) id: Arc<str>,
    /// Active, if it says nothing.
    pub(crate) status: Option<Status>,
    /// When it was created, if it says so.
    pub(crate) created: Option<Micros>,
    /// When it was last changed; when it was created, if it says nothing.
    pub(crate) updated: Option<Micros>,
    /// Its revision, if it says so.
    pub(crate) revision: Option<u64>,
    /// What it was forked from.
    pub(crate) parent: Option<SessionKey>,
    /// The last message that it shared with that then.
    pub(crate) fork_seq: u32,
    /// The forks of what it took the place of, and the last message that each shared with that: they are its forks now.
    pub(crate) forks: Vec<(SessionKey, u32)>,
    /// How many bytes its messages may have from here on, if it says so: more may be there.
    pub(crate) max_bytes: Option<u64>,
    /// The receipts of appends with an idempotency key.
    pub(crate) receipts: Vec<KeptReceipt>,
    /// When.
    pub(crate) now: Micros,
}

/// How long sessions stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiry {
    /// In microseconds.
    pub(crate) after: Micros,
    /// Counted from the last change, not from creation.
    pub(crate) sliding: bool,
}

/// What a mutation did.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The new session.
    Created(Box<Head>),
    /// The new session's number, and where its last message stands.
    Forked(SessionKey, Place),
    /// Where the messages went.
    Appended(Receipt),
    /// The session's new revision.
    Updated(u64),
    /// What was removed and, if something came in its place, where that went.
    Rewound(Removal, Option<Receipt>),
    /// What was removed.
    Truncated(Removal),
    /// The session's new revision.
    Cleared(u64),
    /// Which it was.
    Deleted(SessionKey),
    /// Which it was, where it is to be erased, and what became of its messages.
    Erased(Erased),
    /// Which sessions were changed, by bulk or cleanup.
    Changed(Vec<Changed>),
    /// A session that came from elsewhere is whole: how many messages it has, and its revision.
    Settled(Place, u64),
}

/// The error of whoever asked one thing and got the answer to another.
pub(crate) fn unexpected(outcome: &Outcome) -> Error {
    Error::new(
        Kind::Panic,
        format!("the storage answered another question: {outcome:?}"),
    )
}

/// What a mutation did, and the events of it that are logged.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    /// What it did.
    pub(crate) outcome: Outcome,
    /// The events, with their numbers; empty where no log is kept.
    pub(crate) events: Vec<Event>,
}

/// What a deletion did that is to leave nothing in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Erased {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its messages that nobody else had.
    pub(crate) messages_erased: u64,
    /// Those that forks have, too.
    pub(crate) messages_kept: u64,
}

/// What a rewind or a truncation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    /// How many messages the session has no more.
    pub(crate) messages: u32,
    /// The session's new revision.
    pub(crate) revision: u64,
}

/// A session that a bulk change met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Its number.
    pub(crate) key: SessionKey,
    /// Its id.
    pub(crate) id: String,
}
