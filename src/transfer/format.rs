//! The formats, by name and number.

use crate::error::{Error, Result};

/// A format that conversations are kept in elsewhere. docs/formats.md says how each looks and what it cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Format {
    /// Turnkeep's own JSON Lines: everything, both ways.
    Turnkeep = 1,
    /// A JSON object a line with `messages` in the shape of the OpenAI chat API, both ways.
    OpenAi = 2,
    /// ShareGPT: JSON with `conversations` of `from` and `value`, both ways.
    ShareGpt = 3,
    /// A table with a row for each message, safe to open in a spreadsheet, both ways.
    Csv = 4,
    /// Markdown, to read.
    Markdown = 5,
    /// Plain text, to read.
    Text = 6,
    /// One HTML page that needs nothing else, to read and to search.
    Html = 7,
    /// The JSON array of Gemma.cpp sessions, both ways.
    GemmaSessions = 8,
    /// What the llama.cpp web UI exports.
    LlamaCpp = 9,
    /// ChatGPT's conversations.json, in one file or several.
    ChatGpt = 10,
    /// Claude's conversations.json.
    Claude = 11,
    /// The database of a QV session manager.
    QvDatabase = 12,
    /// The database of coda's session module.
    CodaDatabase = 13,
    /// The database of Gemma.cpp sessions.
    GemmaDatabase = 14,
    /// The database of an e-ink session manager.
    EinkDatabase = 15,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Turnkeep,
        Self::OpenAi,
        Self::ShareGpt,
        Self::Csv,
        Self::Markdown,
        Self::Text,
        Self::Html,
        Self::GemmaSessions,
        Self::LlamaCpp,
        Self::ChatGpt,
        Self::Claude,
        Self::QvDatabase,
        Self::CodaDatabase,
        Self::GemmaDatabase,
        Self::EinkDatabase,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Turnkeep => "turnkeep",
            Self::OpenAi => "openai",
            Self::ShareGpt => "sharegpt",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Text => "text",
            Self::Html => "html",
            Self::GemmaSessions => "gemma-sessions",
            Self::LlamaCpp => "llama-cpp",
            Self::ChatGpt => "chatgpt",
            Self::Claude => "claude",
            Self::QvDatabase => "qv-db",
            Self::CodaDatabase => "coda-db",
            Self::GemmaDatabase => "gemma-sessions-db",
            Self::EinkDatabase => "eink-db",
        }
    }

    /// The format with this name.
    pub fn by_name(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            Error::invalid(format!("there is no format '{name}'; there are {}", names.join(", ")))
        })
    }

    /// The format with this number.
    pub fn from_number(number: i32) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| *format as i32 == number);
        found.ok_or_else(|| Error::invalid(format!("format is {number}; it must be 1 to {}", Self::ALL.len())))
    }

    /// Whether a store can be written in it.
    pub fn can_be_exported(self) -> bool {
        (self as i32) <= (Self::GemmaSessions as i32)
    }

    /// Whether a store can take it in.
    pub fn can_be_imported(self) -> bool {
        !matches!(self, Self::Markdown | Self::Text | Self::Html)
    }
}
