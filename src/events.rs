//! Who listens to a store, and how he is told: on the thread that caused an event, with no lock held.
//!
//! What a callback causes by calling back is told when it has returned, behind what it was called for: so the events that
//! one thread causes are told in their order, however many listen, and no callback runs inside another one.

use crate::error::{Error, Kind, Result};
use crate::metrics::{Counter, Meter};
use crate::model::Event;
use crate::panics::caught;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is called for each event. A failure is counted, and harms nobody.
pub(crate) type Listener = dyn Fn(&Event) -> Result<()> + Send + Sync;

/// Those who listen to a store.
pub(crate) struct Subscribers {
    /// Whether there is one: all that a change asks where nobody listens.
    listening: AtomicBool,
    /// Replaced as a whole, so that whoever tells them holds no lock.
    all: Mutex<Arc<[Arc<Subscription>]>>,
    last_id: AtomicU64,
    last_number: AtomicU64,
    meter: Arc<Meter>,
}

struct Subscription {
    id: u64,
    /// Until it is unsubscribed: an event that another thread is telling just then is not told to it any more.
    active: AtomicBool,
    listener: Box<Listener>,
}

/// An event on its way.
struct Delivery {
    event: Event,
    to: Arc<[Arc<Subscription>]>,
    meter: Arc<Meter>,
}

thread_local! {
    /// What is to be told on this thread; `None` while nothing is being told.
    static PENDING: RefCell<Option<VecDeque<Delivery>>> = const { RefCell::new(None) };
}

impl Subscribers {
    pub(crate) fn new(meter: Arc<Meter>) -> Self {
        Self {
            listening: AtomicBool::new(false),
            all: Mutex::new(Arc::new([])),
            last_id: AtomicU64::new(0),
            last_number: AtomicU64::new(0),
            meter,
        }
    }

    /// Whether anybody listens.
    pub(crate) fn listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Adds one, who hears `greeting` first.
    pub(crate) fn subscribe(&self, listener: Box<Listener>, greeting: Event) -> u64 {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let subscription = Arc::new(Subscription {
            id,
            active: AtomicBool::new(true),
            listener,
        });
        tell(self.delivery(greeting, Arc::new([Arc::clone(&subscription)])));
        let mut all = self.all.lock();
        *all = all.iter().cloned().chain([subscription]).collect();
        self.listening.store(true, Ordering::Relaxed);
        id
    }

    /// Removes one. A call that is being made on another thread may still go on.
    pub(crate) fn unsubscribe(&self, id: u64) -> Result<()> {
        let mut all = self.all.lock();
        let Some(gone) = all.iter().find(|one| one.id == id).cloned() else {
            return Err(Error::new(
                Kind::NotFound,
                format!("there is no subscription {id}; it was never given, or unsubscribed already"),
            ));
        };
        gone.active.store(false, Ordering::Relaxed);
        let before = std::mem::replace(&mut *all, Arc::new([]));
        *all = before.iter().filter(|one| one.id != id).cloned().collect();
        self.listening.store(!all.is_empty(), Ordering::Relaxed);
        drop(all);
        // The last to let go of a subscription ends it, and with it what the host gave: without the lock.
        drop((before, gone));
        Ok(())
    }

    /// Removes all of them. What is on its way still reaches them.
    pub(crate) fn clear(&self) {
        self.listening.store(false, Ordering::Relaxed);
        let before = std::mem::replace(&mut *self.all.lock(), Arc::new([]));
        drop(before);
    }

    /// Gives events their numbers, where no log does. For one caller at a time: whoever commits.
    pub(crate) fn number(&self, events: &mut [Event]) {
        for event in events {
            event.number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        }
    }

    /// Tells everybody. Call it with no lock held.
    pub(crate) fn deliver(&self, events: Vec<Event>) {
        if events.is_empty() || !self.listening() {
            return;
        }
        let to = Arc::clone(&self.all.lock());
        for event in events {
            tell(self.delivery(event, Arc::clone(&to)));
        }
    }

    fn delivery(&self, event: Event, to: Arc<[Arc<Subscription>]>) -> Delivery {
        Delivery {
            event,
            to,
            meter: Arc::clone(&self.meter),
        }
    }
}

/// Tells now or, inside a callback, when that has returned.
fn tell(delivery: Delivery) {
    let mut delivery = Some(delivery);
    let begins = PENDING.try_with(|pending| {
        let mut pending = pending.borrow_mut();
        let begins = pending.is_none();
        pending.get_or_insert_default().extend(delivery.take());
        begins
    });
    match begins {
        Ok(true) => while take_pending().is_some_and(|delivery| delivery.make()) {},
        Ok(false) => {}
        // The thread is ending, and its queue has gone before what calls us now.
        Err(_) => {
            if let Some(delivery) = delivery {
                delivery.make();
            }
        }
    }
}

/// The next one; with the last one the queue is gone, too.
fn take_pending() -> Option<Delivery> {
    PENDING
        .try_with(|pending| {
            let mut pending = pending.borrow_mut();
            let next = pending.as_mut().and_then(VecDeque::pop_front);
            if next.is_none() {
                *pending = None;
            }
            next
        })
        .ok()
        .flatten()
}

impl Delivery {
    /// Always true, for the loop over them.
    fn make(self) -> bool {
        for one in self.to.iter().filter(|one| one.active.load(Ordering::Relaxed)) {
            let told = caught(|| (one.listener)(&self.event));
            self.meter.add(Counter::EventsDelivered, 1);
            if told.is_err() {
                self.meter.add(Counter::EventFailures, 1);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventKind;
    use std::sync::Weak;

    fn event(number: u64) -> Event {
        Event {
            number,
            ..Event::new(EventKind::MessageAdded, 0, "s")
        }
    }

    fn subscribers() -> Arc<Subscribers> {
        Arc::new(Subscribers::new(Arc::new(Meter::new())))
    }

    type Heard = Arc<Mutex<Vec<(char, u64)>>>;

    fn listen(subscribers: &Subscribers, name: char, heard: &Heard) -> u64 {
        let heard = Arc::clone(heard);
        let listener = move |event: &Event| {
            heard.lock().push((name, event.number));
            Ok(())
        };
        subscribers.subscribe(Box::new(listener), event(0))
    }

    #[test]
    fn what_a_callback_causes_is_told_behind_what_it_was_called_for() {
        let subscribers = subscribers();
        let heard = Heard::default();
        let (weak, heard_too): (Weak<Subscribers>, _) = (Arc::downgrade(&subscribers), Arc::clone(&heard));
        let answers = move |heard: &Event| {
            heard_too.lock().push(('a', heard.number));
            if heard.number == 1 {
                weak.upgrade().unwrap().deliver(vec![event(2)]);
            }
            Ok(())
        };
        subscribers.subscribe(Box::new(answers), event(0));
        listen(&subscribers, 'b', &heard);
        subscribers.deliver(vec![event(1)]);
        let greetings = [('a', 0), ('b', 0)];
        assert_eq!(heard.lock()[..2], greetings);
        assert_eq!(heard.lock()[2..], [('a', 1), ('b', 1), ('a', 2), ('b', 2)]);
    }

    #[test]
    fn whoever_is_unsubscribed_hears_nothing_more_and_is_let_go() {
        let subscribers = subscribers();
        let heard = Heard::default();
        let id = listen(&subscribers, 'a', &heard);
        assert!(subscribers.listening());
        subscribers.unsubscribe(id).unwrap();
        subscribers.deliver(vec![event(1)]);
        assert_eq!((heard.lock().len(), Arc::strong_count(&heard)), (1, 1));
        assert!(!subscribers.listening());
        assert_eq!(subscribers.unsubscribe(id).unwrap_err().kind(), Kind::NotFound);
    }

    #[test]
    fn a_callback_that_panics_or_fails_is_counted_and_the_others_are_told() {
        let subscribers = subscribers();
        let heard = Heard::default();
        subscribers.subscribe(Box::new(|_| panic!("forced")), event(0));
        subscribers.subscribe(Box::new(|_| Err(Error::invalid("no"))), event(0));
        listen(&subscribers, 'c', &heard);
        subscribers.deliver(vec![event(1)]);
        assert_eq!(*heard.lock(), [('c', 0), ('c', 1)]);
        let counters = subscribers.meter.counters(Default::default()).since_open;
        assert_eq!((counters.events_delivered, counters.event_failures), (6, 4));
    }
}
