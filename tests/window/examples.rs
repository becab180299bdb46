//! Small sessions whose windows can be worked out by hand.
//!
//! A session is written as its messages: s(ystem), d(eveloper), u(ser), a(ssistant) or t(ool), then the tokens, then `!`
//! if it is pinned. A window is written as its front, `|`, and its run.

use turnkeep::context::{Entry, LeaveOut, Memo, Planner, Policy, Usage, WindowOptions};
use turnkeep::model::Role;

fn session(text: &str) -> Vec<Entry> {
    let mut turn = 0;
    let numbered = text.split_whitespace().zip(1..);
    numbered
        .map(|(word, seq)| {
            let role = role(word);
            turn += u32::from(role == Role::User);
            Entry {
                seq,
                role,
                tokens: word[1..].trim_end_matches('!').parse().unwrap(),
                turn,
                pinned: word.ends_with('!'),
            }
        })
        .collect()
}

fn role(word: &str) -> Role {
    match &word[..1] {
        "s" => Role::System,
        "d" => Role::Developer,
        "u" => Role::User,
        "a" => Role::Assistant,
        "t" => Role::Tool,
        _ => panic!("{word}"),
    }
}

/// A window of so many tokens, and the defaults: the low-water mark is at 75 %.
fn of(max_tokens: u64) -> WindowOptions {
    WindowOptions {
        max_tokens,
        ..WindowOptions::default()
    }
}

fn planner(text: &str, summary_tokens: Option<u64>, options: &WindowOptions) -> Planner {
    let mut planner = Planner::new(Policy::new(options, 8_192).unwrap(), summary_tokens);
    for message in session(text) {
        planner.push(&message);
    }
    planner
}

fn window(text: &str, options: &WindowOptions) -> String {
    written(text, &planner(text, None, options))
}

fn window_with_summary(text: &str, tokens: u64, options: &WindowOptions) -> String {
    written(text, &planner(text, Some(tokens), options))
}

fn written(text: &str, planner: &Planner) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut parts: Vec<&str> = planner.front().iter().map(|seq| words[*seq as usize - 1]).collect();
    if planner.shows_summary() {
        parts.push("summary");
    }
    parts.push("|");
    parts.extend(&words[planner.cut() as usize - 1..]);
    if !planner.usage().fits {
        parts.push("is too large");
    }
    parts.join(" ")
}

/// Where the cut stands after each message.
fn cuts(text: &str, options: &WindowOptions) -> Vec<u32> {
    let mut planner = planner("", None, options);
    let cut_after = |message: &Entry| {
        planner.push(message);
        planner.cut()
    };
    session(text).iter().map(cut_after).collect()
}

// The cut.

#[test]
fn nothing_is_cut_while_the_budget_holds() {
    assert_eq!(window("s10 u20 a21 u22 a23", &of(100)), "| s10 u20 a21 u22 a23");
}

#[test]
fn the_last_token_of_the_budget_can_be_used() {
    assert_eq!(window("u20 a30 u50", &of(100)), "| u20 a30 u50");
}

#[test]
fn one_token_too_many_moves_the_cut_to_a_turn() {
    assert_eq!(window("u20 a21 u22 a23 u15", &of(100)), "| u22 a23 u15");
}

#[test]
fn the_cut_goes_to_the_first_turn_that_is_at_the_low_water_mark() {
    // From u11 81 are used, from u30 61.
    assert_eq!(window("u10 a10 u11 a9 u30 a20 u11", &of(100)), "| u30 a20 u11");
}

#[test]
fn the_cut_stays_until_the_budget_is_passed_again() {
    let five_turns = "u20 a20 u20 a20 u20 a20 u20 a20 u20 a20";
    assert_eq!(cuts(five_turns, &of(100)), [1, 1, 1, 1, 1, 5, 5, 5, 5, 9]);
}

#[test]
fn a_low_water_mark_of_100_drops_no_turn_that_fits() {
    let sliding = WindowOptions {
        low_water_percent: 100,
        ..of(100)
    };
    let five_turns = "u20 a20 u20 a20 u20 a20 u20 a20 u20 a20";
    assert_eq!(cuts(five_turns, &sliding), [1, 1, 1, 1, 1, 3, 3, 5, 5, 7]);
}

#[test]
fn the_low_water_mark_is_rounded_down() {
    let half = WindowOptions {
        low_water_percent: 50,
        ..of(99)
    };
    assert_eq!(window("u30 a21 u20 a10 u19", &half), "| u20 a10 u19");
    assert_eq!(window("u30 a20 u20 a10 u20", &half), "| u20");
}

#[test]
fn the_low_water_mark_is_a_share_of_what_the_pins_leave() {
    // 75 % of 60: 45.
    assert_eq!(window("s40 u10 a10 u20 a14 u11", &of(100)), "s40 | u20 a14 u11");
    assert_eq!(window("s40 u10 a10 u20 a15 u11", &of(100)), "s40 | u11");
}

#[test]
fn the_newest_turn_stays_whole_above_the_low_water_mark_if_it_fits() {
    assert_eq!(window("u10 a10 u50 a35", &of(100)), "| u50 a35");
}

#[test]
fn the_answers_reserve_is_never_used() {
    let reserved = WindowOptions {
        reserve_tokens: 20,
        ..of(100)
    };
    assert_eq!(window("u30 a30 u20", &reserved), "| u30 a30 u20");
    assert_eq!(window("u30 a30 u21", &reserved), "| u21");
}

#[test]
fn the_overhead_is_counted_for_every_message() {
    let templated = WindowOptions {
        message_overhead: 5,
        ..of(100)
    };
    assert_eq!(window("u20 a20 u20 a20", &templated), "| u20 a20 u20 a20");
    assert_eq!(window("u20 a20 u20 a21", &templated), "| u20 a21");
}

#[test]
fn a_largest_number_of_messages_is_kept_as_the_budget_is() {
    let four = WindowOptions {
        max_messages: 4,
        ..of(100)
    };
    assert_eq!(window("u1 a2 u3 a4", &four), "| u1 a2 u3 a4");
    assert_eq!(window("u1 a2 u3 a4 u5", &four), "| u3 a4 u5");
    assert_eq!(window("s1 u2 a3 u4 a5", &four), "s1 | u4 a5");
    assert_eq!(window_with_summary("s1 u2 a3 u4 a5", 6, &four), "s1 summary | u4 a5");
}

#[test]
fn a_session_without_messages_has_an_empty_window() {
    let planner = planner("", Some(20), &of(100));
    let nothing = Usage {
        tokens: 0,
        messages: 0,
        fits: true,
    };
    assert_eq!((planner.cut(), planner.upto()), (1, 0));
    assert_eq!(planner.usage(), nothing);
}

// Steps.

#[test]
fn window_never_begins_with_a_tool_result() {
    assert_eq!(window("u10 a10 t40 a10 t45", &of(100)), "u10 | a10 t45");
    assert_eq!(
        window("u5 a5 t30 t31 t40", &of(100)),
        "u5 | a5 t30 t31 t40 is too large"
    );
}

#[test]
fn a_turn_too_large_alone_is_cut_at_steps_and_keeps_its_user_message() {
    assert_eq!(window("u1 a1 u10 a20 t21 a22 t23 a24 t25", &of(100)), "u10 | a24 t25");
}

#[test]
fn the_kept_user_message_goes_with_its_turn() {
    assert_eq!(window("u10 a20 t30 a41", &of(100)), "u10 | a41");
    assert_eq!(window("u10 a20 t30 a41 u49", &of(100)), "u10 | a41 u49");
    assert_eq!(window("u10 a20 t30 a41 u50", &of(100)), "| u50");
}

#[test]
fn an_opening_without_a_user_is_cut_at_steps() {
    assert_eq!(window("s10 a40 a51", &of(100)), "s10 | a51");
}

#[test]
fn a_newest_step_that_does_not_fit_with_its_user_message_is_too_large() {
    assert_eq!(window("u10 a10 u90 a20", &of(100)), "u90 | a20 is too large");
}

#[test]
fn a_user_message_that_is_too_large_blocks_no_turn_but_its_own() {
    assert_eq!(window("u10 a10 u150", &of(100)), "| u150 is too large");
    assert_eq!(window("u10 a10 u150 a11", &of(100)), "u150 | a11 is too large");
    assert_eq!(window("u10 a10 u150 a11 u20", &of(100)), "| u20");
}

#[test]
fn the_newest_step_is_weighed_with_its_results_and_their_overhead() {
    let templated = WindowOptions {
        message_overhead: 1,
        ..of(100)
    };
    assert_eq!(planner("u10 a20 t30", None, &templated).newest_step_tokens(), 52);
}

// Pins.

#[test]
fn instructions_at_the_head_stay_in_front() {
    assert_eq!(window("s10 d5 u30 a30 u26", &of(100)), "s10 d5 | u26");
}

#[test]
fn an_instruction_in_the_middle_goes_with_its_turn() {
    assert_eq!(window("u30 s10 a31 u32", &of(100)), "| u32");
}

#[test]
fn a_pinned_message_comes_to_the_front_when_its_turn_is_cut() {
    assert_eq!(window("u20 a21! u22 a23", &of(100)), "| u20 a21! u22 a23");
    assert_eq!(window("u20 a21! u22 a23 u24", &of(100)), "a21! | u24");
}

#[test]
fn a_pinned_tool_result_keeps_its_call_and_the_other_results() {
    assert_eq!(window("u20 a5 t6! t7 a20 u50", &of(100)), "a5 t6! t7 | u50");
    assert_eq!(window("u20 a5 t6 t7! a20 u50", &of(100)), "a5 t6 t7! | u50");
    assert_eq!(window("u20 a5! t6 t7 a20 u50", &of(100)), "a5! t6 t7 | u50");
}

#[test]
fn a_pinned_user_message_is_not_kept_twice() {
    let planner = planner("u10! a20 t30 a41", None, &of(100));
    assert_eq!(planner.front(), [1]);
    assert_eq!(planner.usage().tokens, 51);
}

#[test]
fn pins_that_are_left_out_go_with_their_turn_but_the_head_stays() {
    let without_pins = WindowOptions {
        leave_out: LeaveOut::PINS,
        ..of(100)
    };
    assert_eq!(window("s10 u20 a21! u22 a23 u24", &without_pins), "s10 | u24");
}

#[test]
fn the_first_turns_stay_with_what_came_before_them() {
    let first = WindowOptions {
        keep_first_turns: 1,
        ..of(100)
    };
    assert_eq!(window("s10 u11 a12 u30 a20 u20", &first), "s10 u11 a12 | u20");
    assert_eq!(window("a5 u10 a10 u50 a20 u11", &first), "a5 u10 a10 | u11");
    assert_eq!(window("a5 u10 a10 u50 a20 u11", &of(100)), "| u11");
}

#[test]
fn a_first_turn_that_is_kept_is_never_cut_at_steps() {
    let first = WindowOptions {
        keep_first_turns: 1,
        ..of(100)
    };
    assert_eq!(window("u10 a40 a60 u5", &of(100)), "u10 | a60 u5");
    assert_eq!(window("u10 a40 a60 u5", &first), "u10 a40 a60 | u5 is too large");
}

#[test]
fn pins_that_pass_the_budget_are_too_large() {
    assert_eq!(window("s60 u10 a41! u12", &of(100)), "s60 a41! | u12 is too large");
}

// The summary.

#[test]
fn the_summary_stands_in_the_window_only_when_something_was_cut() {
    assert_eq!(
        window_with_summary("u20 a21 u22 a23", 15, &of(100)),
        "| u20 a21 u22 a23"
    );
    assert_eq!(
        window_with_summary("u20 a21 u22 a23 u24", 15, &of(100)),
        "summary | u24"
    );
}

#[test]
fn the_summary_does_not_stand_for_messages_that_are_there() {
    let first = WindowOptions {
        keep_first_turns: 1,
        ..of(100)
    };
    let everything = "u20 a20 u30 | a31 is too large";
    assert_eq!(window_with_summary("u20 a20 u30 a31", 15, &first), everything);
}

#[test]
fn the_summary_can_be_left_out() {
    let without_summary = WindowOptions {
        leave_out: LeaveOut::SUMMARY,
        ..of(100)
    };
    assert_eq!(
        window_with_summary("u20 a21 u22 a23 u24", 15, &without_summary),
        "| u22 a23 u24"
    );
}

#[test]
fn the_summary_is_weighed_with_its_overhead() {
    let templated = WindowOptions {
        message_overhead: 2,
        ..of(100)
    };
    let planner = planner("u20 a21 u22 a23 u24", Some(15), &templated);
    assert_eq!(planner.usage().tokens, 17 + 26);
}

#[test]
fn a_summary_with_a_room_of_its_own_never_moves_the_cut() {
    let reserved = WindowOptions {
        summary_tokens: 20,
        ..of(120)
    };
    let text = "u20 a21 u22 a23 u24 a25";
    let cut = planner(text, None, &reserved).cut();
    for tokens in 0..=20 {
        assert_eq!(planner(text, Some(tokens), &reserved).cut(), cut);
    }
    let mut memo = planner(text, Some(3), &reserved).memo().unwrap();
    (memo.upto, memo.since) = (cut - 1, None);
    assert!(
        Planner::resume(&memo, Some(17), &[]).is_some(),
        "its memo outlives a new summary"
    );
}

#[test]
fn a_summary_larger_than_its_room_does_not_fit() {
    let reserved = WindowOptions {
        summary_tokens: 20,
        ..of(120)
    };
    let planner = planner("u20 a21 u22 a23 u24 a25", Some(21), &reserved);
    assert!(planner.summary_is_too_large() && !planner.usage().fits);
}

#[test]
fn a_summary_larger_than_what_it_stands_for_can_make_a_window_too_large() {
    assert_eq!(window("u5 a6 u50 a41", &of(100)), "| u50 a41");
    let too_large = "u50 summary | a41 is too large";
    assert_eq!(window_with_summary("u5 a6 u50 a41", 20, &of(100)), too_large);
}

// Memos.

#[test]
fn a_memo_goes_through_json_unchanged() {
    let memo = planner("s10 u20 a21! u22 a23 u24", Some(15), &of(100)).memo().unwrap();
    let json = serde_json::to_string(&memo).unwrap();
    assert_eq!(serde_json::from_str::<Memo>(&json).unwrap(), memo);
}

#[test]
fn more_than_64_pins_before_the_cut_give_no_memo() {
    let cut_behind_64 = "s1 ".repeat(64) + "u1";
    let cut_behind_65 = "s1 ".repeat(65) + "u1";
    assert_eq!(planner(&cut_behind_64, None, &of(20)).memo().unwrap().cut, 65);
    assert_eq!(planner(&cut_behind_65, None, &of(20)).memo(), None);
}

#[test]
fn a_planner_gone_on_from_a_memo_knows_that_the_head_had_ended() {
    let text = "u10! s95 u20";
    let messages = session(text);
    let memo = planner("u10! s95", None, &of(100)).memo().unwrap();
    let mut resumed = Planner::resume(&memo, None, &messages[..1]).unwrap();
    resumed.push_known(&messages[1]);
    resumed.push(&messages[2]);
    assert_eq!(written(text, &resumed), "u10! | u20");
}

#[test]
fn a_memo_is_of_no_use_with_another_summary() {
    let text = "u20 a21 u22 a23 u24";
    let memo = planner(text, Some(15), &of(100)).memo().unwrap();
    assert!(Planner::resume(&memo, Some(15), &[]).is_some());
    assert!(Planner::resume(&memo, Some(16), &[]).is_none());
    assert!(Planner::resume(&memo, None, &[]).is_none());
}

#[test]
fn a_memo_does_not_care_for_a_summary_that_is_left_out() {
    let without_summary = WindowOptions {
        leave_out: LeaveOut::SUMMARY,
        ..of(100)
    };
    let memo = planner("u20 a21 u22 a23 u24", Some(15), &without_summary)
        .memo()
        .unwrap();
    assert!(Planner::resume(&memo, Some(16), &[]).is_some());
}

#[test]
fn a_memo_is_of_no_use_without_the_messages_it_names() {
    let text = "s10 u20 a21 t22 a30";
    let memo = planner(text, None, &of(100)).memo().unwrap();
    let messages = session(text);
    assert!(Planner::resume(&memo, None, &messages[..2]).is_some());
    assert!(Planner::resume(&memo, None, &messages[..1]).is_none());
    assert!(Planner::resume(&memo, None, &messages[1..2]).is_none());
}

#[test]
fn a_memo_that_no_planner_made_is_refused() {
    let text = "s10 u20 a21 t22 a30";
    let memo = planner(text, None, &of(100)).memo().unwrap();
    let changed = |change: fn(&mut Memo)| {
        let mut changed = memo.clone();
        change(&mut changed);
        Planner::resume(&changed, None, &session(text))
    };
    assert!(changed(|_| ()).is_some());
    assert!(changed(|memo| memo.cut = 0).is_none());
    assert!(changed(|memo| memo.upto = memo.cut - 2).is_none());
    assert!(changed(|memo| memo.kept = memo.cut).is_none());
    assert!(changed(|memo| memo.pins = vec![0]).is_none());
    assert!(changed(|memo| memo.pins = vec![2, 1]).is_none());
    assert!(changed(|memo| memo.pins = vec![1, 1]).is_none());
    assert!(changed(|memo| memo.pins = vec![memo.cut]).is_none());
}

// Limits.

#[test]
fn the_largest_numbers_there_are_do_not_overflow() {
    let largest = WindowOptions {
        message_overhead: u32::MAX,
        ..of(1)
    };
    let mut planner = planner("", Some(u64::MAX), &largest);
    for seq in [1, 2, u32::MAX - 1, u32::MAX] {
        planner.push(&Entry {
            seq,
            role: Role::User,
            tokens: u32::MAX,
            turn: seq,
            pinned: seq == 2,
        });
    }
    assert!(planner.shows_summary());
    assert_eq!(planner.usage().tokens, u64::MAX);
    assert!(!planner.usage().fits);
}

/// A hundred thousand pins, every one past the budget: a walk over them for each message would take minutes.
#[test]
fn a_session_of_pins_is_planned_without_walking_them() {
    let mut planner = planner("", None, &of(100));
    for seq in 1..=100_000 {
        planner.push(&Entry {
            seq,
            role: Role::User,
            tokens: 1,
            turn: seq,
            pinned: true,
        });
    }
    assert_eq!(planner.usage().tokens, 100_000);
    assert_eq!(planner.usage().messages, 100_000);
}
