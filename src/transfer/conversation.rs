//! A conversation on its way in, as an importer hands it over.

use crate::model::{KeptReceipt, Micros, NewMessage, NewSession, Status};

/// A conversation as it stands in a source, but for its messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    /// Where it stands, for people: "line 3", "row 7 of conversations".
    pub(crate) place: String,
    /// Its fields; without an id it gets one. `messages` and `like` stay empty.
    pub(crate) session: NewSession,
    /// Active unless given.
    pub(crate) status: Option<Status>,
    /// Now unless given.
    pub(crate) created: Option<Micros>,
    /// When it was created unless given.
    pub(crate) updated: Option<Micros>,
    /// Counted by its appends unless given.
    pub(crate) revision: Option<u64>,
    /// Counted by the store unless given.
    pub(crate) summary_tokens: Option<u32>,
    /// What it shares with a conversation that came before in this source: those messages are not handed over again.
    pub(crate) shares: Option<SharedWith>,
    /// What it was forked from.
    pub(crate) forked_from: ForkedFrom,
    /// A later conversation shares messages of this one.
    pub(crate) is_shared: bool,
    /// The receipts of keyed appends.
    pub(crate) receipts: Vec<KeptReceipt>,
}

/// What a conversation was forked from.
#[derive(Clone, Debug, Default)]
pub(crate) enum ForkedFrom {
    /// The one that it shares messages with, if it does so.
    #[default]
    AsShared,
    /// A conversation of the source, which may not be there.
    Another(SharedWith),
    /// One that is no more, or none; the last message that both had.
    Gone(u32),
}

/// A message of a conversation that came before in the same source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedWith {
    /// Its id there.
    pub(crate) id: String,
    /// The last message that both have; 0 is none.
    pub(crate) seq: u32,
}

/// A message as it stands in a source.
#[derive(Clone, Debug)]
pub(crate) struct IncomingMessage {
    /// What would be appended.
    pub(crate) message: NewMessage,
    /// Its given token count is an estimate.
    pub(crate) estimated: bool,
}

impl From<NewMessage> for IncomingMessage {
    fn from(message: NewMessage) -> Self {
        Self {
            message,
            estimated: false,
        }
    }
}
