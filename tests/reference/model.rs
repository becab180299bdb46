//! The obvious meaning of every operation: sessions are lists of messages, and a fork is a copy.

use std::collections::{BTreeMap, BTreeSet};
use turnkeep::model::{Role, Status};

/// Every session, by its id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) sessions: BTreeMap<String, Kept>,
    pub(crate) made: usize,
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) messages: Vec<Line>,
    pub(crate) revision: u64,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) name: Option<String>,
    pub(crate) metadata: String,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) status: Status,
    pub(crate) parent: Option<String>,
    pub(crate) fork_seq: usize,
    pub(crate) receipts: BTreeMap<String, (usize, usize)>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) role: Role,
    pub(crate) content: String,
    pub(crate) tokens: u32,
    pub(crate) metadata: Option<String>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            messages: Vec::new(),
            revision: 1,
            title: String::new(),
            summary: String::new(),
            name: None,
            metadata: "{}".into(),
            tags: BTreeSet::new(),
            status: Status::Active,
            parent: None,
            fork_seq: 0,
            receipts: BTreeMap::new(),
        }
    }
}

impl Kept {
    pub(crate) fn messages(&self) -> Vec<(i32, String)> {
        let lines = self.messages.iter();
        lines.map(|line| (line.role as i32, line.content.clone())).collect()
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.messages.iter().map(|line| u64::from(line.tokens)).sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |line: &Line| line.content.len() + line.metadata.as_ref().map_or(0, String::len);
        self.messages.iter().map(|line| bytes(line) as u64).sum()
    }

    pub(crate) fn cut_to(&mut self, seq: usize) {
        self.messages.truncate(seq);
        self.receipts.retain(|_, (_, last)| *last <= seq);
        self.revision += 1;
    }

    pub(crate) fn truncate(&mut self, most: usize) -> usize {
        let before = self.messages.len();
        let head = self
            .messages
            .iter()
            .take_while(|line| line.role.is_instruction())
            .count();
        let first = before.saturating_sub(most).max(head);
        let kept: Vec<Line> = self.messages[..head]
            .iter()
            .chain(&self.messages[first..])
            .cloned()
            .collect();
        if kept.len() < before {
            self.messages = kept;
            self.receipts.clear();
            self.revision += 1;
        }
        before - self.messages.len()
    }
}

impl Model {
    pub(crate) fn is_name_free(&self, name: &str, of: &str) -> bool {
        self.sessions
            .iter()
            .all(|(id, kept)| id == of || kept.name.as_deref() != Some(name))
    }

    /// The forks of what is deleted become those of its parent.
    pub(crate) fn delete(&mut self, id: &str) {
        let gone = self.sessions.remove(id).unwrap();
        for kept in self
            .sessions
            .values_mut()
            .filter(|kept| kept.parent.as_deref() == Some(id))
        {
            kept.parent.clone_from(&gone.parent);
            kept.fork_seq = kept.fork_seq.min(gone.fork_seq);
        }
    }

    pub(crate) fn nth(&self, number: usize) -> Option<String> {
        let count = self.sessions.len();
        (count > 0).then(|| self.sessions.keys().nth(number % count).unwrap().clone())
    }
}
