//! What a storage finds by its text, before it is made ready for who asked.

use super::SessionKey;
use crate::model::{Micros, Phrase, Role};

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// In the order that was asked for.
    pub(crate) hits: Vec<Finding>,
    /// Everything was looked at that had to be.
    pub(crate) complete: bool,
    /// What was asked for.
    pub(crate) phrases: Vec<Phrase>,
}

/// A message, or a session, that was found.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The session.
    pub(crate) session: SessionKey,
    /// Its id.
    pub(crate) session_id: String,
    /// Its title.
    pub(crate) title: String,
    /// The message; 0 is the session itself.
    pub(crate) seq: u32,
    /// Who speaks.
    pub(crate) role: Option<Role>,
    /// When it was said, or when the session had last changed as it was indexed.
    pub(crate) created: Micros,
    /// How well it fits; 0 where nothing was ranked.
    pub(crate) score: f64,
    /// The text that it was found by.
    pub(crate) text: String,
}
