//! A session's life beside its messages: put away, thrown away, taken back, cut short, resumed, gone when its time is over.

use super::change::unexpected;
use super::{Inner, Messages, Session, Store, Window};
use crate::context::WindowOptions;
use crate::error::{During, Error, Kind, Result};
use crate::model::{NewMessage, NewSession, SessionChanges, Status, Tokens, now};
use crate::storage::mutation::{Cleanup, Truncate};
use crate::storage::{Mutation, Outcome};
use std::sync::Arc;

/// A session as it is taken up again.
pub struct Resumed {
    /// The session.
    pub session: Session,
    /// Its last message; none if it is empty.
    pub last: Messages,
    /// The messages for its next prompt.
    pub window: Window,
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
        let cleanup = Cleanup {
            default_expiry: self.expiry,
            now: now(),
        };
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
        let snapshot = self.storage.snapshot()?;
        let unknown = || Error::new(Kind::NotFound, format!("there is no session '{like}' to be like"));
        let key = snapshot.find(&like)?.ok_or_else(unknown)?;
        let from = snapshot.describe(key)?.ok_or_else(unknown)?;
        let head = snapshot.head(key)?.ok_or_else(unknown)?;
        let or = |own: String, other: String| if own.is_empty() { other } else { own };
        let mut instructions = Vec::new();
        let mut at_head = true;
        // Instructions are few: nobody's head is longer than this.
        let end = head.place.seq.min(MOST_INSTRUCTIONS);
        snapshot.messages(&head.path, 1..=end, &mut |message| {
            at_head &= message.role.is_instruction();
            if at_head {
                instructions.push(NewMessage {
                    pinned: message.flags.contains(crate::model::MessageFlags::PINNED),
                    tokens: Tokens::Count,
                    metadata: message.metadata.map(str::to_owned),
                    ..NewMessage::new(message.role, message.content)
                });
            }
            Ok(())
        })?;
        let brings_instructions = session
            .messages
            .first()
            .is_some_and(|first| first.role.is_instruction());
        if !brings_instructions {
            instructions.append(&mut session.messages);
            session.messages = instructions;
        }
        session.user_id = or(session.user_id, from.user_id);
        session.title = or(session.title, from.title);
        session.model = or(session.model, from.model);
        session.metadata = session.metadata.or(Some(from.metadata));
        session.window_tokens = session.window_tokens.or(from.window_tokens);
        session.expires_after = session.expires_after.or(from.expires_after);
        session.max_bytes = session.max_bytes.or(from.max_bytes);
        session.tags.extend(from.tags);
        Ok(session)
    }
}

const MOST_INSTRUCTIONS: u32 = 64;
