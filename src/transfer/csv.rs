//! A table with a row for each message, both ways (docs/formats.md, "csv").
//!
//! A spreadsheet takes a cell for a formula by its first character. Such cells get an apostrophe in front on the way out, and
//! lose it on the way in; so do cells that begin with an apostrophe themselves, so that each comes back as it was.

use super::carried::{self, Field};
use super::draft::{self, Remarks, Unit};
use super::export::{Exported, Out};
use super::input::{Input, MOST_BYTES_OF_ONE};
use super::json::Json;
use super::taker::{Conversation, IncomingMessage, Taker};
use crate::error::{Error, Kind, Result};
use crate::model::{MessageFlags, MessageRef, NewSession, Role, SessionInfo, Tokens, moment};
use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};
use std::cell::Cell;
use std::io::{BufRead, Read};
use std::rc::Rc;

/// The columns, in the order in which they are written.
const COLUMNS: [&str; 17] = [
    "session_id",
    "user_id",
    "name",
    "title",
    "model",
    "seq",
    "role",
    "content",
    "created",
    "tokens",
    "estimated",
    "pinned",
    "message_model",
    "tool_call_id",
    "tool_calls",
    "metadata",
    "session_metadata",
];

/// The longest header that is looked for.
const MOST_BYTES_OF_HEADER: usize = 64 << 10;

/// What a spreadsheet takes for the beginning of a formula, also in full width, or drops from the front of a cell.
fn begins_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// A cell as it is written.
fn harmless(text: &str) -> String {
    if begins_a_formula(text) || text.starts_with('\'') {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// A cell as it was before it was written.
fn original(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if begins_a_formula(rest) || rest.starts_with('\'') => rest,
        _ => text,
    }
}

/// Whether a first line is the header of such a table, and what stands between its columns.
pub(crate) fn delimiter_of_header(line: &str) -> Option<u8> {
    let names = |delimiter: char| -> Vec<&str> {
        line.split(delimiter)
            .map(|name| name.trim().trim_matches('"'))
            .collect()
    };
    let is_header = |delimiter: &char| {
        let names = names(*delimiter);
        names.contains(&"role") && names.contains(&"content")
    };
    let found = [',', ';', '\t'].into_iter().find(is_header)?;
    u8::try_from(found).ok()
}

/// Ends a record that is too long for memory: one quote that is never closed takes in the rest of the file.
struct Bounded<R> {
    reader: R,
    since_record: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.since_record.get() > MOST_BYTES_OF_ONE {
            return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge));
        }
        let count = self.reader.read(into)?;
        self.since_record.set(self.since_record.get() + count);
        Ok(count)
    }
}

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    let mut reader = input.bytes()?;
    let begin = reader.fill_buf().map_err(|error| input.unreadable(&error))?;
    let begin = begin.get(..begin.len().min(MOST_BYTES_OF_HEADER)).unwrap_or_default();
    let line = begin
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    let delimiter = delimiter_of_header(&String::from_utf8_lossy(line)).ok_or_else(|| {
        Error::invalid(
            "its first line is not the header of a table: there should be at least the columns role and content",
        )
    })?;
    let since_record = Rc::new(Cell::new(0));
    let bounded = Bounded {
        reader,
        since_record: Rc::clone(&since_record),
    };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(bounded);
    let header = reader.byte_headers().map_err(|error| broken(&error))?;
    let columns = Columns::of(header)?;
    let mut rows = Rows::default();
    let mut record = ByteRecord::new();
    loop {
        since_record.set(0);
        if !reader.read_byte_record(&mut record).map_err(|error| broken(&error))? {
            break;
        }
        let line = record.position().map_or(0, csv::Position::line);
        rows.take(&columns.row(&record, line)?, taker)?;
        taker.went_on(input.progress())?;
    }
    rows.end(taker)
}

fn broken(error: &csv::Error) -> Error {
    if let csv::ErrorKind::Io(error) = error.kind() {
        if error.kind() == std::io::ErrorKind::FileTooLarge {
            return Error::new(
                Kind::TooLarge,
                format!(
                    "a row is longer than {MOST_BYTES_OF_ONE} bytes; if that is not so, a quote is not closed; nothing was \
                     taken in"
                ),
            );
        }
        return Error::new(Kind::Storage, format!("it cannot be read: {error}"));
    }
    Error::invalid(format!("it is no table: {error}; nothing was taken in"))
}

/// Where each column stands.
struct Columns {
    at: [Option<usize>; COLUMNS.len()],
    others: Vec<usize>,
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self> {
        let mut columns = Self {
            at: [None; COLUMNS.len()],
            others: Vec::new(),
        };
        for (index, name) in header.iter().enumerate() {
            let name = name.trim_ascii();
            let known = COLUMNS.iter().position(|column| column.as_bytes() == name);
            match known.and_then(|known| columns.at.get_mut(known)) {
                Some(Some(_)) => {
                    let name = String::from_utf8_lossy(name);
                    return Err(Error::invalid(format!(
                        "there are two columns '{name}'; nothing was taken in"
                    )));
                }
                Some(place) => *place = Some(index),
                None => columns.others.push(index),
            }
        }
        Ok(columns)
    }

    fn row<'a>(&self, record: &'a ByteRecord, line: u64) -> Result<Row<'a>> {
        let cell = |index: usize| {
            let bytes = record.get(index).unwrap_or_default();
            std::str::from_utf8(bytes).map(original).map_err(|_| {
                Error::new(
                    Kind::Encoding,
                    format!("the row at line {line} is not UTF-8; save the table as UTF-8; nothing was taken in"),
                )
            })
        };
        let mut cells = [""; COLUMNS.len()];
        for (place, at) in cells.iter_mut().zip(self.at) {
            *place = at.map_or(Ok(""), cell)?;
        }
        let others = self
            .others
            .iter()
            .filter(|index| record.get(**index).is_some_and(|cell| !cell.is_empty()));
        Ok(Row {
            line,
            cells,
            others: others.count(),
        })
    }
}

/// A row, by its columns.
struct Row<'a> {
    line: u64,
    cells: [&'a str; COLUMNS.len()],
    /// How many cells of unknown columns are not empty.
    others: usize,
}

impl<'a> Row<'a> {
    fn cell(&self, column: &str) -> &'a str {
        let at = COLUMNS.iter().position(|name| *name == column);
        at.and_then(|at| self.cells.get(at)).copied().unwrap_or_default()
    }

    fn said(&self, column: &str) -> Option<String> {
        Some(self.cell(column))
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
    }

    fn flag(&self, column: &str) -> std::result::Result<bool, String> {
        match self.cell(column).to_ascii_lowercase().as_str() {
            "" | "no" | "false" | "0" => Ok(false),
            "yes" | "true" | "1" => Ok(true),
            other => Err(format!("its {column} is '{}'; it must be yes or empty", short(other))),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Follows which session the rows are of.
#[derive(Default)]
struct Rows {
    open: Option<String>,
    last_seq: u64,
    /// What is to be said of the session, if it is taken in.
    remarks: Remarks,
}

impl Rows {
    fn take(&mut self, row: &Row<'_>, taker: &mut Taker<'_>) -> Result<()> {
        let id = row.cell("session_id");
        if self.open.as_deref() != Some(id) {
            self.end(taker)?;
            self.open = Some(id.to_owned());
            self.last_seq = 0;
            taker.begin(session(row))?;
        }
        self.remarks.lost("cells of unknown columns", row.others);
        // A session without messages has a row for itself.
        if row.cell("role").is_empty() && row.cell("content").is_empty() && row.cell("seq").is_empty() {
            return Ok(());
        }
        match self.message(row) {
            Ok(message) => taker.message(message),
            Err(reason) => taker.refuse(format!("the row at line {}: {reason}", row.line)),
        }
    }

    fn end(&mut self, taker: &mut Taker<'_>) -> Result<()> {
        match self.open.take() {
            Some(_) => {
                let remarks = std::mem::take(&mut self.remarks);
                if taker.takes_in() {
                    remarks.tell(taker);
                }
                taker.end()
            }
            None => Ok(()),
        }
    }

    fn message(&mut self, row: &Row<'_>) -> std::result::Result<IncomingMessage, String> {
        if let Some(seq) = row.said("seq") {
            let seq: u64 = seq
                .trim()
                .parse()
                .map_err(|_| format!("its seq is '{}', which is no number", short(&seq)))?;
            if seq <= self.last_seq {
                return Err(format!(
                    "its seq is {seq}, behind {}: the rows are not in their order",
                    self.last_seq
                ));
            }
            self.last_seq = seq;
        }
        let role = row.cell("role").trim();
        let role = Role::by_name(role).ok_or_else(|| {
            format!(
                "its role is '{}'; it must be system, developer, user, assistant or tool",
                short(role)
            )
        })?;
        let created = row.said("created").map(Json::from);
        let created = self.remarks.time(created.as_ref(), Unit::Seconds, || {
            format!("the row at line {}", row.line)
        });
        let mut message = draft::message(role, row.cell("content"), created);
        if let Some(tokens) = row.said("tokens") {
            let tokens = tokens
                .trim()
                .parse()
                .map_err(|_| format!("its tokens are '{}', which is no number", short(&tokens)))?;
            message.tokens = Tokens::Given(tokens);
        }
        message.pinned = row.flag("pinned")?;
        message.model = row.said("message_model");
        message.tool_call_id = row.said("tool_call_id");
        message.tool_calls = row.said("tool_calls");
        message.metadata = row.said("metadata");
        Ok(IncomingMessage {
            message,
            estimated: row.flag("estimated")?,
        })
    }
}

fn session(row: &Row<'_>) -> Conversation {
    Conversation {
        place: format!("the row at line {}", row.line),
        session: NewSession {
            id: row.said("session_id"),
            user_id: row.cell("user_id").to_owned(),
            name: row.said("name"),
            title: row.cell("title").to_owned(),
            model: row.cell("model").to_owned(),
            metadata: row.said("session_metadata"),
            ..NewSession::default()
        },
        created: row.said("created").and_then(|text| moment(&text)),
        ..Conversation::default()
    }
}

/// Writes the table.
#[derive(Default)]
pub(crate) struct Exporter {
    session: Vec<String>,
    session_metadata: String,
    messages: u64,
}

impl Exporter {
    fn row<'a>(out: &mut Out<'_>, cells: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(Vec::new());
        let cells = cells.into_iter().map(harmless);
        let written = writer.write_record(cells.map(String::into_bytes));
        let failed = |error: String| Error::new(Kind::Storage, format!("a row cannot be written: {error}"));
        written.map_err(|error| failed(error.to_string()))?;
        let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
        out.text(&String::from_utf8_lossy(&bytes))
    }

    fn remember(&mut self, info: &SessionInfo) {
        let name = info.name.clone().unwrap_or_default();
        self.session = vec![
            info.id.clone(),
            info.user_id.clone(),
            name,
            info.title.clone(),
            info.model.clone(),
        ];
        self.session_metadata = if draft::says_something(&info.metadata) {
            info.metadata.clone()
        } else {
            String::new()
        };
        self.messages = 0;
    }
}

impl super::export::Exporter for Exporter {
    fn begin(&mut self, out: &mut Out<'_>) -> Result<()> {
        Self::row(out, COLUMNS)
    }

    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()> {
        self.remember(session.info);
        let carried = [Field::Owner, Field::Name, Field::Title, Field::Model, Field::Metadata];
        carried::count_session(out, session, &carried);
        Ok(())
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        let flag = |flag| if message.flags.contains(flag) { "yes" } else { "" };
        let (seq, tokens) = (message.place.seq.to_string(), message.tokens.to_string());
        let created = draft::text_of_time(message.created);
        // Said once, with the first message: it may be long.
        let session_metadata = if self.messages == 0 {
            self.session_metadata.as_str()
        } else {
            ""
        };
        self.messages += 1;
        let cells = [
            &seq,
            message.role.name(),
            message.content,
            &created,
            &tokens,
            flag(MessageFlags::ESTIMATED),
            flag(MessageFlags::PINNED),
            message.model.unwrap_or_default(),
            message.tool_call_id.unwrap_or_default(),
            message.tool_calls.unwrap_or_default(),
            message.metadata.unwrap_or_default(),
            session_metadata,
        ];
        Self::row(out, self.session.iter().map(String::as_str).chain(cells))
    }

    fn end_session(&mut self, out: &mut Out<'_>) -> Result<()> {
        if self.messages > 0 {
            return Ok(());
        }
        let mut cells = vec![""; COLUMNS.len()];
        for (place, cell) in cells.iter_mut().zip(&self.session) {
            *place = cell;
        }
        if let Some(last) = cells.last_mut() {
            *last = &self.session_metadata;
        }
        Self::row(out, cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_comes_back_and_none_is_a_formula() {
        for text in [
            "", "a", "=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "'", "''", "'=1", "''=1", "'x", "＝1", " =1",
            "x'=",
        ] {
            let cell = harmless(text);
            assert!(!begins_a_formula(&cell), "{text:?}");
            assert_eq!(original(&cell), text);
        }
    }

    #[test]
    fn an_apostrophe_of_somebody_elses_stays_where_it_protects_nothing() {
        assert_eq!(original("'tis"), "'tis");
        assert_eq!(original("'=1"), "=1");
    }

    #[test]
    fn a_header_is_known_by_two_columns_whatever_stands_between_them() {
        assert_eq!(delimiter_of_header("session_id,role,content"), Some(b','));
        assert_eq!(delimiter_of_header("\"role\";\"content\""), Some(b';'));
        assert_eq!(delimiter_of_header("role\tx\tcontent"), Some(b'\t'));
        assert_eq!(delimiter_of_header("role of content, and more"), None);
    }
}
