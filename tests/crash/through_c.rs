//! A store as a host in C drives it: the operations of the model, and the upkeep, through the C ABI.

use crate::abi::{self, LAST, sized};
use crate::seen::Shown;
use crate::structs::Texts;
use crate::subject::{Hits, Reply, Subject};
use std::cell::Cell;
use std::ffi::CStr;
use std::path::Path;
use std::ptr::{null, null_mut};
use turnkeep::context::WindowOptions;
use turnkeep::model::{
    AppendOptions, BulkAction, Durability, Exchange, Filter, NewMessage, NewSession, SearchOptions, SessionChanges,
    Status,
};
use turnkeep::store::Branching;

/// An open store.
pub(crate) struct ThroughC {
    store: *mut abi::Store,
    /// What the last receipt says that its messages survive, if they were appended by it.
    reached: Cell<Option<i32>>,
}

thread_local! {
    static LAST_MESSAGE: Cell<String> = const { Cell::new(String::new()) };
}

/// What the last call said that failed.
pub(crate) fn last_message() -> String {
    LAST_MESSAGE.take()
}

/// What a call answered: nothing, or the name of its status.
fn answered(status: i32, error: *mut abi::Error) -> Result<(), &'static str> {
    if status == 0 {
        return Ok(());
    }
    // SAFETY: the name of a status is a static text; a failed call filled `error`, whose message lives until it is freed.
    let (name, message) = unsafe {
        let name = CStr::from_ptr(abi::turnkeep_status_name(status)).to_str().unwrap();
        let message = abi::turnkeep_error_message(error);
        let message = std::slice::from_raw_parts(message.data.cast::<u8>(), message.len);
        let message = String::from_utf8_lossy(message).into_owned();
        abi::turnkeep_error_free(error);
        (name, message)
    };
    LAST_MESSAGE.set(message);
    Err(name)
}

/// Calls a function of the header, whose last argument is the error.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        let mut error: *mut abi::Error = null_mut();
        // SAFETY: handles are open, and pointers are NULL or lead to what lives until the call returns.
        let status = unsafe { abi::$function($($argument,)* &raw mut error) };
        answered(status, error)
    }};
}

/// A session for the time of a call.
struct Opened(*mut abi::Session);

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: NULL, or a session that was opened and is closed once.
        unsafe { abi::turnkeep_session_close(self.0) }
    }
}

impl ThroughC {
    pub(crate) fn open(path: &Path, durability: Durability) -> Result<Self, &'static str> {
        let mut texts = Texts::default();
        let location = texts.text(path.to_str().unwrap());
        let options = abi::StoreOptions {
            durability: durability as i32,
            // What is deferred is written by what the script does, and by nothing before it.
            autosave_ms: 3_600_000,
            exclusive: i32::from(durability == Durability::Deferred),
            event_log_rows: 20,
            compress_min_bytes: 512,
            ..sized()
        };
        let mut store: *mut abi::Store = null_mut();
        call!(turnkeep_store_open(location, &raw const options, &raw mut store))?;
        let reached = Cell::new(None);
        Ok(Self { store, reached })
    }

    pub(crate) fn close(self) -> Result<(), &'static str> {
        call!(turnkeep_store_close(self.store))
    }

    pub(crate) fn flush(&self) -> Result<(), &'static str> {
        call!(turnkeep_store_flush(self.store))
    }

    pub(crate) fn vacuum(&self) -> Result<(), &'static str> {
        call!(turnkeep_store_vacuum(self.store))
    }

    pub(crate) fn optimize(&self) -> Result<(), &'static str> {
        call!(turnkeep_store_optimize(self.store))
    }

    pub(crate) fn backup(&self, path: &Path, overwrite: bool) -> Result<(), &'static str> {
        let mut texts = Texts::default();
        let path = texts.text(path.to_str().unwrap());
        let options = abi::BackupOptions {
            overwrite: i32::from(overwrite),
            ..sized()
        };
        call!(turnkeep_store_backup(self.store, path, &raw const options))
    }

    pub(crate) fn import(&self, path: &Path) -> Result<(), &'static str> {
        let mut texts = Texts::default();
        let path = texts.text(path.to_str().unwrap());
        call!(turnkeep_store_import(self.store, path, null(), null_mut()))
    }

    pub(crate) fn export(&self, path: &Path) -> Result<(), &'static str> {
        let mut texts = Texts::default();
        let path = texts.text(path.to_str().unwrap());
        let filter = abi::Filter {
            statuses: 256 | 512 | 1024,
            ..sized()
        };
        let options = abi::ExportOptions {
            format: 1,
            filter: &raw const filter,
            ..sized()
        };
        call!(turnkeep_store_export_file(
            self.store,
            path,
            &raw const options,
            null_mut()
        ))
    }

    /// What the last appends survive by their receipt; `None` if there were none since this was last asked.
    pub(crate) fn take_reached(&self) -> Option<i32> {
        self.reached.take()
    }

    fn session(&self, id: &str) -> Result<Opened, &'static str> {
        let mut texts = Texts::default();
        let id = texts.text(id);
        let mut session: *mut abi::Session = null_mut();
        call!(turnkeep_session_open(self.store, id, &raw mut session))?;
        Ok(Opened(session))
    }

    fn received(&self, receipt: &abi::Receipt, asked: Option<Durability>) {
        let appended = receipt.last_seq >= receipt.first_seq && receipt.first_seq > 0;
        if appended && receipt.repeated == 0 {
            let asked = asked.map_or(receipt.durability, |asked| asked as i32);
            assert!(
                receipt.durability <= asked,
                "{asked} was asked for, {} reached",
                receipt.durability
            );
            self.reached.set(Some(receipt.durability));
        }
    }

    /// Branches here, or into a new session.
    fn branch(
        &self,
        how: &Branching,
        branch: impl FnOnce(*const abi::BranchOptions, *mut *mut abi::Session) -> Result<(), &'static str>,
    ) -> Reply {
        let mut texts = Texts::default();
        let mut fork: *mut abi::Session = null_mut();
        let mut options: abi::BranchOptions = sized();
        let done = match how {
            Branching::Rewind(revision) => {
                options.expected_revision = revision.unwrap_or(0);
                options.branching = 1;
                branch(&raw const options, null_mut())
            }
            Branching::Fork(new) => {
                let new = texts.session(new);
                options.fork = &raw const new;
                options.branching = 2;
                branch(&raw const options, &raw mut fork)
            }
        };
        drop(Opened(fork));
        done.map(|()| None)
    }
}

impl Subject for ThroughC {
    fn create(&self, new: NewSession) -> Reply {
        let mut texts = Texts::default();
        let (options, messages) = (texts.session(&new), texts.messages(&new.messages));
        let mut session: *mut abi::Session = null_mut();
        let created = call!(turnkeep_session_create_with(
            self.store,
            &raw const options,
            messages.as_ptr(),
            messages.len(),
            &raw mut session
        ));
        drop(Opened(session));
        created.map(|()| Some(1))
    }

    fn append(&self, id: &str, messages: Vec<NewMessage>, options: AppendOptions) -> Reply {
        let session = self.session(id)?;
        let mut texts = Texts::default();
        let given = (texts.messages(&messages), texts.appending(&options));
        let mut receipt: abi::Receipt = sized();
        call!(turnkeep_session_append_batch(
            session.0,
            given.0.as_ptr(),
            given.0.len(),
            &raw const given.1,
            &raw mut receipt
        ))?;
        self.received(&receipt, options.durability);
        Ok(Some(receipt.first_seq))
    }

    fn exchange(&self, id: &str, exchange: Exchange, options: AppendOptions) -> Reply {
        let session = self.session(id)?;
        let mut texts = Texts::default();
        let given = abi::Exchange {
            input: exchange.input.as_ptr().cast(),
            input_len: exchange.input.len(),
            input_name: texts.given(&exchange.input_name),
            input_type: texts.given(&exchange.input_type),
            answer: exchange.answer.as_ptr().cast(),
            answer_len: exchange.answer.len(),
            processing_us: exchange.processing,
            tokens_used: exchange.tokens_used,
            metadata: texts.maybe(exchange.metadata.as_ref()),
            ..sized()
        };
        let how = texts.appending(&options);
        let (mut number, mut receipt) = (0, sized());
        call!(turnkeep_session_append_exchange(
            session.0,
            &raw const given,
            &raw const how,
            &raw mut number,
            &raw mut receipt
        ))?;
        self.received(&receipt, options.durability);
        Ok(Some(number))
    }

    fn update(&self, id: &str, changes: SessionChanges) -> Reply {
        let session = self.session(id)?;
        let mut texts = Texts::default();
        let changes = texts.changes(&changes);
        let mut revision = 0;
        call!(turnkeep_session_update(
            session.0,
            &raw const changes,
            &raw mut revision
        ))?;
        Ok(Some(revision))
    }

    fn fork(&self, id: &str, at: Option<u64>, new: NewSession) -> Reply {
        assert!(new.messages.is_empty(), "the C ABI forks without messages");
        let session = self.session(id)?;
        let mut texts = Texts::default();
        let options = texts.session(&new);
        let mut fork: *mut abi::Session = null_mut();
        let at = at.unwrap_or(LAST);
        call!(turnkeep_session_fork(session.0, at, &raw const options, &raw mut fork))?;
        drop(Opened(fork));
        Ok(Some(1))
    }

    fn rewind(&self, id: &str, to: u64, expected_revision: Option<u64>) -> Reply {
        let session = self.session(id)?;
        let expected = expected_revision.unwrap_or(0);
        call!(turnkeep_session_rewind(session.0, to, expected, null_mut()))?;
        Ok(None)
    }

    fn replace(&self, id: &str, from: u64, messages: Vec<NewMessage>, how: Branching) -> Reply {
        let session = self.session(id)?;
        let mut texts = Texts::default();
        let messages = texts.messages(&messages);
        let mut receipt: abi::Receipt = sized();
        self.branch(&how, |options, out| {
            call!(turnkeep_session_replace(
                session.0,
                from,
                messages.as_ptr(),
                messages.len(),
                options,
                out,
                &raw mut receipt
            ))
        })
    }

    fn regenerate(&self, id: &str, seq: u64, how: Branching) -> Reply {
        let session = self.session(id)?;
        let seq = if seq == 0 { LAST } else { seq };
        self.branch(&how, |options, out| {
            call!(turnkeep_session_regenerate(session.0, seq, options, out))
        })
    }

    fn truncate(&self, id: &str, most: Option<u32>, tokens: Option<u64>) -> Reply {
        let session = self.session(id)?;
        let (most, tokens) = (u64::from(most.unwrap_or(0)), tokens.unwrap_or(0));
        call!(turnkeep_session_truncate(session.0, most, tokens, 0, null_mut()))?;
        Ok(None)
    }

    fn clear(&self, id: &str) -> Reply {
        let session = self.session(id)?;
        let mut revision = 0;
        call!(turnkeep_session_clear(session.0, 0, &raw mut revision))?;
        Ok(Some(revision))
    }

    fn adopt(&self, id: &str, from: &str, first: u64, options: AppendOptions) -> Reply {
        let (session, from) = (self.session(id)?, self.session(from)?);
        let mut texts = Texts::default();
        let how = texts.appending(&options);
        let mut receipt: abi::Receipt = sized();
        call!(turnkeep_session_adopt(
            session.0,
            from.0,
            first,
            LAST,
            &raw const how,
            &raw mut receipt
        ))?;
        self.received(&receipt, options.durability);
        Ok(Some(receipt.last_seq))
    }

    fn delete(&self, id: &str) -> Reply {
        let mut texts = Texts::default();
        call!(turnkeep_session_delete(self.store, texts.text(id)))?;
        Ok(Some(0))
    }

    fn erase(&self, id: &str) -> Reply {
        let mut texts = Texts::default();
        let mut report: abi::EraseReport = sized();
        call!(turnkeep_session_erase(self.store, texts.text(id), &raw mut report))?;
        Ok(Some(report.messages_erased * 10_000 + report.messages_kept_by_forks))
    }

    fn change(&self, filter: &Filter, action: BulkAction) -> Reply {
        let mut texts = Texts::default();
        let filter = texts.filter(filter);
        let (number, tag) = match &action {
            BulkAction::SetStatus(Status::Archived) => (1, null()),
            BulkAction::SetStatus(Status::Trashed) => (2, null()),
            BulkAction::SetStatus(Status::Active) => (3, null()),
            BulkAction::AddTag(tag) => (4, texts.text(tag)),
            BulkAction::RemoveTag(tag) => (5, texts.text(tag)),
            BulkAction::Delete => (6, null()),
        };
        let mut changed = 0;
        call!(turnkeep_store_change_sessions(
            self.store,
            &raw const filter,
            number,
            tag,
            &raw mut changed
        ))?;
        Ok(Some(changed))
    }

    fn cleanup(&self) -> Reply {
        let mut deleted = 0;
        call!(turnkeep_store_cleanup(self.store, &raw mut deleted))?;
        Ok(Some(deleted))
    }

    fn count(&self, filter: &Filter) -> Reply {
        let mut texts = Texts::default();
        let filter = texts.filter(filter);
        let mut count = 0;
        call!(turnkeep_store_count_sessions(
            self.store,
            &raw const filter,
            &raw mut count
        ))?;
        Ok(Some(count))
    }

    fn list(&self, _filter: &Filter) -> Option<Vec<String>> {
        None
    }

    fn search(&self, options: &SearchOptions) -> Option<Hits> {
        let mut texts = Texts::default();
        let filter = texts.filter(&options.filter);
        let given = abi::SearchOptions {
            text: texts.text(&options.text),
            filter: &raw const filter,
            limit: options.limit,
            ..sized()
        };
        let mut results: *mut abi::SearchResults = null_mut();
        call!(turnkeep_store_search(self.store, &raw const given, &raw mut results)).unwrap();
        // SAFETY: the result of the search, freed once.
        unsafe { abi::turnkeep_search_results_free(results) };
        None
    }

    fn window(&self, id: &str, _options: &WindowOptions) -> Option<Result<Shown, &'static str>> {
        let session = self.session(id).unwrap();
        let mut window: *mut abi::Window = null_mut();
        let _too_large = call!(turnkeep_session_window(session.0, null(), &raw mut window));
        // SAFETY: NULL, or a window, freed once.
        unsafe { abi::turnkeep_window_free(window) };
        None
    }
}
