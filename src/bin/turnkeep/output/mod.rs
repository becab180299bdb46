//! What goes to people: colours, a pager, tables, numbers. And what goes to programs: JSON.

pub(crate) mod chart;
pub(crate) mod clean;
mod numbers;
mod pager;
pub(crate) mod progress;
mod table;

pub(crate) use numbers::{bytes, count, duration, time};
pub(crate) use table::{Table, cut};

use crate::args::{Colours, General};
use crate::failure::Failure;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::fmt::Display;
use std::io::{BufWriter, IsTerminal, Write, stdout};
use turnkeep::model::Role;

/// Where a command writes what it found.
pub(crate) struct Out {
    writer: Box<dyn Write>,
    pub(crate) as_json: bool,
    colours: bool,
    pub(crate) is_terminal: bool,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const MARK: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// The colour of whoever speaks.
pub(crate) fn style_of(role: Role) -> Style {
    let colour = match role {
        Role::System | Role::Developer => AnsiColor::Magenta,
        Role::User => AnsiColor::Cyan,
        Role::Assistant => AnsiColor::Green,
        Role::Tool => AnsiColor::Yellow,
    };
    colour.on_default().bold()
}

impl Out {
    pub(crate) fn new(general: &General) -> Self {
        let colours = match general.color {
            Colours::Always => true,
            Colours::Never => false,
            Colours::Auto => AutoStream::choice(&stdout()) != ColorChoice::Never,
        };
        Self {
            writer: if colours {
                Box::new(BufWriter::new(AutoStream::always_ansi(stdout())))
            } else {
                Box::new(BufWriter::new(stdout()))
            },
            as_json: general.json,
            colours: colours && !general.json,
            is_terminal: stdout().is_terminal(),
        }
    }

    /// From here on through a pager, if this is a terminal and it is longer than the screen.
    pub(crate) fn page(&mut self) {
        if self.is_terminal && !self.as_json {
            self.writer = Box::new(pager::Pager::new(width(), height()));
        }
    }

    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.writer, "{text}")?)
    }

    /// A part of a line.
    pub(crate) fn text(&mut self, text: impl Display) -> Result<(), Failure> {
        Ok(write!(self.writer, "{text}")?)
    }

    /// As it is: for a pipe or a file only.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.writer.write_all(bytes)?)
    }

    /// One value: on a terminal laid out for people, else in one line.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        let text = if self.is_terminal {
            crate::json::pretty(value)
        } else {
            crate::json::line(value)
        };
        self.line(text)
    }

    /// One value of many, each in its line.
    pub(crate) fn json_line(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(crate::json::line(value))?;
        self.flush()
    }

    /// A table whose last column ends where the terminal ends.
    pub(crate) fn table(&mut self, table: &Table) -> Result<(), Failure> {
        let most = self.is_terminal.then(width);
        self.draw(table, most)
    }

    /// A table of which every word counts.
    pub(crate) fn whole_table(&mut self, table: &Table) -> Result<(), Failure> {
        self.draw(table, None)
    }

    fn draw(&mut self, table: &Table, most: Option<usize>) -> Result<(), Failure> {
        let text = table.draw(most, |style, text| self.paint(style, text));
        self.text(text)
    }

    pub(crate) fn paint(&self, style: Style, text: impl Display) -> String {
        if self.colours {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.writer.flush()?)
    }
}

/// The columns of the terminal.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size_of(stdout()).map_or(80, |(width, _)| usize::from(width.0).max(20))
}

fn height() -> usize {
    terminal_size::terminal_size_of(stdout()).map_or(24, |(_, height)| usize::from(height.0))
}

/// Says something that is no part of the answer.
pub(crate) fn note(text: impl Display) {
    // Whoever closed stderr does not want to read it.
    let _unread = writeln!(std::io::stderr(), "{}", clean::line(&text.to_string()));
}
