//! `backup`, `check`, `salvage`, `vacuum`.

use super::Work;
use crate::args::{Backup, Salvage};
use crate::failure::{Exit, Failure};
use crate::output::{BAD, GOOD, Out, bytes, clean, count, note, progress};
use crate::place::{Access, Place, utf8};
use crate::{json, shell};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use turnkeep::Store;
use turnkeep::model::Problems;
use turnkeep::store::BackupOptions;

pub(crate) fn backup(work: &mut Work, backup: Backup) -> Result<(), Failure> {
    let store = work.store(Access::Read)?;
    let target = utf8(backup.target)?;
    let goes_on = until_interrupted()?;
    copy(&store, &target, backup.overwrite, "backing up", &goes_on)?;
    let size = std::fs::metadata(&target).map_or(0, |file| file.len());
    if work.out.as_json {
        return work.out.json(&json!({ "target": target, "bytes": size }));
    }
    note(format!("backed up to '{target}' ({})", bytes(size)));
    Ok(())
}

pub(super) fn copy(
    store: &Store,
    target: &str,
    overwrite: bool,
    what: &str,
    goes_on: &AtomicBool,
) -> Result<(), Failure> {
    let bar = progress::bar(what);
    let mut step = progress::step(&bar, goes_on);
    let options = BackupOptions {
        overwrite,
        progress: Some(&mut step),
    };
    let copied = store.backup(target, options);
    bar.finish_and_clear();
    Ok(copied?)
}

/// True until Ctrl-C.
pub(super) fn until_interrupted() -> Result<Arc<AtomicBool>, Failure> {
    let goes_on = Arc::new(AtomicBool::new(true));
    let stop = Arc::clone(&goes_on);
    shell::on_interrupt(move || stop.store(false, Ordering::Release))?;
    Ok(goes_on)
}

pub(crate) fn check(work: &mut Work) -> Result<Exit, Failure> {
    let store = work.store(Access::Read)?;
    let spinner = progress::spinner("checking");
    let report = store.check();
    spinner.finish_and_clear();
    let report = report?;
    let out = &mut work.out;
    if out.as_json {
        let value = json!({
            "sessions": report.sessions,
            "messages": report.messages,
            "documents": report.documents,
            "pages": report.pages,
        });
        out.json(&json::with_problems(value, &report.problems))?;
    } else {
        list(out, &report.problems)?;
        let verdict = match report.problems.count {
            0 => out.paint(GOOD, "all is well"),
            1 => out.paint(BAD, "1 problem"),
            many => out.paint(BAD, format!("{} problems", count(many))),
        };
        out.line(format!(
            "{verdict}: {} sessions, {} messages, {} documents, {} pages looked at",
            count(report.sessions),
            count(report.messages),
            count(report.documents),
            count(report.pages)
        ))?;
    }
    out.flush()?;
    Ok(exit(&report.problems))
}

pub(crate) fn salvage(work: &mut Work, salvage: Salvage) -> Result<Exit, Failure> {
    let place = Place::named(&work.general)?;
    place.must_exist()?;
    let target = utf8(salvage.target)?;
    let spinner = progress::spinner("salvaging");
    let report = Store::salvage(&place.path, &target);
    spinner.finish_and_clear();
    let report = report?;
    let out = &mut work.out;
    if out.as_json {
        let value = json!({
            "target": target,
            "sessions": report.sessions,
            "sessions_added": report.sessions_added,
            "sessions_lost": report.sessions_lost,
            "messages": report.messages,
            "messages_lost": report.messages_lost,
        });
        out.json(&json::with_problems(value, &report.problems))?;
    } else {
        list(out, &report.problems)?;
        out.line(format!(
            "salvaged {} sessions and {} messages to '{}'; {} sessions were added for messages without one; {} sessions and \
             {} messages are lost",
            count(report.sessions),
            count(report.messages),
            clean::line(&target),
            count(report.sessions_added),
            count(report.sessions_lost),
            count(report.messages_lost)
        ))?;
    }
    out.flush()?;
    Ok(exit(&report.problems))
}

fn list(out: &mut Out, problems: &Problems) -> Result<(), Failure> {
    for problem in &problems.listed {
        out.line(clean::line(problem))?;
    }
    match problems.count.saturating_sub(problems.listed.len() as u64) {
        0 => Ok(()),
        more => out.line(format!("and {} more", count(more))),
    }
}

fn exit(problems: &Problems) -> Exit {
    if problems.count == 0 { Exit::Done } else { Exit::Damaged }
}

pub(crate) fn vacuum(work: &mut Work) -> Result<(), Failure> {
    let store = work.store(Access::Write)?;
    let before = store.sizes()?.database;
    let spinner = progress::spinner("writing the store anew");
    let done = store.vacuum();
    spinner.finish_and_clear();
    done?;
    let after = store.sizes()?.database;
    if work.out.as_json {
        return work.out.json(&json!({ "bytes_before": before, "bytes_after": after }));
    }
    note(format!("{} before, {} now", bytes(before), bytes(after)));
    Ok(())
}
