//! Every property over random sessions and random options.

use crate::properties::{self, Replay};
use crate::sessions;
use proptest::prelude::*;
use turnkeep::context::{Entry, LeaveOut, Policy, WindowOptions};

/// What is asked, and the tokens of the summary.
type Asked = (WindowOptions, Option<u64>);

fn asked() -> impl Strategy<Value = Asked> {
    let max_tokens = prop_oneof![1 => 1..40u64, 4 => 40..1_000u64, 2 => 1_000..4_000u64];
    let reserve_percent = prop_oneof![2 => Just(0u64), 1 => 0..100u64];
    let low_water_percent = prop_oneof![1 => Just(0u32), 2 => 1..=100u32];
    let max_messages = prop_oneof![2 => Just(0u32), 1 => 1..25u32];
    let numbers = (max_tokens, reserve_percent, 0..9u32, low_water_percent, max_messages);
    let summary_tokens = proptest::option::of(0..300u64);
    let room_percent = prop_oneof![2 => Just(0u64), 1 => 0..100u64];
    (numbers, 0..4u32, 0..=LeaveOut::ALL, (summary_tokens, room_percent)).prop_map(
        |((max_tokens, reserve_percent, message_overhead, low_water_percent, max_messages), first, out, summary)| {
            let (summary, room_percent) = summary;
            let reserve_tokens = max_tokens * reserve_percent / 100;
            let options = WindowOptions {
                max_tokens,
                reserve_tokens,
                summary_tokens: (max_tokens - reserve_tokens) * room_percent / 100,
                message_overhead,
                low_water_percent,
                keep_first_turns: first.saturating_sub(1),
                max_messages,
                leave_out: LeaveOut(out),
            };
            (options, summary)
        },
    )
}

fn check(messages: &[Entry], (options, summary_tokens): Asked, property: fn(&Replay)) {
    let policy = Policy::new(&options, 8_192).unwrap();
    property(&Replay::new(policy, summary_tokens, messages));
}

macro_rules! every_window {
    ($($name:ident,)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(messages in sessions::session(), asked in asked()) {
                    check(&messages, asked, properties::$name);
                }
            )*

            #[test]
            fn drops_no_turn_that_fits(messages in sessions::session(), asked in asked()) {
                let (options, summary_tokens) = asked;
                let options = WindowOptions { low_water_percent: 100, ..options };
                check(&messages, (options, summary_tokens), properties::drops_no_turn_that_fits);
            }
        }
    };
}

every_window! {
    equals_the_naive_reference,
    never_passes_the_budget_if_it_fits,
    is_too_large_only_if_the_newest_step_is,
    holds_whole_steps,
    has_a_front_in_order_and_a_run_without_holes,
    always_holds_the_pins,
    shows_the_summary_only_in_place_of_something,
    keeps_its_prefix_while_the_cut_stays,
    moves_its_cut_only_forward_and_only_when_it_must,
    survives_a_restart_after_every_message,
    survives_one_restart_anywhere,
    survives_messages_being_taken_back,
}
