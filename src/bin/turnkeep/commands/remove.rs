//! `rm` and `erase`, and the question before what cannot be taken back.

use super::Work;
use crate::args::{Erase, Rm, Yes};
use crate::failure::Failure;
use crate::place::Access;
use crate::{json, output, sessions};
use serde_json::json;
use std::io::{IsTerminal, Write, stderr, stdin};
use turnkeep::Store;

pub(crate) fn rm(work: &mut Work, rm: &Rm) -> Result<(), Failure> {
    let store = work.store(Access::Write)?;
    let ids = meant(&store, &rm.sessions)?;
    ask(rm.yes, &format!("delete {}", told(&store, &ids)?))?;
    for id in &ids {
        store.delete_session(id)?;
    }
    store.close()?;
    if work.out.as_json {
        return work.out.json(&json!({ "deleted": ids }));
    }
    output::note(format!("deleted {}", number_of(&ids)));
    Ok(())
}

pub(crate) fn erase(work: &mut Work, erase: &Erase) -> Result<(), Failure> {
    let store = work.store(Access::Write)?;
    let ids = meant(&store, &erase.sessions)?;
    ask(erase.yes, &format!("erase {}", told(&store, &ids)?))?;
    let mut erased = Vec::new();
    let spinner = output::progress::spinner("erasing");
    for id in &ids {
        let report = store.erase_session(id)?;
        erased.push(json!({
            "id": id,
            "messages_erased": report.messages_erased,
            "messages_kept_by_forks": report.messages_kept_by_forks,
            "wal_truncated": report.wal_truncated,
        }));
    }
    spinner.finish_and_clear();
    store.close()?;
    if work.out.as_json {
        return work.out.json(&json!({ "erased": erased }));
    }
    for (id, report) in ids.iter().zip(&erased) {
        output::note(format!(
            "erased session '{id}': {} messages are gone, {} stay with forks",
            json::number(report, "messages_erased"),
            json::number(report, "messages_kept_by_forks")
        ));
    }
    Ok(())
}

/// All of them are found before any is touched, and none twice.
fn meant(store: &Store, texts: &[String]) -> Result<Vec<String>, Failure> {
    let mut ids: Vec<String> = Vec::new();
    for text in texts {
        let id = sessions::find(store, text)?.id().to_owned();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// What is about to go, so that he who is asked knows.
fn told(store: &Store, ids: &[String]) -> Result<String, Failure> {
    if let [id] = ids {
        let info = store.open_session(id)?.describe()?;
        return Ok(format!("session '{id}' with {} messages", info.message_count));
    }
    Ok(number_of(ids))
}

fn number_of(ids: &[String]) -> String {
    match ids {
        [id] => format!("session '{id}'"),
        ids => format!("{} sessions", ids.len()),
    }
}

/// Asks on a terminal; elsewhere --yes is needed.
pub(super) fn ask(yes: Yes, what: &str) -> Result<(), Failure> {
    if yes.yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "to {what} needs --yes where nobody can be asked; nothing was changed"
        )));
    }
    let question = format!("{what}? [y/N] ");
    write!(stderr(), "{}", output::clean::line(&question))?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::failed("nothing was changed"))
}
