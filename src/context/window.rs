//! Which messages go into the next prompt.
//!
//! Pure: no I/O, no clock, no locks. Given the same messages and options it answers the same on every machine, which is
//! what keeps an engine's KV cache valid (docs/design.md, "Why is the cut a function of the messages alone?").
//!
//! A window is a *front* (what is pinned and lies before the cut) and a *run* (every message from the cut to the end).
//! The [`Planner`] is fed message by message and moves the cut only when the budget is passed, then deep, so that the
//! prefix stays the same for many turns. Each message costs O(1), spread over many; a move of the cut looks its pins up
//! by bisection.

use super::pins::{Pins, Weighed};
use super::policy::{LeaveOut, Policy};
use crate::model::{MessageFlags, MessageRef, Role};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What the planner needs to know of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the session.
    pub seq: u32,
    /// Who speaks.
    pub role: Role,
    /// Its tokens.
    pub tokens: u32,
    /// The number of its turn.
    pub turn: u32,
    /// Whether it is flagged as pinned.
    pub pinned: bool,
}

impl From<MessageRef<'_>> for Entry {
    fn from(message: MessageRef<'_>) -> Self {
        Self {
            seq: message.place.seq,
            role: message.role,
            tokens: message.tokens,
            turn: message.place.turn,
            pinned: message.flags.contains(MessageFlags::PINNED),
        }
    }
}

/// Where a planner stood, small enough to be kept with the session: enough to go on from the cut instead of the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memo {
    /// The rules it stood under.
    pub policy: Policy,
    /// What the summary weighed in the cut. With another the cut might have gone elsewhere.
    pub summary_weight: Option<u64>,
    /// The first message of the run.
    pub cut: u32,
    /// The last message that had been weighed.
    pub upto: u32,
    /// The message with which the cut came to where it is; 0 if it is where it began. `None` in a memo that was kept before this
    /// was noted.
    #[serde(default)]
    pub since: Option<u32>,
    /// The user message kept for a turn that is cut inside; 0 if there is none.
    pub kept: u32,
    /// The pinned messages before the cut.
    pub pins: Vec<u32>,
}

impl Memo {
    /// The memo of the session that ends at this message, which may lie before the end of the memo: the cut is where it was
    /// then. `None` if it came there later.
    pub fn at(mut self, seq: u32) -> Option<Self> {
        if self.since.unwrap_or(self.upto) > seq {
            return None;
        }
        self.upto = self.upto.min(seq);
        Some(self)
    }

    /// Whether a planner could have stood there: what was read back from a file may be anything.
    fn is_sound(&self) -> bool {
        let before_cut = |seq: u32| seq < self.cut;
        self.cut > 0
            && self.upto >= self.cut - 1
            && self.since.is_none_or(|since| since <= self.upto)
            && before_cut(self.kept)
            && self.pins.is_sorted_by(|one, next| one < next)
            && self.pins.last().is_none_or(|last| before_cut(*last))
    }
}

/// More pinned messages than this are not worth keeping with the session: the planner replays the history instead.
const MAX_MEMO_PINS: usize = 64;

/// What a window uses of its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of front, summary and run, with the overhead of each message.
    pub tokens: u64,
    /// Messages of front, summary and run.
    pub messages: u64,
    /// Whether it is within the budget.
    pub fits: bool,
}

/// A place where the run may begin, and the weight of all that was fed before it.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    seq: u32,
    weight_before: u64,
}

/// What stands before a cut: number and weight, the summary included.
#[derive(Clone, Copy, Debug, Default)]
struct Front {
    messages: u64,
    weight: u64,
    summary: bool,
}

/// Finds the cut, message by message.
///
/// Feed it every message from 1 on, in order. It takes a tool message for a result of the nearest assistant message
/// before it, with nothing but other results between them: whoever appends sees to that.
#[derive(Clone, Debug)]
pub struct Planner {
    policy: Policy,
    summary_weight: Option<u64>,
    cut: Boundary,
    /// The message with which the cut came there.
    since: u32,
    /// The user message of the turn that the cut lies inside of.
    kept: Option<Weighed>,
    /// What stands before the cut.
    front: Front,
    upto: u32,
    weight: u64,
    /// Every pinned message so far, before and after the cut.
    pins: Pins,
    /// Turns that begin after the cut, oldest first.
    turns: VecDeque<Boundary>,
    newest_turn: Boundary,
    newest_turn_user: Option<Weighed>,
    /// Steps of the newest turn that begin after its first message and after the cut, oldest first.
    steps: VecDeque<Boundary>,
    newest_step: Vec<Weighed>,
    newest_step_pinned: bool,
    /// Only instructions so far: they are pinned.
    at_head: bool,
}

impl Planner {
    /// A planner that has seen nothing. `summary_tokens` is the session's summary, if it has one.
    pub fn new(policy: Policy, summary_tokens: Option<u64>) -> Self {
        let start = Boundary {
            seq: 1,
            weight_before: 0,
        };
        Self {
            policy,
            summary_weight: summary_tokens
                .filter(|_| !policy.leave_out.contains(LeaveOut::SUMMARY))
                .map(|tokens| policy.weight(tokens)),
            cut: start,
            since: 0,
            kept: None,
            front: Front::default(),
            upto: 0,
            weight: 0,
            pins: Pins::default(),
            turns: VecDeque::new(),
            newest_turn: start,
            newest_turn_user: None,
            steps: VecDeque::new(),
            newest_step: Vec::new(),
            newest_step_pinned: false,
            at_head: true,
        }
    }

    /// A planner that goes on from a memo. `front` are the entries that the memo names, pinned and kept.
    /// Feed it the messages from the cut to `memo.upto` by [`push_known`](Self::push_known), the rest by
    /// [`push`](Self::push). `None` if the memo is of no use, and the history must be replayed: the summary weighs
    /// something else now, an entry is missing, or no planner ever stood there.
    pub fn resume(memo: &Memo, summary_tokens: Option<u64>, front: &[Entry]) -> Option<Self> {
        let mut planner = Self::new(memo.policy, summary_tokens);
        if !memo.is_sound() || memo.summary_weight != planner.summary_in_cut() {
            return None;
        }
        let find = |seq: u32| front.iter().find(|entry| entry.seq == seq);
        planner.at_head = memo.pins.len() as u64 == u64::from(memo.cut - 1);
        for seq in &memo.pins {
            let entry = find(*seq)?;
            planner.at_head &= entry.role.is_instruction();
            planner.pins.push(planner.weigh(entry));
        }
        planner.kept = match memo.kept {
            0 => None,
            seq => Some(planner.weigh(find(seq)?)),
        };
        planner.stand_at(memo.cut);
        planner.since = memo.since.unwrap_or(memo.upto);
        Some(planner)
    }

    /// Takes a message that an earlier planner weighed, between the cut and the end of its memo: the cut stays.
    pub fn push_known(&mut self, entry: &Entry) {
        self.take(entry);
    }

    /// Weighs the next message, and moves the cut if the budget is passed.
    pub fn push(&mut self, entry: &Entry) {
        self.take(entry);
        if !self.messages_fit() {
            self.move_cut();
        }
    }

    /// The rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The first message of the run.
    pub fn cut(&self) -> u32 {
        self.cut.seq
    }

    /// The last message that was weighed.
    pub fn upto(&self) -> u32 {
        self.upto
    }

    /// The user message in front of the run, where the cut lies inside its turn.
    pub fn kept_user(&self) -> Option<u32> {
        self.kept.map(|user| user.seq)
    }

    /// The messages before the cut that belong to the window, by seq.
    pub fn front(&self) -> Vec<u32> {
        let mut front = self.pins.seqs_before(self.cut.seq);
        if let Some(kept) = self.kept
            && let Err(place) = front.binary_search(&kept.seq)
        {
            front.insert(place, kept.seq);
        }
        front
    }

    /// Whether the summary belongs to the window: there is one, and something was cut.
    pub fn shows_summary(&self) -> bool {
        self.front.summary
    }

    /// What the window uses.
    pub fn usage(&self) -> Usage {
        let (messages, tokens) = self.in_cut();
        let apart = self
            .summary_weight
            .filter(|_| self.front.summary && self.policy.reserves_summary());
        Usage {
            tokens: tokens.saturating_add(apart.unwrap_or(0)),
            messages: messages + u64::from(apart.is_some()),
            fits: self.messages_fit() && !self.summary_is_too_large(),
        }
    }

    /// What the cut is decided by: number and weight of the messages, and of a summary without a room of its own.
    pub fn in_cut(&self) -> (u64, u64) {
        let messages = self.front.messages + self.run_messages(self.cut);
        (messages, self.front.weight.saturating_add(self.run_weight(self.cut)))
    }

    fn messages_fit(&self) -> bool {
        let (messages, tokens) = self.in_cut();
        let (most_tokens, most_messages) = self.policy.room_for_messages();
        tokens <= most_tokens && messages <= most_messages
    }

    /// Whether the summary is shown and needs more than was kept free for it.
    pub fn summary_is_too_large(&self) -> bool {
        let most = self.policy.summary_tokens;
        self.front.summary
            && self.policy.reserves_summary()
            && self.summary_weight.is_some_and(|weight| weight > most)
    }

    /// What the summary weighs where the cut is decided: nothing where it has a room of its own.
    fn summary_in_cut(&self) -> Option<u64> {
        self.summary_weight.filter(|_| !self.policy.reserves_summary())
    }

    /// What the newest step alone uses.
    pub fn newest_step_tokens(&self) -> u64 {
        self.newest_step.iter().map(|message| message.weight).sum()
    }

    /// The memory that it takes, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.pins.bytes()
            + (self.turns.capacity() + self.steps.capacity()) * size_of::<Boundary>()
            + self.newest_step.capacity() * size_of::<Weighed>()
    }

    /// Where it stands, to be kept; `None` if that would be too long.
    pub fn memo(&self) -> Option<Memo> {
        let pins = self.pins.seqs_before(self.cut.seq);
        (pins.len() <= MAX_MEMO_PINS).then(|| Memo {
            policy: self.policy,
            summary_weight: self.summary_in_cut(),
            cut: self.cut.seq,
            upto: self.upto,
            since: Some(self.since),
            kept: self.kept.map_or(0, |user| user.seq),
            pins,
        })
    }

    /// Where a memo left off, before the first message of the run.
    fn stand_at(&mut self, cut: u32) {
        self.cut.seq = cut;
        self.upto = cut - 1;
        self.newest_turn_user = self.kept;
        self.front = self.front_of(cut, self.kept);
    }

    fn weigh(&self, entry: &Entry) -> Weighed {
        Weighed {
            seq: entry.seq,
            weight: self.policy.weight(u64::from(entry.tokens)),
        }
    }

    fn take(&mut self, entry: &Entry) {
        let message = self.weigh(entry);
        let boundary = Boundary {
            seq: entry.seq,
            weight_before: self.weight,
        };
        self.at_head = self.at_head && entry.role.is_instruction();
        self.begin(entry, message, boundary);
        self.pin_if_asked(entry, message);
        self.newest_step.push(message);
        self.weight += message.weight;
        self.upto = entry.seq;
    }

    /// Notes where a turn or a step begins. A tool result continues the step of its call.
    fn begin(&mut self, entry: &Entry, message: Weighed, boundary: Boundary) {
        if entry.role == Role::Tool {
            return;
        }
        self.newest_step.clear();
        self.newest_step_pinned = false;
        if entry.role == Role::User {
            self.steps.clear();
            self.newest_turn = boundary;
            self.newest_turn_user = Some(message);
            if entry.seq > self.cut.seq {
                self.turns.push_back(boundary);
            }
        } else if entry.seq > self.cut.seq {
            self.steps.push_back(boundary);
        }
    }

    /// A step is pinned as a whole: a call without its results, or a result without its call, is no valid prompt.
    fn pin_if_asked(&mut self, entry: &Entry, message: Weighed) {
        let asked = self.at_head
            || (entry.turn <= self.policy.keep_first_turns && self.policy.keep_first_turns > 0)
            || (entry.pinned && !self.policy.leave_out.contains(LeaveOut::PINS));
        if asked && !self.newest_step_pinned {
            for earlier in &self.newest_step {
                self.pins.push(*earlier);
            }
            self.newest_step_pinned = true;
        }
        if self.newest_step_pinned {
            self.pins.push(message);
        }
    }

    fn move_cut(&mut self) {
        while let Some(turn) = self.turns.pop_front() {
            if self.is_at_low_water(turn, None) {
                return self.cut_at(turn, None);
            }
        }
        if self.newest_turn.seq > self.cut.seq {
            self.cut_at(self.newest_turn, None);
            if self.messages_fit() {
                return;
            }
        }
        self.cut_inside_newest_turn();
    }

    fn cut_inside_newest_turn(&mut self) {
        let mut deepest = None;
        while let Some(step) = self.steps.pop_front() {
            deepest = Some(step);
            if self.is_at_low_water(step, self.newest_turn_user) {
                break;
            }
        }
        if let Some(step) = deepest {
            self.cut_at(step, self.newest_turn_user);
        }
    }

    fn cut_at(&mut self, cut: Boundary, kept: Option<Weighed>) {
        self.front = self.front_of(cut.seq, kept);
        self.cut = cut;
        self.since = self.upto;
        self.kept = kept;
    }

    /// Whether a run from here would leave room enough for the cut to stay for a while.
    fn is_at_low_water(&self, from: Boundary, kept: Option<Weighed>) -> bool {
        let front = self.front_of(from.seq, kept);
        let percent = u64::from(self.policy.low_water_percent);
        let low_water = |all: u64, used: u64| {
            all.checked_sub(used)
                .map(|free| (u128::from(free) * u128::from(percent) / 100) as u64)
        };
        let (most_tokens, most_messages) = self.policy.room_for_messages();
        let tokens = low_water(most_tokens, front.weight);
        let messages = low_water(most_messages, front.messages);
        tokens.is_some_and(|most| self.run_weight(from) <= most)
            && messages.is_some_and(|most| self.run_messages(from) <= most)
    }

    fn run_weight(&self, from: Boundary) -> u64 {
        self.weight - from.weight_before
    }

    fn run_messages(&self, from: Boundary) -> u64 {
        (u64::from(self.upto) + 1).saturating_sub(u64::from(from.seq))
    }

    fn front_of(&self, cut: u32, kept: Option<Weighed>) -> Front {
        let (mut messages, mut weight) = self.pins.count_and_weight_before(cut);
        if let Some(user) = kept
            && !self.pins.contains(user.seq)
        {
            messages += 1;
            weight += user.weight;
        }
        let cuts_something = messages < u64::from(cut - 1);
        let in_cut = self.summary_in_cut().filter(|_| cuts_something);
        Front {
            messages: messages + u64::from(in_cut.is_some()),
            weight: weight.saturating_add(in_cut.unwrap_or(0)),
            summary: cuts_something && self.summary_weight.is_some(),
        }
    }
}
