//! What every exporter is, and the way of a store through one of them.

use super::report::Losses;
use super::{ExportReport, Format};
use crate::error::{Error, Kind, Result};
use crate::model::{KeptReceipt, MessageRef, SessionInfo};

/// Writes sessions in one format. It is called in this order: begin, for each session (session, message..., end_session), end.
pub(crate) trait Exporter {
    /// Whether a session's messages that stand with an earlier session already are left out.
    fn shares(&self) -> bool {
        false
    }

    /// Before the first session.
    fn begin(&mut self, _out: &mut Out<'_>) -> Result<()> {
        Ok(())
    }

    /// A session begins.
    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()>;

    /// Its next message; where [`Self::shares`], only those behind what it shares.
    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()>;

    /// The session ends.
    fn end_session(&mut self, _out: &mut Out<'_>) -> Result<()> {
        Ok(())
    }

    /// After the last session.
    fn end(&mut self, _out: &mut Out<'_>) -> Result<()> {
        Ok(())
    }
}

/// A session on its way out.
pub(crate) struct Exported<'a> {
    /// Everything but its messages.
    pub(crate) info: &'a SessionInfo,
    /// The tokens of its summary.
    pub(crate) summary_tokens: u32,
    /// The session that came before and has its first messages, and the last of these. Also where the messages are repeated.
    pub(crate) shares: Option<Shares<'a>>,
    /// The sessions that come later and share messages with this one: the last of these, and the session's number in the export.
    pub(crate) branches: &'a [(u32, usize)],
    /// The first appends that a retry must not repeat.
    pub(crate) receipts: &'a [KeptReceipt],
}

/// What a session shares with one that was written before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares<'a> {
    /// The other session's id.
    pub(crate) session_id: &'a str,
    /// Its title.
    pub(crate) title: &'a str,
    /// Its number in the export: 1, 2, 3 ...
    pub(crate) number: usize,
    /// The last message that both have. It is the other session's own, not one that that shares with a third.
    pub(crate) through_seq: u32,
}

/// Where the bytes of an export go. A failure, also a refusal of the caller's, ends the export.
pub(crate) type Sink<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

/// What an exporter writes to: text in chunks of some size, and a count of what could not be written.
pub(crate) struct Out<'a> {
    sink: &'a mut Sink<'a>,
    buffer: Vec<u8>,
    bytes: u64,
    losses: Losses,
}

const CHUNK_BYTES: usize = 64 << 10;

impl<'a> Out<'a> {
    pub(crate) fn new(sink: &'a mut Sink<'a>) -> Self {
        Self {
            sink,
            buffer: Vec::with_capacity(CHUNK_BYTES),
            bytes: 0,
            losses: Losses::default(),
        }
    }

    /// Writes text.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.buffer.extend_from_slice(text.as_bytes());
        if self.buffer.len() < CHUNK_BYTES {
            return Ok(());
        }
        self.flush()
    }

    /// Writes a value as JSON, in one line.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.buffer, value)
            .map_err(|error| Error::new(Kind::Storage, format!("a session cannot be written as JSON: {error}")))?;
        self.text("")
    }

    /// Counts what the format cannot carry. `what` is in the plural, as people say it: "tags", "tool calls".
    pub(crate) fn lost(&mut self, what: &'static str, count: u64) {
        self.losses.add(what, count);
    }

    fn flush(&mut self) -> Result<()> {
        self.bytes += self.buffer.len() as u64;
        (self.sink)(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes what is left, and says what came of all.
    pub(crate) fn finish(mut self) -> Result<ExportReport> {
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        Ok(ExportReport {
            bytes: self.bytes,
            losses: self.losses.list(),
            ..ExportReport::default()
        })
    }
}

/// The exporter of a format.
pub(crate) fn exporter(format: Format) -> Result<Box<dyn Exporter>> {
    Ok(match format {
        Format::Turnkeep => Box::new(super::own::write::Exporter::default()),
        Format::OpenAi => Box::new(super::openai::Exporter::default()),
        Format::ShareGpt => Box::new(super::sharegpt::Exporter::default()),
        Format::Csv => Box::new(super::csv::Exporter::default()),
        Format::Markdown => Box::new(super::markdown::Exporter::default()),
        Format::Text => Box::new(super::text::Exporter::default()),
        Format::Html => Box::new(super::html::Exporter::default()),
        Format::GemmaSessions => Box::new(super::gemma_sessions::Exporter::default()),
        other => {
            return Err(Error::new(
                Kind::Unsupported,
                format!("the format {} can be imported, not exported", other.name()),
            ));
        }
    })
}
