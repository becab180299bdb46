//! `tree`: families of sessions, drawn.

use super::Work;
use crate::args::Tree;
use crate::failure::Failure;
use crate::output::{BOLD, DIM, MARK, Out, clean, count, note};
use crate::place::Access;
use crate::{json, sessions};
use serde_json::json;
use std::collections::HashMap;
use turnkeep::model::SessionInfo;

pub(crate) fn tree(work: &mut Work, tree: &Tree) -> Result<(), Failure> {
    let store = work.store(Access::Read)?;
    let (family, meant) = match &tree.session {
        Some(text) => {
            let session = sessions::find(&store, text)?;
            (session.tree()?, session.id().to_owned())
        }
        None => {
            let mut all = Vec::new();
            sessions::each(&store, sessions::not_trashed(), |session| {
                all.push(session);
                true
            })?;
            (families(all), String::new())
        }
    };
    if work.out.as_json {
        let ordered: Vec<&SessionInfo> = Drawing::of(&family).in_order().collect();
        return work.out.json(&json!({ "sessions": json::sessions(ordered) }));
    }
    if family.is_empty() {
        note("no session was forked");
    }
    for line in Drawing::of(&family).lines() {
        draw(&mut work.out, &line, &meant)?;
    }
    Ok(())
}

/// Those that were forked, or are forks. The oldest first.
fn families(mut all: Vec<SessionInfo>) -> Vec<SessionInfo> {
    all.reverse();
    let parents: std::collections::HashSet<String> =
        all.iter().filter_map(|session| session.parent_id.clone()).collect();
    all.retain(|session| session.parent_id.is_some() || parents.contains(&session.id));
    all
}

/// Sessions by the one that they hang on.
struct Drawing<'a> {
    roots: Vec<&'a SessionInfo>,
    forks: HashMap<&'a str, Vec<&'a SessionInfo>>,
}

struct Line<'a> {
    branch: String,
    session: &'a SessionInfo,
}

impl<'a> Drawing<'a> {
    fn of(family: &'a [SessionInfo]) -> Self {
        let there: std::collections::HashSet<&str> = family.iter().map(|session| session.id.as_str()).collect();
        let mut drawing = Self {
            roots: Vec::new(),
            forks: HashMap::new(),
        };
        for session in family {
            match session.parent_id.as_deref().filter(|parent| there.contains(parent)) {
                Some(parent) => drawing.forks.entry(parent).or_default().push(session),
                None => drawing.roots.push(session),
            }
        }
        drawing
    }

    /// Each before its own forks. Without recursion: a chain of forks may be long.
    fn lines(&self) -> Vec<Line<'a>> {
        let mut lines = Vec::new();
        let mut open: Vec<(Line<'a>, String)> = Vec::new();
        let top = |session| Line {
            branch: String::new(),
            session,
        };
        open.extend(self.roots.iter().rev().map(|root| (top(*root), String::new())));
        while let Some((line, below)) = open.pop() {
            let forks = self.forks.get(line.session.id.as_str()).map_or(&[][..], Vec::as_slice);
            for (index, session) in forks.iter().enumerate().rev() {
                let is_last = index + 1 == forks.len();
                let fork = Line {
                    branch: format!("{below}{}", if is_last { "└─ " } else { "├─ " }),
                    session,
                };
                open.push((fork, format!("{below}{}", if is_last { "   " } else { "│  " })));
            }
            lines.push(line);
        }
        lines
    }

    fn in_order(&self) -> impl Iterator<Item = &'a SessionInfo> {
        self.lines().into_iter().map(|line| line.session)
    }
}

fn draw(out: &mut Out, line: &Line<'_>, meant: &str) -> Result<(), Failure> {
    let session = line.session;
    let branch = out.paint(DIM, &line.branch);
    let name = out.paint(BOLD, clean::line(sessions::label(session)));
    let from = match session.parent_id {
        Some(_) => format!("from {}, ", session.fork_seq),
        None => String::new(),
    };
    let facts = out.paint(DIM, format!("{from}{} messages", count(session.message_count)));
    let here = if session.id == meant {
        format!("  {}", out.paint(MARK, "← here"))
    } else {
        String::new()
    };
    let about = super::list::about(&SessionInfo {
        name: None,
        ..session.clone()
    });
    let about = clean::line(&about).into_owned();
    let gap = if about.is_empty() { "" } else { "  " };
    out.line(format!("{branch}{name}  {facts}{gap}{about}{here}"))
}
