//! What each command does.

mod branch;
mod change;
mod chat;
mod events;
mod list;
mod program;
mod remove;
mod search;
mod show;
mod stats;
mod transfer;
mod tree;
mod upkeep;
mod window;
mod write;

use crate::args::{Arguments, Command, General};
use crate::failure::{Exit, Failure};
use crate::output::Out;
use crate::place::{Access, Place};
use turnkeep::Store;

/// What every command works with.
pub(crate) struct Work {
    pub(crate) general: General,
    pub(crate) out: Out,
}

impl Work {
    fn store(&self, access: Access) -> Result<Store, Failure> {
        Place::named(&self.general)?.open(access)
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let work = &mut Work {
        out: Out::new(&arguments.general),
        general: arguments.general,
    };
    let exit = match arguments.command {
        Command::Ls(ls) => list::ls(work, &ls),
        Command::Show(show) => show::show(work, &show),
        Command::Tree(tree) => tree::tree(work, &tree),
        Command::Window(window) => window::window(work, &window),
        Command::Search(search) => search::search(work, &search),
        Command::Append(append) => write::append(work, append),
        Command::Chat(chat) => return chat::chat(work, &chat),
        Command::Fork(fork) => branch::fork(work, fork),
        Command::Rewind(rewind) => branch::rewind(work, &rewind),
        Command::Rename(rename) => change::rename(work, rename),
        Command::Tag(tag) => change::tag(work, tag),
        Command::Archive(archive) => change::each(work, &archive.sessions, "archived", |session| session.archive()),
        Command::Trash(trash) => change::each(work, &trash.sessions, "trashed", |session| session.trash()),
        Command::Restore(restore) => change::each(work, &restore.sessions, "restored", |session| session.restore()),
        Command::Rm(rm) => remove::rm(work, &rm),
        Command::Erase(erase) => remove::erase(work, &erase),
        Command::Export(export) => transfer::export(work, export),
        Command::Import(import) => return transfer::import(work, import),
        Command::Stats(stats) => stats::stats(work, &stats),
        Command::Events(events) => events::events(work, &events),
        Command::Backup(backup) => upkeep::backup(work, backup),
        Command::Check(_) => return upkeep::check(work),
        Command::Salvage(salvage) => return upkeep::salvage(work, salvage),
        Command::Vacuum(_) => upkeep::vacuum(work),
        Command::Config(config) => program::config(work, config),
        Command::Completions(completions) => program::completions(work, &completions),
    };
    exit?;
    work.out.flush()?;
    Ok(Exit::Done)
}
