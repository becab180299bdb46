//! Listening to a store and reading its log, in a word.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::support::user;
use std::sync::{Arc, Mutex};
use turnkeep::model::{AppendOptions, Event, EventKind, EventPage, NewSession};
use turnkeep::{Session, Store, StoreOptions};

pub(crate) type Heard = Arc<Mutex<Vec<Event>>>;

pub(crate) fn listen(store: &Store) -> Heard {
    let heard = Heard::default();
    let listener = Arc::clone(&heard);
    store
        .subscribe(move |event| {
            listener.lock().unwrap().push(event.clone());
            Ok(())
        })
        .unwrap();
    heard
}

pub(crate) fn kinds(heard: &Heard) -> Vec<EventKind> {
    heard.lock().unwrap().iter().map(|event| event.kind).collect()
}

pub(crate) fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.number).collect()
}

/// What is told of the changes, but for those that only a callback hears.
pub(crate) fn changes(heard: &Heard) -> Vec<Event> {
    let heard = heard.lock().unwrap();
    heard.iter().filter(|event| event.number > 0).cloned().collect()
}

pub(crate) fn named(store: &Store, id: &str) -> Session {
    let session = NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    };
    store.create_session(session).unwrap()
}

pub(crate) fn say(session: &Session) {
    session.append(vec![user("hello")], AppendOptions::default()).unwrap();
}

pub(crate) fn logging(rows: u64) -> StoreOptions {
    StoreOptions {
        event_log_rows: rows,
        ..StoreOptions::default()
    }
}

pub(crate) fn log(store: &Store) -> EventPage {
    store.events_after(0, 10_000).unwrap()
}
