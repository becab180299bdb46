//! Lists of sessions, and what is done to many at once.

use super::{Filter, SessionInfo, Status, ids};
use crate::error::{Error, Result};

/// What a list is sorted by. Where that is the same, the order of creation decides, in the same direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Sort {
    /// The order in which they were created.
    #[default]
    Created = 1,
    /// When they were last changed.
    Updated = 2,
    /// Their ids, by code points.
    Id = 3,
    /// How many tokens they have.
    Tokens = 4,
    /// How many messages they have.
    Messages = 5,
    /// Their names, by code points; "" for those that have none.
    Name = 6,
}

impl Sort {
    /// The sort with this number; 0 is the default.
    pub fn from_number(number: i32) -> Result<Self> {
        match number {
            0 | 1 => Ok(Self::Created),
            2 => Ok(Self::Updated),
            3 => Ok(Self::Id),
            4 => Ok(Self::Tokens),
            5 => Ok(Self::Messages),
            6 => Ok(Self::Name),
            other => Err(Error::invalid(format!("sort is {other}; it must be 0 to 6"))),
        }
    }
}

/// Which sessions to list, and how: all that are not trashed, those created last first, unless told otherwise.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// Which sessions.
    pub filter: Filter,
    /// What they are sorted by.
    pub sort: Sort,
    /// The smallest first, instead of the largest.
    pub ascending: bool,
    /// How many at most; 0 is 50.
    pub limit: u32,
    /// Where the last page ended.
    pub page_token: Option<String>,
}

/// A page of sessions.
#[derive(Clone, Debug)]
pub struct SessionPage {
    /// The sessions, in the order that was asked for.
    pub sessions: Vec<SessionInfo>,
    /// For the next page; `None` at the end.
    pub next_page_token: Option<String>,
}

/// The sessions that a person may mean by a text, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Whose name it is; names are unique among the sessions of one owner only.
    pub named: Vec<String>,
    /// Whose id begins with it, in order. The first is the one whose id it is, if there is one.
    pub beginning: Vec<String>,
}

/// What to do with many sessions at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkAction {
    /// Put them away, throw them away, or take them back.
    SetStatus(Status),
    /// Give them a tag.
    AddTag(String),
    /// Take a tag away.
    RemoveTag(String),
    /// Delete them.
    Delete,
}

impl BulkAction {
    /// Checks the action by itself.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::AddTag(tag) | Self::RemoveTag(tag) => ids::check_id("tag", tag),
            Self::SetStatus(_) | Self::Delete => Ok(()),
        }
    }
}
