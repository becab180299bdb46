//! What a store tells: to whoever subscribed, and to whoever polls its log.

use super::{Inner, Store};
use crate::error::{During, Error, Kind, Result};
use crate::model::{Event, EventKind, EventPage, now};
use crate::storage::event::events_of;
use crate::storage::{Applied, Mutation};

/// How many events a call gives if it does not say, and at most.
const DEFAULT_EVENTS: u32 = 1_000;
const MOST_EVENTS: u32 = 10_000;

impl Store {
    /// Has a function called for each event, from the store's opening, which it hears at once, to its close. It is called
    /// on the thread of the call that caused the event, after commit, with no lock held; it may use the store, subscribe
    /// and unsubscribe. What it returns is counted.
    pub fn subscribe(&self, listener: impl Fn(&Event) -> Result<()> + Send + Sync + 'static) -> Result<u64> {
        self.inner
            .check_open()
            .during(|| "subscribe to events")
            .map(|()| self.inner.subscribe(Box::new(listener)))
    }

    /// Ends a subscription. A call that is being made on another thread may still go on.
    pub fn unsubscribe(&self, subscription: u64) -> Result<()> {
        self.inner
            .check_process()
            .and_then(|()| self.inner.events.unsubscribe(subscription))
            .during(|| "unsubscribe from events")
    }

    /// The logged events behind a number, in order of commit. 0 begins with the oldest that is kept; a limit of 0 is 1 000.
    pub fn events_after(&self, number: u64, limit: u32) -> Result<EventPage> {
        self.inner
            .events_after(number, limit)
            .during(|| format!("read the events after {number}"))
    }
}

impl Inner {
    fn subscribe(&self, listener: Box<crate::events::Listener>) -> u64 {
        let greeting = Event::new(EventKind::StoreOpened, self.meter.opened(), "");
        self.events.subscribe(listener, greeting)
    }

    fn events_after(&self, number: u64, limit: u32) -> Result<EventPage> {
        let limit = match limit {
            0 => DEFAULT_EVENTS,
            limit if limit <= MOST_EVENTS => limit,
            limit => {
                return Err(Error::invalid(format!(
                    "limit is {limit}; a call gives at most {MOST_EVENTS} events"
                )));
            }
        };
        self.read(|snapshot| snapshot.events_after(number, limit as usize))
    }

    /// Adds the events to what was applied, where the log has not done so and somebody listens. In the order of commit.
    pub(super) fn add_events(&self, mutations: &[&Mutation], results: &mut [Result<Applied>]) {
        if !self.events.listening() {
            return;
        }
        for (mutation, result) in mutations.iter().zip(results) {
            if let Ok(applied) = result
                && applied.events.is_empty()
            {
                applied.events = events_of(mutation, &applied.outcome);
                self.events.number(&mut applied.events);
            }
        }
    }

    /// Tells of something that changed no session.
    pub(super) fn tell_of(&self, kind: EventKind, session_id: &str) {
        if self.events.listening() {
            self.events.deliver(vec![Event::new(kind, now(), session_id)]);
        }
    }

    /// Tells of damage that a failure has brought to light, once. With no lock held and no snapshot.
    pub(super) fn tell_of_damage<T>(&self, result: Result<T>) -> Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == Kind::Corrupt) {
            self.tell_if_damaged();
        }
        result
    }

    /// Tells of damage that was noted since, once.
    pub(super) fn tell_if_damaged(&self) {
        if self.storage.take_news_of_damage() {
            self.tell_of(EventKind::CorruptionFound, "");
        }
    }
}
