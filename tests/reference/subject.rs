//! What operations are done to beside the model: a store, by whatever way it is reached.

use crate::seen::{Shown, listed, shown};
use turnkeep::context::WindowOptions;
use turnkeep::error::Error;
use turnkeep::model::{
    AppendOptions, BulkAction, Exchange, Filter, NewMessage, NewSession, SearchOptions, SessionChanges,
};
use turnkeep::store::{Branched, Branching};
use turnkeep::{Session, Store};

/// What was answered, as far as it was told: a number, or the name of a status.
pub(crate) type Reply = Result<Option<u64>, &'static str>;

/// Where a session's messages are found: session and place of each.
pub(crate) type Hits = Vec<(String, u32)>;

/// Every operation that the model knows. What only reads answers `None` where nobody looks.
pub(crate) trait Subject {
    fn create(&self, new: NewSession) -> Reply;
    fn append(&self, id: &str, messages: Vec<NewMessage>, options: AppendOptions) -> Reply;
    fn exchange(&self, id: &str, exchange: Exchange, options: AppendOptions) -> Reply;
    fn update(&self, id: &str, changes: SessionChanges) -> Reply;
    fn fork(&self, id: &str, at: Option<u64>, new: NewSession) -> Reply;
    fn rewind(&self, id: &str, to: u64, expected_revision: Option<u64>) -> Reply;
    fn replace(&self, id: &str, from: u64, messages: Vec<NewMessage>, how: Branching) -> Reply;
    fn regenerate(&self, id: &str, seq: u64, how: Branching) -> Reply;
    fn truncate(&self, id: &str, most: Option<u32>, tokens: Option<u64>) -> Reply;
    fn clear(&self, id: &str) -> Reply;
    fn adopt(&self, id: &str, from: &str, first: u64, options: AppendOptions) -> Reply;
    fn delete(&self, id: &str) -> Reply;
    fn erase(&self, id: &str) -> Reply;
    fn change(&self, filter: &Filter, action: BulkAction) -> Reply;
    fn cleanup(&self) -> Reply;
    fn count(&self, filter: &Filter) -> Reply;
    fn list(&self, filter: &Filter) -> Option<Vec<String>>;
    fn search(&self, options: &SearchOptions) -> Option<Hits>;
    fn window(&self, id: &str, options: &WindowOptions) -> Option<Result<Shown, &'static str>>;
}

fn reply<T>(result: Result<T, Error>, value: impl FnOnce(T) -> u64) -> Reply {
    result
        .map(|done| Some(value(done)))
        .map_err(|error| error.kind().c_name().to_str().unwrap())
}

fn what_was_done(done: Branched) -> u64 {
    done.revision * 10_000 + u64::from(done.removed)
}

fn session(store: &Store, id: &str) -> Session {
    store.open_session(id).unwrap()
}

impl Subject for Store {
    fn create(&self, new: NewSession) -> Reply {
        reply(self.create_session(new), |_| 1)
    }

    fn append(&self, id: &str, messages: Vec<NewMessage>, options: AppendOptions) -> Reply {
        let appended = session(self, id).append(messages, options);
        reply(appended, |receipt| u64::from(receipt.first_seq))
    }

    fn exchange(&self, id: &str, exchange: Exchange, options: AppendOptions) -> Reply {
        let appended = session(self, id).append_exchange(exchange, options);
        reply(appended, |(number, _)| u64::from(number))
    }

    fn update(&self, id: &str, changes: SessionChanges) -> Reply {
        reply(session(self, id).update(changes), |revision| revision)
    }

    fn fork(&self, id: &str, at: Option<u64>, new: NewSession) -> Reply {
        reply(session(self, id).fork(at, new), |_| 1)
    }

    fn rewind(&self, id: &str, to: u64, expected_revision: Option<u64>) -> Reply {
        let done = session(self, id).rewind(to, expected_revision);
        reply(done, |done| u64::from(done.removed))
    }

    fn replace(&self, id: &str, from: u64, messages: Vec<NewMessage>, how: Branching) -> Reply {
        reply(session(self, id).replace(from, messages, how), what_was_done)
    }

    fn regenerate(&self, id: &str, seq: u64, how: Branching) -> Reply {
        reply(session(self, id).regenerate(seq, how), what_was_done)
    }

    fn truncate(&self, id: &str, most: Option<u32>, tokens: Option<u64>) -> Reply {
        let done = session(self, id).truncate(most, tokens, None);
        reply(done, |done| u64::from(done.removed))
    }

    fn clear(&self, id: &str) -> Reply {
        reply(session(self, id).clear(None), |revision| revision)
    }

    fn adopt(&self, id: &str, from: &str, first: u64, options: AppendOptions) -> Reply {
        let adopted = session(self, id).adopt(&session(self, from), first, u64::MAX, options);
        reply(adopted, |receipt| u64::from(receipt.last_seq))
    }

    fn delete(&self, id: &str) -> Reply {
        reply(self.delete_session(id), |()| 0)
    }

    fn erase(&self, id: &str) -> Reply {
        reply(self.erase_session(id), |report| {
            report.messages_erased * 10_000 + report.messages_kept_by_forks
        })
    }

    fn change(&self, filter: &Filter, action: BulkAction) -> Reply {
        reply(self.change_sessions(filter, action), |count| count)
    }

    fn cleanup(&self) -> Reply {
        reply(Store::cleanup(self), |count| count)
    }

    fn count(&self, filter: &Filter) -> Reply {
        reply(self.count_sessions(filter), |count| count)
    }

    fn list(&self, filter: &Filter) -> Option<Vec<String>> {
        Some(listed(self, filter))
    }

    fn search(&self, options: &SearchOptions) -> Option<Hits> {
        let found = Store::search(self, options).unwrap();
        let hits = found.hits().iter();
        Some(hits.map(|hit| (hit.session_id.clone(), hit.seq)).collect())
    }

    fn window(&self, id: &str, options: &WindowOptions) -> Option<Result<Shown, &'static str>> {
        Some(shown(&session(self, id), options))
    }
}
