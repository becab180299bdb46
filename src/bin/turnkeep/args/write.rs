//! Commands that say something.

use super::RoleArg;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Append a message
///
/// The text is an argument, or comes from a file or from stdin; then one newline at its end does not belong to it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep append support-42 'The printer is on fire.'
  turnkeep append notes --create --role system 'You take notes.'
  git diff | turnkeep append review --file - --role user
  turnkeep append support-42 --role assistant --file answer.md --key answer-7

JSON: {session, created, first_seq, last_seq, turn, revision, durability, repeated}")]
pub(crate) struct Append {
    /// The session
    pub(crate) session: String,
    /// What is said; without it, stdin
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    pub(crate) content: Option<String>,
    /// Take the text from a file; - is stdin
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Who says it
    #[arg(short = 'r', long, value_name = "ROLE", value_enum, default_value = "user")]
    pub(crate) role: RoleArg,
    /// How many tokens it has; without it they are counted
    #[arg(long, value_name = "COUNT")]
    pub(crate) tokens: Option<u32>,
    /// The model that wrote it
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// The calls that an assistant makes: a JSON array as in the OpenAI chat API
    #[arg(long, value_name = "JSON")]
    pub(crate) tool_calls: Option<String>,
    /// The call that a tool answers
    #[arg(long, value_name = "ID")]
    pub(crate) tool_call_id: Option<String>,
    /// A JSON object to keep with it
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// Keep it in every window
    #[arg(long)]
    pub(crate) pinned: bool,
    /// For a retry: what was appended with this key is not appended again
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// What it survives before it is acknowledged: a power cut, or the end of this program
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) durability: Option<DurabilityArg>,
    #[command(flatten)]
    pub(crate) create: Create,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DurabilityArg {
    Disk,
    Os,
}

/// What a new session gets.
#[derive(Args, Clone)]
pub(crate) struct Create {
    /// Make the session with SESSION as its id, and the store, if they are not there
    #[arg(long, help_heading = "New session")]
    pub(crate) create: bool,
    /// Its title
    #[arg(long, value_name = "TEXT", requires = "create", help_heading = "New session")]
    pub(crate) title: Option<String>,
    /// Its owner
    #[arg(long, value_name = "ID", requires = "create", help_heading = "New session")]
    pub(crate) user: Option<String>,
    /// A tag; more than one may be given
    #[arg(long, value_name = "TAG", requires = "create", help_heading = "New session")]
    pub(crate) tag: Vec<String>,
}

/// Type into a session
///
/// Each line is a message of the user; a line that ends in a backslash goes on in the next one. Ctrl-D ends, and so does Ctrl-C.
/// With --answerer every message is answered: the command gets the window as JSON on its stdin, {session, tokens, budget_tokens,
/// messages: [{role, content, ...}]} as chat APIs want them, and what it writes to stdout is the answer. If it fails, that is
/// said, and the message stays. Without --answerer what is typed is only kept.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep chat notes --create
  turnkeep chat support-42 --answerer ./ask-the-model --max-tokens 8192
  turnkeep chat demo --create --answerer \"jq -r '.messages[-1].content | ascii_upcase'\"

JSON: one {session, MESSAGE} a line for each message that was kept. The exit code is 1 if the last
message was to be answered and was not.")]
pub(crate) struct Chat {
    /// The session; with --create it may be left out
    #[arg(required_unless_present = "create")]
    pub(crate) session: Option<String>,
    /// The command that answers, run by the shell
    #[arg(long, value_name = "COMMAND")]
    pub(crate) answerer: Option<String>,
    /// The size of the answerer's window in tokens; without it the session's, then the store's
    #[arg(long, value_name = "TOKENS", default_value_t = 0, hide_default_value = true)]
    pub(crate) max_tokens: u64,
    /// Kept free for the answer
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub(crate) reserve: u64,
    #[command(flatten)]
    pub(crate) create: Create,
}
