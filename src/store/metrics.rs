//! What a store counts, and what it holds.

use super::{Inner, Store};
use crate::error::{During, Error, Kind, Result};
use crate::metrics::{Counter, Elsewhere, Metrics};
use crate::model::{Activity, EventKind, Micros, ReadyMessage};
use crate::storage::mutation::{Create, Fork};
use crate::storage::{Applied, Mutation, Outcome};

impl Store {
    /// What was counted, how long it took, and what the store holds. Looks at every session's row.
    pub fn metrics(&self) -> Result<Metrics> {
        self.inner
            .metrics()
            .during(|| format!("read the metrics of store '{}'", self.inner.location))
    }

    /// What was said from a moment on, in spans of so many microseconds; a span without a message is left out. Looks at
    /// every message.
    pub fn activity(&self, from: Micros, span: Micros) -> Result<Vec<Activity>> {
        let look = || {
            if from < 0 || span <= 0 {
                return Err(Error::invalid(format!(
                    "from is {from} and span {span}; it must be a moment after 1970 and longer than nothing"
                )));
            }
            self.inner.read(|snapshot| snapshot.activity(from, span))
        };
        look().during(|| "read the activity")
    }

    /// Begins to count anew. What was counted since opening goes on.
    pub fn reset_metrics(&self) -> Result<()> {
        let inner = &self.inner;
        inner.check_open().during(|| "reset the metrics")?;
        inner.meter.reset(inner.counted_elsewhere());
        inner.tell_of(EventKind::MetricsReset, "");
        Ok(())
    }
}

impl Inner {
    fn metrics(&self) -> Result<Metrics> {
        let totals = self.read(|snapshot| snapshot.totals())?;
        let reading = self.meter.counters(self.counted_elsewhere());
        Ok(Metrics {
            location: self.location.clone(),
            opened: reading.opened,
            reset: reading.reset,
            since_open: reading.since_open,
            since_reset: reading.since_reset,
            appends_per_commit: self.meter.appends_per_commit.distribution(),
            append_latency: self.meter.append_latency.distribution(),
            window_latency: self.meter.window_latency.distribution(),
            cache_sessions: self.cache.sessions() as u64,
            cache_bytes: self.cache.bytes() as u64,
            wal_bytes: self.storage.wal_bytes(),
            totals,
        })
    }

    fn counted_elsewhere(&self) -> Elsewhere {
        let (busy_waits, busy_wait_us) = self.storage.busy_waits();
        Elsewhere {
            evictions: self.cache.evictions(),
            busy_waits,
            busy_wait_us,
        }
    }

    /// Counts what a batch did.
    pub(super) fn count_batch(&self, mutations: &[&Mutation], results: &[Result<Applied>]) {
        let meter = &self.meter;
        let mut appends = 0;
        let mut succeeded = false;
        for (mutation, result) in mutations.iter().zip(results) {
            let Ok(applied) = result else { continue };
            succeeded = true;
            appends += u64::from(matches!(applied.outcome, Outcome::Appended(_)));
            let (created, deleted) = sessions(&applied.outcome, mutation);
            let messages = new_messages(mutation, &applied.outcome);
            let tokens = messages.iter().map(|message| u64::from(message.tokens)).sum();
            for (counter, count) in [
                (Counter::SessionsCreated, created),
                (Counter::SessionsDeleted, deleted),
                (Counter::MessagesAppended, messages.len() as u64),
                (Counter::TokensAppended, tokens),
            ] {
                if count > 0 {
                    meter.add(counter, count);
                }
            }
        }
        if succeeded {
            meter.add(Counter::Commits, 1);
        }
        if appends > 0 {
            meter.appends_per_commit.record(appends);
        }
        let is_busy = |result: &Result<Applied>| result.as_ref().is_err_and(|error| error.kind() == Kind::Busy);
        if results.iter().any(is_busy) {
            meter.add(Counter::BusyFailures, 1);
        }
    }
}

/// How many sessions a mutation brought and took.
fn sessions(outcome: &Outcome, mutation: &Mutation) -> (u64, u64) {
    use crate::model::BulkAction;
    match (outcome, mutation) {
        (Outcome::Created(_) | Outcome::Forked(..), _) => (1, 0),
        (Outcome::Deleted(_) | Outcome::Erased(_), _) => (0, 1),
        (Outcome::Changed(gone), Mutation::Cleanup(_)) => (0, gone.len() as u64),
        (Outcome::Changed(gone), Mutation::Bulk(bulk)) if bulk.action == BulkAction::Delete => (0, gone.len() as u64),
        _ => (0, 0),
    }
}

/// The messages that a mutation appended.
fn new_messages<'a>(mutation: &'a Mutation, outcome: &Outcome) -> &'a [ReadyMessage] {
    match (mutation, outcome) {
        (_, Outcome::Appended(receipt)) if receipt.repeated => &[],
        (Mutation::Append(append), _) => &append.messages,
        (Mutation::Rewind(rewind), _) => &rewind.messages,
        (Mutation::Create(create) | Mutation::Fork(Fork { create, .. }), _) => begins_with(create),
        _ => &[],
    }
}

fn begins_with(create: &Create) -> &[ReadyMessage] {
    &create.messages
}
