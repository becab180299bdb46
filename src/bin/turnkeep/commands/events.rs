//! `events`, and those that are still to come.

use super::Work;
use crate::args::Events;
use crate::failure::Failure;
use crate::output::{BOLD, DIM, Out, clean, note, time};
use crate::place::Access;
use crate::{json, shell};
use serde_json::json;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use turnkeep::Store;
use turnkeep::model::Event;

/// So many are read at once.
const CHUNK: u32 = 1000;

pub(crate) fn events(work: &mut Work, events: &Events) -> Result<(), Failure> {
    let store = work.store(Access::Read)?;
    if events.follow {
        return follow(&mut work.out, &store, events);
    }
    let most = if events.limit == 0 {
        usize::MAX
    } else {
        events.limit as usize
    };
    let (found, lost) = read(&store, events.after.unwrap_or(0), most)?;
    if work.out.as_json {
        let events: Vec<_> = found.iter().map(json::event).collect();
        return work.out.json(&json!({ "events": events, "lost": lost }));
    }
    for event in &found {
        show(&mut work.out, event)?;
    }
    if lost && events.after.is_some() {
        note("there were events before these that are not kept any more");
    }
    if found.is_empty() {
        note("no events; a log is kept by those who write with event_log_rows in their settings");
    }
    Ok(())
}

/// The events behind a number, and whether some before them are lost.
fn read(store: &Store, after: u64, most: usize) -> Result<(Vec<Event>, bool), Failure> {
    let mut found: Vec<Event> = Vec::new();
    let mut lost = false;
    loop {
        let last = found.last().map_or(after, |event| event.number);
        let wanted = most.saturating_sub(found.len()).min(CHUNK as usize);
        if wanted == 0 {
            return Ok((found, lost));
        }
        let page = store.events_after(last, wanted as u32)?;
        lost |= page.lost;
        if page.events.is_empty() {
            return Ok((found, lost));
        }
        found.extend(page.events);
    }
}

/// Until Ctrl-C, or until nobody reads any more.
fn follow(out: &mut Out, store: &Store, events: &Events) -> Result<(), Failure> {
    let (stop, stopped) = channel();
    shell::on_interrupt(move || {
        // Once is enough, and then nobody may be there to hear it.
        let _heard = stop.send(());
    })?;
    let mut last = match events.after {
        Some(after) => after,
        None => newest(store)?,
    };
    loop {
        let page = store.events_after(last, CHUNK)?;
        if page.lost {
            if out.as_json {
                out.json_line(&json!({ "lost": true }))?;
            } else {
                note("there were events before these that are not kept any more");
            }
        }
        for event in &page.events {
            last = event.number;
            if out.as_json {
                out.json_line(&json::event(event))?;
            } else {
                show(out, event)?;
            }
        }
        out.flush()?;
        let pause = Duration::from_millis(if page.events.is_empty() { events.interval } else { 0 });
        if !matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            return Ok(());
        }
    }
}

fn newest(store: &Store) -> Result<u64, Failure> {
    let mut last = 0;
    loop {
        match store.events_after(last, CHUNK)?.events.last() {
            Some(event) => last = event.number,
            None => return Ok(last),
        }
    }
}

fn show(out: &mut Out, event: &Event) -> Result<(), Failure> {
    let number = out.paint(DIM, format!("{:>8}  {}", event.number, time(event.at)));
    let kind = out.paint(BOLD, json::kind(event));
    let mut facts = vec![clean::line(&event.session_id).into_owned()];
    if !event.other_session_id.is_empty() {
        facts.push(format!("from {}", clean::line(&event.other_session_id)));
    }
    match (event.first_seq, event.last_seq) {
        (0, 0) => {}
        (first, last) if first == last => facts.push(format!("#{first}")),
        (first, last) => facts.push(format!("#{first} to #{last}")),
    }
    if event.count > 1 {
        facts.push(format!("({})", event.count));
    }
    out.line(format!("{number}  {kind}  {}", facts.join("  ")).trim_end())
}
