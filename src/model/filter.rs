//! Which sessions: one filter for lists, counts, search and changes to many at once.

use super::{Micros, Status, ids};
use crate::error::{Error, Result};

/// Which sessions. What is empty or `None` asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only this owner's; "" is nobody's.
    pub user_id: Option<String>,
    /// Only in these states; empty is active and archived ones.
    pub statuses: Vec<Status>,
    /// With every one of these tags.
    pub all_tags: Vec<String>,
    /// With at least one of these tags.
    pub any_tags: Vec<String>,
    /// Held with this model.
    pub model: Option<String>,
    /// With this text in its name or title, whatever the case and the accents.
    pub text: Option<String>,
    /// With metadata that meets every one of these.
    pub metadata: Vec<MetadataCondition>,
    /// Created in this time.
    pub created: TimeRange,
    /// Last changed in this time.
    pub updated: TimeRange,
    /// Expiring in this time.
    pub expires: TimeRange,
    /// Forked from the session with this id.
    pub parent_id: Option<String>,
    /// With messages, or without.
    pub has_messages: Option<bool>,
}

/// From a time on, and before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment inside.
    pub from: Option<Micros>,
    /// The first moment after it.
    pub before: Option<Micros>,
}

/// What a place in a session's metadata must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataCondition {
    /// Where: a JSON Pointer (RFC 6901), "/project/name"; "" is the whole object.
    pub pointer: String,
    /// How it compares with the value.
    pub comparison: Comparison,
    /// What it is compared with: JSON; ignored for [`Comparison::Exists`].
    pub value: serde_json::Value,
}

/// How two values compare. Less and greater hold between two numbers or two strings only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Comparison {
    /// There is something, null included.
    Exists = 1,
    /// The same value.
    Equal = 2,
    /// Less than the value.
    Less = 3,
    /// Greater than the value.
    Greater = 4,
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

impl Filter {
    /// Checks every field by itself.
    pub fn check(&self) -> Result<()> {
        for tag in self.all_tags.iter().chain(&self.any_tags) {
            ids::check_id("a tag", tag)?;
        }
        for condition in &self.metadata {
            if !condition.pointer.is_empty() && !condition.pointer.starts_with('/') {
                return Err(Error::invalid(format!(
                    "the metadata path '{}' is not a JSON Pointer: it begins with a slash, like /project/name",
                    condition.pointer
                )));
            }
        }
        self.created.check("created")?;
        self.updated.check("updated")?;
        self.expires.check("expires")
    }
}
