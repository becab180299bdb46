//! A session in memory: its head, its newest messages, and the planners of the windows that were asked of it.

use super::body::{Body, Run};
use super::view::MessageView;
use super::window::{Prepared, Summary, Window};
use crate::context::{Entry, Memo, Planner, Policy, WindowOptions};
use crate::error::{DAMAGE_ADVICE, Error, Kind, Result};
use crate::model::{Message, MessageRef, ReadyMessage, SessionChanges};
use crate::storage::{Head, Snapshot};
use std::sync::Arc;

/// How many kinds of windows of one session are kept at hand.
const PLANS: usize = super::KINDS_OF_WINDOWS;

/// A session in memory.
pub(crate) struct Loaded {
    pub(crate) head: Head,
    body: Body,
    /// The first message of the body.
    first: u32,
    /// The latest used last.
    plans: Vec<Plan>,
    /// The window that was handed out first since something changed, and for what options: whoever asks again is given the same.
    /// To find its plan and to make another one took three times as long.
    handed_out: Option<(WindowOptions, Arc<Window>)>,
    memo_due: MemoDue,
}

/// Whether it is time to keep a memo with the session: when the cut has moved, and now and then before.
enum MemoDue {
    Now,
    After(usize),
}

/// A planner that goes on from a memo weighs at most this many messages more than it would have to.
const MESSAGES_BETWEEN_MEMOS: usize = 32;

/// So many messages without a window leave the memo far behind: to weigh them their texts are not read, which might not find room
/// in memory, so that nothing of it stayed there and each window read them all again.
const FAR_BEHIND: u32 = 2_000;

struct Plan {
    planner: Planner,
    prepared: Option<Arc<Prepared>>,
}

impl Loaded {
    /// A session of which no message is in memory; all of an empty one.
    pub(crate) fn new(head: Head) -> Self {
        Self {
            first: head.place.seq + 1,
            head,
            body: Body::new(),
            plans: Vec::new(),
            handed_out: None,
            memo_due: MemoDue::Now,
        }
    }

    /// The memory that the messages, and what was prepared of them, take.
    pub(crate) fn bytes(&self) -> usize {
        let plans: usize = self.plans.iter().map(Plan::bytes).sum();
        self.body.bytes() + self.head.summary.len() + plans
    }

    /// The rules that a window with these options follows.
    pub(crate) fn policy(&self, options: &WindowOptions, store_tokens: u64) -> Result<Policy> {
        Policy::new(options, self.head.window_tokens.unwrap_or(store_tokens))
    }

    /// Where the planner that was used last stands, and at which revision, if it is time to keep that.
    pub(crate) fn memo(&self) -> Option<(u64, Memo)> {
        let plan = self.plans.last().filter(|_| matches!(self.memo_due, MemoDue::Now))?;
        Some((self.head.revision, plan.planner.memo()?))
    }

    /// Takes in messages that were committed, with a memo or without. `false` if they do not follow on what is here.
    pub(crate) fn append(&mut self, messages: &[ReadyMessage], with_memo: bool, revision: u64) -> bool {
        if revision != self.head.revision + 1 {
            return revision <= self.head.revision;
        }
        self.memo_due = match self.memo_due {
            _ if with_memo => MemoDue::After(MESSAGES_BETWEEN_MEMOS),
            MemoDue::After(left) if left > messages.len() => MemoDue::After(left - messages.len()),
            _ => MemoDue::Now,
        };
        for message in messages {
            self.head.place = self.head.place.next(message.role, message.tokens);
            self.push(&MessageRef::placed(message, self.head.place));
        }
        self.begin_revision(revision);
        true
    }

    fn push(&mut self, message: &MessageRef<'_>) {
        self.body.push(message);
        let Some(view) = self.body.run().views().last() else {
            return;
        };
        let entry = view.entry();
        for plan in &mut self.plans {
            if plan.push(&entry, self.body.run()) {
                self.memo_due = MemoDue::Now;
            }
        }
    }

    /// Takes in other fields that were committed. `false` if they do not follow on what is here.
    pub(crate) fn update(&mut self, changes: &SessionChanges, summary_tokens: u32, revision: u64) -> bool {
        if revision != self.head.revision + 1 {
            return revision <= self.head.revision;
        }
        if let Some(summary) = &changes.summary {
            self.head.summary.clone_from(summary);
            self.head.summary_tokens = summary_tokens;
            // The next window goes on from here if the summary has a room of its own, else from the first message.
            self.head.memo = self.plans.last().and_then(|plan| plan.planner.memo());
            self.plans.clear();
        }
        if let Some(tokens) = changes.window_tokens {
            self.head.window_tokens = tokens;
        }
        self.begin_revision(revision);
        true
    }

    fn begin_revision(&mut self, revision: u64) {
        self.head.revision = revision;
        self.handed_out.take();
    }

    /// The window that was handed out before, if it is asked for again.
    #[inline]
    pub(crate) fn window_at_hand(&self, options: &WindowOptions) -> Option<Arc<Window>> {
        match &self.handed_out {
            Some((asked_for, window)) if asked_for == options => Some(Arc::clone(window)),
            _ => None,
        }
    }

    /// A window, if a planner stands ready for it.
    pub(crate) fn ready_window(&self, options: &WindowOptions, store_tokens: u64) -> Result<Option<Arc<Window>>> {
        let policy = self.policy(options, store_tokens)?;
        Ok(self.planned_window(&policy).transpose()?.map(Arc::new))
    }

    /// Remembers a window that was handed out, if it still is the one to hand out.
    pub(crate) fn keep_at_hand(&mut self, options: &WindowOptions, window: &Arc<Window>) {
        if self.handed_out.is_none() && window.report().revision == self.head.revision {
            self.handed_out = Some((*options, Arc::clone(window)));
        }
    }

    fn planned_window(&self, policy: &Policy) -> Option<Result<Window>> {
        let plan = self.plans.iter().rev().find(|plan| plan.planner.policy() == policy)?;
        let prepared = plan.prepared.as_ref()?;
        Some(Window::new(
            prepared,
            &plan.planner,
            self.head.place,
            self.head.revision,
        ))
    }

    /// A window, with what it needs read from the storage.
    pub(crate) fn window(&mut self, snapshot: &dyn Snapshot, policy: &Policy) -> Result<Arc<Window>> {
        let mut plan = match self.plans.iter().position(|plan| plan.planner.policy() == policy) {
            Some(index) => self.plans.remove(index),
            None => Plan {
                planner: self.planner(snapshot, policy)?,
                prepared: None,
            },
        };
        if plan.prepared.is_none() {
            plan.prepared = Some(Arc::new(self.prepare(snapshot, &plan.planner)?));
        }
        if self.plans.len() == PLANS {
            self.plans.remove(0);
        }
        self.plans.push(plan);
        self.planned_window(policy)
            .unwrap_or_else(|| Err(Error::new(Kind::Panic, "a window was prepared and is not there")))
            .map(Arc::new)
    }

    fn summary_tokens(&self) -> Option<u64> {
        (!self.head.summary.is_empty()).then_some(u64::from(self.head.summary_tokens))
    }

    /// A planner that has seen every message: from the memo if there is one, else from the first message on.
    fn planner(&mut self, snapshot: &dyn Snapshot, policy: &Policy) -> Result<Planner> {
        if let Some(planner) = self.resume(snapshot, policy)? {
            return Ok(planner);
        }
        let mut planner = Planner::new(*policy, self.summary_tokens());
        if self.first == 1 {
            self.body
                .run()
                .views()
                .iter()
                .for_each(|view| planner.push(&view.entry()));
        } else {
            let mut next = 1;
            snapshot.entries(&self.head.path, 1..=self.head.place.seq, &mut |entry| {
                expect_seq(&mut next, entry.seq)?;
                planner.push(&entry);
                Ok(())
            })?;
            expect_end(next, self.head.place.seq)?;
        }
        Ok(planner)
    }

    fn resume(&mut self, snapshot: &dyn Snapshot, policy: &Policy) -> Result<Option<Planner>> {
        let Some(memo) = self.head.memo.take_if(|memo| memo.policy == *policy) else {
            return Ok(None);
        };
        if memo.upto > self.head.place.seq || memo.cut > self.head.place.seq {
            return Ok(None);
        }
        let kept = Some(memo.kept).filter(|seq| *seq != 0);
        let front = self.read(snapshot, memo.pins.iter().copied().chain(kept))?;
        let front: Vec<Entry> = front.iter().map(|kept| Entry::from(MessageRef::from(kept))).collect();
        let Some(mut planner) = Planner::resume(&memo, self.summary_tokens(), &front) else {
            return Ok(None);
        };
        let last = self.head.place.seq;
        let mut weigh = |entry: &Entry| match entry.seq <= memo.upto {
            true => planner.push_known(entry),
            false => planner.push(entry),
        };
        if self.first > memo.cut && last - memo.upto > FAR_BEHIND {
            let mut next = memo.cut;
            snapshot.entries(&self.head.path, memo.cut..=last, &mut |entry| {
                expect_seq(&mut next, entry.seq)?;
                weigh(&entry);
                Ok(())
            })?;
            expect_end(next, last)?;
        } else {
            self.reach_back_to(snapshot, memo.cut)?;
            let views = self.views_from(memo.cut);
            views.iter().for_each(|view| weigh(&view.entry()));
        }
        Ok(Some(planner))
    }

    fn prepare(&mut self, snapshot: &dyn Snapshot, planner: &Planner) -> Result<Prepared> {
        self.reach_back_to(snapshot, planner.cut())?;
        let front = self.read(snapshot, planner.front())?;
        let summary = Summary {
            text: &self.head.summary,
            tokens: self.head.summary_tokens,
        };
        Ok(Prepared::new(planner, &front, &summary, self.body.run(), self.first))
    }

    /// Single messages, by seq.
    fn read(&self, snapshot: &dyn Snapshot, seqs: impl IntoIterator<Item = u32>) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        for seq in seqs {
            snapshot.messages(&self.head.path, seq..=seq, &mut |message| {
                messages.push(Message::from(message));
                Ok(())
            })?;
        }
        messages.sort_unstable_by_key(|message| message.place.seq);
        Ok(messages)
    }

    /// Makes the body begin at `first` or before.
    pub(crate) fn reach_back_to(&mut self, snapshot: &dyn Snapshot, first: u32) -> Result<()> {
        if self.first <= first {
            return Ok(());
        }
        let body = self.read_body(snapshot, first, self.head.place.seq)?;
        self.install(body, first);
        Ok(())
    }

    /// Messages from the storage: all from `first` to `last`, or an error.
    pub(crate) fn read_body(&self, snapshot: &dyn Snapshot, first: u32, last: u32) -> Result<Body> {
        let mut body = Body::for_messages((last + 1 - first) as usize);
        let mut next = first;
        snapshot.messages(&self.head.path, first..=last, &mut |message| {
            expect_seq(&mut next, message.place.seq)?;
            body.push(&message);
            Ok(())
        })?;
        expect_end(next, last)?;
        Ok(body)
    }

    /// Another body in place of the one that is here; prepared windows hold on to the old one until they are made anew.
    pub(crate) fn install(&mut self, body: Body, first: u32) {
        self.body = body;
        self.first = first;
        self.plans.iter_mut().for_each(|plan| plan.prepared = None);
        self.handed_out.take();
    }

    fn views_from(&self, seq: u32) -> &[MessageView] {
        let views = self.body.run().views();
        self.body.run().slice((seq - self.first) as usize..views.len())
    }

    /// The messages that are in memory, if they begin at `first` or before: the run, and where in it they begin.
    pub(crate) fn run_from(&self, first: u32) -> Option<(Arc<Run>, usize)> {
        (self.first <= first).then(|| (Arc::clone(self.body.run()), (first - self.first) as usize))
    }
}

impl Plan {
    fn bytes(&self) -> usize {
        let prepared = self.prepared.as_ref().map_or(0, |prepared| prepared.front_bytes());
        self.planner.bytes() + prepared
    }

    /// Whether the cut has moved.
    fn push(&mut self, entry: &Entry, run: &Arc<Run>) -> bool {
        let cut = self.planner.cut();
        self.planner.push(entry);
        let moved = self.planner.cut() != cut;
        if moved {
            self.prepared = None;
        }
        if let Some(prepared) = &self.prepared
            && !prepared.is_onto(run)
        {
            self.prepared = Some(Arc::new(prepared.with_run(run)));
        }
        moved
    }
}

/// Messages have no holes: what is read must be the next one.
pub(crate) fn expect_seq(next: &mut u32, found: u32) -> Result<()> {
    if found != *next {
        return Err(missing(*next));
    }
    *next += 1;
    Ok(())
}

/// The last message that was asked for must have been read.
pub(crate) fn expect_end(next: u32, last: u32) -> Result<()> {
    if next <= last { Err(missing(next)) } else { Ok(()) }
}

/// The error of a message that must be there.
pub(crate) fn missing(seq: u32) -> Error {
    Error::new(
        Kind::Corrupt,
        format!("message {seq} should be there and is not: the file is damaged; {DAMAGE_ADVICE}"),
    )
}
