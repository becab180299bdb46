//! The window as docs/design.md defines it, found the long way: every question is answered from the whole list of
//! messages, every time. Nothing is carried from one message to the next but the cut.

use std::collections::BTreeSet;
use std::ops::Range;
use turnkeep::context::{Entry, LeaveOut, Planner, Policy};
use turnkeep::model::Role;

/// What a window is: everything that a planner tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) cut: u32,
    pub(crate) kept_user: Option<u32>,
    pub(crate) front: Vec<u32>,
    pub(crate) summary: bool,
    pub(crate) tokens: u64,
    pub(crate) messages: u64,
    pub(crate) fits: bool,
}

impl Shown {
    /// What a planner tells.
    pub(crate) fn of(planner: &Planner) -> Self {
        let usage = planner.usage();
        Self {
            cut: planner.cut(),
            kept_user: planner.kept_user(),
            front: planner.front(),
            summary: planner.shows_summary(),
            tokens: usage.tokens,
            messages: usage.messages,
            fits: usage.fits,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    messages: u64,
    tokens: u64,
}

impl Size {
    fn fits(self, most: Self) -> bool {
        self.messages <= most.messages && self.tokens <= most.tokens
    }
}

/// The messages so far, and what is asked of the window.
#[derive(Clone, Copy)]
pub(crate) struct Naive<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) summary_tokens: Option<u64>,
    /// Message `seq` is at `seq - 1`.
    pub(crate) messages: &'a [Entry],
}

impl Naive<'_> {
    /// The window after each message.
    pub(crate) fn windows(&self) -> Vec<Shown> {
        let mut cut = 1;
        let so_far = (1..=self.messages.len()).map(|n| Naive {
            messages: &self.messages[..n],
            ..*self
        });
        so_far
            .map(|now| {
                let window = now.next_window(cut);
                cut = window.cut;
                window
            })
            .collect()
    }

    /// The window, if the cut stood at `cut` before the newest message came.
    fn next_window(&self, cut: u32) -> Shown {
        let unmoved = self.window_from(cut);
        if self.decisive(&unmoved).fits(self.most()) {
            return unmoved;
        }
        let mut later_turns = self.turn_starts().filter(|turn| *turn > cut);
        if let Some(turn) = later_turns.clone().find(|turn| self.is_at_low_water(*turn)) {
            return self.window_from(turn);
        }
        let newest_turn_alone = later_turns.next_back().map(|turn| self.window_from(turn));
        if let Some(window) = newest_turn_alone.filter(|window| self.decisive(window).fits(self.most())) {
            return window;
        }
        let newest_turn = self.turn_starts().next_back().unwrap_or(1);
        let next_step = self
            .step_starts()
            .find(|step| *step > cut && *step > newest_turn && self.is_at_low_water(*step));
        self.window_from(next_step.unwrap_or_else(|| self.step_starts().next_back().unwrap()))
    }

    /// The window whose run begins at `cut`. A step is pinned as a whole as soon as one of its messages is.
    pub(crate) fn window_from(&self, cut: u32) -> Shown {
        let turn = self.turn_starts().rev().find(|turn| *turn <= cut);
        let kept_user = turn.filter(|user| *user < cut);
        let pinned = (1..cut).filter(|seq| self.must_stay(*seq));
        let front: BTreeSet<u32> = pinned.flat_map(|seq| self.step_of(seq)).chain(kept_user).collect();
        let something_was_cut = front.len() < cut as usize - 1;
        let summary = self
            .summary_tokens
            .filter(|_| something_was_cut && !self.policy.leave_out.contains(LeaveOut::SUMMARY));
        let run = cut..=self.messages.len() as u32;
        let weights = front
            .iter()
            .copied()
            .chain(run)
            .map(|seq| u64::from(self.message(seq).tokens))
            .chain(summary)
            .map(|tokens| tokens + u64::from(self.policy.message_overhead));
        let (messages, tokens) = weights.fold((0, 0), |(count, sum), weight| (count + 1, sum + weight));
        let mut shown = Shown {
            cut,
            kept_user,
            front: front.into_iter().collect(),
            summary: summary.is_some(),
            tokens,
            messages,
            fits: false,
        };
        shown.fits = self.decisive(&shown).fits(self.most()) && !self.summary_outgrows_its_room(&shown);
        shown
    }

    pub(crate) fn summary_outgrows_its_room(&self, shown: &Shown) -> bool {
        self.apart(shown)
            .is_some_and(|weight| weight > self.policy.summary_tokens)
    }

    /// What a summary with a room of its own weighs in a window that shows it.
    fn apart(&self, shown: &Shown) -> Option<u64> {
        let tokens = self
            .summary_tokens
            .filter(|_| shown.summary && self.policy.summary_tokens > 0)?;
        Some(tokens + u64::from(self.policy.message_overhead))
    }

    /// What the cut is decided by: all of a window, but for a summary that has a room of its own.
    fn decisive(&self, shown: &Shown) -> Size {
        let apart = self.apart(shown);
        Size {
            messages: shown.messages - u64::from(apart.is_some()),
            tokens: shown.tokens - apart.unwrap_or(0),
        }
    }

    /// What is left for the messages when the answer and a summary with a room of its own have theirs.
    fn most(&self) -> Size {
        let one_for_the_summary = u64::from(self.policy.summary_tokens > 0);
        Size {
            messages: u64::from(self.policy.max_messages) - one_for_the_summary,
            tokens: self.policy.max_tokens - self.policy.reserve_tokens - self.policy.summary_tokens,
        }
    }

    /// At most low_water_percent of what the front leaves is used by the run, in tokens and in messages.
    fn is_at_low_water(&self, cut: u32) -> bool {
        let window = self.window_from(cut);
        let run = &self.messages[cut as usize - 1..];
        let run_messages = run.len() as u64;
        let run_tokens: u64 = run
            .iter()
            .map(|message| u64::from(message.tokens) + u64::from(self.policy.message_overhead))
            .sum();
        let at_low_water = |all: u64, used: u64, run: u64| {
            let left = i128::from(all) - i128::from(used - run);
            i128::from(run) * 100 <= left * i128::from(self.policy.low_water_percent)
        };
        at_low_water(self.most().tokens, self.decisive(&window).tokens, run_tokens)
            && at_low_water(self.most().messages, self.decisive(&window).messages, run_messages)
    }

    fn message(&self, seq: u32) -> &Entry {
        &self.messages[seq as usize - 1]
    }

    /// Every user message begins a turn.
    pub(crate) fn turn_starts(&self) -> impl DoubleEndedIterator<Item = u32> + Clone {
        self.messages
            .iter()
            .filter(|message| message.role == Role::User)
            .map(|message| message.seq)
    }

    /// Every message but a tool result begins a step.
    pub(crate) fn step_starts(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.messages
            .iter()
            .filter(|message| message.role != Role::Tool)
            .map(|message| message.seq)
    }

    /// The messages of the step that a message belongs to.
    fn step_of(&self, seq: u32) -> Range<u32> {
        let is_result = |message: &&Entry| message.role == Role::Tool;
        let seq = seq as usize;
        let first = seq - self.messages[..seq].iter().rev().take_while(is_result).count();
        let first = first.max(1);
        let results = self.messages[first..].iter().take_while(is_result).count();
        first as u32..(first + 1 + results) as u32
    }

    /// An instruction at the head, a message of the first turns, or one that is flagged.
    pub(crate) fn must_stay(&self, seq: u32) -> bool {
        let message = self.message(seq);
        let flagged = message.pinned && !self.policy.leave_out.contains(LeaveOut::PINS);
        let first_turns = self.policy.keep_first_turns;
        let in_first_turns = first_turns > 0 && message.turn <= first_turns;
        let mut up_to_here = self.messages[..seq as usize].iter();
        let at_head = up_to_here.all(|message| message.role.is_instruction());
        flagged || in_first_turns || at_head
    }
}
