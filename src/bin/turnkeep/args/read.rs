//! Commands that only look.

use super::{FilterArgs, RoleArg};
use clap::{Args, ValueEnum};

/// List sessions
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep ls
  turnkeep ls --tag work --updated-from 2026-11-01 --sort tokens
  turnkeep ls --status trashed --json | jq -r '.sessions[].id'
  turnkeep ls --meta /project=demo --meta '/turns>3'

JSON: {sessions: [SESSION], total}; total is how many there are, listed or not.")]
pub(crate) struct Ls {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// What to sort by, the largest or newest first; names and ids in order
    #[arg(long, value_name = "WHAT", value_enum, default_value = "updated")]
    pub(crate) sort: SortArg,
    /// The other way round
    #[arg(long)]
    pub(crate) reverse: bool,
    /// How many at most; 0 is all
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    pub(crate) limit: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortArg {
    Created,
    Updated,
    Id,
    Name,
    Messages,
    Tokens,
}

/// Show a session as a chat
///
/// On a terminal, what is longer than the screen goes through the pager: $PAGER, or less.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep show support-42
  turnkeep show support-42 --last 4
  turnkeep show 019aa1b2 --from 10 --to 20 --json

JSON: {session: SESSION, messages: [MESSAGE]}")]
pub(crate) struct Show {
    /// The session
    pub(crate) session: String,
    /// Only so many messages at the end
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["from", "to"])]
    pub(crate) last: Option<u64>,
    /// From this message on
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: Option<u64>,
    /// Up to this message
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) to: Option<u64>,
    /// Write everything at once
    #[arg(long)]
    pub(crate) no_pager: bool,
}

/// Draw how sessions were forked from each other
///
/// What lies deeper than 16 forks is drawn at that depth, and says how deep it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep tree
  turnkeep tree support-42

JSON: {sessions: [SESSION]}, each before its own forks; parent_id and fork_seq say where it hangs.")]
pub(crate) struct Tree {
    /// The family of this session; without it, every family that is not trashed
    pub(crate) session: Option<String>,
}

/// Show what would go into a prompt, what would not, and where the cut is
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep window support-42
  turnkeep window support-42 --max-tokens 4096 --reserve 512
  turnkeep window support-42 --max-tokens 4096 --json | jq '[.messages[] | {role, content}]'

JSON: {session, tokens, budget_tokens, cut_seq, head_seq, left_out: {messages, tokens, first_seq,
last_seq}, messages: [MESSAGE + part]}; part is front (pinned), summary or run (from the cut on).")]
pub(crate) struct Window {
    /// The session
    pub(crate) session: String,
    /// The size in tokens; without it the session's, then the store's
    #[arg(long, value_name = "TOKENS", default_value_t = 0, hide_default_value = true)]
    pub(crate) max_tokens: u64,
    /// Kept free for the answer
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub(crate) reserve: u64,
    /// Kept free for the summary; 0 lets it take what it needs
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub(crate) summary_tokens: u64,
    /// What the prompt template adds to each message
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub(crate) overhead: u32,
    /// How much of the budget is used after the cut has moved
    #[arg(long, value_name = "PERCENT", default_value_t = 75)]
    pub(crate) low_water: u32,
    /// How many turns stay in front
    #[arg(long, value_name = "TURNS", default_value_t = 0)]
    pub(crate) keep_first_turns: u32,
    /// How many messages at most; 0 is any number
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) max_messages: u32,
    /// Do without the summary
    #[arg(long)]
    pub(crate) no_summary: bool,
    /// Let pinned messages go with the others
    #[arg(long)]
    pub(crate) no_pins: bool,
}

/// Find messages, and sessions by title, name and summary
///
/// Every word must be there, whatever the case and the accents; words in "quotes" must follow one another; a star at the end of
/// a word asks for words that begin so. Nothing that is typed is an error.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep search paper jam
  turnkeep search '\"out of paper\" print*' --user anna --role user
  turnkeep search invoice --said-from 2026-11-01 --context 1

JSON: {hits: [{session_id, title, seq, role, created, score, snippet, marks: [[begin, end]],
context: [MESSAGE]}], complete}; seq and role are null for a session; marks are bytes of snippet.")]
pub(crate) struct Search {
    /// What to look for
    #[arg(required = true, value_name = "TEXT")]
    pub(crate) query: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Only messages of this role; more than one may be given
    #[arg(long, value_name = "ROLE", value_enum)]
    pub(crate) role: Vec<RoleArg>,
    /// Only what was said at this time or later
    #[arg(long, value_name = "TIME")]
    pub(crate) said_from: Option<String>,
    /// Only what was said at this time or before
    #[arg(long, value_name = "TIME")]
    pub(crate) said_to: Option<String>,
    /// What fits best first, instead of the newest
    #[arg(long)]
    pub(crate) rank: bool,
    /// How many hits at most
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// So many messages before and after each hit, too
    #[arg(short = 'C', long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    pub(crate) context: u32,
}

/// Show how much there is, how large it is, and when it was said
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep stats
  turnkeep stats --days 90 --json | jq '.days[] | [.date, .tokens]'

JSON: {store, sessions: {active, archived, trashed}, messages, tokens, bytes, averages:
{messages_per_session, tokens_per_session, session_duration_minutes}, sizes: {sessions, messages,
search, indexes, other, free_pages, database, wal_file}, days: [{date, messages, tokens}],
cache: {sessions, bytes, max_sessions, max_bytes, evictions, windows, cold_ns, warm_ns}}
messages and tokens count what forks share in each of them, days count it once. cache is what
the windows of the newest sessions took: in memory, and in nanoseconds from the file and again.")]
pub(crate) struct Stats {
    /// So many days up to today
    #[arg(long, value_name = "COUNT", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub(crate) days: u32,
}

/// Show what happened, from the store's event log
///
/// The log is kept by those who write with `event_log_rows` in their settings, --config with this program. --follow goes on until
/// Ctrl-C, and begins with what happens from now on unless --after is given.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep events --limit 20
  turnkeep events --follow
  turnkeep events --follow --after 0 --json

JSON: {events: [EVENT], lost}; with --follow one EVENT a line, and {lost: true} where some were
dropped from the log before they could be read.
EVENT: {number, at, kind, session_id, other_session_id, revision, first_seq, last_seq, count}")]
pub(crate) struct Events {
    /// Only events behind this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) after: Option<u64>,
    /// How many at most; 0 is all
    #[arg(
        short = 'n',
        long,
        value_name = "COUNT",
        default_value_t = 0,
        conflicts_with = "follow"
    )]
    pub(crate) limit: u64,
    /// Wait for more
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    /// How often to look, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 200, requires = "follow", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub(crate) interval: u64,
}
