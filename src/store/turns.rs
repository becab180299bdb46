//! A session as turns: exchanges in and out, and the text of the last ones for a prompt.

use super::Session;
use crate::error::{Error, Kind, Result};
use crate::model::file_name::file_name;
use crate::model::{AppendOptions, Exchange, Message, Receipt, Turn};
use crate::storage::{Head, Snapshot};
use std::fmt::Write as _;

impl Session {
    /// Appends a question and its answer, and returns the number of the turn that they are.
    pub fn append_exchange(&self, exchange: Exchange, options: AppendOptions) -> Result<(u32, Receipt)> {
        self.do_to("append an exchange to", || {
            let messages = exchange.into_messages()?;
            let receipt = self.append_ready(self.store.ready_all(messages.into())?, options)?;
            let question = self.message(u64::from(receipt.first_seq))?;
            let number = question.views().first().map_or(0, |message| message.turn);
            Ok((number, receipt))
        })
    }

    /// The turns from `first` to `last`, both included, as far as they are there.
    pub fn turns(&self, first: u64, last: u64) -> Result<Vec<Turn>> {
        self.do_to("read turns of", || {
            if first > last {
                return Err(Error::invalid(format!("the turns {first} to {last} are none")));
            }
            self.read_turns(|_| (first, last))
        })
    }

    /// The last turns.
    pub fn last_turns(&self, count: u64) -> Result<Vec<Turn>> {
        self.do_to("read turns of", || self.newest_turns(count))
    }

    fn newest_turns(&self, count: u64) -> Result<Vec<Turn>> {
        match count {
            0 => Ok(Vec::new()),
            count => self.read_turns(|newest| ((newest + 1).saturating_sub(count).max(1), newest)),
        }
    }

    /// Reads the turns that `choose` picks, knowing the number of the newest.
    fn read_turns(&self, choose: impl Fn(u64) -> (u64, u64)) -> Result<Vec<Turn>> {
        let snapshot = self.store.storage.snapshot()?;
        let head = snapshot.head(self.entry.key)?.ok_or_else(super::session::deleted)?;
        let newest = u64::from(head.place.turn);
        let (first, last) = choose(newest);
        let last = last.min(newest);
        if head.place.seq == 0 || first > last {
            return Ok(Vec::new());
        }
        let first_seq = first_seq_of(snapshot.as_ref(), &head, first as u32)?;
        let end = match last == newest {
            true => head.place.seq,
            false => first_seq_of(snapshot.as_ref(), &head, last as u32 + 1)? - 1,
        };
        let mut messages = Vec::new();
        snapshot.messages(&head.path, first_seq..=end, &mut |message| {
            messages.push(Message::from(message));
            Ok(())
        })?;
        Ok(Turn::of(messages))
    }

    /// The first message of a turn.
    pub(super) fn first_seq_of_turn(&self, turn: u32) -> Result<Option<u32>> {
        let snapshot = self.store.storage.snapshot()?;
        let head = snapshot.head(self.entry.key)?.ok_or_else(super::session::deleted)?;
        if turn == 0 || turn > head.place.turn {
            return Ok(None);
        }
        first_seq_of(snapshot.as_ref(), &head, turn).map(Some)
    }

    /// The summary and the last turns as text for a prompt. With a limit, the oldest turns go first; the newest stays whole,
    /// and if it does not fit, that is TOO_LARGE: nothing is cut inside.
    pub fn context_text(&self, most_turns: u64, most_characters: Option<u64>) -> Result<String> {
        self.do_to("write the context of", || {
            let summary = self.describe()?.summary;
            let turns: Vec<String> = self.newest_turns(most_turns)?.iter().map(text_of).collect();
            let mut kept = turns.as_slice();
            loop {
                let text = join(&summary, self.id(), kept);
                let length = text.chars().count() as u64;
                match (most_characters, kept) {
                    (Some(most), [_, newer @ ..]) if length > most && !newer.is_empty() => kept = newer,
                    (Some(most), _) if length > most => {
                        return Err(Error::new(
                            Kind::TooLarge,
                            format!(
                                "the summary and the newest turn have {length} characters; max_characters is {most}"
                            ),
                        ));
                    }
                    _ => return Ok(text),
                }
            }
        })
    }

    /// The name of a file for the answer to an input.
    pub fn file_name(&self, turn: u64, original: &str, is_error: bool) -> Result<String> {
        self.do_to("name a file for", || Ok(file_name(self.id(), turn, original, is_error)))
    }
}

/// Turn numbers never fall along a path.
fn first_seq_of(snapshot: &dyn Snapshot, head: &Head, turn: u32) -> Result<u32> {
    let (mut low, mut high) = (1, head.place.seq);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut found = 0;
        snapshot.entries(&head.path, middle..=middle, &mut |entry| {
            found = entry.turn;
            Ok(())
        })?;
        if found < turn {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
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
