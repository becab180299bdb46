//! The subject: a store and its conversations, as the measurements use them.

use std::path::Path;
use turnkeep::model::{AppendOptions, Durability, NewMessage, NewSession, Role, Tokens};
use turnkeep::{Session, Store, StoreOptions};

/// The tokens of every message here.
pub(crate) const TOKENS: u32 = 50;

/// A message's content: 200 bytes.
pub(crate) fn content() -> String {
    "What a person or a model says in a chat is about this long. ".repeat(4)[..200].to_owned()
}

pub(crate) fn options(durability: Durability) -> StoreOptions {
    StoreOptions {
        durability,
        ..StoreOptions::default()
    }
}

pub(crate) fn open(folder: &Path, options: StoreOptions) -> Store {
    Store::open(folder.join("subject.db").to_str().unwrap(), options).unwrap()
}

pub(crate) fn create(store: &Store) -> Session {
    store.create_session(NewSession::default()).unwrap()
}

/// A message, with its tokens counted by the caller: counting is not what is compared here.
pub(crate) fn message(number: usize, content: &str) -> NewMessage {
    let role = if number.is_multiple_of(2) {
        Role::User
    } else {
        Role::Assistant
    };
    NewMessage {
        tokens: Tokens::Given(TOKENS),
        ..NewMessage::new(role, content)
    }
}

pub(crate) fn append(session: &Session, number: usize, content: &str) {
    session
        .append(vec![message(number, content)], AppendOptions::default())
        .unwrap();
}

/// Many messages in one transaction, without a flush.
pub(crate) fn fill(session: &Session, count: usize, content: &str) {
    let messages = (0..count).map(|number| message(number, content)).collect();
    let quickly = AppendOptions {
        durability: Some(Durability::Os),
        ..AppendOptions::default()
    };
    session.append(messages, quickly).unwrap();
}
