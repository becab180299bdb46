//! Branches: new sessions that share messages, sessions that go back, and how they are related.

use super::session::{deleted, read_messages};
use super::turns::{first_seq_of, turn_of};
use super::{Inner, Session};
use crate::error::{During, Error, Kind, Result};
use crate::model::{
    AppendOptions, Durability, Message, NewMessage, NewSession, Place, ReadyMessage, Receipt, Role, SessionInfo,
    metadata, now,
};
use crate::storage::mutation::{Fork, Rewind};
use crate::storage::unexpected;
use crate::storage::{Family, Mutation, Outcome};
use std::sync::Arc;
use std::time::Instant;

/// How messages are replaced.
#[derive(Clone, Debug)]
pub enum Branching {
    /// In this session: what was there is removed, unless a fork shares it. Only at this revision, if one is given.
    Rewind(Option<u64>),
    /// In a new session: this one stays as it is.
    Fork(Box<NewSession>),
}

/// What a change to a session's end left.
pub struct Branched {
    /// The new session, if it was forked.
    pub session: Option<Session>,
    /// Where the new messages went; `first_seq` and `last_seq` are 0 if there were none.
    pub receipt: Receipt,
    /// The revision of the session that was changed or made.
    pub revision: u64,
    /// How many messages a rewind removed from the session.
    pub removed: u32,
}

/// How two sessions are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The last message that both share; 0 is none.
    pub common_seq: u32,
    /// The last message of the one.
    pub one_head_seq: u32,
    /// The last message of the other.
    pub other_head_seq: u32,
}

impl Session {
    /// A new session that shares the messages up to `at_seq` (0: none; `None`: all). What `session` leaves out is as in
    /// this one, but for the name and the expiry.
    pub fn fork(&self, at_seq: Option<u64>, session: NewSession) -> Result<Session> {
        self.do_to("fork", || {
            let fork = self.store.ready_fork(self, at_seq, session)?;
            self.forked(fork).map(|(session, _)| session)
        })
    }

    /// Takes back every message behind `to_seq`, and returns what is then so.
    pub fn rewind(&self, to_seq: u64, expected_revision: Option<u64>) -> Result<Branched> {
        self.do_to("rewind", || self.rewound(to_seq, Vec::new(), expected_revision))
    }

    /// Replaces a message and everything behind it, here or in a fork.
    pub fn replace(&self, seq: u64, messages: Vec<NewMessage>, how: Branching) -> Result<Branched> {
        self.do_to("replace messages of", || {
            let before = seq
                .checked_sub(1)
                .ok_or_else(|| Error::invalid("seq is 0; the first message is 1"))?;
            self.branch(before, messages, how)
        })
    }

    /// Takes back the answer to a turn, and everything behind it, here or in a fork, so that it can be given anew. `seq` is a
    /// message of that turn; 0 is the last one.
    pub fn regenerate(&self, seq: u64, how: Branching) -> Result<Branched> {
        self.do_to("regenerate an answer of", || {
            // What others change meanwhile may be another question, and is no part of that answer.
            let (question, revision) = self.question_of(seq)?;
            match how {
                Branching::Rewind(None) => self.rewound(question, Vec::new(), Some(revision)),
                Branching::Rewind(expected) => self.rewound(question, Vec::new(), expected),
                Branching::Fork(session) => self.branch_off(question, Vec::new(), *session, Some(revision)),
            }
        })
    }

    /// The message of the user that a message answers, and the revision at which it is so.
    fn question_of(&self, seq: u64) -> Result<(u64, u64)> {
        self.look(|snapshot, head| {
            let seq = match seq {
                0 => head.place.seq,
                seq => seq_of(seq)?,
            };
            if seq > head.place.seq {
                return Err(no_message(u64::from(seq)));
            }
            let asked = match seq {
                0 => 0,
                seq => turn_of(snapshot, head, seq)?,
            };
            if asked == 0 {
                return Err(Error::invalid("no user message comes before it: there is no question"));
            }
            let question = first_seq_of(snapshot, head, asked)?;
            if question == head.place.seq {
                return Err(Error::invalid("the last message is the user's: there is no answer yet"));
            }
            Ok((u64::from(question), head.revision))
        })
    }

    fn branch(&self, at_seq: u64, messages: Vec<NewMessage>, how: Branching) -> Result<Branched> {
        match how {
            Branching::Rewind(expected_revision) => self.rewound(at_seq, messages, expected_revision),
            Branching::Fork(session) => self.branch_off(at_seq, messages, *session, None),
        }
    }

    fn branch_off(
        &self,
        at_seq: u64,
        messages: Vec<NewMessage>,
        mut session: NewSession,
        expected_revision: Option<u64>,
    ) -> Result<Branched> {
        session.messages = messages;
        let durability = self.store.reached();
        let fork = Fork {
            expected_revision,
            ..self.store.ready_fork(self, Some(at_seq), session)?
        };
        let roles: Vec<Role> = fork.create.messages.iter().map(|message| message.role).collect();
        let (session, end) = self.forked(fork)?;
        let receipt = match roles.as_slice() {
            [] => nothing_new(1, durability),
            [_, later @ ..] => Receipt {
                first_seq: at_seq as u32 + 1,
                last_seq: end.seq,
                first_turn: end.turn - later.iter().filter(|role| **role == Role::User).count() as u32,
                ..nothing_new(1, durability)
            },
        };
        Ok(Branched {
            session: Some(session),
            receipt,
            revision: 1,
            removed: 0,
        })
    }

    /// The new session, and where its last message stands.
    fn forked(&self, fork: Fork) -> Result<(Session, Place)> {
        let id = fork.create.id.clone();
        match self.store.change(Mutation::Fork(fork), None)? {
            Outcome::Forked(key, end) => {
                let entry = self.store.cache.entry(key, &id);
                Ok((Session::new(Arc::clone(&self.store), entry), end))
            }
            other => Err(unexpected(&other)),
        }
    }

    fn rewound(&self, to_seq: u64, messages: Vec<NewMessage>, expected_revision: Option<u64>) -> Result<Branched> {
        let rewind = Rewind {
            key: self.entry.key,
            id: Arc::clone(&self.entry.id),
            to_seq: seq_of(to_seq)?,
            messages: self.store.ready_all(messages)?,
            expected_revision,
            now: now(),
        };
        match self.store.change(Mutation::Rewind(rewind), None)? {
            Outcome::Rewound(removal, receipt) => Ok(Branched {
                session: None,
                receipt: receipt.unwrap_or_else(|| nothing_new(removal.revision, self.store.reached())),
                revision: removal.revision,
                removed: removal.messages,
            }),
            other => Err(unexpected(&other)),
        }
    }

    /// How far two sessions of one store share their messages.
    pub fn compare(&self, other: &Session) -> Result<Comparison> {
        self.do_to("compare", || {
            if !Arc::ptr_eq(&self.store, &other.store) {
                return Err(Error::invalid(format!(
                    "session '{}' belongs to another store: nothing can be shared",
                    other.id()
                )));
            }
            other.do_to("read", || Ok(()))?;
            self.store.read(|snapshot| {
                let head = |session: &Session| {
                    let head = snapshot.head(session.entry.key)?.ok_or_else(deleted);
                    head.during(|| format!("read session '{}'", session.id()))
                };
                let (one, other) = (head(self)?, head(other)?);
                Ok(Comparison {
                    common_seq: one.last_shared_with(&other),
                    one_head_seq: one.place.seq,
                    other_head_seq: other.place.seq,
                })
            })
        })
    }

    /// Appends messages of another session, each with a note of where it came from. What is given for `last_seq` may lie
    /// behind the end.
    pub fn adopt(&self, from: &Session, first_seq: u64, last_seq: u64, options: AppendOptions) -> Result<Receipt> {
        self.do_to("adopt messages into", || {
            let begin = Instant::now();
            let adopted = from.do_to("read", || from.messages_between(first_seq, last_seq))?;
            if adopted.is_empty() {
                return Err(Error::new(
                    Kind::NotFound,
                    format!("session '{}' has no message from {first_seq} to {last_seq}", from.id()),
                ));
            }
            let messages = adopted
                .into_iter()
                .map(|message| with_origin(message, from.id()))
                .collect();
            self.append_ready(messages, options, begin)
        })
    }

    /// Messages as they are kept.
    fn messages_between(&self, first_seq: u64, last_seq: u64) -> Result<Vec<Message>> {
        if first_seq == 0 || first_seq > last_seq {
            return Err(Error::invalid(format!(
                "the range {first_seq} to {last_seq} holds nothing"
            )));
        }
        let Ok(first) = u32::try_from(first_seq) else {
            return Ok(Vec::new());
        };
        self.look(|snapshot, head| {
            let last = u64::from(head.place.seq).min(last_seq) as u32;
            read_messages(snapshot, head, first, last)
        })
    }

    /// The sessions that were forked from this one, oldest first.
    pub fn forks(&self) -> Result<Vec<SessionInfo>> {
        self.family("list the forks of", Family::Forks)
    }

    /// The session that this one was forked from, the one that that was forked from, and so on.
    pub fn ancestors(&self) -> Result<Vec<SessionInfo>> {
        self.family("list the ancestors of", Family::Ancestors)
    }

    /// Every session that is related to this one by forks, from the first ancestor on, each before its own forks.
    pub fn tree(&self) -> Result<Vec<SessionInfo>> {
        self.family("list the tree of", Family::Tree)
    }

    fn family(&self, action: &str, family: Family) -> Result<Vec<SessionInfo>> {
        self.do_to(action, || {
            self.store.read(|snapshot| snapshot.family(self.entry.key, family))
        })
    }
}

/// The receipt of a change that appended nothing.
fn nothing_new(revision: u64, durability: Durability) -> Receipt {
    Receipt {
        first_seq: 0,
        last_seq: 0,
        first_turn: 0,
        revision,
        durability,
        repeated: false,
    }
}

fn seq_of(seq: u64) -> Result<u32> {
    u32::try_from(seq).map_err(|_| no_message(seq))
}

fn no_message(seq: u64) -> Error {
    Error::new(Kind::NotFound, format!("there is no message {seq}"))
}

fn with_origin(message: Message, from: &str) -> ReadyMessage {
    let origin = serde_json::json!({ "session": from, "seq": message.place.seq });
    let noted = metadata::with_new_note(message.message.metadata.as_deref(), "origin", &origin);
    ReadyMessage {
        metadata: Some(noted),
        ..message.message
    }
}

impl Inner {
    fn ready_fork(&self, parent: &Session, at_seq: Option<u64>, session: NewSession) -> Result<Fork> {
        if session.like.is_some() {
            return Err(Error::invalid(
                "like is given for a fork, which is like its parent already",
            ));
        }
        Ok(Fork {
            parent: parent.entry.key,
            parent_id: Arc::clone(&parent.entry.id),
            at_seq: at_seq.map(seq_of).transpose()?,
            expected_revision: None,
            create: self.ready_session(session)?,
        })
    }
}
