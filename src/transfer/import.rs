//! The importer of each format.

use super::Format;
use super::input::Input;
use super::taker::Taker;
use crate::error::{Error, Kind, Result};

/// Reads a source in a format, and hands what it finds to the taker. An error ends the import, and nothing is kept.
pub(crate) fn read(format: Format, input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    match format {
        Format::Turnkeep => super::own::read::read(input, taker),
        Format::OpenAi => super::openai::read(input, taker),
        Format::ShareGpt => super::sharegpt::read(input, taker),
        Format::Csv => super::csv::read(input, taker),
        Format::GemmaSessions => super::gemma_sessions::read(input, taker),
        Format::LlamaCpp => super::llama_cpp::read(input, taker),
        Format::ChatGpt => super::chatgpt::read(input, taker),
        Format::Claude => super::claude::read(input, taker),
        Format::QvDatabase | Format::CodaDatabase | Format::GemmaDatabase | Format::EinkDatabase => {
            super::databases::read(format, input, taker)
        }
        Format::Markdown | Format::Text | Format::Html => Err(Error::new(
            Kind::Unsupported,
            format!(
                "{} is written for people to read; export as turnkeep, openai, sharegpt or csv to import it again",
                format.name()
            ),
        )),
    }
}

/// What a source is, by what stands in it.
pub(crate) fn detect(input: &Input) -> Result<Format> {
    super::detect::detect(input)
}
