//! Windows with any options over any history, against the naive reference; and the real window of a store against both.

use super::draw::Draw;
use super::naive_window::{Naive, Shown};
use turnkeep::context::{Entry, LeaveOut, Planner, Policy, WindowOptions};
use turnkeep::model::Role;

/// The naive reference takes the square of this.
const MOST_MESSAGES: usize = 70;

pub(crate) fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let options = options(&mut draw);
    let default_tokens = draw.number().clamp(1, i64::MAX as u64 >> 1);
    let Ok(policy) = Policy::new(&options, default_tokens) else {
        return;
    };
    let summary_tokens = draw.one_in(2).then(|| tokens(&mut draw));
    let messages = history(&mut draw);
    let expected = Naive {
        policy: &policy,
        summary_tokens,
        messages: &messages,
    }
    .windows();
    let mut planner = Planner::new(policy, summary_tokens);
    for (message, expected) in messages.iter().zip(&expected) {
        planner.push(message);
        assert_eq!(
            Shown::of(&planner),
            *expected,
            "{policy:?}, after message {}",
            message.seq
        );
        obeys(&policy, &messages, expected);
    }
    goes_on_from_a_memo(&policy, summary_tokens, &messages, &expected, &mut draw);
}

fn options(draw: &mut Draw<'_>) -> WindowOptions {
    WindowOptions {
        max_tokens: draw.number().saturating_mul(draw.pick(&[1, 1, 20])),
        reserve_tokens: draw.pick(&[0, 0, 0, 1, 10, u64::MAX]),
        summary_tokens: draw.pick(&[0, 0, 0, 1, 10, 50, u64::MAX]),
        message_overhead: draw.pick(&[0, 0, 1, 4, 1_000, u32::MAX]),
        low_water_percent: draw.pick(&[0, 1, 50, 75, 99, 100, 101, u32::MAX]),
        keep_first_turns: draw.pick(&[0, 0, 0, 1, 2, 5, u32::MAX]),
        max_messages: draw.pick(&[0, 0, 0, 1, 2, 3, 10, u32::MAX, u32::MAX - 1]),
        leave_out: LeaveOut(draw.pick(&[0, 0, 0, 1, 2, 3, 4])),
    }
}

fn tokens(draw: &mut Draw<'_>) -> u64 {
    draw.number().min(i32::MAX as u64)
}

/// Messages as a store takes them: a tool result follows a call or another result.
fn history(draw: &mut Draw<'_>) -> Vec<Entry> {
    let mut messages: Vec<Entry> = Vec::new();
    while !draw.is_over() && messages.len() < MOST_MESSAGES {
        let after_call = messages
            .last()
            .is_some_and(|last| matches!(last.role, Role::Assistant | Role::Tool));
        let role = match draw.upto(9) {
            0 => Role::System,
            1 => Role::Developer,
            2..=4 => Role::User,
            5..=7 => Role::Assistant,
            _ if after_call => Role::Tool,
            _ => Role::Assistant,
        };
        let turn = messages.last().map_or(0, |last| last.turn) + u32::from(role == Role::User);
        messages.push(Entry {
            seq: messages.len() as u32 + 1,
            role,
            tokens: tokens(draw) as u32,
            turn,
            pinned: draw.one_in(8),
        });
    }
    messages
}

/// What must hold of a window by itself, whatever the reference says.
fn obeys(policy: &Policy, messages: &[Entry], shown: &Shown) {
    let first = &messages[shown.cut as usize - 1];
    assert!(
        shown.cut == 1 || first.role != Role::Tool,
        "a window begins with a tool result"
    );
    if shown.fits {
        assert!(shown.tokens <= policy.budget(), "{} tokens in {policy:?}", shown.tokens);
        assert!(shown.messages <= u64::from(policy.max_messages));
    }
}

/// A planner that begins where another stood answers as that one would.
fn goes_on_from_a_memo(
    policy: &Policy,
    summary_tokens: Option<u64>,
    messages: &[Entry],
    expected: &[Shown],
    draw: &mut Draw<'_>,
) {
    let at = draw.upto(messages.len());
    let mut planner = Planner::new(*policy, summary_tokens);
    messages[..at].iter().for_each(|message| planner.push(message));
    let Some(memo) = planner.memo().filter(|_| at > 0) else {
        return;
    };
    let front: Vec<Entry> = planner.front().iter().map(|seq| messages[*seq as usize - 1]).collect();
    let mut resumed = Planner::resume(&memo, summary_tokens, &front).expect("a memo of use");
    for message in &messages[memo.cut as usize - 1..at] {
        resumed.push_known(message);
    }
    for (message, expected) in messages.iter().zip(expected).skip(at) {
        resumed.push(message);
        assert_eq!(Shown::of(&resumed), *expected, "{policy:?}, resumed at {at}");
    }
}
