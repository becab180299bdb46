//! What must hold for every window of every session.

use crate::naive_window::{Naive, Shown};
use turnkeep::context::{Entry, Planner, Policy};
use turnkeep::model::Role;

/// A session, what is asked of its windows, and the window after each message.
pub(crate) struct Replay<'a> {
    pub(crate) policy: Policy,
    pub(crate) summary_tokens: Option<u64>,
    pub(crate) messages: &'a [Entry],
    pub(crate) shown: Vec<Shown>,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(policy: Policy, summary_tokens: Option<u64>, messages: &'a [Entry]) -> Self {
        let mut planner = Planner::new(policy, summary_tokens);
        let shown = messages.iter().map(|message| {
            planner.push(message);
            assert_eq!(planner.upto(), message.seq);
            Shown::of(&planner)
        });
        Self {
            policy,
            summary_tokens,
            messages,
            shown: shown.collect(),
        }
    }

    /// The session when it had `n` messages.
    fn after(&self, n: usize) -> Naive<'_> {
        Naive {
            policy: &self.policy,
            summary_tokens: self.summary_tokens,
            messages: &self.messages[..n],
        }
    }

    /// The session after each message, and its window.
    fn moments(&self) -> impl Iterator<Item = (Naive<'_>, &Shown)> {
        self.shown.iter().zip(1..).map(|(shown, n)| (self.after(n), shown))
    }

    /// Where the cut moved: the session, the window before, the window after.
    fn moves(&self) -> impl Iterator<Item = (Naive<'_>, &Shown, &Shown)> {
        self.shown
            .windows(2)
            .zip(2..)
            .map(|(pair, n)| (self.after(n), &pair[0], &pair[1]))
            .filter(|(_, before, after)| before.cut != after.cut)
    }

    /// The messages of the window that the session had with `n` messages, in order.
    pub(crate) fn prompt(&self, n: usize) -> Vec<u32> {
        let shown = &self.shown[n - 1];
        shown.front.iter().copied().chain(shown.cut..=n as u32).collect()
    }
}

/// Whether a message is in a prompt, whose messages are in order.
pub(crate) fn holds(prompt: &[u32], seq: u32) -> bool {
    prompt.binary_search(&seq).is_ok()
}

pub(crate) fn equals_the_naive_reference(replay: &Replay) {
    let reference = replay.after(replay.messages.len()).windows();
    for ((shown, reference), n) in replay.shown.iter().zip(&reference).zip(1..) {
        assert_eq!(shown, reference, "after {n} messages");
    }
}

/// Counted anew from the messages of the window, not from what the planner says of them.
pub(crate) fn never_passes_the_budget_if_it_fits(replay: &Replay) {
    let overhead = u64::from(replay.policy.message_overhead);
    let budget = replay.policy.max_tokens - replay.policy.reserve_tokens;
    for (shown, n) in replay.shown.iter().zip(1..) {
        let prompt = replay.prompt(n);
        let mut tokens: u64 = prompt
            .iter()
            .map(|seq| u64::from(replay.messages[*seq as usize - 1].tokens) + overhead)
            .sum();
        let mut count = prompt.len();
        if shown.summary {
            tokens += replay.summary_tokens.unwrap() + overhead;
            count += 1;
        }
        assert_eq!(
            (shown.tokens, shown.messages),
            (tokens, count as u64),
            "after {n} messages"
        );
        if shown.fits {
            assert!(tokens <= budget, "{tokens} tokens of {budget} after {n} messages");
            assert!(count <= replay.policy.max_messages as usize, "{count} of {n} messages");
        }
    }
}

/// The error is for the caller who can do something: no smaller window would have held the newest step, or the summary has
/// outgrown its room.
pub(crate) fn is_too_large_only_if_the_newest_step_is(replay: &Replay) {
    let too_large = replay
        .moments()
        .filter(|(session, shown)| !shown.fits && !session.summary_outgrows_its_room(shown));
    for (session, shown) in too_large {
        let newest_step = session.step_starts().next_back().unwrap();
        assert_eq!(shown.cut, newest_step);
    }
}

/// A tool result and what stands before it, its call or another result, are both there or neither is.
pub(crate) fn holds_whole_steps(replay: &Replay) {
    for n in 1..=replay.messages.len() {
        let prompt = replay.prompt(n);
        let results = replay.messages[..n].iter().filter(|message| message.role == Role::Tool);
        for result in results {
            let with_what_it_follows = holds(&prompt, result.seq) == holds(&prompt, result.seq - 1);
            assert!(with_what_it_follows, "{} in {prompt:?}", result.seq);
        }
    }
}

pub(crate) fn has_a_front_in_order_and_a_run_without_holes(replay: &Replay) {
    for (shown, n) in replay.shown.iter().zip(1..) {
        let first = &replay.messages[shown.cut as usize - 1];
        assert_ne!(first.role, Role::Tool);
        let prompt = replay.prompt(n);
        assert!(prompt.is_sorted_by(|one, next| one < next), "{prompt:?}");
        assert_eq!(prompt.last(), Some(&(n as u32)));
    }
}

pub(crate) fn always_holds_the_pins(replay: &Replay) {
    for (session, _) in replay.moments() {
        let prompt = replay.prompt(session.messages.len());
        for message in session.messages {
            assert!(!session.must_stay(message.seq) || holds(&prompt, message.seq));
        }
    }
}

pub(crate) fn shows_the_summary_only_in_place_of_something(replay: &Replay) {
    for (session, shown) in replay.moments() {
        let left_out = session.messages.len() > replay.prompt(session.messages.len()).len();
        assert!(left_out || !shown.summary);
    }
}

/// What an engine has read stays read.
pub(crate) fn keeps_its_prefix_while_the_cut_stays(replay: &Replay) {
    for (pair, n) in replay.shown.windows(2).zip(1..) {
        if pair[0].cut == pair[1].cut {
            assert_eq!(pair[0].summary, pair[1].summary);
            assert!(replay.prompt(n + 1).starts_with(&replay.prompt(n)));
        }
    }
}

pub(crate) fn moves_its_cut_only_forward_and_only_when_it_must(replay: &Replay) {
    for (session, before, after) in replay.moves() {
        assert!(before.cut < after.cut);
        assert!(!session.window_from(before.cut).fits);
    }
}

/// With a low-water mark of 100 %: as many whole turns stay as fit.
pub(crate) fn drops_no_turn_that_fits(replay: &Replay) {
    assert_eq!(replay.policy.low_water_percent, 100);
    for (session, before, after) in replay.moves() {
        let mut later_turns = session.turn_starts().filter(|turn| *turn > before.cut);
        let first_that_fits = later_turns.find(|turn| session.window_from(*turn).fits);
        assert!(first_that_fits.is_none_or(|turn| turn == after.cut));
    }
}

/// Stopped after every message and gone on from the memo, the planner never knows.
pub(crate) fn survives_a_restart_after_every_message(replay: &Replay) {
    let mut planner = Planner::new(replay.policy, replay.summary_tokens);
    for (message, shown_then) in replay.messages.iter().zip(&replay.shown) {
        planner = restarted(&planner, replay);
        planner.push(message);
        assert_eq!(&Shown::of(&planner), shown_then);
    }
}

/// Stopped once, anywhere, and gone on from the memo to the end.
pub(crate) fn survives_one_restart_anywhere(replay: &Replay) {
    let mut uninterrupted = Planner::new(replay.policy, replay.summary_tokens);
    for stop in 0..replay.messages.len() {
        let mut planner = restarted(&uninterrupted, replay);
        for (message, shown_then) in replay.messages.iter().zip(&replay.shown).skip(stop) {
            planner.push(message);
            assert_eq!(&Shown::of(&planner), shown_then);
        }
        uninterrupted.push(&replay.messages[stop]);
    }
}

/// Messages are taken back: the memo is of use down to where the cut came to its place, and never after that.
pub(crate) fn survives_messages_being_taken_back(replay: &Replay) {
    let entry = |seq: u32| replay.messages[seq as usize - 1];
    let mut planner = Planner::new(replay.policy, replay.summary_tokens);
    for message in replay.messages {
        planner.push(message);
        let is_looked_at = message.seq % 8 == 0 || message.seq as usize == replay.messages.len();
        let Some(memo) = planner.memo().filter(|_| is_looked_at) else {
            continue;
        };
        for end in 1..=message.seq {
            let shown_then = &replay.shown[end as usize - 1];
            let Some(earlier) = memo.clone().at(end) else {
                assert!(end < memo.since.unwrap());
                continue;
            };
            let front: Vec<Entry> = planner.front().into_iter().map(entry).collect();
            let mut resumed = Planner::resume(&earlier, replay.summary_tokens, &front).expect("a sound memo");
            (earlier.cut..=earlier.upto).for_each(|seq| resumed.push_known(&entry(seq)));
            assert_eq!(&Shown::of(&resumed), shown_then);
            if let Some(next) = replay.messages.get(end as usize) {
                resumed.push(next);
                assert_eq!(&Shown::of(&resumed), &replay.shown[end as usize]);
            }
        }
    }
}

/// What a process makes of the memo that another one left; the planner itself where the memo would be too long.
fn restarted(planner: &Planner, replay: &Replay) -> Planner {
    let Some(memo) = planner.memo() else {
        assert!(planner.front().len() > 64);
        return planner.clone();
    };
    let entry = |seq: u32| replay.messages[seq as usize - 1];
    let front: Vec<Entry> = planner.front().into_iter().map(entry).collect();
    let mut resumed = Planner::resume(&memo, replay.summary_tokens, &front).expect("a sound memo");
    for seq in memo.cut..=memo.upto {
        resumed.push_known(&entry(seq));
    }
    assert_eq!(Shown::of(&resumed), Shown::of(planner));
    assert_eq!(resumed.memo(), Some(memo));
    assert_eq!(resumed.upto(), planner.upto());
    assert_eq!(resumed.newest_step_tokens(), planner.newest_step_tokens());
    resumed
}
