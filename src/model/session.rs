//! A session, a session to create, and what can be changed of it.

use super::{Micros, NewMessage, ids, metadata};
use crate::error::{Error, Result};

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// In use.
    Active = 1,
    /// Put away, still found.
    Archived = 2,
    /// Thrown away, can be restored.
    Trashed = 3,
}

impl Status {
    /// The status with this number.
    pub fn from_number(number: i32) -> Result<Self> {
        match number {
            1 => Ok(Self::Active),
            2 => Ok(Self::Archived),
            3 => Ok(Self::Trashed),
            other => Err(Error::invalid(format!("status is {other}; it must be 1, 2 or 3"))),
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Archived, Self::Trashed];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Trashed => "trashed",
        }
    }

    /// The status with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// The largest window size, in tokens.
pub const MAX_WINDOW_TOKENS: u64 = i64::MAX as u64 >> 1;

/// The longest title, in bytes.
pub const MAX_TITLE_BYTES: usize = 4096;

/// A session to create.
#[derive(Clone, Debug, Default)]
pub struct NewSession {
    /// The caller's id; `None` makes a UUIDv7.
    pub id: Option<String>,
    /// The owner; "" is nobody.
    pub user_id: String,
    /// A name, unique among the owner's sessions.
    pub name: Option<String>,
    /// What it is about.
    pub title: String,
    /// The model it is held with.
    pub model: String,
    /// What has been said so far, for the front of a window that left something out.
    pub summary: String,
    /// The caller's JSON object; `None` is `{}`.
    pub metadata: Option<String>,
    /// Its window size in tokens; `None` is the store's.
    pub window_tokens: Option<u64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it may be removed.
    pub expires: Option<Micros>,
    /// How long after its last change it may be removed, in microseconds.
    pub expires_after: Option<Micros>,
    /// How many bytes the texts of its messages may have.
    pub max_bytes: Option<u64>,
    /// The id of a session that it is to be like: what is not given here is as there, the instructions at its head included.
    pub like: Option<String>,
    /// What it begins with, kept in the same transaction.
    pub messages: Vec<NewMessage>,
}

impl NewSession {
    /// Checks every field by itself.
    pub fn check(&self) -> Result<()> {
        if let Some(id) = &self.id {
            ids::check_id("id", id)?;
        }
        ids::check_label("user_id", &self.user_id)?;
        if let Some(name) = &self.name {
            ids::check_id("name", name)?;
        }
        check_title(&self.title)?;
        ids::check_label("model", &self.model)?;
        if let Some(json) = &self.metadata {
            metadata::check_object("metadata", json)?;
        }
        check_tags(&self.tags)?;
        check_expiry(self.expires, self.expires_after)?;
        check_window_tokens(self.window_tokens)
    }
}

impl NewSession {
    /// What is not given is as with another session, but for what only one can have: the id, the name and the time of expiry.
    /// Tags are added to those there.
    #[must_use]
    pub fn filled_from(mut self, other: &SessionInfo) -> Self {
        let or = |own: String, other: &str| if own.is_empty() { other.to_owned() } else { own };
        self.user_id = or(self.user_id, &other.user_id);
        self.title = or(self.title, &other.title);
        self.model = or(self.model, &other.model);
        self.metadata = self.metadata.or_else(|| Some(other.metadata.clone()));
        self.window_tokens = self.window_tokens.or(other.window_tokens);
        self.expires_after = self.expires_after.or(other.expires_after);
        self.max_bytes = self.max_bytes.or(other.max_bytes);
        self.tags.extend(other.tags.iter().cloned());
        self
    }
}

fn check_title(title: &str) -> Result<()> {
    if title.len() > MAX_TITLE_BYTES {
        return Err(Error::invalid(format!(
            "title is {} bytes long; at most {MAX_TITLE_BYTES} are allowed",
            title.len()
        )));
    }
    Ok(())
}

fn check_tags(tags: &[String]) -> Result<()> {
    tags.iter().try_for_each(|tag| ids::check_id("a tag", tag))
}

fn check_expiry(expires: Option<Micros>, after: Option<Micros>) -> Result<()> {
    match (expires, after) {
        (Some(time), _) if time <= 0 => Err(Error::invalid(format!(
            "expires is {time}; it must lie after 1970-01-01"
        ))),
        (_, Some(time)) if time <= 0 => Err(Error::invalid(format!(
            "expires_after is {time}; it must be longer than nothing"
        ))),
        _ => Ok(()),
    }
}

fn check_window_tokens(tokens: Option<u64>) -> Result<()> {
    match tokens {
        Some(0) => Err(Error::invalid("a window of 0 tokens holds nothing")),
        Some(tokens) if tokens > MAX_WINDOW_TOKENS => Err(Error::invalid(format!(
            "a window of {tokens} tokens is too large; at most {MAX_WINDOW_TOKENS} are allowed"
        ))),
        _ => Ok(()),
    }
}

/// What to change of a session; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct SessionChanges {
    /// A new name; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// A new title.
    pub title: Option<String>,
    /// A new model.
    pub model: Option<String>,
    /// A new summary.
    pub summary: Option<String>,
    /// A new JSON object in place of the old.
    pub metadata: Option<String>,
    /// A JSON merge patch (RFC 7396) for the metadata.
    pub metadata_patch: Option<String>,
    /// A new window size; `Some(None)` goes back to the store's.
    pub window_tokens: Option<Option<u64>>,
    /// Tags that it gets.
    pub add_tags: Vec<String>,
    /// Tags that it loses.
    pub remove_tags: Vec<String>,
    /// Where it goes in its life.
    pub status: Option<Status>,
    /// When it may be removed; `Some(None)` is never.
    pub expires: Option<Option<Micros>>,
    /// How long after its last change it may be removed, in microseconds; `Some(None)` is never.
    pub expires_after: Option<Option<Micros>>,
    /// How many bytes the texts of its messages may have; `Some(None)` is any number.
    pub max_bytes: Option<Option<u64>>,
    /// Change only if the session has this revision.
    pub expected_revision: Option<u64>,
}

impl SessionChanges {
    /// Checks every field by itself.
    pub fn check(&self) -> Result<()> {
        if let Some(Some(name)) = &self.name {
            ids::check_id("name", name)?;
        }
        if let Some(title) = &self.title {
            check_title(title)?;
        }
        if let Some(model) = &self.model {
            ids::check_label("model", model)?;
        }
        if let Some(json) = &self.metadata {
            metadata::check_object("metadata", json)?;
        }
        if let Some(json) = &self.metadata_patch {
            metadata::check_object("metadata_patch", json)?;
            if self.metadata.is_some() {
                return Err(Error::invalid(
                    "metadata and metadata_patch are both given: replace it or merge into it",
                ));
            }
        }
        check_tags(&self.add_tags)?;
        check_tags(&self.remove_tags)?;
        check_expiry(self.expires.flatten(), self.expires_after.flatten())?;
        check_window_tokens(self.window_tokens.flatten())
    }
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id.
    pub id: String,
    /// The owner; "" is nobody.
    pub user_id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it is about.
    pub title: String,
    /// The model it is held with.
    pub model: String,
    /// Where it is in its life.
    pub status: Status,
    /// What has been said so far.
    pub summary: String,
    /// The caller's JSON object.
    pub metadata: String,
    /// Its window size in tokens; `None` is the store's.
    pub window_tokens: Option<u64>,
    /// When it was created.
    pub created: Micros,
    /// When it was last changed.
    pub updated: Micros,
    /// When it may be removed; `None` is never.
    pub expires: Option<Micros>,
    /// The id of the session it was forked from.
    pub parent_id: Option<String>,
    /// The last message it shares with its parent; 0 if it has none.
    pub fork_seq: u32,
    /// The place of its last message; 0 if it is empty.
    pub head_seq: u32,
    /// How many messages it has.
    pub message_count: u64,
    /// How many tokens they have.
    pub token_total: u64,
    /// Grows by one with every change.
    pub revision: u64,
    /// Its tags, in order.
    pub tags: Vec<String>,
    /// How long after its last change it may be removed, in microseconds; `None` is never.
    pub expires_after: Option<Micros>,
    /// The bytes of its messages' texts.
    pub bytes: u64,
    /// How many they may have; `None` is any number.
    pub max_bytes: Option<u64>,
}
