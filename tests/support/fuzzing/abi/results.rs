//! Results, read to their ends: every text is text and ends in a NUL, every array is as long as it says.

use super::header::*;
use std::ffi::c_char;

/// A text, whose owner is still there.
pub(super) fn text<'a>(text: Text) -> &'a str {
    assert!(!text.data.is_null());
    // SAFETY: header: `len` bytes of UTF-8 at `data`, then a NUL.
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len + 1) };
    assert_eq!(bytes[text.len], 0);
    std::str::from_utf8(&bytes[..text.len]).unwrap()
}

/// A static text.
pub(super) fn name(name: *const c_char) {
    // SAFETY: header: static, ends in a NUL.
    let name = unsafe { std::ffi::CStr::from_ptr(name) };
    assert!(!name.is_empty());
}

/// What the results of an array are.
fn slice<'a, T>(first: *const T, len: usize) -> &'a [T] {
    if len == 0 {
        return &[];
    }
    // SAFETY: header: an array of so many, borrowed from a result that the caller holds.
    unsafe { std::slice::from_raw_parts(first, len) }
}

/// The bytes of a message that count for its session.
fn message(message: &Message) -> u64 {
    let mut bytes = text(message.content).len();
    // SAFETY: NULL, or borrowed from the same result.
    if let Some(details) = unsafe { message.details.as_ref() } {
        bytes += text(details.tool_calls).len() + text(details.metadata).len();
        text(details.tool_call_id);
        text(details.model);
    }
    bytes as u64
}

/// All messages of a result, one after the other.
pub(super) fn messages<'a>(result: *const Messages) -> &'a [Message] {
    // SAFETY: NULL, or a result that is held.
    let (len, first) = unsafe { (turnkeep_messages_len(result), turnkeep_messages_at(result, 0)) };
    assert_eq!(first.is_null(), len == 0);
    // SAFETY: as above.
    assert!(unsafe { turnkeep_messages_at(result, len) }.is_null());
    let all = slice(first, len);
    for pair in all.windows(2) {
        assert_eq!(pair[0].seq + 1, pair[1].seq);
        assert_eq!(pair[0].total_tokens + u64::from(pair[1].tokens), pair[1].total_tokens);
    }
    for one in all {
        message(one);
    }
    all
}

/// The bytes and the tokens of messages.
pub(super) fn sums(all: &[Message]) -> (u64, u64) {
    let tokens = all.iter().map(|one| u64::from(one.tokens)).sum();
    (all.iter().map(message).sum(), tokens)
}

/// A window: valid, within its budget, and as its report says.
pub(super) fn window(result: *const Window) {
    // SAFETY: NULL, or a window that is held.
    let (len, report) = unsafe { (turnkeep_window_len(result), turnkeep_window_report_of(result)) };
    // SAFETY: NULL, or borrowed from the window.
    let Some(report) = (unsafe { report.as_ref() }) else {
        return assert_eq!(len, 0);
    };
    // SAFETY: the window is held.
    let at = |index: usize| unsafe { turnkeep_window_at(result, index).as_ref() };
    let all: Vec<&Message> = (0..len).map(|index| at(index).unwrap()).collect();
    assert!(at(len).is_none());
    assert!(report.tokens <= report.budget_tokens);
    let (front, run) = all.split_at(report.front_messages as usize);
    assert_eq!(run.len() as u64, report.head_seq + 1 - report.cut_seq);
    for (one, seq) in run.iter().zip(report.cut_seq..) {
        assert_eq!(one.seq, seq);
    }
    let shown: Vec<&&Message> = front.iter().filter(|one| one.seq > 0).collect();
    assert!(shown.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(shown.last().is_none_or(|last| last.seq < report.cut_seq));
    assert_eq!(
        report.left_out_messages + shown.len() as u64 + run.len() as u64,
        report.head_seq
    );
    follows_its_call(&all);
    for one in all {
        message(one);
    }
}

/// No tool result without the message before it, which is its call or another result of it.
fn follows_its_call(all: &[&Message]) {
    let mut before: Option<&Message> = None;
    for one in all {
        if one.role == 4 {
            let call = before.expect("a window begins with a tool result");
            assert!(matches!(call.role, 3 | 4) && call.seq + 1 == one.seq);
        }
        before = Some(one);
    }
}

/// The sessions of a list.
pub(super) fn sessions<'a>(list: *const SessionList) -> Vec<&'a SessionInfo> {
    // SAFETY: NULL, or a list that is held.
    let (len, page) = unsafe { (turnkeep_session_list_len(list), turnkeep_session_list_next_page(list)) };
    text(page);
    // SAFETY: as above.
    let at = |index: usize| unsafe { turnkeep_session_list_at(list, index).as_ref() };
    assert!(at(len).is_none());
    let all: Vec<&SessionInfo> = (0..len).map(|index| at(index).unwrap()).collect();
    for info in &all {
        for field in [
            info.id,
            info.user_id,
            info.name,
            info.title,
            info.model,
            info.summary,
            info.metadata,
            info.parent_id,
        ] {
            text(field);
        }
        for tag in slice(info.tags, info.tag_count) {
            text(*tag);
        }
        assert_eq!(info.head_seq, info.message_count);
    }
    all
}

pub(super) fn turns(result: *const Turns) {
    // SAFETY: NULL, or a result that is held.
    let len = unsafe { turnkeep_turns_len(result) };
    for index in 0..=len {
        // SAFETY: as above.
        let Some(turn) = (unsafe { turnkeep_turns_at(result, index).as_ref() }) else {
            return assert_eq!(index, len);
        };
        for field in [turn.input, turn.input_name, turn.input_type, turn.answer, turn.metadata] {
            text(field);
        }
        assert!(turn.first_seq <= turn.last_seq);
    }
}

pub(super) fn hits(result: *const SearchResults) {
    // SAFETY: NULL, or results that are held.
    let len = unsafe { turnkeep_search_results_len(result) };
    for index in 0..=len {
        // SAFETY: as above.
        let Some(hit) = (unsafe { turnkeep_search_results_at(result, index).as_ref() }) else {
            return assert_eq!(index, len);
        };
        text(hit.session_id);
        text(hit.title);
        let snippet = text(hit.snippet);
        for mark in slice(hit.marks, hit.mark_count) {
            assert!(mark.begin < mark.end && snippet.get(mark.begin..mark.end).is_some());
        }
        let around = slice(hit.messages, hit.message_count);
        for one in around {
            message(one);
        }
        assert!(around.is_empty() || around[hit.message_index].seq == hit.seq);
    }
}

pub(super) fn read_event(event: &Event) {
    for field in [event.session_id, event.other_session_id, event.name] {
        text(field);
    }
    // SAFETY: any number may be asked for.
    name(unsafe { turnkeep_event_name(event.kind) });
}

pub(super) fn events(result: *const Events) {
    // SAFETY: NULL, or a list that is held.
    let len = unsafe { turnkeep_events_len(result) };
    let mut before = 0;
    for index in 0..=len {
        // SAFETY: as above.
        let Some(event) = (unsafe { turnkeep_events_at(result, index).as_ref() }) else {
            return assert_eq!(index, len);
        };
        read_event(event);
        assert!(event.number > before);
        before = event.number;
    }
}

pub(super) fn transfer(report: *const TransferReport) {
    // SAFETY: NULL, or a report that is held.
    let (counts, len, losses) = unsafe {
        (
            turnkeep_transfer_report_counts(report),
            turnkeep_transfer_report_len(report),
            turnkeep_transfer_report_loss_len(report),
        )
    };
    assert_eq!(counts.is_null(), report.is_null());
    for index in 0..=len {
        // SAFETY: as above.
        if let Some(problem) = unsafe { turnkeep_transfer_report_at(report, index).as_ref() } {
            for field in [problem.session_id, problem.place, problem.reason] {
                text(field);
            }
        } else {
            assert_eq!(index, len);
        }
    }
    for index in 0..=losses {
        // SAFETY: as above.
        if let Some(loss) = unsafe { turnkeep_transfer_report_loss_at(report, index).as_ref() } {
            assert!(!text(loss.what).is_empty() && loss.count > 0);
        } else {
            assert_eq!(index, losses);
        }
    }
}

/// The problems of a check; what it counted is there.
pub(super) fn problems<'a>(report: *const CheckReport) -> Vec<&'a str> {
    // SAFETY: NULL, or a report that is held.
    let (len, counts) = unsafe { (turnkeep_check_report_len(report), turnkeep_check_report_counts(report)) };
    assert_eq!(counts.is_null(), report.is_null());
    // SAFETY: as above.
    (0..len)
        .map(|index| text(unsafe { turnkeep_check_report_at(report, index) }))
        .collect()
}

pub(super) fn salvage(report: *const SalvageReport) {
    // SAFETY: NULL, or a report that is held.
    let (len, counts) = unsafe {
        (
            turnkeep_salvage_report_len(report),
            turnkeep_salvage_report_counts(report),
        )
    };
    assert_eq!(counts.is_null(), report.is_null());
    for index in 0..=len {
        // SAFETY: as above.
        text(unsafe { turnkeep_salvage_report_at(report, index) });
    }
}
