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

/// Deeper ones would have no room on a screen, and a chain of forks takes space that grows with the square of its length.
const DEEPEST_DRAWN: usize = 16;

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
        let ordered = Family::of(&family).in_order();
        let sessions: Vec<&SessionInfo> = ordered.iter().map(|place| place.session).collect();
        return work.out.json(&json!({ "sessions": json::sessions(sessions) }));
    }
    if family.is_empty() {
        note("no session was forked");
    }
    let mut rails = Vec::new();
    let mut deepest = 0;
    for place in Family::of(&family).in_order() {
        let branch = branch(&mut rails, &place);
        draw(&mut work.out, &branch, &place, &meant)?;
        deepest = deepest.max(place.depth);
    }
    if deepest > DEEPEST_DRAWN {
        let most = count(DEEPEST_DRAWN as u64);
        note(format!(
            "what is deeper than {most} forks is drawn there, and says how deep it is"
        ));
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
struct Family<'a> {
    roots: Vec<&'a SessionInfo>,
    forks: HashMap<&'a str, Vec<&'a SessionInfo>>,
}

/// Where a session stands.
struct Place<'a> {
    session: &'a SessionInfo,
    /// So many forks lie between it and its root.
    depth: usize,
    /// Of those that hang on the same one.
    is_last: bool,
}

impl<'a> Family<'a> {
    fn of(sessions: &'a [SessionInfo]) -> Self {
        let there: std::collections::HashSet<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
        let mut family = Self {
            roots: Vec::new(),
            forks: HashMap::new(),
        };
        for session in sessions {
            match session.parent_id.as_deref().filter(|parent| there.contains(parent)) {
                Some(parent) => family.forks.entry(parent).or_default().push(session),
                None => family.roots.push(session),
            }
        }
        family
    }

    /// Each before its own forks. Without recursion: a chain of forks may be long.
    fn in_order(&self) -> Vec<Place<'a>> {
        let mut ordered = Vec::new();
        let mut open = Vec::new();
        let hang = |sessions: &[&'a SessionInfo], depth, open: &mut Vec<Place<'a>>| {
            let places = sessions.iter().enumerate().map(|(index, session)| Place {
                session,
                depth,
                is_last: index + 1 == sessions.len(),
            });
            open.extend(places.rev());
        };
        hang(&self.roots, 0, &mut open);
        while let Some(place) = open.pop() {
            if let Some(forks) = self.forks.get(place.session.id.as_str()) {
                hang(forks, place.depth + 1, &mut open);
            }
            ordered.push(place);
        }
        ordered
    }
}

/// What stands before a session. `rails` says of each one above it, from the first fork on, whether it is the last of its own.
fn branch(rails: &mut Vec<bool>, place: &Place<'_>) -> String {
    let Some(above) = place.depth.min(DEEPEST_DRAWN).checked_sub(1) else {
        return String::new();
    };
    rails.truncate(above);
    let mut branch: String = rails
        .iter()
        .map(|is_last| if *is_last { "   " } else { "│  " })
        .collect();
    branch.push_str(if place.is_last { "└─ " } else { "├─ " });
    rails.push(place.is_last);
    branch
}

fn draw(out: &mut Out, branch: &str, place: &Place<'_>, meant: &str) -> Result<(), Failure> {
    let session = place.session;
    let branch = out.paint(DIM, branch);
    let name = out.paint(BOLD, clean::line(sessions::label(session)));
    let from = match session.parent_id {
        Some(_) => format!("from {}, ", session.fork_seq),
        None => String::new(),
    };
    let depth = match place.depth > DEEPEST_DRAWN {
        true => format!("{} deep, ", count(place.depth as u64)),
        false => String::new(),
    };
    let facts = format!("{depth}{from}{} messages", count(session.message_count));
    let facts = out.paint(DIM, facts);
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
