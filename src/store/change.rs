//! The way of a change: the commit queue, one transaction, and then memory, events and metrics in the order of commit.

use super::{Inner, options};
use crate::cache::{Cache, Loaded, State};
use crate::error::{Error, Result};
use crate::model::{BulkAction, Durability};
use crate::storage::mutation::{Bulk, Clear, Erased, Rewind, Truncate};
use crate::storage::{Applied, Head, Mutation, NEVER_SEEN, Outcome, SessionKey, lost_with};
use std::sync::atomic::Ordering;

pub(super) struct Job {
    mutation: Mutation,
    durability: Durability,
}

impl Inner {
    /// Commits a mutation, with others if others come at the same time.
    pub(super) fn change(&self, mutation: Mutation, durability: Option<Durability>) -> Result<Outcome> {
        self.check_open()?;
        self.check_may_wait()?;
        if let Some(lost) = &*self.lost.lock() {
            return Err(lost.clone());
        }
        let job = Job {
            durability: self.reachable(durability.unwrap_or(self.durability))?,
            mutation,
        };
        let applied = self.commit.submit(job, |jobs| self.commit_batch(jobs));
        let applied = self.tell_of_damage(applied)?;
        self.events.deliver(applied.events);
        Ok(applied.outcome)
    }

    /// A file that others may write to cannot defer: they would give the same sequence numbers away.
    pub(super) fn reachable(&self, durability: Durability) -> Result<Durability> {
        match durability {
            Durability::Deferred if !self.alone => Err(options::cannot_defer()),
            // Memory has nothing to wait for.
            _ if self.in_memory => Ok(Durability::Os),
            other => Ok(other),
        }
    }

    /// One transaction, as durable as the most careful of its jobs asks; then memory is told, in the order of commit.
    pub(super) fn commit_batch(&self, jobs: Vec<Job>) -> Vec<Result<Applied>> {
        let durability = jobs.iter().map(|job| job.durability).min().unwrap_or(self.durability);
        let mutations: Vec<&Mutation> = jobs.iter().map(|job| &job.mutation).collect();
        #[cfg(feature = "test-panic")]
        forced_panic::during_commit(&mutations);
        let mut publishing = None;
        let forget = ForgetOnUnwind(&self.cache);
        let mut before_it_shows = || publishing = self.begin_publishing();
        let mut results = self.storage.apply(&mutations, durability, &mut before_it_shows);
        if let Some(cause) = results.iter().find_map(|result| result.as_ref().err()) {
            self.find_out_what_was_lost(cause);
        }
        for (mutation, result) in mutations.iter().zip(&results) {
            if let Ok(applied) = result {
                self.remember(mutation, &applied.outcome);
            }
        }
        drop(forget);
        drop(publishing);
        self.storage.keep_log_short();
        self.count_batch(&mutations, &results);
        self.add_events(&mutations, &mut results);
        if let Some(background) = self.background.get() {
            background.after_commit(durability == Durability::Deferred, self.storage.wants_maintenance());
        }
        results
    }

    /// After a failure of the storage: what was deferred may have gone with the transaction, and memory knows too much.
    pub(super) fn find_out_what_was_lost(&self, cause: &Error) {
        let count = self.storage.take_lost();
        if count == 0 {
            return;
        }
        self.cache.clear();
        let lost = lost_with(cause, count);
        *self.lost.lock() = Some(Error::new(
            lost.kind(),
            format!(
                "{}; nothing is changed any more until flush has told so",
                lost.message()
            ),
        ));
    }

    /// Feeds memory with what was committed.
    pub(super) fn remember(&self, mutation: &Mutation, outcome: &Outcome) {
        match (mutation, outcome) {
            (Mutation::Create(create), Outcome::Created(head)) => {
                let entry = self.cache.entry(head.key, &create.id);
                if let Some(mut state) = entry.state_after_commit()
                    && matches!(*state, State::Unloaded)
                {
                    entry.seen.store(NEVER_SEEN, Ordering::Relaxed);
                    *state = State::Loaded(Box::new(Loaded::new(Head::clone(head))));
                }
                self.cache.account(&entry);
            }
            (Mutation::Append(append), Outcome::Appended(receipt)) if !receipt.repeated => {
                self.tell(append.key, |loaded| {
                    loaded.append(&append.messages, append.memo.is_some(), receipt.revision)
                });
            }
            (Mutation::Update(update), Outcome::Updated(revision)) => {
                self.tell(update.key, |loaded| {
                    loaded.update(&update.changes, update.summary_tokens, *revision)
                });
            }
            (Mutation::Clear(Clear { key, .. }), Outcome::Cleared(_))
            | (Mutation::Rewind(Rewind { key, .. }), Outcome::Rewound(..))
            | (Mutation::Truncate(Truncate { key, .. }), Outcome::Truncated(_)) => self.tell(*key, |_| false),
            (_, Outcome::Deleted(key) | Outcome::Erased(Erased { key, .. })) => self.forget_deleted(*key),
            (
                Mutation::Cleanup(_)
                | Mutation::Bulk(Bulk {
                    action: BulkAction::Delete,
                    ..
                }),
                Outcome::Changed(gone),
            ) => gone.iter().for_each(|session| self.forget_deleted(session.key)),
            (Mutation::Bulk(_), Outcome::Changed(changed)) => {
                changed.iter().for_each(|session| self.tell(session.key, |_| false));
            }
            _ => {}
        }
    }

    pub(super) fn forget_deleted(&self, key: SessionKey) {
        if let Some(entry) = self.cache.known(key) {
            if let Some(mut state) = entry.state_after_commit() {
                *state = State::Deleted;
            }
            self.cache.account(&entry);
        }
    }

    /// Tells a session in memory what happened to it. What does not follow on what it knows, it forgets; so it does when
    /// it has become too large, to be read anew from its cut on.
    pub(super) fn tell(&self, key: SessionKey, news: impl FnOnce(&mut Loaded) -> bool) {
        let Some(entry) = self.cache.known(key) else { return };
        let Some(mut state) = entry.state_after_commit() else {
            return;
        };
        let State::Loaded(loaded) = &mut *state else { return };
        let bytes_before = loaded.bytes();
        let follows = news(loaded);
        let fits = loaded.bytes() <= self.cache.most_bytes_of_one();
        let grew = loaded.bytes() != bytes_before;
        if !follows || !fits {
            *state = State::Unloaded;
        }
        drop(state);
        if !follows || !fits || grew {
            self.cache.account(&entry);
        }
    }
}

/// A fault while committing leaves memory behind the storage, or before it: all of it is read anew.
struct ForgetOnUnwind<'a>(&'a Cache);

impl Drop for ForgetOnUnwind<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.clear();
        }
    }
}

/// How tests see what a fault inside the library does to its callers.
#[cfg(feature = "test-panic")]
pub(super) mod forced_panic {
    use crate::storage::Mutation;

    #[allow(clippy::panic, reason = "this is what the feature is for")]
    fn panic_for(id: &str, name: &str) {
        if id == name {
            panic!("forced by {name}");
        }
    }

    pub(in crate::store) fn during_call(id: &str) {
        panic_for(id, "panic-during-call");
    }

    pub(super) fn during_commit(mutations: &[&Mutation]) {
        for mutation in mutations {
            if let Mutation::Create(create) = mutation {
                panic_for(&create.id, "panic-during-commit");
            }
        }
    }
}
