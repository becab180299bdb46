//! A copy of the whole database, page by page, as of one moment.

use super::failure::Site;
use super::new_file::NewFile;
use crate::error::{Error, Kind, Result};
use crate::storage::upkeep::Progress;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::time::{Duration, Instant};

/// How many pages are copied between two looks at whoever may want to stop: 2 MB.
const PAGES: i32 = 512;

/// Copies what a connection sees into a new file. The connection must stay at one moment: it holds a read transaction, or
/// nobody else has its database.
pub(super) fn backup(source: &Connection, into: NewFile, progress: Progress<'_>) -> Result<()> {
    let mut target = into.create()?;
    copy(source, &mut target, into.site(), PAGES, progress)?;
    target.close().map_err(|(_, error)| into.site().explain(&error))?;
    into.place()
}

/// A copy in memory.
pub(super) fn in_memory(source: &Connection, site: &Site) -> Result<Connection> {
    let mut target = Connection::open_in_memory().map_err(|error| site.explain(&error))?;
    copy(source, &mut target, site, -1, &mut |_, _| true)?;
    Ok(target)
}

fn copy(source: &Connection, target: &mut Connection, site: &Site, pages: i32, progress: Progress<'_>) -> Result<()> {
    let explain = |error: rusqlite::Error| site.explain(&error);
    let copying = Backup::new(source, target).map_err(explain)?;
    let mut waiting: Option<Instant> = None;
    loop {
        let step = copying.step(pages).map_err(explain)?;
        if matches!(step, StepResult::Busy | StepResult::Locked) {
            if waiting.get_or_insert_with(Instant::now).elapsed() > site.busy_timeout {
                return Err(Error::new(
                    Kind::Busy,
                    format!("{} was kept by somebody else for too long", site.location),
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        waiting = None;
        let state = copying.progress();
        let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
        let all = count(state.pagecount);
        if !progress(all - count(state.remaining).min(all), all) {
            return Err(Error::new(
                Kind::Aborted,
                "the progress callback asked to stop; nothing was kept",
            ));
        }
        if step == StepResult::Done {
            return Ok(());
        }
    }
}
