//! Every operation, done to a store and to the model.

use crate::model::{Kept, Line, Model};
use proptest::collection::vec;
use proptest::prelude::*;
use turnkeep::Store;
use turnkeep::model::{AppendOptions, Exchange, NewMessage, NewSession, Role, SessionChanges, Status, Tokens};
use turnkeep::store::Branching;

/// What is done. Sessions are the n-th of those that are there, places are shares of a session's length.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Create {
        name: Option<u8>,
        messages: Vec<(bool, String)>,
    },
    Append {
        session: usize,
        messages: Vec<(bool, String)>,
        key: Option<u8>,
        stale: bool,
    },
    Exchange {
        session: usize,
        input: String,
        answer: String,
    },
    Update {
        session: usize,
        change: Change,
    },
    Fork {
        session: usize,
        at: u8,
        messages: Vec<(bool, String)>,
    },
    Rewind {
        session: usize,
        to: u8,
    },
    Replace {
        session: usize,
        from: u8,
        messages: Vec<(bool, String)>,
    },
    Truncate {
        session: usize,
        most: u32,
    },
    Clear {
        session: usize,
    },
    Adopt {
        session: usize,
        from: usize,
        first: u8,
    },
    Delete {
        session: usize,
    },
    Cleanup,
    Reopen,
}

/// A field of a session.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Title(String),
    Summary(String),
    Name(Option<u8>),
    Patch(u8, Option<u8>),
    Tags(Vec<u8>, Vec<u8>),
    Status(u8),
}

/// What both said of it; they must be the same.
pub(crate) struct Done {
    pub(crate) by_store: Result<u64, &'static str>,
    pub(crate) by_model: Result<u64, &'static str>,
}

fn said() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z ]{0,12}", 1 => "\\PC{0,20}", 1 => "[x]{300,900}"]
}

fn lines() -> impl Strategy<Value = Vec<(bool, String)>> {
    vec((any::<bool>(), said()), 0..4)
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    let session = 0..64usize;
    let change = prop_oneof![
        "\\PC{0,8}".prop_map(Change::Title),
        "\\PC{0,8}".prop_map(Change::Summary),
        proptest::option::of(0..3u8).prop_map(Change::Name),
        (0..3u8, proptest::option::of(any::<u8>())).prop_map(|(key, value)| Change::Patch(key, value)),
        (vec(0..4u8, 0..3), vec(0..4u8, 0..3)).prop_map(|(add, remove)| Change::Tags(add, remove)),
        (1..4u8).prop_map(Change::Status),
    ];
    prop_oneof![
        3 => (proptest::option::of(0..3u8), lines()).prop_map(|(name, messages)| Operation::Create { name, messages }),
        8 => (session.clone(), lines(), proptest::option::of(0..4u8), prop::bool::weighted(0.1))
            .prop_map(|(session, messages, key, stale)| Operation::Append { session, messages, key, stale }),
        1 => (session.clone(), said(), said())
            .prop_map(|(session, input, answer)| Operation::Exchange { session, input, answer }),
        4 => (session.clone(), change).prop_map(|(session, change)| Operation::Update { session, change }),
        4 => (session.clone(), any::<u8>(), lines())
            .prop_map(|(session, at, messages)| Operation::Fork { session, at, messages }),
        3 => (session.clone(), any::<u8>()).prop_map(|(session, to)| Operation::Rewind { session, to }),
        2 => (session.clone(), any::<u8>(), lines())
            .prop_map(|(session, from, messages)| Operation::Replace { session, from, messages }),
        1 => (session.clone(), 1..6u32).prop_map(|(session, most)| Operation::Truncate { session, most }),
        1 => session.clone().prop_map(|session| Operation::Clear { session }),
        2 => (session.clone(), session.clone(), any::<u8>())
            .prop_map(|(session, from, first)| Operation::Adopt { session, from, first }),
        2 => session.prop_map(|session| Operation::Delete { session }),
        1 => Just(Operation::Cleanup),
        1 => Just(Operation::Reopen),
    ]
}

/// Tokens that say nothing of the text, so that nothing is right by accident.
fn new_messages(lines: &[(bool, String)]) -> (Vec<NewMessage>, Vec<Line>) {
    let role = |user: bool| if user { Role::User } else { Role::Assistant };
    let new = lines.iter().map(|(user, content)| NewMessage {
        tokens: Tokens::Given(content.len() as u32 % 7),
        ..NewMessage::new(role(*user), content.clone())
    });
    let kept = lines.iter().map(|(user, content)| Line {
        role: role(*user),
        content: content.clone(),
        tokens: content.len() as u32 % 7,
        metadata: None,
    });
    (new.collect(), kept.collect())
}

fn share(part: u8, of: usize) -> usize {
    usize::from(part) * of / 255
}

fn kind<T>(result: Result<T, turnkeep::error::Error>, value: impl FnOnce(T) -> u64) -> Result<u64, &'static str> {
    result
        .map(value)
        .map_err(|error| error.kind().c_name().to_str().unwrap())
}

impl Operation {
    pub(crate) fn apply(&self, store: &Store, model: &mut Model) -> Done {
        match self {
            Self::Create { name, messages } => create(store, model, *name, messages),
            Self::Cleanup | Self::Reopen => Done {
                by_store: kind(store.cleanup(), |count| count),
                by_model: Ok(0),
            },
            Self::Append { session, .. }
            | Self::Exchange { session, .. }
            | Self::Update { session, .. }
            | Self::Fork { session, .. }
            | Self::Rewind { session, .. }
            | Self::Replace { session, .. }
            | Self::Truncate { session, .. }
            | Self::Clear { session }
            | Self::Adopt { session, .. }
            | Self::Delete { session } => match model.nth(*session) {
                Some(id) => self.apply_to(&id, store, model),
                None => Done {
                    by_store: Ok(0),
                    by_model: Ok(0),
                },
            },
        }
    }

    fn apply_to(&self, id: &str, store: &Store, model: &mut Model) -> Done {
        let session = store.open_session(id).unwrap();
        let length = model.sessions[id].messages.len();
        let kept = model.sessions.get_mut(id).unwrap();
        match self {
            Self::Append {
                messages, key, stale, ..
            } => {
                let (new, lines) = new_messages(messages);
                let key = key.map(|key| format!("key {key}"));
                let options = AppendOptions {
                    expected_revision: stale.then_some(kept.revision + 1),
                    idempotency_key: key.clone(),
                    ..AppendOptions::default()
                };
                let by_store = kind(session.append(new, options), |receipt| u64::from(receipt.first_seq));
                let by_model = append(kept, lines, key, *stale);
                Done { by_store, by_model }
            }
            Self::Exchange { input, answer, .. } => {
                let exchange = Exchange {
                    input: input.clone(),
                    input_name: "file".into(),
                    answer: answer.clone(),
                    ..Exchange::default()
                };
                let by_store = kind(session.append_exchange(exchange, AppendOptions::default()), |done| {
                    u64::from(done.0)
                });
                let added = session.last(2).unwrap();
                for view in added.views() {
                    kept.messages.push(Line {
                        role: Role::from_number(view.role).unwrap(),
                        content: crate::support::text(view.content).to_owned(),
                        tokens: view.tokens,
                        metadata: Some(crate::support::details(view).metadata.to_owned()),
                    });
                }
                kept.revision += 1;
                let turns = kept.messages.iter().filter(|line| line.role == Role::User).count();
                Done {
                    by_store,
                    by_model: Ok(turns as u64),
                }
            }
            Self::Update { change, .. } => update(&session, id, model, change),
            Self::Fork { at, messages, .. } => {
                let at = share(*at, length);
                let (new, lines) = new_messages(messages);
                let fork_id = format!("s{}", model.made);
                model.made += 1;
                let options = NewSession {
                    id: Some(fork_id.clone()),
                    messages: new,
                    ..NewSession::default()
                };
                let by_store = kind(session.fork(Some(at as u64), options), |_| 1);
                let from = &model.sessions[id];
                let fork = Kept {
                    messages: from.messages[..at].iter().cloned().chain(lines).collect(),
                    title: from.title.clone(),
                    summary: from.summary.clone(),
                    metadata: from.metadata.clone(),
                    tags: from.tags.clone(),
                    parent: Some(id.to_owned()),
                    fork_seq: at,
                    ..Kept::default()
                };
                model.sessions.insert(fork_id, fork);
                Done {
                    by_store,
                    by_model: Ok(1),
                }
            }
            Self::Rewind { to, .. } => {
                let to = share(*to, length);
                kept.cut_to(to);
                Done {
                    by_store: kind(session.rewind(to as u64, None), |done| u64::from(done.removed)),
                    by_model: Ok((length - to) as u64),
                }
            }
            Self::Replace { from, messages, .. } => {
                let from = share(*from, length.max(1) - 1) + 1;
                let (new, lines) = new_messages(messages);
                kept.cut_to(from - 1);
                kept.messages.extend(lines);
                let how = Branching::Rewind(None);
                Done {
                    by_store: kind(session.replace(from as u64, new, how), |done| done.revision),
                    by_model: Ok(kept.revision),
                }
            }
            Self::Truncate { most, .. } => Done {
                by_store: kind(session.truncate(Some(*most), None, None), |done| {
                    u64::from(done.removed)
                }),
                by_model: Ok(kept.truncate(*most as usize) as u64),
            },
            Self::Clear { .. } => {
                kept.cut_to(0);
                kept.summary.clear();
                Done {
                    by_store: kind(session.clear(None), |revision| revision),
                    by_model: Ok(kept.revision),
                }
            }
            Self::Adopt { from, first, .. } => adopt(&session, id, store, model, *from, *first),
            Self::Delete { .. } => {
                model.delete(id);
                Done {
                    by_store: kind(store.delete_session(id), |()| 0),
                    by_model: Ok(0),
                }
            }
            Self::Create { .. } | Self::Cleanup | Self::Reopen => Done {
                by_store: Ok(0),
                by_model: Ok(0),
            },
        }
    }
}

fn create(store: &Store, model: &mut Model, name: Option<u8>, messages: &[(bool, String)]) -> Done {
    let (new, lines) = new_messages(messages);
    let id = format!("s{}", model.made);
    model.made += 1;
    let name = name.map(|name| format!("name {name}"));
    let options = NewSession {
        id: Some(id.clone()),
        name: name.clone(),
        messages: new,
        ..NewSession::default()
    };
    let by_store = kind(store.create_session(options), |_| 1);
    let free = name.as_deref().is_none_or(|name| model.is_name_free(name, ""));
    let by_model = if free {
        let kept = Kept {
            name,
            messages: lines,
            ..Kept::default()
        };
        model.sessions.insert(id, kept);
        Ok(1)
    } else {
        Err("EXISTS")
    };
    Done { by_store, by_model }
}

fn append(kept: &mut Kept, lines: Vec<Line>, key: Option<String>, stale: bool) -> Result<u64, &'static str> {
    if lines.is_empty() {
        return Err("INVALID");
    }
    if let Some((first, last)) = key.as_ref().and_then(|key| kept.receipts.get(key)) {
        return if last + 1 - first == lines.len() {
            Ok(*first as u64)
        } else {
            Err("MISMATCH")
        };
    }
    if stale {
        return Err("CONFLICT");
    }
    let first = kept.messages.len() + 1;
    kept.messages.extend(lines);
    kept.revision += 1;
    if let Some(key) = key {
        kept.receipts.insert(key, (first, kept.messages.len()));
    }
    Ok(first as u64)
}

fn update(session: &turnkeep::Session, id: &str, model: &mut Model, change: &Change) -> Done {
    let mut changes = SessionChanges::default();
    let mut after = model.sessions[id].clone();
    after.revision += 1;
    let mut refused = false;
    match change {
        Change::Title(title) => {
            changes.title = Some(title.clone());
            after.title.clone_from(title);
        }
        Change::Summary(summary) => {
            changes.summary = Some(summary.clone());
            after.summary.clone_from(summary);
        }
        Change::Name(name) => {
            after.name = name.map(|name| format!("name {name}"));
            changes.name = Some(after.name.clone());
            refused = after.name.as_ref().is_some_and(|name| !model.is_name_free(name, id));
        }
        Change::Patch(key, value) => {
            let mut metadata: serde_json::Map<_, _> = serde_json::from_str(&after.metadata).unwrap();
            let key = format!("k{key}");
            changes.metadata_patch = Some(serde_json::json!({ key.clone(): value }).to_string());
            match value {
                Some(value) => metadata.insert(key, (*value).into()),
                None => metadata.remove(&key),
            };
            after.metadata = String::new();
            changes.expected_revision = Some(model.sessions[id].revision);
            after.metadata = serde_json::Value::from(metadata).to_string();
        }
        Change::Tags(add, remove) => {
            let name = |tag: &u8| format!("t{tag}");
            changes.add_tags = add.iter().map(name).collect();
            changes.remove_tags = remove.iter().map(name).collect();
            for tag in &changes.remove_tags {
                after.tags.remove(tag);
            }
            after.tags.extend(changes.add_tags.iter().cloned());
        }
        Change::Status(number) => {
            after.status = Status::from_number(i32::from(*number)).unwrap();
            changes.status = Some(after.status);
        }
    }
    let by_store = kind(session.update(changes), |revision| revision);
    let by_model = if refused { Err("EXISTS") } else { Ok(after.revision) };
    if !refused {
        if matches!(change, Change::Patch(..)) {
            // The order of an object's keys is the store's business.
            let found = session.describe().unwrap().metadata;
            let same = |one: &str, other: &str| {
                serde_json::from_str::<serde_json::Value>(one).unwrap()
                    == serde_json::from_str::<serde_json::Value>(other).unwrap()
            };
            assert!(same(&found, &after.metadata), "{found} is not {}", after.metadata);
            after.metadata = found;
        }
        model.sessions.insert(id.to_owned(), after);
    }
    Done { by_store, by_model }
}

fn adopt(session: &turnkeep::Session, id: &str, store: &Store, model: &mut Model, from: usize, first: u8) -> Done {
    let from_id = model.nth(from).unwrap();
    let source = model.sessions[&from_id].messages.clone();
    let first = share(first, source.len().max(1) - 1) + 1;
    let other = store.open_session(&from_id).unwrap();
    let by_store = kind(
        session.adopt(&other, first as u64, u64::MAX, AppendOptions::default()),
        |receipt| u64::from(receipt.last_seq),
    );
    let by_model = if source.is_empty() {
        Err("NOT_FOUND")
    } else {
        let kept = model.sessions.get_mut(id).unwrap();
        for (line, seq) in source.iter().zip(1..).skip(first - 1) {
            let origin = format!(r#"{{"turnkeep:origin":{{"seq":{seq},"session":"{from_id}"}}"#);
            let metadata = match line.metadata.as_deref() {
                None => format!("{origin}}}"),
                Some(own) => format!("{origin},{}", &own[1..]),
            };
            kept.messages.push(Line {
                metadata: Some(metadata),
                ..line.clone()
            });
        }
        kept.revision += 1;
        Ok(kept.messages.len() as u64)
    };
    Done { by_store, by_model }
}
