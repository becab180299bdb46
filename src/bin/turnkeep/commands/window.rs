//! `window`: what would go into a prompt.

use super::Work;
use crate::args::Window;
use crate::failure::Failure;
use crate::output::{DIM, MARK, Out, clean, count, style_of};
use crate::place::Access;
use crate::{json, sessions};
use serde_json::json;
use turnkeep::context::{LeaveOut, WindowOptions};
use turnkeep::model::{MessageFlags, MessageRef};
use turnkeep::store::WindowReport;

pub(crate) fn window(work: &mut Work, window: &Window) -> Result<(), Failure> {
    let store = work.store(Access::Read)?;
    let session = sessions::find(&store, &window.session)?;
    let laid = session.window(&options(window))?;
    let report = laid.report();
    if work.out.as_json {
        let messages: Vec<_> = laid
            .messages()
            .map(|message| json::with(json::message(message), "part", part_of(message, report)))
            .collect();
        return work.out.json(&json!({
            "session": session.id(),
            "tokens": report.tokens,
            "budget_tokens": report.budget_tokens,
            "cut_seq": report.cut_seq,
            "head_seq": report.head_seq,
            "left_out": {
                "messages": report.left_out_messages,
                "tokens": report.left_out_tokens,
                "first_seq": report.left_out_first_seq,
                "last_seq": report.left_out_last_seq,
            },
            "messages": messages,
        }));
    }
    let out = &mut work.out;
    let mut is_cut_shown = report.left_out_messages == 0;
    for message in laid.messages() {
        if !is_cut_shown && part_of(message, report) == "run" {
            cut(out, report)?;
            is_cut_shown = true;
        }
        one_line(out, message)?;
    }
    if !is_cut_shown {
        cut(out, report)?;
    }
    let share = report.tokens * 100 / report.budget_tokens.max(1);
    out.line("")?;
    out.line(format!(
        "{} of {} tokens ({share} %), {} messages; {} messages with {} tokens are left out",
        count(report.tokens),
        count(report.budget_tokens),
        count(laid.len() as u64),
        count(report.left_out_messages),
        count(report.left_out_tokens)
    ))
}

fn options(window: &Window) -> WindowOptions {
    let bit = |is_set: bool, bit: LeaveOut| if is_set { bit.0 } else { 0 };
    WindowOptions {
        max_tokens: window.max_tokens,
        reserve_tokens: window.reserve,
        summary_tokens: window.summary_tokens,
        message_overhead: window.overhead,
        low_water_percent: window.low_water,
        keep_first_turns: window.keep_first_turns,
        max_messages: window.max_messages,
        leave_out: LeaveOut(bit(window.no_summary, LeaveOut::SUMMARY) | bit(window.no_pins, LeaveOut::PINS)),
    }
}

fn part_of(message: MessageRef<'_>, report: &WindowReport) -> &'static str {
    if message.flags.contains(MessageFlags::SUMMARY) {
        "summary"
    } else if u64::from(message.place.seq) < report.cut_seq {
        "front"
    } else {
        "run"
    }
}

fn one_line(out: &mut Out, message: MessageRef<'_>) -> Result<(), Failure> {
    let place = match message.flags.contains(MessageFlags::SUMMARY) {
        true => "summary".to_owned(),
        false => format!("#{}", message.place.seq),
    };
    let facts = format!("{place:>7}  {:>7}", count(message.tokens.into()));
    let facts = out.paint(DIM, facts);
    let who = out.paint(style_of(message.role), format!("{:<9}", message.role.name()));
    let calls = message.tool_calls.filter(|_| message.content.is_empty());
    let said = clean::line(calls.unwrap_or(message.content)).into_owned();
    let room = crate::output::width().saturating_sub(29).max(20);
    let said = crate::output::cut(&said, room);
    out.line(format!("{facts}  {who}  {said}").trim_end())
}

fn cut(out: &mut Out, report: &WindowReport) -> Result<(), Failure> {
    let cut = format!(
        "--- cut before #{}: {} messages with {} tokens from #{} to #{} are left out ---",
        report.cut_seq,
        count(report.left_out_messages),
        count(report.left_out_tokens),
        report.left_out_first_seq,
        report.left_out_last_seq
    );
    let cut = out.paint(MARK, cut);
    out.line(cut)
}
