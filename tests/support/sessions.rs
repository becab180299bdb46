//! Random well-formed sessions: instructions at the head or not, an opening without a user or not, turns of steps, tool
//! results after their calls, instructions in between, pins here and there, messages from empty to far too large.

use proptest::collection::vec;
use proptest::prelude::*;
use turnkeep::context::Entry;
use turnkeep::model::Role;

#[derive(Clone, Debug)]
struct Line {
    role: Role,
    tokens: u32,
    /// Pinned where this is below what the session draws.
    pin: u32,
}

/// A session of up to about 60 messages.
pub(crate) fn session() -> impl Strategy<Value = Vec<Entry>> {
    let opening = prop_oneof![3 => Just(Vec::new()), 1 => vec(step(), 1..4)];
    let pinned_percent = prop_oneof![3 => Just(0u32), 3 => Just(6), 1 => Just(40)];
    (vec(instruction(), 0..4), opening, vec(turn(), 0..14), pinned_percent).prop_map(
        |(head, opening, turns, pinned_percent)| {
            let steps = opening.into_iter().chain(turns.into_iter().flatten()).flatten();
            number(head.into_iter().chain(steps), pinned_percent)
        },
    )
}

/// What the store tells of messages: their places and their turns.
fn number(lines: impl Iterator<Item = Line>, pinned_percent: u32) -> Vec<Entry> {
    let mut turn = 0;
    lines
        .zip(1..)
        .map(|(line, seq)| {
            turn += u32::from(line.role == Role::User);
            Entry {
                seq,
                role: line.role,
                tokens: line.tokens,
                turn,
                pinned: line.pin < pinned_percent,
            }
        })
        .collect()
}

fn turn() -> impl Strategy<Value = Vec<Vec<Line>>> {
    (line(Role::User), vec(step(), 0..4)).prop_map(|(user, mut steps)| {
        steps.insert(0, vec![user]);
        steps
    })
}

fn step() -> impl Strategy<Value = Vec<Line>> {
    let results = prop_oneof![2 => Just(Vec::new()), 1 => vec(line(Role::Tool), 1..4)];
    let answer = (line(Role::Assistant), results).prop_map(|(call, mut results)| {
        results.insert(0, call);
        results
    });
    prop_oneof![9 => answer, 1 => instruction().prop_map(|line| vec![line])]
}

fn instruction() -> impl Strategy<Value = Line> {
    prop_oneof![line(Role::System), line(Role::Developer)]
}

fn line(role: Role) -> impl Strategy<Value = Line> {
    let tokens = prop_oneof![
        20 => 0..60u32,
        10 => 60..300u32,
        2 => 300..3_000u32,
        1 => 3_000..=i32::MAX as u32,
    ];
    (tokens, 0..100u32).prop_map(move |(tokens, pin)| Line { role, tokens, pin })
}
