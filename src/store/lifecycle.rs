//! A session's life beside its messages: put away, thrown away, taken back, cut short, resumed, gone when its time is over.

use super::session::read_messages;
use super::{Inner, Messages, Session, Store, Window};
use crate::context::WindowOptions;
use crate::error::{During, Error, Kind, Result};
use crate::model::{MessageFlags, NewMessage, NewSession, ReadyMessage, SessionChanges, Status, Tokens, now};
use crate::storage::mutation::{Cleanup, Over, Truncate};
use crate::storage::unexpected;
use crate::storage::{Head, Mutation, Outcome, Snapshot};
use std::sync::Arc;

/// A session as it is taken up again.
pub struct Resumed {
    /// The session.
    pub session: Session,
    /// Its last message; none if it is empty.
    pub last: Messages,
    /// The messages for its next prompt.
    pub window: Arc<Window>,
}

/// What a truncation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// How many messages are gone.
    pub removed: u32,
    /// The session's revision.
    pub revision: u64,
}

impl Session {
    /// Puts the session away: still listed and found.
    pub fn archive(&self) -> Result<u64> {
        self.set_status(Status::Archived)
    }

    /// Throws the session away: neither listed nor found unless asked for, until it is restored or deleted.
    pub fn trash(&self) -> Result<u64> {
        self.set_status(Status::Trashed)
    }

    /// Takes the session back into use.
    pub fn restore(&self) -> Result<u64> {
        self.set_status(Status::Active)
    }

    fn set_status(&self, status: Status) -> Result<u64> {
        self.update(SessionChanges {
            status: Some(status),
            ..SessionChanges::default()
        })
    }

    /// Keeps the instructions at the head and at most so many of the newest messages, and tokens of them, from the beginning
    /// of a step on. What stays is numbered anew from 1.
    pub fn truncate(
        &self,
        most_messages: Option<u32>,
        most_tokens: Option<u64>,
        expected_revision: Option<u64>,
    ) -> Result<Truncated> {
        self.do_to("truncate", || {
            if most_messages.is_none() && most_tokens.is_none() {
                return Err(Error::invalid("neither a number of messages nor of tokens is given"));
            }
            let truncate = Truncate {
                key: self.entry.key,
                id: Arc::clone(&self.entry.id),
                most_messages,
                most_tokens,
                expected_revision,
                now: now(),
            };
            match self.store.change(Mutation::Truncate(truncate), None)? {
                Outcome::Truncated(removal) => Ok(Truncated {
                    removed: removal.messages,
                    revision: removal.revision,
                }),
                other => Err(unexpected(&other)),
            }
        })
    }
}

impl Store {
    /// Opens a session with its last message and its window.
    pub fn resume_session(&self, id: &str, options: &WindowOptions) -> Result<Resumed> {
        let session = self.open_session(id)?;
        Ok(Resumed {
            last: session.last(1)?,
            window: session.window(options)?,
            session,
        })
    }

    /// Deletes every session whose time is over, and returns how many.
    pub fn cleanup(&self) -> Result<u64> {
        self.inner.cleanup().during(|| "clean up")
    }
}

impl Inner {
    pub(super) fn cleanup(&self) -> Result<u64> {
        let over = Over {
            default_expiry: self.expiry,
            now: now(),
        };
        let sessions = self.read(|snapshot| snapshot.expired(&over))?;
        if sessions.is_empty() {
            return Ok(0);
        }
        let cleanup = Cleanup { sessions, over };
        match self.change(Mutation::Cleanup(cleanup), None)? {
            Outcome::Changed(gone) => Ok(gone.len() as u64),
            other => Err(unexpected(&other)),
        }
    }

    /// A new session with what it leaves out taken from the one that it is to be like.
    pub(super) fn with_likeness(&self, mut session: NewSession) -> Result<NewSession> {
        let Some(like) = session.like.take() else {
            return Ok(session);
        };
        let (from, mut instructions) = self.read(|snapshot| {
            let unknown = || Error::new(Kind::NotFound, format!("there is no session '{like}' to be like"));
            let key = snapshot.find(&like)?.ok_or_else(unknown)?;
            let from = snapshot.describe(key)?.ok_or_else(unknown)?;
            let head = snapshot.head(key)?.ok_or_else(unknown)?;
            Ok((from, instructions_of(snapshot, &head)?))
        })?;
        let brings_instructions = session
            .messages
            .first()
            .is_some_and(|first| first.role.is_instruction());
        if !brings_instructions {
            instructions.append(&mut session.messages);
            session.messages = instructions;
        }
        Ok(session.filled_from(&from))
    }
}

/// The instructions at the head of a session, to be given to another one.
fn instructions_of(snapshot: &dyn Snapshot, head: &Head) -> Result<Vec<NewMessage>> {
    let mut end = 0;
    let mut at_head = true;
    for seq in 1..=head.place.seq {
        snapshot.entries(&head.path, seq..=seq, &mut |entry| {
            at_head = entry.role.is_instruction();
            Ok(())
        })?;
        if !at_head {
            break;
        }
        end = seq;
    }
    let messages = read_messages(snapshot, head, 1, end)?;
    Ok(messages.into_iter().map(|kept| again(kept.message)).collect())
}

/// A message to append anew, with tokens that a caller counted as they are.
fn again(message: ReadyMessage) -> NewMessage {
    NewMessage {
        tokens: match message.flags.contains(MessageFlags::ESTIMATED) {
            true => Tokens::Count,
            false => Tokens::Given(message.tokens),
        },
        pinned: message.flags.contains(MessageFlags::PINNED),
        metadata: message.metadata,
        model: message.model,
        ..NewMessage::new(message.role, message.content)
    }
}
