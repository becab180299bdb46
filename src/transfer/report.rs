//! What an import or an export did, and what it could not carry.

use super::Format;
use crate::model::maintenance::MOST_PROBLEMS;
use std::collections::BTreeMap;

/// Something that was there and could not be carried, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What it is, in the plural.
    pub what: &'static str,
    /// How many.
    pub count: u64,
}

/// Losses by what they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses(BTreeMap<&'static str, u64>);

impl Losses {
    /// Counts some. `what` is in the plural.
    pub(crate) fn add(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub(crate) fn list(&self) -> Vec<Loss> {
        self.0
            .iter()
            .map(|(what, count)| Loss { what, count: *count })
            .collect()
    }
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Sessions.
    pub sessions: u64,
    /// Messages; what forks share counts once where the format writes it once.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
    /// What the format cannot carry.
    pub losses: Vec<Loss>,
}

/// Why something in a source is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ProblemKind {
    /// A session that the store has already.
    Skipped = 1,
    /// A session that could not be taken in: nothing of it was.
    Failed = 2,
    /// A part that no session could take: an orphan, an image, an unknown kind of node.
    LeftOut = 3,
    /// Something that was taken in otherwise than it stood there.
    Changed = 4,
}

/// Something that was not taken in as it stood in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What became of it.
    pub kind: ProblemKind,
    /// The id of the session in the source; "" if it has none.
    pub session_id: String,
    /// Where in the source: a line, a row.
    pub place: String,
    /// What is the matter.
    pub reason: String,
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// What the source was read as.
    pub format: Format,
    /// Sessions taken in.
    pub sessions: u64,
    /// Messages taken in; what forks share counts once.
    pub messages: u64,
    /// Of the sessions, those that share messages with another.
    pub forks: u64,
    /// Sessions that the store had already, and kept as they were.
    pub skipped: u64,
    /// Sessions of which nothing was taken in.
    pub failed: u64,
    /// Sessions of the store that made room for those of the source.
    pub overwritten: u64,
    /// What was in the source and could not be kept, by kind.
    pub losses: Vec<Loss>,
    /// What was not taken in as it stood, the first thousand of them.
    pub problems: Vec<Problem>,
    /// How many there are, listed or not.
    pub problem_count: u64,
}

impl ImportReport {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            sessions: 0,
            messages: 0,
            forks: 0,
            skipped: 0,
            failed: 0,
            overwritten: 0,
            losses: Vec::new(),
            problems: Vec::new(),
            problem_count: 0,
        }
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }
}
