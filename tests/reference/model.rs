//! The obvious meaning of every operation: sessions are lists of messages, and a fork is a copy.

use std::collections::{BTreeMap, BTreeSet};
use turnkeep::model::{BulkAction, Filter, Role, Status};

/// Why something is refused: the name of one status or several, if several rules say no.
pub(crate) type Answer = Result<u64, Vec<&'static str>>;

/// Every session, by its id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) sessions: BTreeMap<String, Kept>,
    /// How many sessions there ever were to be.
    pub(crate) made: usize,
    /// How many messages there ever were to be.
    pub(crate) lines: usize,
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// In the order of creation.
    pub(crate) number: usize,
    pub(crate) messages: Vec<Line>,
    pub(crate) revision: u64,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) name: Option<String>,
    pub(crate) metadata: serde_json::Value,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) status: Status,
    pub(crate) parent: Option<String>,
    pub(crate) fork_seq: usize,
    pub(crate) window_tokens: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) expires: Option<i64>,
    pub(crate) expires_after: Option<i64>,
    pub(crate) receipts: BTreeMap<String, (usize, usize)>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Forks share messages: those with the same number are one.
    pub(crate) identity: usize,
    /// A word that was in no message before.
    pub(crate) word: Option<String>,
    pub(crate) role: Role,
    pub(crate) content: String,
    pub(crate) tokens: u32,
    pub(crate) pinned: bool,
    /// The ids of the calls that it makes.
    pub(crate) calls: Vec<Option<String>>,
    pub(crate) tool_calls: Option<String>,
    pub(crate) tool_call_id: Option<String>,
    pub(crate) metadata: Option<String>,
    /// The metadata without the note of where the message was adopted from.
    pub(crate) not_adopted: Option<String>,
    pub(crate) told: Told,
}

/// What a message's metadata tells of an exchange, and what is the caller's own in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) processing: i64,
    pub(crate) tokens_used: u64,
    pub(crate) own: String,
}

/// A turn, without the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) number: u32,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) tokens: u64,
    pub(crate) input: String,
    pub(crate) answer: String,
    /// What the question tells and what the answer tells.
    pub(crate) told: (String, String, i64, u64, String),
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            number: 0,
            messages: Vec::new(),
            revision: 1,
            title: String::new(),
            summary: String::new(),
            name: None,
            metadata: serde_json::json!({}),
            tags: BTreeSet::new(),
            status: Status::Active,
            parent: None,
            fork_seq: 0,
            window_tokens: None,
            max_bytes: None,
            expires: None,
            expires_after: None,
            receipts: BTreeMap::new(),
        }
    }
}

/// The estimate of the tokens of a text.
pub(crate) fn estimate(text: &str) -> u32 {
    let (characters, words) = (text.chars().count(), text.split_whitespace().count());
    (characters / 4).max(words * 3 / 4) as u32 + 4
}

fn bytes_of(lines: &[Line]) -> u64 {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let bytes = |line: &Line| line.content.len() + length(&line.tool_calls) + length(&line.metadata);
    lines.iter().map(|line| bytes(line) as u64).sum()
}

/// Whether every tool message among the new ones answers a call of the step that it stands in.
fn answers_calls(before: &[Line], new: &[Line]) -> bool {
    let all: Vec<&Line> = before.iter().chain(new).collect();
    (before.len()..all.len())
        .filter(|at| all[*at].role == Role::Tool)
        .all(|at| {
            let caller = all[..at].iter().rev().find(|line| line.role != Role::Tool);
            caller.is_some_and(|caller| {
                let is_answered = |call: &Option<String>| call.is_none() || all[at].tool_call_id.is_none();
                let exactly = |call: &Option<String>| call.is_some() && *call == all[at].tool_call_id;
                caller.calls.iter().any(|call| is_answered(call) || exactly(call))
            })
        })
}

/// The rules that refuse new messages behind others.
pub(crate) fn refusals(before: &[Line], new: &[Line], max_bytes: Option<u64>) -> Vec<&'static str> {
    let (old, added) = (bytes_of(before), bytes_of(new));
    let mut refusals = Vec::new();
    if added > 0 && max_bytes.is_some_and(|most| old + added > most) {
        refusals.push("TOO_LARGE");
    }
    if !answers_calls(before, new) {
        refusals.push("INVALID");
    }
    refusals
}

impl Kept {
    pub(crate) fn tokens(&self) -> u64 {
        self.messages.iter().map(|line| u64::from(line.tokens)).sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        bytes_of(&self.messages)
    }

    /// How many instructions stand at its head.
    pub(crate) fn head(&self) -> usize {
        let lines = self.messages.iter();
        lines.take_while(|line| line.role.is_instruction()).count()
    }

    /// The number of the turn of a message: how many questions there are up to it.
    pub(crate) fn turn(&self, seq: usize) -> u32 {
        let lines = self.messages[..seq].iter();
        lines.filter(|line| line.role == Role::User).count() as u32
    }

    pub(crate) fn cut_to(&mut self, seq: usize) {
        self.messages.truncate(seq);
        self.receipts.retain(|_, (_, last)| *last <= seq);
        self.revision += 1;
    }

    /// Keeps the instructions, and the longest end that begins with a step and is within the limits. What stays is written
    /// anew: no fork shares it. `first_identity` is free, and so are those behind it.
    pub(crate) fn truncate(&mut self, most: Option<u32>, tokens: Option<u64>, first_identity: usize) -> usize {
        let (before, head) = (self.messages.len(), self.head());
        let fits = |from: usize| {
            let end = &self.messages[from..];
            let sum: u64 = end.iter().map(|line| u64::from(line.tokens)).sum();
            let begins_with_a_step = end.first().is_none_or(|line| line.role != Role::Tool);
            most.is_none_or(|most| end.len() <= most as usize)
                && tokens.is_none_or(|most| sum <= most)
                && begins_with_a_step
        };
        let first = (head..=before).find(|from| fits(*from)).unwrap();
        let kept = self.messages[..head].iter().chain(&self.messages[first..]);
        let kept: Vec<Line> = kept
            .zip(first_identity..)
            .map(|(line, identity)| Line {
                identity,
                ..line.clone()
            })
            .collect();
        if kept.len() < before {
            self.messages = kept;
            self.receipts.clear();
            self.revision += 1;
        }
        before - self.messages.len()
    }

    /// The question that a message belongs to, as its place, if there is one and it was answered; 0 is the last message.
    pub(crate) fn question(&self, seq: usize) -> Option<usize> {
        let seq = if seq == 0 { self.messages.len() } else { seq };
        let asked = self.messages[..seq].iter().rposition(|line| line.role == Role::User)? + 1;
        (asked < self.messages.len()).then_some(asked)
    }

    pub(crate) fn turns(&self) -> Vec<Turn> {
        let mut turns: Vec<Turn> = Vec::new();
        for (line, seq) in self.messages.iter().zip(1..) {
            let number = self.turn(seq);
            if turns.last().is_none_or(|turn| turn.number != number) {
                turns.push(Turn {
                    number,
                    first: seq,
                    ..Turn::default()
                });
            }
            let turn = turns.last_mut().unwrap();
            turn.last = seq;
            turn.tokens += u64::from(line.tokens);
            let told = line.told.clone();
            if line.role == Role::User {
                turn.input.clone_from(&line.content);
                (turn.told.0, turn.told.1) = (told.name, told.kind);
            } else if line.role == Role::Assistant {
                turn.answer.clone_from(&line.content);
                (turn.told.2, turn.told.3, turn.told.4) = (told.processing, told.tokens_used, told.own);
            }
        }
        turns
    }

    fn is_found_by(&self, filter: &Filter) -> bool {
        let statuses: &[Status] = match filter.statuses.as_slice() {
            [] => &[Status::Active, Status::Archived],
            asked => asked,
        };
        statuses.contains(&self.status)
            && filter.all_tags.iter().all(|tag| self.tags.contains(tag))
            && (filter.any_tags.is_empty() || filter.any_tags.iter().any(|tag| self.tags.contains(tag)))
            && filter
                .has_messages
                .is_none_or(|wanted| wanted != self.messages.is_empty())
            && filter
                .parent_id
                .as_ref()
                .is_none_or(|id| self.parent.as_ref() == Some(id))
    }

    /// Does what is done to many at once; says whether it made a difference.
    fn change(&mut self, action: &BulkAction) -> bool {
        let changed = match action {
            BulkAction::SetStatus(status) => std::mem::replace(&mut self.status, *status) != *status,
            BulkAction::AddTag(tag) => self.tags.insert(tag.clone()),
            BulkAction::RemoveTag(tag) => self.tags.remove(tag),
            BulkAction::Delete => true,
        };
        self.revision += u64::from(changed);
        changed
    }
}

impl Model {
    pub(crate) fn new_id(&mut self) -> (String, usize) {
        self.made += 1;
        (format!("s{}", self.made), self.made)
    }

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

    /// How many messages of a session nobody else has, and how many somebody has.
    pub(crate) fn own_and_shared(&self, id: &str) -> (u64, u64) {
        let others = self.sessions.iter().filter(|(other, _)| *other != id);
        let elsewhere: BTreeSet<usize> = others.flat_map(|(_, kept)| kept.identities()).collect();
        let all = self.sessions[id].messages.len() as u64;
        let lines = self.sessions[id].identities();
        let shared = lines.filter(|identity| elsewhere.contains(identity)).count() as u64;
        (all - shared, shared)
    }

    /// How many messages there are, if each that is shared is one.
    pub(crate) fn distinct(&self) -> usize {
        let all = self.sessions.values().flat_map(Kept::identities);
        all.collect::<BTreeSet<_>>().len()
    }

    /// Deletes what has expired, and says how many sessions these were.
    pub(crate) fn cleanup(&mut self, now: i64) -> u64 {
        let over = |kept: &Kept| kept.expires.is_some_and(|time| time <= now);
        self.delete_where(over)
    }

    fn delete_where(&mut self, which: impl Fn(&Kept) -> bool) -> u64 {
        let sessions = self.sessions.iter().filter(|(_, kept)| which(kept));
        let gone: Vec<String> = sessions.map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.delete(id));
        gone.len() as u64
    }

    /// The ids of what a filter finds, the newest session first.
    pub(crate) fn list(&self, filter: &Filter) -> Vec<String> {
        let mut found: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, kept)| kept.is_found_by(filter))
            .collect();
        found.sort_by_key(|(_, kept)| std::cmp::Reverse(kept.number));
        found.into_iter().map(|(id, _)| id.clone()).collect()
    }

    pub(crate) fn change(&mut self, filter: &Filter, action: &BulkAction) -> u64 {
        if *action == BulkAction::Delete {
            return self.delete_where(|kept| kept.is_found_by(filter));
        }
        let sessions = self.sessions.values_mut().filter(|kept| kept.is_found_by(filter));
        sessions.map(|kept| u64::from(kept.change(action))).sum()
    }

    /// Where a word is found: each message once, in the oldest of the sessions that show it and that the filter finds.
    pub(crate) fn search(&self, word: &str, filter: &Filter) -> BTreeSet<(String, u32)> {
        let mut hits = BTreeMap::new();
        for id in self.list(filter) {
            let lines = self.sessions[&id].messages.iter().zip(1..);
            for (line, seq) in lines.filter(|(line, _)| line.word.as_deref() == Some(word)) {
                hits.insert(line.identity, (id.clone(), seq));
            }
        }
        hits.into_values().collect()
    }

    pub(crate) fn nth(&self, number: usize) -> Option<String> {
        let count = self.sessions.len();
        (count > 0).then(|| self.sessions.keys().nth(number % count).unwrap().clone())
    }
}

impl Kept {
    fn identities(&self) -> impl Iterator<Item = usize> {
        self.messages.iter().map(|line| line.identity)
    }
}
