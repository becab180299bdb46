//! Where sessions are kept: a few verbs over model types, and the mutations that are the only way to change a store.
//!
//! What is behind the trait knows SQL; what is before it does not.

pub(crate) mod compression;
pub(crate) mod event;
pub(crate) mod mutation;
pub(crate) mod search;
pub(crate) mod sqlite;
pub(crate) mod upkeep;

pub(crate) use mutation::{Applied, Mutation, Outcome, unexpected};

use crate::context::{Entry, Memo};
use crate::error::{Error, Result};
use crate::model::fingerprint::Fingerprint;
use crate::model::{
    Activity, Candidates, Durability, Event, EventPage, Filter, KeptReceipt, ListOptions, MessageRef, Micros, Place,
    Role, SearchOptions, SessionInfo, SessionPage, StoreTotals,
};
use search::Findings;
use std::ops::RangeInclusive;
use std::sync::atomic::AtomicU64;

/// A session's number inside its store. Never used again after the session was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(pub(crate) i64);

/// What is needed to place the next message and to plan a window.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its revision.
    pub(crate) revision: u64,
    /// Where its last message stands.
    pub(crate) place: Place,
    /// Its window size; `None` is the store's.
    pub(crate) window_tokens: Option<u64>,
    /// Its summary; empty is none.
    pub(crate) summary: String,
    /// The summary's tokens.
    pub(crate) summary_tokens: u32,
    /// Where a planner stood when it was last asked.
    pub(crate) memo: Option<Memo>,
    /// The bytes of its messages' texts.
    pub(crate) bytes: u64,
    /// How many there may be; `None` is any number.
    pub(crate) max_bytes: Option<u64>,
    /// Where its messages lie.
    pub(crate) path: Path,
}

/// A session's messages: stretches of segments, in order. Every stretch ends where the next begins; the last is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Stretch>);

/// The part of a path that lies in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Its first message.
    pub(crate) first_seq: u32,
    /// The segment.
    pub(crate) segment: u32,
}

impl Head {
    /// The last message that both sessions have on their path; 0 is none.
    pub(crate) fn last_shared_with(&self, other: &Head) -> u32 {
        let mut common = 0;
        for (one, other) in self.parts().zip(other.parts()) {
            if one.0 != other.0 {
                break;
            }
            common = one.1.min(other.1);
            if one.1 != other.1 {
                break;
            }
        }
        common
    }

    /// Each stretch, and its last message.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Stretch, u32)> {
        let ends = self.path.0.iter().skip(1).map(|next| next.first_seq - 1);
        self.path.0.iter().copied().zip(ends.chain([self.place.seq]))
    }
}

/// Sessions that are related to one by forks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Those forked from it.
    Forks,
    /// The one it was forked from, and so on.
    Ancestors,
    /// All, from the first ancestor on, each before its own forks.
    Tree,
}

/// A store's memory that outlives a process, or does not.
pub(crate) trait Storage: upkeep::Upkeep + Send + Sync {
    /// Applies mutations in one transaction, each wholly or not at all, and reaches at least this durability. One result
    /// for each mutation, in order. Durability that could not be reached fails them all.
    /// `before_it_shows` is called when nothing but the disk is waited for any more, before anybody else can see the changes: at
    /// most once, and not where all of them fail.
    fn apply(
        &self,
        batch: &[&Mutation],
        durability: Durability,
        before_it_shows: &mut dyn FnMut(),
    ) -> Vec<Result<Applied>>;

    /// To be called after what was applied or imported is known everywhere: moves a log that has grown long into the file.
    fn keep_log_short(&self);

    /// Does the work of an import in one transaction. `told` says whether anybody wants its events.
    fn import(&self, durability: Durability, told: bool, work: &mut ImportWork<'_>) -> Result<Imported>;

    /// One consistent view of everything, for as long as it is held.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>>;

    /// The same, without what is deferred at this moment, so that it is in nobody's way however long it is held. A store in
    /// memory has one connection for all.
    fn snapshot_of_saved(&self) -> Result<Box<dyn Snapshot + '_>>;

    /// Whether a session still has this revision. `seen` remembers, between calls, the last state of the storage for
    /// which it was so; begin with [`NEVER_SEEN`].
    fn is_current(&self, key: SessionKey, revision: u64, seen: &AtomicU64) -> Result<bool>;

    /// How many changes, acknowledged as deferred, went with a transaction that failed, since this was last asked.
    fn take_lost(&self) -> u64;

    /// Remembers that what was read cannot be: nothing more is written.
    fn note_damage(&self);

    /// Whether damage was noted for the first time since this was last asked.
    fn take_news_of_damage(&self) -> bool;

    /// How often a transaction had to wait for somebody else's, and how many microseconds on the whole.
    fn busy_waits(&self) -> (u64, u64);

    /// The length of the write-ahead log's file.
    fn wal_bytes(&self) -> u64;

    /// Makes everything acknowledged so far survive a power cut.
    fn flush(&self) -> Result<()>;

    /// Writes what was deferred, at level OS.
    fn save_deferred(&self) -> Result<()>;

    /// Indexes for full text what was there when the call came. A storage that is read-only stays as it is.
    fn catch_up(&self) -> Result<()>;

    /// The same, as long as nothing is deferred and `goes_on` says so, which is asked before each batch. Says whether all is
    /// indexed.
    fn index_while(&self, goes_on: &dyn Fn() -> bool) -> Result<bool>;

    /// Whether it is time for [`Self::maintain`].
    fn wants_maintenance(&self) -> bool;

    /// Does what keeps the files small, if it is time.
    fn maintain(&self) -> Result<()>;

    /// Flushes, and lets go of everything. What comes after fails with CLOSED.
    fn close(&self) -> Result<()>;
}

/// What an import may do to a storage, inside its one transaction.
pub(crate) trait Importing {
    /// The session with this id.
    fn find(&self, id: &str) -> Result<Option<SessionKey>>;

    /// Whether one of this owner's sessions has this name.
    fn name_is_taken(&self, user_id: &str, name: &str) -> Result<bool>;

    /// The calls of the step that a tool message at the end of a session would continue.
    fn open_calls(&self, key: SessionKey) -> Result<Option<String>>;

    /// The sessions that were forked from one, and the last message that each shared with it then.
    fn forks_of(&self, key: SessionKey) -> Result<Vec<(SessionKey, u32)>>;

    /// How many messages a session has behind one of them, and the print of their roles and contents.
    fn print_of(&self, key: SessionKey, behind: u32) -> Result<(u64, Fingerprint)>;

    /// A session begins: what comes from here on can be taken back as a whole.
    fn begin_session(&mut self) -> Result<()>;

    /// What came since the session began stays.
    fn keep_session(&mut self) -> Result<()>;

    /// What came since the session began is taken back. Nothing happens where none has begun.
    fn undo_session(&mut self) -> Result<()>;

    /// Makes a change, and notes the events of it.
    fn apply(&mut self, mutation: &Mutation) -> Result<Outcome>;

    /// Makes a change that tells nobody anything.
    fn apply_silently(&mut self, mutation: &Mutation) -> Result<Outcome>;
}

/// A print of messages with another one. A result of a tool may have been kept as a message of the assistant, where its call
/// was not there: that makes no difference.
pub(crate) fn print_with(print: Fingerprint, role: Role, content: &str) -> Fingerprint {
    let role = if role == Role::Tool { Role::Assistant } else { role };
    print.with(role.name()).with(content)
}

/// The work of an import; `false` takes everything back, and so does an error.
pub(crate) type ImportWork<'a> = dyn FnMut(&mut dyn Importing) -> Result<bool> + 'a;

/// What an import did that others must hear of.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// Its events, with their numbers where they are logged.
    pub(crate) events: Vec<Event>,
    /// Sessions that are gone.
    pub(crate) deleted: Vec<SessionKey>,
}

/// The error of whoever is told that acknowledged changes are lost, and why.
pub(crate) fn lost_with(cause: &Error, count: u64) -> Error {
    let changes = if count == 1 {
        "change that was"
    } else {
        "changes that were"
    };
    Error::new(
        cause.kind(),
        format!("{count} {changes} acknowledged as DEFERRED could not be written and are lost: {cause}"),
    )
}

/// For [`Storage::is_current`]: nothing was seen yet.
pub(crate) const NEVER_SEEN: u64 = u64::MAX;

/// One consistent view of a storage.
pub(crate) trait Snapshot {
    /// The session with this id.
    fn find(&self, id: &str) -> Result<Option<SessionKey>>;

    /// A session's head.
    fn head(&self, key: SessionKey) -> Result<Option<Head>>;

    /// A session's description.
    fn describe(&self, key: SessionKey) -> Result<Option<SessionInfo>>;

    /// The receipts of a session's appends with an idempotency key, in order.
    fn receipts(&self, key: SessionKey) -> Result<Vec<KeptReceipt>>;

    /// Sessions that are related to one by forks.
    fn family(&self, key: SessionKey, family: Family) -> Result<Vec<SessionInfo>>;

    /// Whether there are texts that are not indexed yet.
    fn is_search_behind(&self) -> Result<bool>;

    /// What is found in the texts that are indexed.
    fn search(&self, options: &SearchOptions) -> Result<Findings>;

    /// A page of sessions.
    fn list(&self, options: &ListOptions) -> Result<SessionPage>;

    /// How many sessions there are.
    fn count(&self, filter: &Filter) -> Result<u64>;

    /// The sessions whose time is over. It looks at every session, which nobody who writes shall wait for.
    fn expired(&self, over: &mutation::Over) -> Result<Vec<SessionKey>>;

    /// The sessions that a person may mean by a text.
    fn candidates(&self, text: &str, limit: usize) -> Result<Candidates>;

    /// The logged events behind a number, in order, at most so many.
    fn events_after(&self, number: u64, limit: usize) -> Result<EventPage>;

    /// What there is on the whole.
    fn totals(&self) -> Result<StoreTotals>;

    /// What was said in each span of time from a moment on.
    fn activity(&self, from: Micros, span: Micros) -> Result<Vec<Activity>>;

    /// What a planner needs of messages, in order.
    fn entries(
        &self,
        path: &Path,
        range: RangeInclusive<u32>,
        visit: &mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<()>;

    /// Messages, in order. What is borrowed is gone after the visit.
    fn messages(
        &self,
        path: &Path,
        range: RangeInclusive<u32>,
        visit: &mut dyn FnMut(MessageRef<'_>) -> Result<()>,
    ) -> Result<()>;
}
