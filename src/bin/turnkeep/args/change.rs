//! Commands that change sessions.

use clap::{ArgGroup, Args};

/// Fork a session: a new one that shares its messages
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep fork support-42
  turnkeep fork support-42 --at 12 --id support-42-b --title 'Another try'

JSON: {session: SESSION}, the new one.")]
pub(crate) struct Fork {
    /// The session
    pub(crate) session: String,
    /// Share the messages up to this one; without it, all
    #[arg(long, value_name = "SEQ")]
    pub(crate) at: Option<u64>,
    /// The new session's id; without it, one is made
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Its name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Its title; without it, as there
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// A tag more; more than one may be given
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
}

/// Ask nobody.
#[derive(Args, Clone, Copy)]
pub(crate) struct Yes {
    /// Do not ask; needed where stdin is no terminal
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
}

/// Take back the last messages of a session
///
/// What a fork shares stays with the fork.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep rewind support-42 --to 12
  turnkeep rewind support-42 --by 2 --yes

JSON: {session, removed, head_seq, revision}")]
pub(crate) struct Rewind {
    /// The session
    pub(crate) session: String,
    /// The last message to keep; 0 keeps none
    #[arg(long, value_name = "SEQ", required_unless_present = "by", conflicts_with = "by")]
    pub(crate) to: Option<u32>,
    /// How many messages to take back
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) by: Option<u32>,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

/// Give a session a name or a title, or take its name away
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep rename 019aa1b2-c3d4-7e5f printer
  turnkeep rename printer --title 'The printer is on fire'
  turnkeep rename printer --no-name

JSON: {session: SESSION}")]
#[command(group(ArgGroup::new("new").required(true).multiple(true).args(["name", "title", "no_name"])))]
pub(crate) struct Rename {
    /// The session
    pub(crate) session: String,
    /// Its new name, unique among its owner's
    #[arg(conflicts_with = "no_name")]
    pub(crate) name: Option<String>,
    /// Its new title
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Take its name away
    #[arg(long)]
    pub(crate) no_name: bool,
}

/// Give a session tags, or take them away
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep tag support-42 work urgent
  turnkeep tag support-42 --remove urgent

JSON: {session: SESSION}")]
#[command(group(ArgGroup::new("tags").required(true).multiple(true).args(["add", "remove"])))]
pub(crate) struct Tag {
    /// The session
    pub(crate) session: String,
    /// Tags that it gets
    #[arg(value_name = "TAG")]
    pub(crate) add: Vec<String>,
    /// A tag that it loses; more than one may be given
    #[arg(short = 'd', long, value_name = "TAG")]
    pub(crate) remove: Vec<String>,
}

/// Put sessions away: still listed and found
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep archive support-41 support-42

JSON: {sessions: [SESSION]}")]
pub(crate) struct Archive {
    /// The sessions
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<String>,
}

/// Throw sessions away: hidden until they are restored or removed
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep trash support-42
  turnkeep ls --status trashed

JSON: {sessions: [SESSION]}")]
pub(crate) struct Trash {
    /// The sessions
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<String>,
}

/// Take sessions back into use, from the archive or from the trash
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep restore support-42

JSON: {sessions: [SESSION]}")]
pub(crate) struct Restore {
    /// The sessions
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<String>,
}

/// Delete sessions with their messages, for good
///
/// What forks share stays with the forks. The file keeps the room, and for a while the text: see `erase`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep rm support-42
  turnkeep rm support-41 support-42 --yes

JSON: {deleted: [ID]}")]
pub(crate) struct Rm {
    /// The sessions
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<String>,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

/// Delete sessions so that no copy of their text stays in any file of the store
///
/// Takes as long as `vacuum`. What forks share stays with the forks; backups and exports are yours to remove.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep erase support-42
  turnkeep erase support-42 --yes --json

JSON: {erased: [{id, messages_erased, messages_kept_by_forks, wal_truncated}]}")]
pub(crate) struct Erase {
    /// The sessions
    #[arg(required = true, value_name = "SESSION")]
    pub(crate) sessions: Vec<String>,
    #[command(flatten)]
    pub(crate) yes: Yes,
}
