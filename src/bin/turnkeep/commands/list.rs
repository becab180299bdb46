//! `ls`.

use super::Work;
use crate::args::{Ls, SortArg};
use crate::failure::Failure;
use crate::output::{BOLD, DIM, Table, count, note, time};
use crate::place::Access;
use crate::{json, sessions};
use anstyle::Style;
use serde_json::json;
use turnkeep::model::{ListOptions, SessionInfo, Sort, Status};

pub(crate) fn ls(work: &mut Work, ls: &Ls) -> Result<(), Failure> {
    let store = work.store(Access::Read)?;
    let filter = ls.filter.filter()?;
    let total = store.count_sessions(&filter)?;
    let (sort, ascends) = sort(ls.sort);
    let options = ListOptions {
        filter,
        sort,
        ascending: ascends != ls.reverse,
        ..ListOptions::default()
    };
    let most = if ls.limit == 0 { u64::MAX } else { ls.limit };
    let mut listed: Vec<SessionInfo> = Vec::new();
    sessions::each(&store, options, |session| {
        listed.push(session);
        (listed.len() as u64) < most
    })?;
    if work.out.as_json {
        return work
            .out
            .json(&json!({ "sessions": json::sessions(&listed), "total": total }));
    }
    if listed.is_empty() {
        note("no sessions");
        return Ok(());
    }
    work.out.table(&table(&listed))?;
    if total > listed.len() as u64 {
        note(format!(
            "{} of {}; --limit 0 lists all",
            count(listed.len() as u64),
            count(total)
        ));
    }
    Ok(())
}

/// What people sort by goes from the newest or largest on; names and ids go from the first on.
fn sort(sort: SortArg) -> (Sort, bool) {
    match sort {
        SortArg::Created => (Sort::Created, false),
        SortArg::Updated => (Sort::Updated, false),
        SortArg::Id => (Sort::Id, true),
        SortArg::Name => (Sort::Name, true),
        SortArg::Messages => (Sort::Messages, false),
        SortArg::Tokens => (Sort::Tokens, false),
    }
}

fn table(listed: &[SessionInfo]) -> Table {
    let mut table = Table::new(&["id", "changed", ">messages", ">tokens", "title"]);
    for session in listed {
        table.row([
            (BOLD, session.id.clone()),
            (DIM, time(session.updated)),
            (Style::new(), count(session.message_count)),
            (Style::new(), count(session.token_total)),
            (Style::new(), about(session)),
        ]);
    }
    table
}

/// Name and title, what state it is in if that is not the usual one, and its tags.
pub(super) fn about(session: &SessionInfo) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(session.name.clone());
    if !session.title.is_empty() {
        parts.push(session.title.clone());
    }
    if session.status != Status::Active {
        parts.push(format!("({})", session.status.name()));
    }
    parts.extend(session.tags.iter().map(|tag| format!("#{tag}")));
    parts.join("  ")
}
