//! `search`.

use super::Work;
use crate::args::{Search, times};
use crate::failure::Failure;
use crate::json;
use crate::output::{BOLD, DIM, MARK, Out, clean, note, style_of, time};
use crate::place::Access;
use serde_json::json;
use std::time::Duration;
use turnkeep::model::snippet::Snippet;
use turnkeep::model::{MessageRef, Role, SearchOptions, SearchOrder};
use turnkeep::store::{Hit, SearchResults};

pub(crate) fn search(work: &mut Work, search: &Search) -> Result<(), Failure> {
    // It finds what was appended by those who left before it was indexed, so it indexes; what may only be read is searched
    // as far as others have indexed it.
    let store = work.store(Access::Write).or_else(|_| work.store(Access::Read))?;
    let options = SearchOptions {
        text: search.query.join(" "),
        filter: search.filter.filter()?,
        roles: search.role.iter().map(|role| 1 << role.role() as u32).sum(),
        created: times("said", search.said_from.as_deref(), search.said_to.as_deref())?,
        order: if search.rank {
            SearchOrder::Rank
        } else {
            SearchOrder::Newest
        },
        time_limit: Duration::from_secs(5),
        limit: search.limit,
        neighbours: search.context,
        ..SearchOptions::default()
    };
    let found = store.search(&options)?;
    if work.out.as_json {
        let hits: Vec<_> = found.hits().iter().map(|hit| as_json(hit, &found)).collect();
        let value = json!({ "hits": hits, "complete": found.is_complete() });
        return work.out.json(&value);
    }
    for hit in found.hits() {
        show(&mut work.out, hit, &found)?;
    }
    if found.hits().is_empty() {
        note("nothing was found");
    } else if !found.is_complete() {
        note("there was no time to rank everything; these are the best of what was looked at");
    }
    Ok(())
}

fn as_json(hit: &Hit, found: &SearchResults) -> serde_json::Value {
    let context: Vec<_> = found.messages_around(hit).map(json::message).collect();
    let marks: Vec<_> = hit.snippet.marks.iter().map(|mark| [mark.start, mark.end]).collect();
    json!({
        "session_id": hit.session_id,
        "title": hit.title,
        "seq": (hit.seq > 0).then_some(hit.seq),
        "role": hit.role.map(Role::name),
        "created": json::time(hit.created),
        "score": hit.score,
        "snippet": hit.snippet.text,
        "marks": marks,
        "context": context,
    })
}

fn show(out: &mut Out, hit: &Hit, found: &SearchResults) -> Result<(), Failure> {
    let session = out.paint(BOLD, clean::line(&hit.session_id));
    let place = match hit.role {
        Some(role) => format!("#{}  {}", hit.seq, out.paint(style_of(role), role.name())),
        None => "session".to_owned(),
    };
    let when = out.paint(DIM, time(hit.created));
    out.line(format!("{session}  {place}  {when}  {}", clean::line(&hit.title)).trim_end())?;
    let before = |message: &MessageRef<'_>| message.place.seq < hit.seq;
    for message in found.messages_around(hit).filter(before) {
        neighbour(out, message)?;
    }
    let marked = marked(out, &hit.snippet);
    out.line(format!("    {marked}"))?;
    let behind = |message: &MessageRef<'_>| message.place.seq > hit.seq;
    for message in found.messages_around(hit).filter(behind) {
        neighbour(out, message)?;
    }
    Ok(())
}

/// What was asked for in another colour; each piece made harmless by itself, so that the marks stay where they are.
fn marked(out: &Out, snippet: &Snippet) -> String {
    let mut shown = String::new();
    let mut at = 0;
    let piece = |from: usize, to: usize| clean::line(snippet.text.get(from..to).unwrap_or_default()).into_owned();
    for mark in &snippet.marks {
        shown.push_str(&piece(at, mark.start));
        shown.push_str(&out.paint(MARK, piece(mark.start, mark.end)));
        at = mark.end;
    }
    shown.push_str(&piece(at, snippet.text.len()));
    shown
}

fn neighbour(out: &mut Out, message: MessageRef<'_>) -> Result<(), Failure> {
    let said = clean::line(message.content);
    let room = crate::output::width().saturating_sub(14).max(20);
    let line = format!("    {:>9} {}", message.role.name(), crate::output::cut(&said, room));
    let line = out.paint(DIM, line);
    out.line(line)
}
