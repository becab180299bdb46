//! Everything that a store says, but for the times at which it was said.

use std::fmt::Write as _;
use turnkeep::Store;
use turnkeep::error::Result;
use turnkeep::model::{Filter, ListOptions, MessageRef, SearchOptions, SessionInfo, Sort, Status};

const NUMBER: &str = " with number ";

/// The same where events were lost, whose numbers never come again.
pub(crate) fn without_numbers(dump: &str) -> String {
    let lines = dump
        .lines()
        .map(|line| line.split_once(NUMBER).map_or(line, |(event, _)| event));
    lines.collect::<Vec<_>>().join("\n")
}

/// Sessions with their messages, what is found, and what was logged, a line for each.
pub(crate) fn dump(store: &Store) -> Result<String> {
    let every = Filter {
        statuses: vec![Status::Active, Status::Archived, Status::Trashed],
        ..Filter::default()
    };
    let mut out = String::new();
    let mut options = ListOptions {
        filter: every.clone(),
        sort: Sort::Id,
        ascending: true,
        limit: 7,
        ..ListOptions::default()
    };
    loop {
        let page = store.list_sessions(&options)?;
        for listed in page.sessions {
            let session = store.open_session(&listed.id)?;
            assert_eq!(session.describe()?, listed);
            writeln!(out, "{:?}", timeless(listed)).unwrap();
            for message in session.range(1, u64::MAX)?.iter() {
                writeln!(out, "  {}", line(&message)).unwrap();
            }
        }
        options.page_token = page.next_page_token;
        if options.page_token.is_none() {
            break;
        }
    }
    writeln!(out, "{} sessions", store.count_sessions(&every)?).unwrap();
    for words in ["question", "kept"] {
        out.push_str(&hits(store, words, every.clone())?);
    }
    for event in store.events_after(0, 1_000)?.events {
        let (kind, id, other) = (event.kind, &event.session_id, &event.other_session_id);
        let (first, last, revision) = (event.first_seq, event.last_seq, event.revision);
        writeln!(
            out,
            "{kind:?} '{id}' '{other}' {first} {last} {revision} {}{NUMBER}{}",
            event.count, event.number
        )
        .unwrap();
    }
    Ok(out)
}

/// What a search finds, in an order of its own: equal times have none.
pub(crate) fn hits(store: &Store, words: &str, filter: Filter) -> Result<String> {
    let found = store.search(&SearchOptions {
        text: words.into(),
        filter,
        limit: 1_000,
        ..SearchOptions::default()
    })?;
    let mut hits: Vec<_> = found
        .hits()
        .iter()
        .map(|hit| (hit.session_id.clone(), hit.seq))
        .collect();
    hits.sort();
    Ok(format!("{words}: {hits:?}\n"))
}

pub(crate) fn line(message: &MessageRef<'_>) -> String {
    let place = message.place;
    format!(
        "{} turn {} after {} {:?} {:?} {} '{}' {:?} {:?} {:?} {:?}",
        place.seq,
        place.turn,
        place.total_tokens,
        message.role,
        message.flags,
        message.tokens,
        shortened(message.content),
        message.tool_calls,
        message.tool_call_id,
        message.model,
        message.metadata,
    )
}

/// A long text is told by its ends and its length.
fn shortened(text: &str) -> String {
    if text.len() < 80 {
        return text.to_owned();
    }
    let same = text.bytes().all(|byte| byte == text.as_bytes()[0]);
    format!("{}... {} bytes, all alike: {same}", &text[..20], text.len())
}

pub(crate) fn timeless(info: SessionInfo) -> SessionInfo {
    SessionInfo {
        created: 0,
        updated: 0,
        ..info
    }
}
