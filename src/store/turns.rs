//! A session as turns: exchanges in and out, and the text of the last ones for a prompt.

use super::Session;
use super::session::read_messages;
use crate::cache::loaded::missing;
use crate::error::{Error, Kind, Result};
use crate::model::file_name::file_name;
use crate::model::{AppendOptions, Exchange, Receipt, Turn};
use crate::storage::{Head, Snapshot};
use std::fmt::Write as _;
use std::time::Instant;

impl Session {
    /// Appends a question and its answer, and returns the number of the turn that they are.
    pub fn append_exchange(&self, exchange: Exchange, options: AppendOptions) -> Result<(u32, Receipt)> {
        self.do_to("append an exchange to", || {
            let begin = Instant::now();
            let messages = exchange.into_messages()?;
            let receipt = self.append_ready(self.store.ready_all(messages.into())?, options, begin)?;
            Ok((receipt.first_turn, receipt))
        })
    }

    /// The turns from `first` to `last`, both included, as far as they are there.
    pub fn turns(&self, first: u64, last: u64) -> Result<Vec<Turn>> {
        self.do_to("read turns of", || {
            if first > last {
                return Err(Error::invalid(format!("the turns {first} to {last} are none")));
            }
            self.look(|snapshot, head| read_turns(snapshot, head, first, last))
        })
    }

    /// The last turns.
    pub fn last_turns(&self, count: u64) -> Result<Vec<Turn>> {
        self.do_to("read turns of", || self.newest_turns(count))
    }

    fn newest_turns(&self, count: u64) -> Result<Vec<Turn>> {
        self.look(|snapshot, head| newest_turns(snapshot, head, count))
    }

    /// The summary and the last turns as text for a prompt. With a limit, the oldest turns go first; the newest stays whole,
    /// and if it does not fit, that is TOO_LARGE: nothing is cut inside.
    pub fn context_text(&self, most_turns: u64, most_characters: Option<u64>) -> Result<String> {
        self.do_to("write the context of", || {
            let (summary, turns) =
                self.look(|snapshot, head| Ok((head.summary.clone(), newest_turns(snapshot, head, most_turns)?)))?;
            let turns: Vec<String> = turns.iter().map(text_of).collect();
            let kept = match most_characters {
                None => turns.as_slice(),
                Some(most) => newest_that_fit(&summary, self.id(), &turns, most)?,
            };
            Ok(join(&summary, self.id(), kept))
        })
    }

    /// The name of a file for the answer to an input.
    pub fn file_name(&self, turn: u64, original: &str, is_error: bool) -> Result<String> {
        self.do_to("name a file for", || Ok(file_name(self.id(), turn, original, is_error)))
    }
}

fn newest_turns(snapshot: &dyn Snapshot, head: &Head, count: u64) -> Result<Vec<Turn>> {
    let newest = u64::from(head.place.turn);
    match count {
        0 => Ok(Vec::new()),
        count => read_turns(snapshot, head, (newest + 1).saturating_sub(count).max(1), newest),
    }
}

fn read_turns(snapshot: &dyn Snapshot, head: &Head, first: u64, last: u64) -> Result<Vec<Turn>> {
    let newest = u64::from(head.place.turn);
    let last = last.min(newest);
    if head.place.seq == 0 || first > last {
        return Ok(Vec::new());
    }
    let first_seq = first_seq_of(snapshot, head, first as u32)?;
    let end = match last == newest {
        true => head.place.seq,
        false => first_seq_of(snapshot, head, last as u32 + 1)? - 1,
    };
    Ok(Turn::of(read_messages(snapshot, head, first_seq, end)?))
}

/// The number of a message's turn.
pub(super) fn turn_of(snapshot: &dyn Snapshot, head: &Head, seq: u32) -> Result<u32> {
    let mut found = None;
    snapshot.entries(&head.path, seq..=seq, &mut |entry| {
        found = Some(entry.turn);
        Ok(())
    })?;
    found.ok_or_else(|| missing(seq))
}

/// Turn numbers never fall along a path.
pub(super) fn first_seq_of(snapshot: &dyn Snapshot, head: &Head, turn: u32) -> Result<u32> {
    let (mut low, mut high) = (1, head.place.seq);
    while low < high {
        let middle = low + (high - low) / 2;
        if turn_of(snapshot, head, middle)? < turn {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The newest turns that have so many characters together with what stands around them; at least one.
fn newest_that_fit<'a>(summary: &str, id: &str, turns: &'a [String], most: u64) -> Result<&'a [String]> {
    let count = |text: &str| text.chars().count() as u64;
    let around = match turns {
        [] => count(&join(summary, id, &[])),
        [..] => count(&join(summary, id, &[String::new()])),
    };
    let mut length = around + turns.last().map_or(0, |newest| count(newest));
    if length > most {
        return Err(Error::new(
            Kind::TooLarge,
            format!("the summary and the newest turn have {length} characters; max_characters is {most}"),
        ));
    }
    let mut first = turns.len().saturating_sub(1);
    while let Some(older) = first.checked_sub(1).and_then(|index| turns.get(index)) {
        length += count(older);
        if length > most {
            break;
        }
        first -= 1;
    }
    Ok(turns.get(first..).unwrap_or_default())
}

fn text_of(turn: &Turn) -> String {
    let mut text = String::new();
    let file = match (turn.input_name.as_str(), turn.input_type.as_str()) {
        ("", _) => String::new(),
        (name, "") => format!(" [{name}]"),
        (name, kind) => format!(" [{name}, {kind}]"),
    };
    let input = if turn.input.is_empty() {
        String::new()
    } else {
        format!(" {}", turn.input)
    };
    // A string takes everything that is written to it.
    let _fits = writeln!(text, "#{} user:{file}{input}", turn.number);
    if !turn.answer.is_empty() {
        let _fits = writeln!(text, "#{} assistant: {}", turn.number, turn.answer);
    }
    text
}

fn join(summary: &str, id: &str, turns: &[String]) -> String {
    let mut text = String::new();
    if !summary.is_empty() {
        let _fits = writeln!(text, "Context: {summary}");
    }
    if !turns.is_empty() {
        let _fits = writeln!(text, "Recent turns of session {id}:");
    }
    turns.iter().for_each(|turn| text.push_str(turn));
    text
}
