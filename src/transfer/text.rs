//! Plain text: for a terminal, a mail, a diff.
//!
//! What somebody said is indented, so that no line of it looks like one of ours.

use super::export::{Exported, Out};
use super::reading::{self, Known, LastCalls};
use crate::error::Result;
use crate::model::{MessageFlags, MessageRef, Role};

const RULE: &str = "======================================================================\n";

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
            out.text("\n\n")?;
        }
        self.sessions += 1;
        let heading = reading::heading(session, out);
        out.text(&format!("{RULE}{heading}\n{RULE}\n"))?;
        for fact in reading::facts(session) {
            let known = match fact.value {
                Known::Labels(labels) => reading::one_line(&labels.join(", "), out),
                Known::Time(time) => reading::utc(time),
                Known::Words(words) => words,
                Known::Behind(id, seq) => format!("{}, behind message {seq}", reading::one_line(id, out)),
            };
            out.text(&format!("{:<13}{known}\n", format!("{}:", fact.label)))?;
        }
        if !session.info.summary.is_empty() {
            out.text("Summary:\n")?;
            indented(&session.info.summary, out)?;
        }
        if let Some(shares) = session.shares {
            let through = reading::messages_through(shares.through_seq);
            let id = reading::one_line(shares.session_id, out);
            out.text(&format!("\n{through} as in session {id}.\n"))?;
        }
        reading::count_losses_of_session(session, out);
        Ok(())
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        let mut heading = format!("\n[{}] {}", message.place.seq, reading::role_name(message.role));
        let tool = self.calls.answered_by(message);
        let model = message.model.filter(|model| *model != self.model).unwrap_or_default();
        let pinned = if message.flags.contains(MessageFlags::PINNED) {
            "pinned"
        } else {
            ""
        };
        let time = reading::utc(message.created);
        for part in [tool, time.as_str(), model, pinned] {
            if !part.is_empty() {
                heading.push_str(", ");
                heading.push_str(&reading::one_line(part, out));
            }
        }
        heading.push('\n');
        out.text(&heading)?;
        let file = reading::file_given(message);
        if !file.is_empty() {
            indented(&format!("File: {}", reading::one_line(&file, out)), out)?;
        }
        let is_result = message.role == Role::Tool;
        let content = if is_result {
            reading::in_lines(message.content)
        } else {
            message.content.into()
        };
        indented(&content, out)?;
        for call in self.calls.note(message) {
            let id = if call.id.is_empty() {
                String::new()
            } else {
                format!(" ({})", call.id)
            };
            let call_line = reading::one_line(&format!("-> {}{id}", call.name), out);
            out.text(&format!("    {}\n", call_line.trim_end()))?;
            indented(&call.arguments, out)?;
        }
        reading::count_losses_of_message(message, out);
        Ok(())
    }
}

/// Each line behind four spaces; nothing for an empty text.
fn indented(text: &str, out: &mut Out<'_>) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let shown = reading::visible(text, out);
    for line in shown.trim_end_matches('\n').split('\n') {
        let indent = if line.is_empty() { "" } else { "    " };
        out.text(indent)?;
        out.text(line)?;
        out.text("\n")?;
    }
    Ok(())
}
