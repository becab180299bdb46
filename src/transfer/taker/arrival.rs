//! How a conversation meets the store: what becomes of one that is there already, which id and name it gets, whose messages it
//! shares, and whose fork it is.

use super::{Coming, Comparison, Current, Fate, Taken, Taker};
use crate::error::{Error, Result};
use crate::model::fingerprint::Fingerprint;
use crate::model::{NewSession, ids, now};
use crate::storage::mutation::{Delete, Import, Settle};
use crate::storage::{Mutation, Outcome, SessionKey, unexpected};
use crate::transfer::conversation::{Conversation, ForkedFrom, SharedWith};
use crate::transfer::draft::LAST_TIME;
use crate::transfer::{Existing, ProblemKind, mend};
use std::sync::Arc;

/// How a conversation meets the store.
#[derive(Clone, Copy)]
enum Arrival {
    New,
    /// The session that is there stays; what comes is kept until the end where others share messages of it.
    Skipped(SessionKey),
    Overwrites(SessionKey),
    Beside {
        is_second: bool,
    },
}

impl Arrival {
    fn is_carrier(self) -> bool {
        matches!(self, Self::Skipped(_))
    }
}

impl Taker<'_> {
    /// A conversation begins.
    pub(crate) fn begin(&mut self, mut conversation: Conversation) -> Result<()> {
        let source_id = conversation.session.id.clone().unwrap_or_default();
        self.current = Some(Current {
            source_id: source_id.clone(),
            place: conversation.place.clone(),
            fate: Fate::PassedOver,
            messages: 0,
            tokens: 0,
            is_fork: conversation.shares.as_ref().is_some_and(|shares| shares.seq > 0),
            overwrites: false,
            comparison: None,
        });
        let is_second = !source_id.is_empty() && self.taken.contains_key(&source_id);
        if is_second && self.existing != Existing::KeepBoth {
            self.pass_over("its id stands in the source twice; only the first is taken in");
            return Ok(());
        }
        let changes = mend::session(&mut conversation.session);
        let existing = match &conversation.session.id {
            Some(id) => self.importing.find(id)?,
            None => None,
        };
        let arrival = match (existing, self.existing) {
            (None, _) => Arrival::New,
            (Some(key), Existing::Skip) => Arrival::Skipped(key),
            (Some(key), Existing::Overwrite) => Arrival::Overwrites(key),
            (Some(_), Existing::KeepBoth) => Arrival::Beside { is_second },
        };
        if let Arrival::Skipped(key) = arrival {
            self.skip(key, &conversation);
            if !conversation.is_shared {
                return Ok(());
            }
        } else {
            for change in changes {
                self.report(ProblemKind::Changed, conversation.place.clone(), change);
            }
        }
        self.importing.begin_session()?;
        let begun = self.try_begin(conversation, arrival);
        self.settle_failure(begun)
    }

    /// The session of the store stays. What comes is compared with it, for the report at the end.
    fn skip(&mut self, key: SessionKey, conversation: &Conversation) {
        let Some(current) = &mut self.current else { return };
        current.comparison = Some(Comparison {
            key,
            shared: conversation.shares.as_ref().map_or(0, |shares| shares.seq),
            print: Fingerprint::new(),
            messages: 0,
        });
        let taken = Taken {
            messages: None,
            parent: Some(key),
        };
        self.taken.insert(current.source_id.clone(), taken);
    }

    fn try_begin(&mut self, mut conversation: Conversation, arrival: Arrival) -> Result<()> {
        check_numbers(&conversation)?;
        let shared = match &conversation.shares {
            Some(shares) if shares.seq > 0 => Some(self.messages_of(shares)?),
            _ => None,
        };
        let (parent, fork_seq) = self.origin(&conversation);
        let forks = self.make_room(arrival)?;
        self.name(&mut conversation, arrival)?;
        let own_limit = conversation.session.max_bytes;
        let mut create = self.ready.session(std::mem::take(&mut conversation.session))?;
        create.now = conversation.created.unwrap_or(create.now);
        if own_limit.is_some() {
            // For what comes: more than that may be there.
            create.session.max_bytes = None;
        }
        create.summary_tokens = conversation.summary_tokens.unwrap_or(create.summary_tokens);
        let id: Arc<str> = create.id.as_str().into();
        let outcome = self.importing.apply(&Mutation::Import(Import { create, shared }))?;
        let Outcome::Created(head) = outcome else {
            return Err(unexpected(&outcome));
        };
        let step = match shared {
            Some(_) => self.importing.open_calls(head.key)?,
            None => None,
        };
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        current.overwrites = matches!(arrival, Arrival::Overwrites(_));
        current.fate = Fate::Kept(Box::new(Coming {
            key: head.key,
            id: Arc::clone(&id),
            is_carrier: arrival.is_carrier(),
            settle: Settle {
                key: head.key,
                id,
                status: conversation.status,
                created: conversation.created,
                updated: conversation.updated,
                revision: conversation.revision,
                parent,
                fork_seq,
                forks,
                max_bytes: own_limit,
                receipts: conversation.receipts,
                now: now(),
            },
            pending: Vec::new(),
            pending_bytes: 0,
            step,
            last_created: None,
        }));
        Ok(())
    }

    /// What it was forked from, if that is in the store, and the last message that both had then.
    fn origin(&mut self, conversation: &Conversation) -> (Option<SessionKey>, u32) {
        let from = match &conversation.forked_from {
            ForkedFrom::AsShared => conversation.shares.as_ref(),
            ForkedFrom::Another(other) => Some(other),
            ForkedFrom::Gone(seq) => return (None, *seq),
        };
        let Some(from) = from else { return (None, 0) };
        let parent = self.taken.get(&from.id).and_then(|taken| taken.parent);
        if parent.is_none() {
            self.lost("parents of forks that are not in the source", 1);
        }
        (parent, from.seq)
    }

    /// Deletes what is overwritten. Its forks, which that gives to its own parent, are given to what takes its place.
    fn make_room(&mut self, arrival: Arrival) -> Result<Vec<(SessionKey, u32)>> {
        let (Arrival::Overwrites(key), Some(current)) = (arrival, &self.current) else {
            return Ok(Vec::new());
        };
        let forks = self.importing.forks_of(key)?;
        let delete = Delete {
            id: current.source_id.clone(),
            erase: false,
            now: now(),
        };
        self.importing.apply(&Mutation::Delete(delete))?;
        Ok(forks)
    }

    /// Gives it an id and a name that nobody has.
    fn name(&mut self, conversation: &mut Conversation, arrival: Arrival) -> Result<()> {
        let session = &mut conversation.session;
        match arrival {
            Arrival::New | Arrival::Overwrites(_) => {}
            // One that nobody can know: what comes later in the source may have any other.
            Arrival::Skipped(_) => {
                session.id = Some(ids::new_session_id());
                session.name = None;
            }
            Arrival::Beside { is_second } => {
                let taken = session.id.take().unwrap_or_default();
                let id = self.free_id(&taken)?;
                let whose = if is_second {
                    "the source has it twice"
                } else {
                    "the store has it already"
                };
                let reason = format!("its id '{taken}' is taken ({whose}); it is '{id}' now");
                session.id = Some(id);
                self.report(ProblemKind::Changed, conversation.place.clone(), reason);
            }
        }
        self.free_name(&mut conversation.session, &conversation.place)
    }

    fn messages_of(&self, shares: &SharedWith) -> Result<(SessionKey, u32)> {
        let taken = self.taken.get(&shares.id).and_then(|taken| taken.messages);
        let key = taken.ok_or_else(|| {
            Error::invalid(format!(
                "it shares messages with '{}', which does not come before it, or was not taken in",
                shares.id
            ))
        })?;
        Ok((key, shares.seq))
    }

    /// An id that is not in the store: the one given, and a number behind it.
    fn free_id(&mut self, id: &str) -> Result<String> {
        let first = self.numbers.get(id).copied().unwrap_or(1) + 1;
        for number in first.. {
            let free = ids::with_end(id, &format!(" ({number})"));
            if self.importing.find(&free)?.is_none() {
                self.numbers.insert(id.to_owned(), number);
                return Ok(free);
            }
        }
        Ok(ids::new_session_id())
    }

    /// A name is unique among its owner's sessions; the second to come goes without.
    fn free_name(&mut self, session: &mut NewSession, place: &str) -> Result<()> {
        let Some(name) = &session.name else { return Ok(()) };
        if self.importing.name_is_taken(&session.user_id, name)? {
            let reason = format!("another session of this owner has the name '{name}'; it has none now");
            if session.title.is_empty() {
                session.title.clone_from(name);
            }
            session.name = None;
            self.report(ProblemKind::Changed, place, reason);
        }
        Ok(())
    }
}

/// What a store counts itself, and therefore believes.
fn check_numbers(conversation: &Conversation) -> Result<()> {
    for (what, time) in [("created", conversation.created), ("updated", conversation.updated)] {
        if let Some(time) = time.filter(|time| !(-LAST_TIME..=LAST_TIME).contains(time)) {
            return Err(Error::invalid(format!(
                "it was {what} at {time}, which is no time that a calendar has"
            )));
        }
    }
    match conversation.revision {
        Some(revision) if revision == 0 || i64::try_from(revision).is_err() => {
            Err(Error::invalid(format!("its revision is {revision}; the first is 1")))
        }
        _ => Ok(()),
    }
}
