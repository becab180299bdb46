//! Commands that keep a store in order, and those about the program itself.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// Copy the store to another file, while others go on writing
///
/// The copy is whole or not there. Ctrl-C stops it, and leaves nothing behind.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep backup /mnt/usb/chats.db
  turnkeep backup chats.bak --overwrite

JSON: {target, bytes}")]
pub(crate) struct Backup {
    /// The new file
    pub(crate) target: PathBuf,
    /// Replace a store that is there
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// Look whether everything in the store is as it should be
///
/// Says in a sentence each what is wrong, and ends with 4 if anything is. Reads everything.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep check
  turnkeep check --store old.db --json

JSON: {problems: [TEXT], problem_count, sessions, messages, documents, pages}")]
pub(crate) struct Check {}

/// Copy what can be read of a damaged store into a new one
///
/// The store stays as it is. Says what could not be read, and ends with 4 if that is anything.
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep salvage --store broken.db rescued.db

JSON: {target, problems: [TEXT], problem_count, sessions, sessions_added, sessions_lost, messages,
messages_lost}")]
pub(crate) struct Salvage {
    /// The new store
    pub(crate) target: PathBuf,
}

/// Write the store anew, without the room that deleted messages left
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep vacuum

JSON: {bytes_before, bytes_after}")]
pub(crate) struct Vacuum {}

/// Say where the store is and how it is opened, and check a settings file
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep config
  turnkeep config settings.toml
  turnkeep --config settings.toml append notes 'Kept as the settings say.'

JSON: {store, exists, named_by, settings_file, settings: {KEY: VALUE}}; the keys are those of a
settings file.")]
pub(crate) struct Config {
    /// The settings file to check, as --config would take it
    #[arg(conflicts_with = "config")]
    pub(crate) file: Option<PathBuf>,
}

/// Write a script that completes commands and options in a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  turnkeep completions bash > ~/.local/share/bash-completion/completions/turnkeep
  turnkeep completions zsh > ~/.zfunc/_turnkeep
  turnkeep completions fish > ~/.config/fish/completions/turnkeep.fish

JSON: {shell, script}")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
