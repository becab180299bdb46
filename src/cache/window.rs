//! A window as it is handed out: a front, a run from the cut to the end, and the report about both.

use super::body::{Body, Run};
use super::view::{MessageView, WindowReport};
use crate::context::Planner;
use crate::error::{Error, Kind, Result};
use crate::model::{Message, MessageFlags, MessageRef, Place, Role};
use std::sync::Arc;

/// The part of a window that stays the same until the cut moves.
pub(crate) struct Prepared {
    front: Arc<Run>,
    front_bytes: usize,
    run: Arc<Run>,
    /// How many messages of the run lie before the cut.
    skip: usize,
    cut: u32,
    shows_summary: bool,
    front_tokens: u64,
    tokens_before_cut: u64,
    left_out_first: u32,
    left_out_last: u32,
}

/// What the session says of what was cut.
pub(crate) struct Summary<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: u32,
}

impl Prepared {
    /// Puts the front together. `front` are the messages that the planner names, by seq; `run` begins at `run_first`.
    pub(crate) fn new(
        planner: &Planner,
        front: &[Message],
        summary: &Summary<'_>,
        run: &Arc<Run>,
        run_first: u32,
    ) -> Self {
        let cut = planner.cut();
        let skip = (cut - run_first) as usize;
        let summary_shown = planner.shows_summary();
        // The summary stands where the cut is: behind what is pinned, before the question of a turn that is cut inside.
        let summary_place = front
            .iter()
            .position(|message| Some(message.place.seq) == planner.kept_user())
            .unwrap_or(front.len());
        let mut body = Body::new();
        for (index, message) in front.iter().enumerate() {
            if index == summary_place && summary_shown {
                body.push(&summary.view());
            }
            body.push(&MessageRef::from(message));
        }
        if summary_place == front.len() && summary_shown {
            body.push(&summary.view());
        }
        let (left_out_first, left_out_last) = left_out(front, cut);
        let before = run
            .views()
            .get(skip)
            .map(|view| view.total_tokens - u64::from(view.tokens));
        Self {
            front: Arc::clone(body.run()),
            front_bytes: body.bytes(),
            run: Arc::clone(run),
            skip,
            cut,
            shows_summary: summary_shown,
            front_tokens: front.iter().map(|kept| u64::from(kept.message.tokens)).sum(),
            tokens_before_cut: before.unwrap_or(0),
            left_out_first,
            left_out_last,
        }
    }

    /// The memory that the front takes.
    pub(crate) fn front_bytes(&self) -> usize {
        self.front_bytes
    }

    /// Whether its messages lie in this run.
    pub(crate) fn is_onto(&self, run: &Arc<Run>) -> bool {
        Arc::ptr_eq(&self.run, run)
    }

    /// The same front before a run that took the place of the old one.
    pub(crate) fn with_run(&self, run: &Arc<Run>) -> Self {
        Self {
            front: Arc::clone(&self.front),
            run: Arc::clone(run),
            ..*self
        }
    }
}

/// The first and the last message before the cut that are not in the front; 0 if there is none.
fn left_out(front: &[Message], cut: u32) -> (u32, u32) {
    let shown = |seq: &u32| front.binary_search_by_key(seq, |message| message.place.seq).is_ok();
    let first = (1..cut).find(|seq| !shown(seq)).unwrap_or(0);
    let last = (1..cut).rev().find(|seq| !shown(seq)).unwrap_or(0);
    (first, last)
}

impl Summary<'_> {
    fn view(&self) -> MessageRef<'_> {
        MessageRef {
            place: Place::default(),
            role: Role::System,
            flags: MessageFlags::SUMMARY,
            tokens: self.tokens,
            created: 0,
            content: self.text,
            tool_calls: None,
            tool_call_id: None,
            model: None,
            metadata: None,
        }
    }
}

/// The messages for the next prompt, as of one moment.
pub struct Window {
    prepared: Arc<Prepared>,
    run_len: usize,
    report: WindowReport,
}

impl Window {
    /// A window onto what was prepared, if what it must hold fits.
    pub(crate) fn new(prepared: &Arc<Prepared>, planner: &Planner, head: Place, revision: u64) -> Result<Self> {
        let usage = planner.usage();
        if !usage.fits {
            return Err(too_large(planner));
        }
        let front = prepared.front.views().len() as u64;
        let shown_before_cut = front - u64::from(prepared.shows_summary);
        Ok(Self {
            prepared: Arc::clone(prepared),
            run_len: (head.seq + 1 - prepared.cut) as usize,
            report: WindowReport {
                tokens: usage.tokens,
                budget_tokens: planner.policy().budget(),
                cut_seq: prepared.cut.into(),
                head_seq: head.seq.into(),
                front_messages: front,
                left_out_messages: u64::from(prepared.cut - 1) - shown_before_cut,
                left_out_tokens: prepared.tokens_before_cut - prepared.front_tokens,
                left_out_first_seq: prepared.left_out_first.into(),
                left_out_last_seq: prepared.left_out_last.into(),
                revision,
            },
        })
    }

    /// The number of messages.
    pub fn len(&self) -> usize {
        self.prepared.front.views().len() + self.run_len
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A message.
    pub fn get(&self, index: usize) -> Option<&MessageView> {
        let front = self.prepared.front.views();
        front.get(index).or_else(|| self.run().get(index - front.len()))
    }

    /// The messages, in order.
    pub fn iter(&self) -> impl Iterator<Item = &MessageView> {
        self.prepared.front.views().iter().chain(self.run())
    }

    /// The messages with their texts, in order.
    pub fn messages(&self) -> impl Iterator<Item = MessageRef<'_>> {
        let Prepared { front, run, skip, .. } = &*self.prepared;
        let in_front = front.messages(0..front.views().len());
        in_front.chain(run.messages(*skip..*skip + self.run_len))
    }

    fn run(&self) -> &[MessageView] {
        let prepared = &self.prepared;
        prepared.run.slice(prepared.skip..prepared.skip + self.run_len)
    }

    /// What is in it and what is not.
    pub fn report(&self) -> &WindowReport {
        &self.report
    }

    /// How many leading messages two windows share, byte for byte.
    pub fn common_prefix(&self, other: &Self) -> usize {
        self.iter()
            .zip(other.iter())
            .take_while(|(one, other)| one.reads_like(other))
            .count()
    }
}

fn too_large(planner: &Planner) -> Error {
    let policy = planner.policy();
    let (most_tokens, _) = policy.room_for_messages();
    let (messages, tokens) = planner.in_cut();
    let newest = planner.newest_step_tokens();
    let (room_of_summary, place_of_summary) = match policy.summary_tokens {
        0 => (String::new(), ""),
        tokens => (
            format!(" and {tokens} for the summary"),
            ", one of them for the summary",
        ),
    };
    let room = format!(
        "{most_tokens} are left of {} after {} for the answer{room_of_summary}",
        policy.max_tokens, policy.reserve_tokens
    );
    let message = if planner.summary_is_too_large() {
        format!(
            "the session's summary needs more than the {} tokens that summary_tokens keeps for it; shorten it",
            policy.summary_tokens
        )
    } else if newest > most_tokens {
        format!("the newest step needs {newest} tokens; {room}")
    } else if tokens > most_tokens {
        format!(
            "the newest step needs {newest} tokens and what stays in front of it {}: {} too many; {room}",
            tokens - newest,
            tokens - most_tokens
        )
    } else {
        format!(
            "the newest step and what stays in front of it are {messages} messages; max_messages is {}{place_of_summary}",
            policy.max_messages
        )
    };
    Error::new(Kind::TooLarge, message)
}
