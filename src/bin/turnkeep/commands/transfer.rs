//! `export` and `import`.

use super::Work;
use super::upkeep::{copy, until_interrupted};
use crate::args::{Export, Import};
use crate::failure::{Exit, Failure};
use crate::output::{Out, Table, clean, count, note, progress};
use crate::place::{Access, Place, utf8};
use crate::sessions;
use crate::unpublished::Unpublished;
use anstyle::Style;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use turnkeep::error::{Error, Kind};
use turnkeep::model::Filter;
use turnkeep::store::{ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::{ExportReport, Format, ImportReport, Loss, ProblemKind};
use turnkeep::{Store, StoreOptions};

pub(crate) fn export(work: &mut Work, export: Export) -> Result<(), Failure> {
    let file = export.output.clone().map(utf8).transpose()?;
    let format = export.format.unwrap_or_else(|| by_ending(export.output.as_deref()));
    if file.is_none() && work.out.as_json {
        return Err(Failure::usage(
            "--json writes the report to stdout; give the file for the sessions by -o",
        ));
    }
    // Before the sessions are written in vain.
    if let Some(file) = file
        .as_ref()
        .filter(|file| !export.overwrite && Path::new(file).exists())
    {
        return Err(Unpublished::taken(file));
    }
    let store = work.store(Access::Read)?;
    let selection = selection(&store, &export)?;
    let goes_on = until_interrupted()?;
    let bar = match file {
        Some(_) => progress::bar("exporting"),
        // It would stand in the midst of what is written.
        None => progress::hidden(),
    };
    let mut step = progress::step(&bar, &goes_on);
    let options = ExportOptions {
        format,
        selection,
        progress: Some(&mut step),
    };
    let written = match &file {
        Some(file) if export.overwrite => store.export_to_file(file, options).map_err(Failure::from),
        Some(file) => to_free_name(file, &store, options),
        None => to_stdout(&mut work.out, &store, options),
    };
    bar.finish_and_clear();
    let report = written?;
    if work.out.as_json {
        let file = file.unwrap_or_default();
        return work.out.json(&exported(format, &file, &report));
    }
    work.out.flush()?;
    tell_losses(&report.losses);
    note(format!(
        "exported {} sessions with {} messages as {}",
        count(report.sessions),
        count(report.messages),
        format.name()
    ));
    Ok(())
}

/// Somebody may have made the file since it was looked for.
fn to_free_name(file: &str, store: &Store, options: ExportOptions<'_>) -> Result<ExportReport, Failure> {
    let new = Unpublished::beside(file);
    let report = store
        .export_to_file(new.path(), options)
        .map_err(|error| new.explain(error.into()))?;
    new.publish()?;
    Ok(report)
}

fn by_ending(file: Option<&Path>) -> Format {
    match file.and_then(Path::extension).and_then(|ending| ending.to_str()) {
        Some("html" | "htm") => Format::Html,
        Some("md") => Format::Markdown,
        Some("txt") => Format::Text,
        Some("csv") => Format::Csv,
        _ => Format::Turnkeep,
    }
}

fn selection(store: &Store, export: &Export) -> Result<Selection, Failure> {
    let filter = export.filter.filter()?;
    if filter == Filter::default() && export.sessions.is_empty() {
        return Ok(Selection::All);
    }
    if export.sessions.is_empty() {
        return Ok(Selection::Filter(Box::new(filter)));
    }
    if filter != Filter::default() {
        return Err(Failure::usage(
            "sessions and a filter are both given; name the sessions or describe them",
        ));
    }
    let ids = export
        .sessions
        .iter()
        .map(|text| Ok(sessions::find(store, text)?.id().to_owned()));
    Ok(Selection::Sessions(ids.collect::<Result<_, Failure>>()?))
}

/// A terminal is shown what would steer it; a pipe gets every byte.
fn to_stdout(out: &mut Out, store: &Store, options: ExportOptions<'_>) -> Result<ExportReport, Failure> {
    let mut refused = None;
    let mut pending: Vec<u8> = Vec::new();
    let report = store.export(options, &mut |bytes| {
        let written = if out.is_terminal {
            pending.extend_from_slice(bytes);
            whole_lines(&mut pending).map_or(Ok(()), |lines| out.text(clean::text(&lines)))
        } else {
            out.bytes(bytes)
        };
        written.map_err(|failure| {
            refused = Some(failure);
            Error::new(Kind::Storage, "stdout takes no more")
        })
    });
    match (report, refused) {
        (_, Some(failure)) => Err(failure),
        (report, None) => {
            out.text(clean::text(&String::from_utf8_lossy(&pending)))?;
            Ok(report?)
        }
    }
}

/// Takes what ends in a newline, so that no character is cut in two.
fn whole_lines(pending: &mut Vec<u8>) -> Option<String> {
    let end = pending.iter().rposition(|byte| *byte == b'\n')? + 1;
    let rest = pending.split_off(end);
    let lines = std::mem::replace(pending, rest);
    Some(String::from_utf8_lossy(&lines).into_owned())
}

fn exported(format: Format, file: &str, report: &ExportReport) -> Value {
    json!({
        "format": format.name(),
        "file": file,
        "sessions": report.sessions,
        "messages": report.messages,
        "bytes": report.bytes,
        "losses": losses(&report.losses),
    })
}

pub(crate) fn import(work: &mut Work, import: Import) -> Result<Exit, Failure> {
    let target = Target::of(work, &import)?;
    let files: Vec<String> = import.files.iter().cloned().map(utf8).collect::<Result<_, _>>()?;
    let goes_on = until_interrupted()?;
    let mut done: Vec<(&str, ImportReport)> = Vec::new();
    let failed = take_in_each(&mut work.out, target, &files, &import, &goes_on, &mut done).err();
    // What is taken in stays so, whatever came of the next.
    if work.out.as_json && (failed.is_none() || !done.is_empty()) {
        let files: Vec<Value> = done.iter().map(|(file, report)| imported(file, report)).collect();
        work.out.json(&json!({ "dry_run": import.dry_run, "files": files }))?;
    }
    work.out.flush()?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    let has_failed = done.iter().any(|(_, report)| report.failed > 0);
    Ok(if has_failed { Exit::Failed } else { Exit::Done })
}

fn take_in_each<'a>(
    out: &mut Out,
    mut target: Target,
    files: &'a [String],
    import: &Import,
    goes_on: &AtomicBool,
    done: &mut Vec<(&'a str, ImportReport)>,
) -> Result<(), Failure> {
    for file in files {
        let report = target.take_in(file, import, goes_on).map_err(|failure| {
            if done.is_empty() || import.dry_run {
                return failure;
            }
            failure.during(&format!("after {} of {} files were imported", done.len(), files.len()))
        })?;
        if !out.as_json {
            show(out, file, &report, import.dry_run)?;
        }
        done.push((file, report));
    }
    target.close()
}

/// Where an import leads to.
enum Target {
    Open(Store),
    /// Opened for the first file. One that is not there appears when a file is taken in: a failure makes none.
    Later(Place),
}

impl Target {
    /// A dry run makes no store, and a file that is not there is a typo that makes none either.
    fn of(work: &Work, import: &Import) -> Result<Self, Failure> {
        let place = Place::named(&work.general)?;
        if !import.create {
            place.must_exist()?;
        }
        let is_missing = |file: &&PathBuf| !file.exists();
        if let Some(missing) = import.files.iter().find(is_missing) {
            return Err(Failure::not_found(format!(
                "there is no file '{}'; nothing was imported",
                missing.display()
            )));
        }
        if import.dry_run && !place.exists() {
            return Ok(Self::Open(Store::open(":memory:", StoreOptions::default())?));
        }
        Ok(Self::Later(place))
    }

    fn take_in(&mut self, file: &str, import: &Import, goes_on: &AtomicBool) -> Result<ImportReport, Failure> {
        let store = match self {
            Self::Open(store) => store,
            Self::Later(place) => {
                // A link to where the store is to be made is followed.
                let is_there = place.exists() || Path::new(&place.path).is_symlink();
                if import.create && !is_there {
                    return take_in_anew(place, file, import, goes_on);
                }
                let access = if import.create { Access::Create } else { Access::Write };
                *self = Self::Open(place.open(access)?);
                return self.take_in(file, import, goes_on);
            }
        };
        Ok(take_in(store, file, import, goes_on)?)
    }

    fn close(self) -> Result<(), Failure> {
        match self {
            Self::Open(store) => Ok(store.close()?),
            Self::Later(_) => Ok(()),
        }
    }
}

/// Makes a store of a file: one that is only there if something of the file is.
fn take_in_anew(place: &Place, file: &str, import: &Import, goes_on: &AtomicBool) -> Result<ImportReport, Failure> {
    let new = Unpublished::beside(&place.path);
    let taken_in = || {
        let store = place.at(new.path()).open(Access::Create)?;
        let report = take_in(&store, file, import, goes_on)?;
        if report.sessions > 0 || report.failed == 0 {
            // A copy, as a store may be more than its file; and one that replaces nothing.
            copy(&store, &place.path, false, "making the store", goes_on)?;
        }
        store.close()?;
        Ok(report)
    };
    taken_in().map_err(|failure| new.explain(failure))
}

fn take_in(store: &Store, file: &str, import: &Import, goes_on: &AtomicBool) -> Result<ImportReport, Error> {
    let bar = progress::bar("importing");
    let mut step = progress::step(&bar, goes_on);
    let options = ImportOptions {
        format: import.format,
        existing: import.existing.policy(),
        dry_run: import.dry_run,
        progress: Some(&mut step),
    };
    let report = store.import(file, options);
    bar.finish_and_clear();
    report
}

fn show(out: &mut Out, file: &str, report: &ImportReport, dry_run: bool) -> Result<(), Failure> {
    let would = if dry_run { "would be imported" } else { "imported" };
    out.line(format!(
        "{}: {} sessions with {} messages {would} as {}",
        clean::line(file),
        count(report.sessions),
        count(report.messages),
        report.format.name()
    ))?;
    for (what, number) in [
        ("share messages with another", report.forks),
        ("took the place of one that was there", report.overwritten),
        ("were there already and were skipped", report.skipped),
        ("failed", report.failed),
    ] {
        if number > 0 {
            out.line(format!("  {} {what}", count(number)))?;
        }
    }
    for loss in &report.losses {
        out.line(format!("  {} {} could not be kept", count(loss.count), loss.what))?;
    }
    if !report.problems.is_empty() {
        let mut table = Table::new(&["what", "session", "where", "why"]);
        for problem in &report.problems {
            table.row([
                (Style::new(), kind(problem.kind).replace('_', " ")),
                (Style::new(), problem.session_id.clone()),
                (Style::new(), problem.place.clone()),
                (Style::new(), problem.reason.clone()),
            ]);
        }
        out.whole_table(&table)?;
    }
    match report.problem_count.saturating_sub(report.problems.len() as u64) {
        0 => Ok(()),
        more => out.line(format!("and {} more", count(more))),
    }
}

fn imported(file: &str, report: &ImportReport) -> Value {
    let problem = |problem: &turnkeep::transfer::Problem| {
        json!({
            "kind": kind(problem.kind),
            "session_id": problem.session_id,
            "place": problem.place,
            "reason": problem.reason,
        })
    };
    json!({
        "file": file,
        "format": report.format.name(),
        "sessions": report.sessions,
        "messages": report.messages,
        "forks": report.forks,
        "skipped": report.skipped,
        "failed": report.failed,
        "overwritten": report.overwritten,
        "losses": losses(&report.losses),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "problem_count": report.problem_count,
    })
}

fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Skipped => "skipped",
        ProblemKind::Failed => "failed",
        ProblemKind::LeftOut => "left_out",
        ProblemKind::Changed => "changed",
    }
}

fn losses(losses: &[Loss]) -> Value {
    losses
        .iter()
        .map(|loss| json!({ "what": loss.what, "count": loss.count }))
        .collect()
}

fn tell_losses(losses: &[Loss]) {
    for loss in losses {
        note(format!(
            "{} {} cannot be carried by this format",
            count(loss.count),
            loss.what
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_file_name_chooses_the_format() {
        let chosen = |file: &str| by_ending(Some(Path::new(file))).name();
        let files = ["a.html", "a.htm", "a.md", "a.txt", "a.csv", "a.jsonl", "a"];
        assert_eq!(
            files.map(chosen),
            ["html", "html", "markdown", "text", "csv", "turnkeep", "turnkeep"]
        );
        assert_eq!(by_ending(None), Format::Turnkeep);
    }

    #[test]
    fn only_whole_lines_are_taken_so_that_no_character_is_cut_in_two() {
        let mut pending = "a\nb\n漢".as_bytes().to_vec();
        pending.pop();
        assert_eq!(whole_lines(&mut pending).as_deref(), Some("a\nb\n"));
        assert_eq!(whole_lines(&mut pending), None);
        pending.extend(["漢".as_bytes()[2], b'\n']);
        assert_eq!(whole_lines(&mut pending).as_deref(), Some("漢\n"));
    }
}
