//! Every operation of a store, group by group.

mod appending;
mod branching;
mod changing;
mod copying;
mod deferring;
mod finding;
mod opening;
mod reading;
mod upkeep;

pub(crate) use appending::appending;
pub(crate) use branching::branching;
pub(crate) use changing::changing;
pub(crate) use copying::copying;
pub(crate) use deferring::deferring;
pub(crate) use finding::finding;
pub(crate) use opening::opening;
pub(crate) use reading::reading;
pub(crate) use upkeep::upkeep;

use crate::dump::timeless;
use crate::harness::{Failed, Operation};
use crate::world::{Setting, World};
use std::fmt::Debug;
use turnkeep::error::Result;
use turnkeep::model::{NewSession, SessionInfo};

fn nothing(_: &mut World) {}

fn nothing_left(_: &World) -> String {
    String::new()
}

fn with_talk(world: &mut World) {
    world.open_talk();
}

/// What most operations are like.
const PLAIN: Operation = Operation {
    name: "",
    covers: &[],
    setting: Setting::Shared,
    says: "",
    before: nothing,
    run: |_| Ok(String::new()),
    left: nothing_left,
    failed: Failed::Unchanged,
};

const OF_TALK: Operation = Operation {
    before: with_talk,
    ..PLAIN
};

fn told<T: Debug>(what: T) -> Result<String> {
    Ok(format!("{what:?}"))
}

fn session(id: &str) -> NewSession {
    NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    }
}

fn ids(sessions: Vec<SessionInfo>) -> Result<String> {
    let sessions: Vec<SessionInfo> = sessions.into_iter().map(timeless).collect();
    told(sessions)
}

/// What has a test of its own: it takes unreadable pages for what it is there for.
pub(crate) const SALVAGE: &str = "salvage";

/// What does nothing to a file that could fail.
pub(crate) const WITHOUT_FILES: &[&str] = &[
    "open_config",
    "subscribe",
    "unsubscribe",
    "reset_metrics",
    "location",
    "id",
    "file_name",
];
