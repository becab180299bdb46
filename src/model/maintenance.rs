//! What maintenance finds and does.

use super::Micros;

/// The most problems that a report spells out; the rest are only counted.
pub const MOST_PROBLEMS: usize = 1_000;

/// Problems as sentences, the first [`MOST_PROBLEMS`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// One sentence for each.
    pub listed: Vec<String>,
    /// How many there are, listed or not.
    pub count: u64,
}

impl Problems {
    /// Adds one.
    pub fn add(&mut self, problem: impl Into<String>) {
        self.count += 1;
        if self.listed.len() < MOST_PROBLEMS {
            self.listed.push(problem.into());
        }
    }
}

/// What a check looked at, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong; nothing if all is well.
    pub problems: Problems,
    /// Sessions looked at.
    pub sessions: u64,
    /// Messages looked at. One that forks share is one.
    pub messages: u64,
    /// Entries of the search index looked at.
    pub documents: u64,
    /// Pages of the file looked at.
    pub pages: u64,
}

/// What a salvage brought into the new store, and what it could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// What could not be read, and what was made of it.
    pub problems: Problems,
    /// Sessions in the new store that were sessions before.
    pub sessions: u64,
    /// Sessions that were made for messages behind a hole, or without a session.
    pub sessions_added: u64,
    /// Sessions of which nothing could be read but, at best, the id.
    pub sessions_lost: u64,
    /// Messages in the new store. One that several sessions share is one.
    pub messages: u64,
    /// Messages that should have been there and could not be read, as far as that can be told.
    pub messages_lost: u64,
}

/// What an erasure did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EraseReport {
    /// Messages that are gone.
    pub messages_erased: u64,
    /// Messages that stay because forks have them, too.
    pub messages_kept_by_forks: u64,
    /// The write-ahead log was emptied. `false` in memory, where there is none.
    pub wal_truncated: bool,
}

/// How large a store is, in bytes, by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSizes {
    /// Sessions with their paths, tags and receipts.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Full text: the index, and what belongs to it.
    pub search: u64,
    /// Indexes of everything else.
    pub indexes: u64,
    /// Events, settings, the description of the tables.
    pub other: u64,
    /// Pages that hold nothing, and will be used again.
    pub free_pages: u64,
    /// All of the above: the database file, once the log is moved into it.
    pub database: u64,
    /// The write-ahead log's file, which keeps the length that it grew to.
    pub wal_file: u64,
}

/// What a store holds on the whole, whoever wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreTotals {
    /// Sessions in use.
    pub active_sessions: u64,
    /// Sessions put away.
    pub archived_sessions: u64,
    /// Sessions thrown away.
    pub trashed_sessions: u64,
    /// Their messages; one that forks share counts in each of them.
    pub messages: u64,
    /// Their tokens.
    pub tokens: u64,
    /// The bytes of their texts.
    pub bytes: u64,
    /// From creation to the last change, in microseconds, of all sessions together.
    pub duration: u64,
}

/// What was said in a span of time. A message that forks share is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// When the span begins.
    pub from: Micros,
    /// Messages.
    pub messages: u64,
    /// Their tokens.
    pub tokens: u64,
}

/// What there is for each session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Averages {
    /// Minutes from creation to the last change.
    pub session_duration_minutes: f64,
    /// Tokens.
    pub tokens_per_session: f64,
    /// Messages.
    pub messages_per_session: f64,
}

impl StoreTotals {
    /// All sessions, whatever their status.
    pub fn sessions(&self) -> u64 {
        self.active_sessions + self.archived_sessions + self.trashed_sessions
    }

    /// What there is for each session; 0 where there is none.
    pub fn averages(&self) -> Averages {
        let sessions = self.sessions().max(1) as f64;
        Averages {
            session_duration_minutes: self.duration as f64 / 60e6 / sessions,
            tokens_per_session: self.tokens as f64 / sessions,
            messages_per_session: self.messages as f64 / sessions,
        }
    }
}
