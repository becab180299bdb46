//! Which events a mutation gives: a pure function of what was asked and what came of it.

use super::mutation::{Changed, Create};
use super::{Mutation, Outcome};
use crate::model::{BulkAction, Event, EventKind, Micros, Receipt, SessionChanges, Status};

/// The events of a mutation that was applied, in order, without numbers.
pub(crate) fn events_of(mutation: &Mutation, outcome: &Outcome) -> Vec<Event> {
    match (mutation, outcome) {
        (Mutation::Create(create), Outcome::Created(head)) => {
            let event = Event {
                revision: head.revision,
                ..Event::new(EventKind::SessionCreated, create.now, &create.id)
            };
            begun(event, create, head.place.seq)
        }
        (Mutation::Fork(fork), Outcome::Forked(_, end)) => {
            let shared = u64::from(end.seq) - fork.create.messages.len() as u64;
            let event = Event {
                revision: 1,
                other_session_id: fork.parent_id.to_string(),
                first_seq: shared.min(1),
                last_seq: shared,
                count: shared,
                ..Event::new(EventKind::Forked, fork.create.now, &fork.create.id)
            };
            begun(event, &fork.create, end.seq)
        }
        (Mutation::Append(append), Outcome::Appended(receipt)) if !receipt.repeated => {
            vec![added(&append.id, append.now, receipt)]
        }
        (Mutation::Update(update), Outcome::Updated(revision)) => {
            updated(&update.changes, &update.id, update.now, *revision)
        }
        (Mutation::Rewind(rewind), Outcome::Rewound(removal, receipt)) => {
            let rewound = Event {
                revision: removal.revision,
                last_seq: u64::from(rewind.to_seq),
                count: u64::from(removal.messages),
                ..Event::new(EventKind::Rewound, rewind.now, &rewind.id)
            };
            let added = receipt.as_ref().map(|receipt| added(&rewind.id, rewind.now, receipt));
            std::iter::once(rewound).chain(added).collect()
        }
        (Mutation::Truncate(truncate), Outcome::Truncated(removal)) if removal.messages > 0 => vec![Event {
            revision: removal.revision,
            count: u64::from(removal.messages),
            ..Event::new(EventKind::Truncated, truncate.now, &truncate.id)
        }],
        (Mutation::Clear(clear), Outcome::Cleared(revision)) => vec![Event {
            revision: *revision,
            ..Event::new(EventKind::SessionCleared, clear.now, &clear.id)
        }],
        (Mutation::Delete(delete), Outcome::Deleted(_) | Outcome::Erased(_)) => {
            let kind = if delete.erase {
                EventKind::Erased
            } else {
                EventKind::SessionDeleted
            };
            vec![Event::new(kind, delete.now, &delete.id)]
        }
        (Mutation::Bulk(bulk), Outcome::Changed(sessions)) => each(of_bulk(&bulk.action), bulk.now, sessions),
        (Mutation::Cleanup(cleanup), Outcome::Changed(gone)) if !gone.is_empty() => {
            let mut events = each(EventKind::Expired, cleanup.over.now, gone);
            events.push(Event {
                count: gone.len() as u64,
                ..Event::new(EventKind::SessionsCleanedUp, cleanup.over.now, "")
            });
            events
        }
        (Mutation::Settle(settle), Outcome::Settled(end, revision)) => vec![Event {
            revision: *revision,
            first_seq: u64::from(end.seq.min(1)),
            last_seq: u64::from(end.seq),
            count: u64::from(end.seq),
            ..Event::new(EventKind::SessionImported, settle.now, &settle.id)
        }],
        _ => Vec::new(),
    }
}

/// A new session, and the messages that it begins with besides those that it shares.
fn begun(event: Event, create: &Create, last_seq: u32) -> Vec<Event> {
    let count = create.messages.len() as u64;
    let last_seq = u64::from(last_seq);
    let added = (count > 0).then(|| Event {
        revision: event.revision,
        first_seq: last_seq + 1 - count,
        last_seq,
        count,
        ..Event::new(EventKind::MessageAdded, create.now, &create.id)
    });
    std::iter::once(event).chain(added).collect()
}

fn added(id: &str, at: Micros, receipt: &Receipt) -> Event {
    Event {
        revision: receipt.revision,
        first_seq: u64::from(receipt.first_seq),
        last_seq: u64::from(receipt.last_seq),
        count: u64::from(receipt.last_seq + 1 - receipt.first_seq),
        ..Event::new(EventKind::MessageAdded, at, id)
    }
}

fn updated(changes: &SessionChanges, id: &str, at: Micros, revision: u64) -> Vec<Event> {
    let tags = (changes.add_tags.len() + changes.remove_tags.len()) as u64;
    let of_its_own = [
        (changes.window_tokens.is_some(), EventKind::SessionContextUpdated, 0),
        (changes.summary.is_some(), EventKind::SummaryChanged, 0),
        (tags > 0, EventKind::Tagged, tags),
    ];
    let mut kinds: Vec<(EventKind, u64)> = of_its_own
        .into_iter()
        .filter_map(|(is_so, kind, count)| is_so.then_some((kind, count)))
        .chain(changes.status.map(|status| (of_status(status), 0)))
        .collect();
    // An update that changes nothing gives the session a new revision all the same.
    if changes_description(changes) || kinds.is_empty() {
        kinds.insert(0, (EventKind::SessionUpdated, 0));
    }
    kinds
        .into_iter()
        .map(|(kind, count)| Event {
            revision,
            count,
            ..Event::new(kind, at, id)
        })
        .collect()
}

fn changes_description(changes: &SessionChanges) -> bool {
    changes.name.is_some()
        || changes.title.is_some()
        || changes.model.is_some()
        || changes.metadata.is_some()
        || changes.metadata_patch.is_some()
        || changes.expires.is_some()
        || changes.expires_after.is_some()
        || changes.max_bytes.is_some()
}

fn of_status(status: Status) -> EventKind {
    match status {
        Status::Active => EventKind::Restored,
        Status::Archived => EventKind::Archived,
        Status::Trashed => EventKind::Trashed,
    }
}

fn of_bulk(action: &BulkAction) -> EventKind {
    match action {
        BulkAction::SetStatus(status) => of_status(*status),
        BulkAction::AddTag(_) | BulkAction::RemoveTag(_) => EventKind::Tagged,
        BulkAction::Delete => EventKind::SessionDeleted,
    }
}

fn each(kind: EventKind, at: Micros, sessions: &[Changed]) -> Vec<Event> {
    let count = u64::from(kind == EventKind::Tagged);
    sessions
        .iter()
        .map(|session| Event {
            count,
            ..Event::new(kind, at, &session.id)
        })
        .collect()
}

#[cfg(test)]
mod tests;
