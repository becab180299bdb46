//! Every property over every recorded conversation, and what a deep cut saves an engine.

use crate::chats::{self, Chat, ChatMessage};
use crate::properties::{self, Replay};
use std::collections::HashMap;
use std::io::Write;
use turnkeep::context::{Entry, Estimate, Policy, Tokenizer, WindowOptions};
use turnkeep::model::Role;

#[test]
fn windows_of_256_tokens_over_recorded_conversations_are_right() {
    check_at(256, "windows_of_256_tokens_over_recorded_conversations_are_right");
}

#[test]
fn windows_of_1024_tokens_over_recorded_conversations_are_right() {
    check_at(1_024, "windows_of_1024_tokens_over_recorded_conversations_are_right");
}

#[test]
fn windows_of_4096_tokens_over_recorded_conversations_are_right() {
    check_at(4_096, "windows_of_4096_tokens_over_recorded_conversations_are_right");
}

fn check_at(max_tokens: u64, test: &str) {
    let Some(chats) = chats::all(test) else { return };
    let plain = WindowOptions {
        max_tokens,
        ..WindowOptions::default()
    };
    let sliding = WindowOptions {
        low_water_percent: 100,
        ..plain
    };
    let with_everything = WindowOptions {
        reserve_tokens: max_tokens / 8,
        message_overhead: 3,
        keep_first_turns: 1,
        max_messages: 40,
        ..plain
    };
    let mut at_75 = Reading::default();
    let mut at_100 = Reading::default();
    for chat in &chats {
        let messages = entries(chat);
        at_75.add(&checked(chat, &messages, &plain, None));
        let slid = checked(chat, &messages, &sliding, None);
        properties::drops_no_turn_that_fits(&slid);
        at_100.add(&slid);
        checked(chat, &messages, &with_everything, Some(max_tokens / 10));
    }
    // Not eprintln: the test runner swallows that of a test that passes.
    let mut stderr = std::io::stderr();
    writeln!(
        stderr,
        "window of {max_tokens}: tokens re-read a turn: {at_75} at low water 75, {at_100} at 100"
    )
    .unwrap();
}

/// All properties of one conversation's windows.
fn checked<'a>(
    chat: &Chat,
    messages: &'a [Entry],
    options: &WindowOptions,
    summary_tokens: Option<u64>,
) -> Replay<'a> {
    let _told_if_it_fails = Failing(&chat.id);
    let replay = Replay::new(Policy::new(options, 8_192).unwrap(), summary_tokens, messages);
    for property in [
        properties::equals_the_naive_reference,
        properties::never_passes_the_budget_if_it_fits,
        properties::is_too_large_only_if_the_newest_step_is,
        properties::holds_whole_steps,
        properties::has_a_front_in_order_and_a_run_without_holes,
        properties::always_holds_the_pins,
        properties::shows_the_summary_only_in_place_of_something,
        properties::keeps_its_prefix_while_the_cut_stays,
        properties::moves_its_cut_only_forward_and_only_when_it_must,
        properties::survives_a_restart_after_every_message,
    ] {
        property(&replay);
    }
    holds_every_call_that_is_answered(chat, &replay);
    replay
}

/// Says in which conversation a property failed.
struct Failing<'a>(&'a str);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut stderr = std::io::stderr();
            drop(writeln!(stderr, "in conversation {}", self.0));
        }
    }
}

/// By the ids in the conversation itself, not by who stands behind whom.
fn holds_every_call_that_is_answered(chat: &Chat, replay: &Replay) {
    let answers = answers(chat);
    for n in 1..=replay.messages.len() {
        let prompt = replay.prompt(n);
        for (result, call) in &answers {
            let is_orphan = properties::holds(&prompt, *result) && !properties::holds(&prompt, *call);
            assert!(!is_orphan, "{result} without its call {call} after {n}");
        }
    }
}

/// Every tool result and the message that called for it.
fn answers(chat: &Chat) -> Vec<(u32, u32)> {
    let mut callers = HashMap::new();
    let mut answers = Vec::new();
    for (message, seq) in chat.messages.iter().zip(1..) {
        callers.extend(call_ids(message).map(|id| (id, seq)));
        if let Some(id) = &message.tool_call_id {
            answers.push((seq, callers[id.as_str()]));
        }
    }
    answers
}

fn call_ids(message: &ChatMessage) -> impl Iterator<Item = &str> {
    let calls = message.tool_calls.as_ref().and_then(|calls| calls.as_array());
    calls.into_iter().flatten().filter_map(|call| call["id"].as_str())
}

/// A conversation as the planner sees it, with the estimate as the count of tokens.
fn entries(chat: &Chat) -> Vec<Entry> {
    let mut turn = 0;
    let numbered = chat.messages.iter().zip(1..);
    numbered
        .map(|(message, seq)| {
            let role = role(&message.role);
            turn += u32::from(role == Role::User);
            Entry {
                seq,
                role,
                tokens: u32::try_from(Estimate.count(&message.content).unwrap()).unwrap(),
                turn,
                pinned: false,
            }
        })
        .collect()
}

fn role(name: &str) -> Role {
    match name {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => panic!("role '{other}'"),
    }
}

/// What an engine reads that asks for a window after each user message and keeps its state, over the conversations that
/// do not fit.
#[derive(Default)]
struct Reading {
    turns: u64,
    tokens: u64,
    too_large: u64,
}

impl Reading {
    fn add(&mut self, replay: &Replay) {
        let is_cut = replay.shown.last().is_some_and(|shown| shown.cut > 1);
        if is_cut {
            self.add_turns(replay);
        }
    }

    fn add_turns(&mut self, replay: &Replay) {
        let mut read: Vec<u32> = Vec::new();
        for (message, n) in replay.messages.iter().zip(1..) {
            if message.role != Role::User {
                read.push(message.seq);
            } else if replay.shown[n - 1].fits {
                let prompt = replay.prompt(n);
                let same = prompt.iter().zip(&read).take_while(|(one, other)| one == other).count();
                let tokens = prompt[same..]
                    .iter()
                    .map(|seq| u64::from(replay.messages[*seq as usize - 1].tokens));
                self.tokens += tokens.sum::<u64>();
                self.turns += 1;
                read = prompt;
            } else {
                self.too_large += 1;
            }
        }
    }
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let each = self.tokens as f64 / self.turns.max(1) as f64;
        write!(f, "{each:.0} ({} turns, {} too large)", self.turns, self.too_large)
    }
}
