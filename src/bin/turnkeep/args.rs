//! What can be asked of the program: the words of its command line, and the help that docs/cli.md is made of.

mod change;
mod filter;
mod read;
mod transfer;
mod upkeep;
mod write;

pub(crate) use change::*;
pub(crate) use filter::*;
pub(crate) use read::*;
pub(crate) use transfer::*;
pub(crate) use upkeep::*;
pub(crate) use write::*;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Look into a store of conversations, talk into it, keep it in order
///
/// The store is the one that --store names, or the settings file of --config, or the variable TURNKEEP_STORE, or turnkeep.db in
/// the platform's folder for data ($XDG_DATA_HOME/turnkeep on Linux). `turnkeep config` says which one that is. A store that is
/// not there is an error: only `append`, `chat` and `import` make one, and only with --create.
///
/// A SESSION is named by its id, by the beginning of its id if no other begins so, or by its name.
#[derive(Parser)]
#[command(name = "turnkeep", bin_name = "turnkeep", version, max_term_width = 100, after_long_help = ABOUT_ALL)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) general: General,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ABOUT_ALL: &str = "\
Exit codes:
  0    done
  1    failed: no rights, disk full, what the message says
  2    asked in a way that means nothing, or --yes is needed where nobody can be asked
  3    there is no such store, session, message or file
  4    the store is damaged, or a salvage could not bring everything
  5    another process holds the store or has changed the session: try again
  6    what would be made is there already
  130  stopped by Ctrl-C (`chat` and `events --follow` end so with 0)

JSON:
  With --json a command writes one JSON value and nothing else to stdout; `chat` and `events
  --follow` write JSON Lines. Failures are {\"error\": {kind, message, exit}} on stderr. What is
  absent is null; times are UTC like 2026-11-20T12:30:00.000000Z. Fields are only ever added.
  SESSION: {id, user_id, name, title, model, status, tags, summary, metadata, window_tokens,
            created, updated, expires, expires_after_ms, parent_id, fork_seq, messages, tokens,
            bytes, max_bytes, revision}
  MESSAGE: {seq, role, content, tokens, estimated, pinned, turn, total_tokens, created,
            tool_calls, tool_call_id, model, metadata}

Times:
  2026-11-20 is that day, 2026-11-20T12:30 that minute, here; 2026-11-20T12:30:00Z is a second in
  UTC. The end of a time that is given as --...-to belongs to it.

Colours are for terminals only, and not where NO_COLOR is set. What a conversation holds cannot
steer a terminal: control characters and those that turn the direction of text are shown, not sent.";

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct General {
    /// The store's file, before everything else that names one
    #[arg(long, global = true, value_name = "PATH", help_heading = "General")]
    pub(crate) store: Option<PathBuf>,
    /// A settings file (TOML, table [session]), which says where the store is and how to open it
    #[arg(long, global = true, value_name = "FILE", help_heading = "General")]
    pub(crate) config: Option<PathBuf>,
    /// Write JSON
    #[arg(long, global = true, help_heading = "General")]
    pub(crate) json: bool,
    /// Use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = false,
        help_heading = "General"
    )]
    pub(crate) color: Colours,
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colours {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Ls(Ls),
    Show(Show),
    Tree(Tree),
    Window(Window),
    Search(Search),
    Append(Append),
    Chat(Chat),
    Fork(Fork),
    Rewind(Rewind),
    Rename(Rename),
    Tag(Tag),
    Archive(Archive),
    Trash(Trash),
    Restore(Restore),
    Rm(Rm),
    Erase(Erase),
    Export(Export),
    Import(Import),
    Stats(Stats),
    Events(Events),
    Backup(Backup),
    Check(Check),
    Salvage(Salvage),
    Vacuum(Vacuum),
    Config(Config),
    Completions(Completions),
}
