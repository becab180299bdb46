//! Every way to change a store. What is not a mutation cannot.

use super::{Head, SessionKey};
use crate::context::Memo;
use crate::model::{AppendOptions, Micros, NewSession, ReadyMessage, Receipt, SessionChanges};

/// A change, with everything that was known before it was queued: checked, counted, dated.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// A new session.
    Create(Create),
    /// Messages at the end of a session.
    Append(Append),
    /// Other fields of a session.
    Update(Update),
    /// No more messages in a session.
    Clear(Clear),
    /// No more session.
    Delete(Delete),
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
    /// When.
    pub(crate) now: Micros,
}

/// Messages at the end of a session.
#[derive(Clone, Debug)]
pub(crate) struct Append {
    /// The session.
    pub(crate) key: SessionKey,
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
    /// What to change.
    pub(crate) changes: SessionChanges,
    /// The new summary's tokens, if there is one.
    pub(crate) summary_tokens: u32,
    /// When.
    pub(crate) now: Micros,
}

/// No more messages in a session.
#[derive(Clone, Debug)]
pub(crate) struct Clear {
    /// The session.
    pub(crate) key: SessionKey,
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
}

/// What a mutation did.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The new session.
    Created(Head),
    /// Where the messages went.
    Appended(Receipt),
    /// The session's new revision.
    Updated(u64),
    /// The session's new revision.
    Cleared(u64),
    /// Which it was.
    Deleted(SessionKey),
}
