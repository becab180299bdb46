//! Markdown: a document with a chapter for each session, in which what somebody wrote in Markdown works.
//!
//! Each text is a quotation, so that its headings, lists and unclosed fences end with it (`quotation.rs`). What a tool gave
//! is no Markdown, and stands in a fence that nothing in it closes.

mod quotation;

use super::export::{Exported, Out};
use super::reading::{self, Known, LastCalls};
use crate::error::Result;
use crate::model::{MessageFlags, MessageRef, Role};
use quotation::Quotation;

#[derive(Default)]
pub(crate) struct Exporter {
    sessions: u64,
    /// The session's, which its messages need not repeat.
    model: String,
    calls: LastCalls,
}

impl super::export::Exporter for Exporter {
    fn shares(&self) -> bool {
        true
    }

    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()> {
        self.model.clone_from(&session.info.model);
        self.calls = LastCalls::default();
        if self.sessions > 0 {
            out.text("\n")?;
        }
        self.sessions += 1;
        let heading = escaped(&reading::heading(session, out));
        out.text(&format!("# {heading}\n\n"))?;
        for fact in reading::facts(session) {
            let known = match fact.value {
                Known::Labels(labels) => code_list(&labels, out),
                Known::Time(time) => reading::utc(time),
                Known::Words(words) => words,
                Known::Behind(id, seq) => format!("{}, behind message {seq}", code(id, out)),
            };
            out.text(&format!("- {}: {known}\n", fact.label))?;
        }
        if !session.info.summary.is_empty() {
            out.text("\nSummary:\n")?;
            quote(&session.info.summary, out)?;
        }
        if let Some(shares) = session.shares {
            let through = reading::messages_through(shares.through_seq);
            let id = code(shares.session_id, out);
            out.text(&format!("\n{through} as in session {id}.\n"))?;
        }
        reading::count_losses_of_session(session, out);
        Ok(())
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        let mut heading = format!("\n## {} · {}", message.place.seq, reading::role_name(message.role));
        let tool = self.calls.answered_by(message).to_owned();
        let model = message.model.filter(|model| *model != self.model).unwrap_or_default();
        for (label, is_ours) in [
            (tool.as_str(), false),
            (&reading::utc(message.created), true),
            (model, false),
        ] {
            if !label.is_empty() {
                heading.push_str(" · ");
                heading.push_str(&if is_ours { label.to_owned() } else { code(label, out) });
            }
        }
        if message.flags.contains(MessageFlags::PINNED) {
            heading.push_str(" · pinned");
        }
        heading.push('\n');
        out.text(&heading)?;
        let file = reading::file_given(message);
        if !file.is_empty() {
            let file = code(&file, out);
            out.text(&format!("\nFile: {file}\n"))?;
        }
        if message.role == Role::Tool {
            fence(message.content, out)?;
        } else {
            quote(message.content, out)?;
        }
        for call in self.calls.note(message) {
            let labels = [call.name.as_str(), call.id.as_str()];
            let labels: Vec<&str> = labels.into_iter().filter(|label| !label.is_empty()).collect();
            let labels = code_list(&labels, out);
            out.text(format!("\nCalls {labels}").trim_end())?;
            out.text(":\n")?;
            fence(&call.arguments, out)?;
        }
        reading::count_losses_of_message(message, out);
        Ok(())
    }
}

/// A text as a quotation; nothing for an empty one.
fn quote(text: &str, out: &mut Out<'_>) -> Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    out.text("\n")?;
    let shown = reading::visible(text, out);
    let mut quotation = Quotation::default();
    for line in shown.trim_end_matches('\n').split('\n') {
        out.text(&quotation.line(line))?;
        out.text("\n")?;
    }
    Ok(())
}

/// A text in a fence that is longer than any in it; JSON in lines. Nothing for an empty text.
fn fence(text: &str, out: &mut Out<'_>) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let kind = if reading::is_json(text) { "json" } else { "" };
    let lines = reading::in_lines(text);
    let shown = reading::visible(&lines, out);
    let ticks = "`".repeat(longest_run_of_ticks(&shown).max(2) + 1);
    out.text(&format!("\n{ticks}{kind}\n"))?;
    out.text(&shown)?;
    out.text(if shown.ends_with('\n') { "" } else { "\n" })?;
    out.text(&format!("{ticks}\n"))
}

fn longest_run_of_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// A label of the caller's in a line of ours, as it is.
fn code(label: &str, out: &mut Out<'_>) -> String {
    let label = reading::one_line(label, out);
    let ticks = "`".repeat(longest_run_of_ticks(&label) + 1);
    // The parser takes one space away at each end, but not of what is all spaces.
    let needs_space = label.starts_with(['`', ' ']) || label.ends_with(['`', ' ']);
    let space = if needs_space && !label.trim().is_empty() {
        " "
    } else {
        ""
    };
    format!("{ticks}{space}{label}{space}{ticks}")
}

fn code_list(labels: &[&str], out: &mut Out<'_>) -> String {
    let codes: Vec<String> = labels.iter().map(|label| code(label, out)).collect();
    codes.join(", ")
}

/// A line of the caller's words in a heading of ours: nothing in it is Markdown.
fn escaped(line: &str) -> String {
    let mut safe = String::with_capacity(line.len() + 8);
    for (at, c) in line.trim().char_indices() {
        let behind = line.trim().get(at + 1..).unwrap_or_default();
        // What would become a link without any sign around it: http://, www., an address.
        let links =
            (c == ':' && behind.starts_with('/')) || c == '@' || (c == '.' && safe.to_lowercase().ends_with("www"));
        if links || "\\`*_{}[]<>#|~$&^=".contains(c) {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}
