//! Every mutation with its outcome, and the events that it gives.

use super::*;
use crate::model::{Durability, Filter, NewSession, Place, ReadyMessage, Role};
use crate::storage::mutation::{Append, Bulk, Cleanup, Clear, Delete, Fork, Over, Removal, Rewind, Truncate, Update};
use crate::storage::{Head, Path, SessionKey};

const KEY: SessionKey = SessionKey(7);

fn told(mutation: Mutation, outcome: Outcome) -> Vec<(EventKind, String)> {
    events_of(&mutation, &outcome)
        .into_iter()
        .map(|event| {
            assert_eq!((event.number, event.at), (0, 5));
            let Event {
                session_id,
                other_session_id,
                revision,
                first_seq,
                last_seq,
                count,
                ..
            } = event;
            let text = format!("{session_id}<{other_session_id} r{revision} {first_seq}-{last_seq} x{count}");
            (event.kind, text)
        })
        .collect()
}

#[track_caller]
fn expect(mutation: Mutation, outcome: Outcome, expected: &[(EventKind, &str)]) {
    let told = told(mutation, outcome);
    let told: Vec<(EventKind, &str)> = told.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
    assert_eq!(told, expected);
}

fn message() -> ReadyMessage {
    ReadyMessage {
        packed: None,
        role: Role::User,
        flags: crate::model::MessageFlags::default(),
        tokens: 1,
        created: 0,
        content: String::new(),
        tool_calls: None,
        tool_call_id: None,
        model: None,
        metadata: None,
    }
}

fn create(messages: usize) -> Create {
    Create {
        id: "new".to_owned(),
        session: NewSession::default(),
        summary_tokens: 0,
        messages: vec![message(); messages],
        now: 5,
    }
}

fn created(seq: u32) -> Outcome {
    Outcome::Created(Box::new(Head {
        key: KEY,
        revision: 1,
        place: Place {
            seq,
            ..Place::default()
        },
        window_tokens: None,
        summary: String::new(),
        summary_tokens: 0,
        memo: None,
        bytes: 0,
        max_bytes: None,
        path: Path(Vec::new()),
    }))
}

fn forked(seq: u32) -> Outcome {
    let end = Place {
        seq,
        ..Place::default()
    };
    Outcome::Forked(KEY, end)
}

fn receipt(repeated: bool) -> Receipt {
    Receipt {
        first_turn: 1,
        first_seq: 4,
        last_seq: 6,
        revision: 9,
        durability: Durability::Os,
        repeated,
    }
}

fn update(changes: SessionChanges) -> Mutation {
    Mutation::Update(Update {
        key: KEY,
        id: "s".into(),
        changes,
        summary_tokens: 0,
        now: 5,
    })
}

fn bulk(action: BulkAction) -> Mutation {
    Mutation::Bulk(Bulk {
        filter: Filter::default(),
        action,
        now: 5,
    })
}

fn two_sessions() -> Outcome {
    let changed = |id: &str| Changed {
        key: KEY,
        id: id.to_owned(),
    };
    Outcome::Changed(vec![changed("a"), changed("b")])
}

#[test]
fn a_new_session_is_created_or_forked_and_begins_with_its_messages() {
    expect(
        Mutation::Create(create(0)),
        created(0),
        &[(EventKind::SessionCreated, "new< r1 0-0 x0")],
    );
    expect(
        Mutation::Create(create(2)),
        created(2),
        &[
            (EventKind::SessionCreated, "new< r1 0-0 x0"),
            (EventKind::MessageAdded, "new< r1 1-2 x2"),
        ],
    );
    let fork = |messages| {
        Mutation::Fork(Fork {
            parent: KEY,
            parent_id: "old".into(),
            expected_revision: None,
            at_seq: Some(3),
            create: create(messages),
        })
    };
    expect(fork(0), forked(3), &[(EventKind::Forked, "new<old r1 1-3 x3")]);
    expect(
        fork(1),
        forked(4),
        &[
            (EventKind::Forked, "new<old r1 1-3 x3"),
            (EventKind::MessageAdded, "new< r1 4-4 x1"),
        ],
    );
    expect(fork(0), forked(0), &[(EventKind::Forked, "new<old r1 0-0 x0")]);
}

#[test]
fn an_append_is_told_once_and_not_for_a_retry() {
    let append = || {
        Mutation::Append(Append {
            key: KEY,
            id: "s".into(),
            messages: vec![message(); 3],
            options: crate::model::AppendOptions::default(),
            memo: None,
            now: 5,
        })
    };
    expect(
        append(),
        Outcome::Appended(receipt(false)),
        &[(EventKind::MessageAdded, "s< r9 4-6 x3")],
    );
    expect(append(), Outcome::Appended(receipt(true)), &[]);
}

#[test]
fn an_update_gives_an_event_for_each_thing_that_it_sets() {
    let everything = SessionChanges {
        title: Some(String::new()),
        window_tokens: Some(None),
        summary: Some(String::new()),
        add_tags: vec!["x".to_owned(), "y".to_owned()],
        remove_tags: vec!["z".to_owned()],
        status: Some(Status::Archived),
        ..SessionChanges::default()
    };
    expect(
        update(everything),
        Outcome::Updated(3),
        &[
            (EventKind::SessionUpdated, "s< r3 0-0 x0"),
            (EventKind::SessionContextUpdated, "s< r3 0-0 x0"),
            (EventKind::SummaryChanged, "s< r3 0-0 x0"),
            (EventKind::Tagged, "s< r3 0-0 x3"),
            (EventKind::Archived, "s< r3 0-0 x0"),
        ],
    );
    for (status, kind) in [
        (Status::Trashed, EventKind::Trashed),
        (Status::Active, EventKind::Restored),
    ] {
        let changes = SessionChanges {
            status: Some(status),
            ..SessionChanges::default()
        };
        expect(update(changes), Outcome::Updated(3), &[(kind, "s< r3 0-0 x0")]);
    }
    expect(
        update(SessionChanges::default()),
        Outcome::Updated(3),
        &[(EventKind::SessionUpdated, "s< r3 0-0 x0")],
    );
}

#[test]
fn messages_that_go_are_counted_and_those_in_their_place_are_added() {
    let removal = |messages| Removal { messages, revision: 8 };
    let rewind = || {
        Mutation::Rewind(Rewind {
            key: KEY,
            id: "s".into(),
            to_seq: 3,
            messages: Vec::new(),
            expected_revision: None,
            now: 5,
        })
    };
    expect(
        rewind(),
        Outcome::Rewound(removal(2), None),
        &[(EventKind::Rewound, "s< r8 0-3 x2")],
    );
    expect(
        rewind(),
        Outcome::Rewound(removal(2), Some(receipt(false))),
        &[
            (EventKind::Rewound, "s< r8 0-3 x2"),
            (EventKind::MessageAdded, "s< r9 4-6 x3"),
        ],
    );
    let truncate = || {
        Mutation::Truncate(Truncate {
            key: KEY,
            id: "s".into(),
            most_messages: Some(1),
            most_tokens: None,
            expected_revision: None,
            now: 5,
        })
    };
    expect(
        truncate(),
        Outcome::Truncated(removal(2)),
        &[(EventKind::Truncated, "s< r8 0-0 x2")],
    );
    expect(truncate(), Outcome::Truncated(removal(0)), &[]);
    let clear = Mutation::Clear(Clear {
        key: KEY,
        id: "s".into(),
        expected_revision: None,
        now: 5,
    });
    expect(
        clear,
        Outcome::Cleared(4),
        &[(EventKind::SessionCleared, "s< r4 0-0 x0")],
    );
}

#[test]
fn a_session_that_goes_is_deleted_erased_or_expired() {
    for (erase, kind) in [(false, EventKind::SessionDeleted), (true, EventKind::Erased)] {
        let delete = Mutation::Delete(Delete {
            id: "s".to_owned(),
            erase,
            now: 5,
        });
        expect(delete, Outcome::Deleted(KEY), &[(kind, "s< r0 0-0 x0")]);
    }
    let cleanup = || {
        Mutation::Cleanup(Cleanup {
            sessions: Vec::new(),
            over: Over {
                default_expiry: None,
                now: 5,
            },
        })
    };
    expect(
        cleanup(),
        two_sessions(),
        &[
            (EventKind::Expired, "a< r0 0-0 x0"),
            (EventKind::Expired, "b< r0 0-0 x0"),
            (EventKind::SessionsCleanedUp, "< r0 0-0 x2"),
        ],
    );
    expect(cleanup(), Outcome::Changed(Vec::new()), &[]);
}

#[test]
fn a_change_to_many_sessions_is_told_of_each() {
    let actions = [
        (BulkAction::SetStatus(Status::Archived), EventKind::Archived, 0),
        (BulkAction::AddTag("t".to_owned()), EventKind::Tagged, 1),
        (BulkAction::RemoveTag("t".to_owned()), EventKind::Tagged, 1),
        (BulkAction::Delete, EventKind::SessionDeleted, 0),
    ];
    for (action, kind, count) in actions {
        let texts = ["a", "b"].map(|id| format!("{id}< r0 0-0 x{count}"));
        expect(bulk(action), two_sessions(), &[(kind, &texts[0]), (kind, &texts[1])]);
    }
}
