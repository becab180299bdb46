//! What happened to a store, as it is told to whoever listens.

use super::Micros;
use std::ffi::CStr;

/// What kind of thing happened. The numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum EventKind {
    /// The store was opened: the first that a subscriber hears.
    StoreOpened = 1,
    /// There is a new session, which is no fork.
    SessionCreated = 2,
    /// A session is no more, by a call.
    SessionDeleted = 3,
    /// A session was opened.
    SessionAccessed = 4,
    /// Messages were appended.
    MessageAdded = 5,
    /// A session has no messages any more.
    SessionCleared = 6,
    /// A session's window size was set.
    SessionContextUpdated = 7,
    /// A cleanup removed sessions.
    SessionsCleanedUp = 8,
    /// The metrics begin anew.
    MetricsReset = 9,
    /// The store was closed: the last that a subscriber hears.
    StoreClosed = 10,
    /// There is a new session, which came from elsewhere with its messages.
    SessionImported = 11,
    /// There is a new session, which shares the beginning of another.
    Forked = 12,
    /// A session lost messages at its end.
    Rewound = 13,
    /// A session lost messages at its beginning.
    Truncated = 14,
    /// A session's name, title, model, metadata, expiry or size limit was set.
    SessionUpdated = 15,
    /// A session's tags were changed.
    Tagged = 16,
    /// A session was put away.
    Archived = 17,
    /// A session was thrown away, and can be restored.
    Trashed = 18,
    /// A session is in use again.
    Restored = 19,
    /// A session is no more, and no copy of its text is left.
    Erased = 20,
    /// A session is no more, because its time was over.
    Expired = 21,
    /// A session's summary was set.
    SummaryChanged = 22,
    /// A window begins at another message than the last one with the same options.
    WindowCutMoved = 23,
    /// The file was found to be damaged.
    CorruptionFound = 24,
}

impl EventKind {
    /// Every kind, in the order of its numbers.
    pub const ALL: [Self; 24] = [
        Self::StoreOpened,
        Self::SessionCreated,
        Self::SessionDeleted,
        Self::SessionAccessed,
        Self::MessageAdded,
        Self::SessionCleared,
        Self::SessionContextUpdated,
        Self::SessionsCleanedUp,
        Self::MetricsReset,
        Self::StoreClosed,
        Self::SessionImported,
        Self::Forked,
        Self::Rewound,
        Self::Truncated,
        Self::SessionUpdated,
        Self::Tagged,
        Self::Archived,
        Self::Trashed,
        Self::Restored,
        Self::Erased,
        Self::Expired,
        Self::SummaryChanged,
        Self::WindowCutMoved,
        Self::CorruptionFound,
    ];

    /// The kind with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i32 == number)
    }

    /// Its name, NUL-terminated for C.
    pub fn c_name(self) -> &'static CStr {
        match self {
            Self::StoreOpened => c"store_opened",
            Self::SessionCreated => c"session_created",
            Self::SessionDeleted => c"session_deleted",
            Self::SessionAccessed => c"session_accessed",
            Self::MessageAdded => c"message_added",
            Self::SessionCleared => c"session_cleared",
            Self::SessionContextUpdated => c"session_context_updated",
            Self::SessionsCleanedUp => c"sessions_cleaned_up",
            Self::MetricsReset => c"metrics_reset",
            Self::StoreClosed => c"store_closed",
            Self::SessionImported => c"session_imported",
            Self::Forked => c"forked",
            Self::Rewound => c"rewound",
            Self::Truncated => c"truncated",
            Self::SessionUpdated => c"session_updated",
            Self::Tagged => c"tagged",
            Self::Archived => c"archived",
            Self::Trashed => c"trashed",
            Self::Restored => c"restored",
            Self::Erased => c"erased",
            Self::Expired => c"expired",
            Self::SummaryChanged => c"summary_changed",
            Self::WindowCutMoved => c"window_cut_moved",
            Self::CorruptionFound => c"corruption_found",
        }
    }
}

/// Something that happened. What a field does not apply to is 0 or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Grows by one with every change, in the order of commit; 0 for what changed no session.
    pub number: u64,
    /// When.
    pub at: Micros,
    /// What.
    pub kind: EventKind,
    /// The session; empty for what happened to the store.
    pub session_id: String,
    /// A fork's parent.
    pub other_session_id: String,
    /// The session's revision after it.
    pub revision: u64,
    /// The first message that it is about.
    pub first_seq: u64,
    /// The last message that it is about.
    pub last_seq: u64,
    /// How many messages, tags or sessions it is about.
    pub count: u64,
}

impl Event {
    /// An event with nothing but what and when; about a session or, with "", about the store.
    pub fn new(kind: EventKind, at: Micros, session_id: &str) -> Self {
        Self {
            number: 0,
            at,
            kind,
            session_id: session_id.to_owned(),
            other_session_id: String::new(),
            revision: 0,
            first_seq: 0,
            last_seq: 0,
            count: 0,
        }
    }
}

/// A part of a store's event log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The events, in order, without a gap.
    pub events: Vec<Event>,
    /// There were events between the cursor and the first of these that are not kept any more, or the cursor is not of
    /// this log.
    pub lost: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_of_event_has_its_own_number_and_name() {
        let numbers: HashSet<i32> = EventKind::ALL.iter().map(|kind| *kind as i32).collect();
        let names: HashSet<&CStr> = EventKind::ALL.iter().map(|kind| kind.c_name()).collect();
        assert_eq!(
            (numbers.len(), names.len()),
            (EventKind::ALL.len(), EventKind::ALL.len())
        );
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_number(kind as i32), Some(kind));
        }
        assert_eq!((EventKind::from_number(0), EventKind::from_number(25)), (None, None));
    }
}
