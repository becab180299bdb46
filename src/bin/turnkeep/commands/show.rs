//! `show`: a session as a chat.

use super::Work;
use crate::args::Show;
use crate::failure::Failure;
use crate::output::{BOLD, DIM, MARK, Out, clean, count, style_of, time};
use crate::place::Access;
use crate::{json, sessions};
use serde_json::{Value, json};
use turnkeep::Session;
use turnkeep::model::{MessageFlags, MessageRef, SessionInfo};

/// So many messages are read at once.
const CHUNK: u64 = 500;

pub(crate) fn show(work: &mut Work, show: &Show) -> Result<(), Failure> {
    let store = work.store(Access::Read)?;
    let session = sessions::find(&store, &show.session)?;
    let info = session.describe()?;
    let (first, last) = range(show, &info)?;
    if work.out.as_json {
        let mut messages = Vec::new();
        each(&session, first, last, |message| {
            messages.push(json::message(message));
            Ok(())
        })?;
        let shown = json!({ "session": json::session(&info), "messages": messages });
        return work.out.json(&shown);
    }
    if !show.no_pager {
        work.out.page();
    }
    head(&mut work.out, &info)?;
    each(&session, first, last, |message| chat_message(&mut work.out, message))
}

/// Which messages are asked for; the first is behind the last if there are none.
fn range(show: &Show, info: &SessionInfo) -> Result<(u64, u64), Failure> {
    let head = u64::from(info.head_seq);
    if let Some(last) = show.last {
        return Ok((head.saturating_sub(last) + 1, head));
    }
    let (first, last) = (show.from.unwrap_or(1), show.to.unwrap_or(head).min(head));
    if show.from.is_some_and(|from| from > head) {
        return Err(Failure::not_found(format!(
            "there is no message {first} in session '{}'; the last one is {head}",
            info.id
        )));
    }
    if show.to.is_some_and(|to| first > to) {
        return Err(Failure::usage(format!("--from {first} lies behind --to {last}")));
    }
    Ok((first, last))
}

fn each(
    session: &Session,
    first: u64,
    last: u64,
    mut see: impl FnMut(MessageRef<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut next = first;
    while next <= last {
        let end = last.min(next + CHUNK - 1);
        for message in session.range(next, end)?.iter() {
            see(message)?;
        }
        next = end + 1;
    }
    Ok(())
}

fn head(out: &mut Out, info: &SessionInfo) -> Result<(), Failure> {
    let name = out.paint(BOLD, clean::line(sessions::label(info)));
    let about = super::list::about(&SessionInfo {
        name: None,
        ..info.clone()
    });
    let facts = format!(
        "{} messages, {} tokens{}",
        count(info.message_count),
        count(info.token_total),
        match &info.parent_id {
            Some(parent) => format!(", forked from {} at {}", parent, info.fork_seq),
            None => String::new(),
        }
    );
    let facts = out.paint(DIM, clean::line(&facts));
    out.line(format!("{name}  {}", clean::line(&about)).trim_end())?;
    out.line(facts)?;
    if !info.summary.is_empty() {
        out.line("")?;
        let title = out.paint(MARK, "summary");
        out.line(title)?;
        out.line(clean::text(&info.summary))?;
    }
    Ok(())
}

/// Who says it, when, and what; calls and what they answer in words.
pub(super) fn chat_message(out: &mut Out, message: MessageRef<'_>) -> Result<(), Failure> {
    let who = out.paint(style_of(message.role), message.role.name());
    let mut facts = vec![format!("#{}", message.place.seq), time(message.created)];
    facts.push(format!("{} tokens", count(message.tokens.into())));
    facts.extend(message.model.map(str::to_owned));
    facts.extend(message.tool_call_id.map(|id| format!("answers {id}")));
    if message.flags.contains(MessageFlags::PINNED) {
        facts.push("pinned".to_owned());
    }
    let facts = out.paint(DIM, clean::line(&facts.join("  ")));
    out.line("")?;
    out.line(format!("{who}  {facts}"))?;
    if !message.content.is_empty() {
        out.line(clean::text(message.content))?;
    }
    for call in calls(message) {
        let arrow = out.paint(MARK, "calls");
        out.line(format!("{arrow} {}", clean::line(&call)))?;
    }
    Ok(())
}

/// Each call as `name(arguments)  id`.
fn calls(message: MessageRef<'_>) -> Vec<String> {
    let Some(Ok(Value::Array(calls))) = message.tool_calls.map(serde_json::from_str) else {
        return Vec::new();
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let at = |call: &Value, pointer: &str| call.pointer(pointer).map(text).unwrap_or_default();
    calls
        .iter()
        .map(|call| match call.pointer("/function/name") {
            Some(name) => {
                let (name, arguments, id) = (text(name), at(call, "/function/arguments"), at(call, "/id"));
                format!("{name}({arguments})  {id}").trim_end().to_owned()
            }
            None => call.to_string(),
        })
        .collect()
}
