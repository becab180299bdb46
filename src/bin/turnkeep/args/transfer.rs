//! Commands that bring conversations in and out.

use super::FilterArgs;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use turnkeep::transfer::{Existing, Format};

/// Write sessions in a format that others read
///
/// Without sessions and without a filter everything is written, whatever its status. The file appears when all of it is written;
/// without -o it goes to stdout. What a format cannot carry is counted and told; `turnkeep` carries everything (docs/formats.md).
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep export -o all.jsonl
  turnkeep export support-42 -o support.html
  turnkeep export --tag work --format markdown | less
  turnkeep export --user anna --format openai -o anna.jsonl --json

JSON: {format, file, sessions, messages, bytes, losses: [{what, count}]}; it needs -o.")]
pub(crate) struct Export {
    /// The sessions
    #[arg(value_name = "SESSION")]
    pub(crate) sessions: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// The format; without it, the one that FILE ends in (.html, .md, .txt, .csv), else turnkeep
    #[arg(long, value_name = "FORMAT", value_parser = formats(Format::can_be_exported))]
    pub(crate) format: Option<Format>,
    /// The file to write
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,
}

/// Take in sessions that were kept elsewhere
///
/// Each file is taken in wholly or, where it as a whole is wrong, not at all; a session that is wrong is left out and told. Files
/// of databases are opened read-only. Ctrl-C stops it, and nothing of the file is taken in. The first file that is wrong as a
/// whole ends the import; those before it stay imported and are told. An import that fails makes no store.
///
/// A dry run looks at each file by itself: an id that stands in two of them is not seen.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep import all.jsonl --create
  turnkeep import conversations.json --dry-run
  turnkeep import old/sessions.db --format gemma-sessions-db --existing keep-both

JSON: {dry_run, files: [{file, format, sessions, messages, forks, skipped, failed, overwritten,
losses: [{what, count}], problems: [{kind, session_id, place, reason}], problem_count}]}
kind is skipped, failed, left_out or changed. The exit code is 1 if a session failed. If a file
ends the import, the report on stdout holds those before it, if any, and the error is on stderr.")]
pub(crate) struct Import {
    /// The files, in this order
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The format; without it, each file is looked into
    #[arg(long, value_name = "FORMAT", value_parser = formats(Format::can_be_imported))]
    pub(crate) format: Option<Format>,
    /// What to do with a session whose id the store has already
    #[arg(long, value_name = "WHAT", value_enum, default_value = "skip")]
    pub(crate) existing: ExistingArg,
    /// Read and check each file by itself, say what would come of it, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Make the store if it is not there
    #[arg(long)]
    pub(crate) create: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExistingArg {
    Skip,
    Overwrite,
    KeepBoth,
}

impl ExistingArg {
    pub(crate) fn policy(self) -> Existing {
        match self {
            Self::Skip => Existing::Skip,
            Self::Overwrite => Existing::Overwrite,
            Self::KeepBoth => Existing::KeepBoth,
        }
    }
}

/// The names of the formats of one way.
fn formats(goes: fn(Format) -> bool) -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.into_iter().filter(move |format| goes(*format));
    PossibleValuesParser::new(names.map(|format| PossibleValue::new(format.name())))
        .try_map(|name| Format::by_name(&name))
}
