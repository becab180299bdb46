//! Section 10 of the header: what happened.

use super::basics::{ErrorHandle, Status, TURNKEEP_OK};
use super::guard::guard;
use super::pointer::{give, give_value, missing, required, writable};
use super::store::{DestroyFn, StoreHandle};
use super::text::{OwnedText, Texts};
use crate::cache::view::Text;
use crate::error::{Error, Kind, Result};
use crate::model::{self, EventKind, EventPage};
use std::ffi::{CStr, c_char, c_void};

/// The store was opened; at_us says when. The first event of every subscription.
pub const TURNKEEP_EVENT_STORE_OPENED: i32 = 1;
/// There is a new session that is no fork.
pub const TURNKEEP_EVENT_SESSION_CREATED: i32 = 2;
/// A session was deleted, by a call that did not erase it.
pub const TURNKEEP_EVENT_SESSION_DELETED: i32 = 3;
/// A session was opened by its id.
pub const TURNKEEP_EVENT_SESSION_ACCESSED: i32 = 4;
/// count messages were appended, from first_seq to last_seq.
pub const TURNKEEP_EVENT_MESSAGE_ADDED: i32 = 5;
/// A session lost all its messages.
pub const TURNKEEP_EVENT_SESSION_CLEARED: i32 = 6;
/// A session's window size was set. Hosts know the name from elsewhere.
pub const TURNKEEP_EVENT_SESSION_CONTEXT_UPDATED: i32 = 7;
/// A cleanup deleted count sessions, each of which was told as EXPIRED before.
pub const TURNKEEP_EVENT_SESSIONS_CLEANED_UP: i32 = 8;
/// The metrics were reset.
pub const TURNKEEP_EVENT_METRICS_RESET: i32 = 9;
/// The store was closed. The last event of every subscription.
pub const TURNKEEP_EVENT_STORE_CLOSED: i32 = 10;
/// There is a new session, which came from elsewhere with count messages.
pub const TURNKEEP_EVENT_SESSION_IMPORTED: i32 = 11;
/// There is a new session, which shares the first count messages of other_session_id, up to last_seq.
pub const TURNKEEP_EVENT_FORKED: i32 = 12;
/// A session lost its last count messages; last_seq is the last that is left.
pub const TURNKEEP_EVENT_REWOUND: i32 = 13;
/// A session lost count messages, its oldest behind the instructions at its head; those left are numbered from 1 on.
pub const TURNKEEP_EVENT_TRUNCATED: i32 = 14;
/// A session's name, title, model, metadata, expiry or size limit was set.
pub const TURNKEEP_EVENT_SESSION_UPDATED: i32 = 15;
/// A session got or lost count tags.
pub const TURNKEEP_EVENT_TAGGED: i32 = 16;
/// A session was put away.
pub const TURNKEEP_EVENT_ARCHIVED: i32 = 17;
/// A session was thrown away, and can be restored.
pub const TURNKEEP_EVENT_TRASHED: i32 = 18;
/// A session's status was set to active.
pub const TURNKEEP_EVENT_RESTORED: i32 = 19;
/// A session was deleted, and no copy of its text is left in the store's files.
pub const TURNKEEP_EVENT_ERASED: i32 = 20;
/// A session was deleted because its time was over.
pub const TURNKEEP_EVENT_EXPIRED: i32 = 21;
/// A session's summary was set.
pub const TURNKEEP_EVENT_SUMMARY_CHANGED: i32 = 22;
/// A window begins at another message, first_seq, than the last one with the same options: count messages further.
/// What an engine has read of the old one after what stands in front must be read again.
pub const TURNKEEP_EVENT_WINDOW_CUT_MOVED: i32 = 23;
/// The file was found to be damaged: nothing more is written to it.
pub const TURNKEEP_EVENT_CORRUPTION_FOUND: i32 = 24;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_EVENT_STORE_OPENED == EventKind::StoreOpened as i32);
    assert!(TURNKEEP_EVENT_SESSION_CREATED == EventKind::SessionCreated as i32);
    assert!(TURNKEEP_EVENT_SESSION_DELETED == EventKind::SessionDeleted as i32);
    assert!(TURNKEEP_EVENT_SESSION_ACCESSED == EventKind::SessionAccessed as i32);
    assert!(TURNKEEP_EVENT_MESSAGE_ADDED == EventKind::MessageAdded as i32);
    assert!(TURNKEEP_EVENT_SESSION_CLEARED == EventKind::SessionCleared as i32);
    assert!(TURNKEEP_EVENT_SESSION_CONTEXT_UPDATED == EventKind::SessionContextUpdated as i32);
    assert!(TURNKEEP_EVENT_SESSIONS_CLEANED_UP == EventKind::SessionsCleanedUp as i32);
    assert!(TURNKEEP_EVENT_METRICS_RESET == EventKind::MetricsReset as i32);
    assert!(TURNKEEP_EVENT_STORE_CLOSED == EventKind::StoreClosed as i32);
    assert!(TURNKEEP_EVENT_SESSION_IMPORTED == EventKind::SessionImported as i32);
    assert!(TURNKEEP_EVENT_FORKED == EventKind::Forked as i32);
    assert!(TURNKEEP_EVENT_REWOUND == EventKind::Rewound as i32);
    assert!(TURNKEEP_EVENT_TRUNCATED == EventKind::Truncated as i32);
    assert!(TURNKEEP_EVENT_SESSION_UPDATED == EventKind::SessionUpdated as i32);
    assert!(TURNKEEP_EVENT_TAGGED == EventKind::Tagged as i32);
    assert!(TURNKEEP_EVENT_ARCHIVED == EventKind::Archived as i32);
    assert!(TURNKEEP_EVENT_TRASHED == EventKind::Trashed as i32);
    assert!(TURNKEEP_EVENT_RESTORED == EventKind::Restored as i32);
    assert!(TURNKEEP_EVENT_ERASED == EventKind::Erased as i32);
    assert!(TURNKEEP_EVENT_EXPIRED == EventKind::Expired as i32);
    assert!(TURNKEEP_EVENT_SUMMARY_CHANGED == EventKind::SummaryChanged as i32);
    assert!(TURNKEEP_EVENT_WINDOW_CUT_MOVED == EventKind::WindowCutMoved as i32);
    assert!(TURNKEEP_EVENT_CORRUPTION_FOUND == EventKind::CorruptionFound as i32);
};

/// Something that happened. Borrowed, from the list that it is in or for the duration of the callback. What a field
/// does not apply to is 0 or empty.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Event {
    /// Grows by one with each event of a change, in the order of commit: with event_log_rows over all processes and
    /// for ever, else since the store was opened and while somebody listens. 0 for STORE_OPENED, SESSION_ACCESSED,
    /// METRICS_RESET, STORE_CLOSED, WINDOW_CUT_MOVED and CORRUPTION_FOUND, which are no changes and are not in the
    /// log.
    pub number: u64,
    /// When: microseconds since 1970-01-01 UTC.
    pub at_us: i64,
    /// The session; empty for what happened to the store, and in the log also for sessions that were erased.
    pub session_id: Text,
    /// The session that a fork shares messages with.
    pub other_session_id: Text,
    /// The kind's name: "message_added".
    pub name: Text,
    /// The session's revision after it; 0 where it is gone, or was changed with many others.
    pub revision: u64,
    /// The first message that it is about.
    pub first_seq: u64,
    /// The last message that it is about.
    pub last_seq: u64,
    /// How many messages, tags or sessions it is about.
    pub count: u64,
    /// A TURNKEEP_EVENT_ number; a newer library may tell of kinds that you do not know.
    pub kind: i32,
    /// 0.
    pub reserved: u32,
}

/// Is told of an event, after its commit and before the call that caused it returns; never inside another event
/// callback on the same thread: what a callback causes is told when that has returned. May call the library, but not
/// close the store. Must be safe to call from many threads if the store is used from many: then events may come in
/// another order than that of their numbers. What is not TURNKEEP_OK is counted (turnkeep_metrics.event_failures), and
/// changes nothing else. Must not throw.
pub type EventFn = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const Event) -> Status>;

/// Events of a store's event log. Threads: any number at once. Outlives its store.
pub struct Events {
    events: Vec<Event>,
    lost: bool,
    /// What the events point into.
    _texts: Texts,
}

/// Has a function called for every event of this store's handle, from STORE_OPENED, which it hears before this call
/// returns (or, where that is inside a callback of another subscription, after it), to STORE_CLOSED. What other
/// processes do is only in the event log. `destroy`, which may be NULL, gives user_data back when the subscription or
/// the store has ended and no call of `function` runs any more; also when this call fails. Writes what
/// turnkeep_store_unsubscribe takes to *subscription unless it is NULL. Threads: any. Errors: INVALID. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_subscribe(
    store: Option<&StoreHandle>,
    function: EventFn,
    user_data: *mut c_void,
    destroy: DestroyFn,
    subscription: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        // From here on the host's user_data is given back whatever happens.
        let host = HostListener {
            function,
            user_data,
            destroy,
        };
        let store = required(store, "store")?;
        if host.function.is_none() {
            return Err(missing("function"));
        }
        let id = store.store.subscribe(move |event| host.tell(event))?;
        give_value(subscription, id);
        Ok(())
    })
}

/// Ends a subscription: no call begins any more when this function returns; one that another thread is making may
/// still go on, and destroy is called when it has ended. May be called from the callback itself. Threads: any. Errors:
/// NOT_FOUND, INVALID. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_unsubscribe(
    store: Option<&StoreHandle>,
    subscription: u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || required(store, "store")?.store.unsubscribe(subscription))
}

/// Returns the name of a kind of event: "message_added"; "unknown" for a number that is none. Static. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_event_name(kind: i32) -> *const c_char {
    name_of(kind).as_ptr()
}

/// Reads the store's event log: at most `limit` events with numbers above `cursor`, in the order of commit, whoever
/// committed them. Begin with the cursor 0, go on with the number of the last event that you got. A limit of 0 is 1
/// 000; at most 10 000. Where no log was ever written (turnkeep_store_options.event_log_rows) there are none. Free
/// *out with turnkeep_events_free. Threads: any. Errors: INVALID, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_store_events_after(
    store: Option<&StoreHandle>,
    cursor: u64,
    limit: u32,
    out: *mut *mut Events,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(out, "out")?;
        give(out, Events::new(&store.store.events_after(cursor, limit)?));
        Ok(())
    })
}

/// Returns the number of events; 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_events_len(events: Option<&Events>) -> usize {
    events.map_or(0, |events| events.events.len())
}

/// Returns an event, borrowed from the list; NULL for a NULL list or an index that is too large. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_events_at(events: Option<&Events>, index: usize) -> *const Event {
    events
        .and_then(|events| events.events.get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Returns 1 if events between the cursor and the first one here are not kept any more, or if the log ends before the
/// cursor, as that of a restored backup does; then read anew what you follow, and go on from the last number here, or
/// from 0. Else, and for NULL, 0. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_events_lost(events: Option<&Events>) -> i32 {
    i32::from(events.is_some_and(|events| events.lost))
}

/// Frees a list of events. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_events_free(events: Option<Box<Events>>) {
    drop(events);
}

fn name_of(kind: i32) -> &'static CStr {
    EventKind::from_number(kind).map_or(c"unknown", EventKind::c_name)
}

fn static_text(text: &'static CStr) -> Text {
    Text {
        data: text.as_ptr(),
        len: text.count_bytes(),
    }
}

fn convert(event: &model::Event, session_id: Text, other_session_id: Text) -> Event {
    Event {
        number: event.number,
        at_us: event.at,
        session_id,
        other_session_id,
        name: static_text(event.kind.c_name()),
        revision: event.revision,
        first_seq: event.first_seq,
        last_seq: event.last_seq,
        count: event.count,
        kind: event.kind as i32,
        reserved: 0,
    }
}

// SAFETY: the texts point into what the list itself keeps and never changes, or are static.
unsafe impl Send for Events {}
// SAFETY: as above.
unsafe impl Sync for Events {}

impl Events {
    fn new(page: &EventPage) -> Self {
        let mut texts = Texts::default();
        let events = page
            .events
            .iter()
            .map(|event| {
                let (session, other) = (texts.keep(&event.session_id), texts.keep(&event.other_session_id));
                convert(event, session, other)
            })
            .collect();
        Self {
            events,
            lost: page.lost,
            _texts: texts,
        }
    }
}

/// The host's callback.
struct HostListener {
    function: EventFn,
    user_data: *mut c_void,
    destroy: DestroyFn,
}

// SAFETY: the header asks of the host that the callback and its user_data may be used from any thread.
unsafe impl Send for HostListener {}
// SAFETY: as above.
unsafe impl Sync for HostListener {}

impl HostListener {
    fn tell(&self, event: &model::Event) -> Result<()> {
        let Some(function) = self.function else { return Ok(()) };
        let (session, other) = (
            OwnedText::new(&event.session_id),
            OwnedText::new(&event.other_session_id),
        );
        let event = convert(event, session.text(), other.text());
        // SAFETY: the callback's contract: it reads the event, which lives as long as the call.
        let status = unsafe { function(self.user_data, &raw const event) };
        if status == TURNKEEP_OK {
            return Ok(());
        }
        Err(Error::new(
            Kind::Aborted,
            format!("the host's event callback returned {status}"),
        ))
    }
}

impl Drop for HostListener {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the callback's contract: it takes back the user_data that came with it, once.
            unsafe { destroy(self.user_data) };
        }
    }
}
