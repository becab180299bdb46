//! A sequence of calls of the C ABI: stores in memory and in files, sessions and results in any order that the contract allows,
//! arguments plausible and absurd. Nothing that was freed is used; everything is read to its end and freed.
//!
//! What must hold: no call answers PANIC, a failure has its error, receipts number on, windows obey their budget and hold no
//! result without its call, descriptions count right, and a check of each store finds nothing.

mod arguments;
mod callbacks;
mod calls;
#[path = "../../abi/mod.rs"]
mod header;
mod maintenance;
mod results;

use super::folder;
use arguments::Arguments;
use header::*;
use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The status that no call may answer.
const PANIC: i32 = -16;

/// No call takes longer.
const LONGEST: Duration = Duration::from_secs(8);

const MOST_STORES: usize = 4;
const MOST_SESSIONS: usize = 12;
const MOST_WINDOWS: usize = 4;
const MOST_CALLS: usize = 120;

pub(crate) fn run(bytes: &[u8]) {
    let mut host = Host::new(bytes);
    host.open_store();
    for _ in 0..MOST_CALLS {
        if host.arguments.draw.is_over() {
            break;
        }
        host.call();
        host.arguments.clear();
    }
    host.end();
}

/// A program that uses the library: what it was given and has not given back.
struct Host<'a> {
    arguments: Arguments<'a>,
    folder: tempfile::TempDir,
    stores: Vec<*mut Store>,
    sessions: Vec<*mut Session>,
    windows: Vec<*mut Window>,
    subscriptions: Vec<(*mut Store, u64)>,
    pages: Vec<String>,
    /// How many user_data the library holds.
    alive: Arc<AtomicI64>,
    backups: usize,
}

/// Calls a function whose last parameter is the error, and looks at what it answers.
macro_rules! call {
    ($host:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let mut error: *mut Error = ptr::null_mut();
        let wants_error = !$host.arguments.draw.one_in(10);
        let began = Instant::now();
        let error_out = if wants_error { &raw mut error } else { ptr::null_mut() };
        // SAFETY: what is lent by `Arguments` lives until the next call; handles are held by the host.
        let status = unsafe { $function($($argument,)* error_out) };
        assert!(began.elapsed() < LONGEST, "{} took {:?}", stringify!($function), began.elapsed());
        answered(stringify!($function), status, error, wants_error);
        status
    }};
}
use call;

/// The status is one of the header's, and comes with an error that says why.
fn answered(function: &str, status: i32, error: *mut Error, wants_error: bool) {
    // SAFETY: NULL, or an error that is held until it is freed here.
    unsafe {
        assert!((PANIC..=0).contains(&status), "{function} answers {status}");
        results::name(turnkeep_status_name(status));
        if status == 0 || !wants_error {
            assert!(error.is_null(), "{function} answers {status} with an error");
        } else {
            assert_eq!(turnkeep_error_status(error), status, "{function}");
            let message = results::text(turnkeep_error_message(error));
            assert!(!message.is_empty() && !message.contains('\n'), "{function}: {message}");
            assert_ne!(status, PANIC, "{function}: {message}");
        }
        assert_ne!(status, PANIC, "{function}");
        turnkeep_error_free(error);
    }
}

impl<'a> Host<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            arguments: Arguments::new(bytes),
            folder: folder(),
            stores: Vec::new(),
            sessions: Vec::new(),
            windows: Vec::new(),
            subscriptions: Vec::new(),
            pages: Vec::new(),
            alive: Arc::default(),
            backups: 0,
        }
    }

    fn call(&mut self) {
        match self.arguments.draw.upto(31) {
            0 => self.open_store(),
            1 => self.close_something(),
            2..=4 => self.new_session(),
            5..=10 => self.append(),
            11..=18 => self.read_session(),
            19..=23 => self.change_session(),
            24..=28 => self.look_at_store(),
            29 | 30 => self.maintain(),
            _ => self.basics(),
        }
    }

    /// One of the stores; NULL now and then, and where there is none.
    fn store(&mut self) -> *mut Store {
        if self.stores.is_empty() || self.arguments.is_absurd() {
            return ptr::null_mut();
        }
        self.arguments.draw.pick(&self.stores)
    }

    /// One of the sessions, also of a store that was closed; likewise.
    fn session(&mut self) -> *mut Session {
        if self.sessions.is_empty() || self.arguments.is_absurd() {
            return ptr::null_mut();
        }
        self.arguments.draw.pick(&self.sessions)
    }

    fn keep_session(&mut self, session: *mut Session) {
        if session.is_null() {
            return;
        }
        if self.sessions.len() < MOST_SESSIONS {
            self.sessions.push(session);
        } else {
            // SAFETY: it was just given, and is given back.
            unsafe { turnkeep_session_close(session) };
        }
    }

    fn location(&mut self) -> *const c_char {
        let in_folder = |name: &str| format!("{}/{name}", self.folder.path().display());
        let path = match self.arguments.draw.upto(19) {
            0..=6 => ":memory:".to_owned(),
            7..=13 => in_folder("a.db"),
            14 | 15 => in_folder("b.db"),
            16 => in_folder("deep/er/c.db"),
            17 => in_folder(""),
            18 => in_folder("a.db-wal"),
            _ => return ptr::null(),
        };
        self.arguments.path(&path)
    }

    fn open_store(&mut self) {
        if self.stores.len() == MOST_STORES {
            return;
        }
        let location = self.location();
        let options = self.store_options();
        let mut store = ptr::null_mut();
        let out = if self.arguments.is_absurd() {
            ptr::null_mut()
        } else {
            &raw mut store
        };
        let pointer = options.as_ref().map_or(ptr::null(), ptr::from_ref);
        let status = call!(self, turnkeep_store_open(location, pointer, out));
        assert_eq!(status == 0, !store.is_null());
        if status == 0 {
            self.stores.push(store);
        }
    }

    fn store_options(&mut self) -> Option<StoreOptions> {
        let from = &mut self.arguments;
        if from.draw.one_in(8) {
            return None;
        }
        let mut options: StoreOptions = from.sized();
        options.durability = if from.is_absurd() {
            from.draw.choice(5)
        } else {
            from.draw.pick(&[2, 2, 2, 1, 3])
        };
        options.exclusive = if options.durability == 3 {
            1
        } else {
            i32::from(from.draw.one_in(12))
        };
        options.read_only = i32::from(from.draw.one_in(12));
        options.must_exist = i32::from(from.draw.one_in(12));
        options.no_search = i32::from(from.draw.one_in(6));
        options.busy_timeout_ms = from.draw.pick(&[1, 1, 20]);
        options.autosave_ms = from.draw.pick(&[0, 1, 50, u32::MAX]);
        options.cache_sessions = from.draw.pick(&[0, 1, 2, u64::MAX]);
        options.cache_bytes = from.draw.pick(&[0, 1, 4_000, u64::MAX]);
        options.window_tokens = from.draw.pick(&[0, 1, 40, 8_192, u64::MAX]);
        options.readers = from.draw.pick(&[0, 1, 2, 1_024, 1_025]);
        options.expire_after_ms = from.draw.pick(&[0, 0, 0, 1, u64::MAX]);
        options.expire_sliding = i32::from(from.draw.one_in(2));
        options.cleanup_interval_ms = from.draw.pick(&[0, 0, 0, 1, u32::MAX]);
        options.event_log_rows = from.draw.pick(&[0, 0, 1, 20, u64::MAX]);
        options.max_session_bytes = from.draw.pick(&[0, 0, 0, 100, u64::MAX]);
        options.compress_min_bytes = from.draw.pick(&[0, 0, 1, 100, u64::MAX]);
        options.compression_level = from.draw.pick(&[0, 0, 1, 22, 23, -1]);
        if from.is_absurd() {
            options.tokenizer = from.text();
        }
        // With a wrong size nothing is taken, and nothing is given back.
        if options.struct_size == size_of::<StoreOptions>() && from.draw.one_in(3) {
            let fails_every = from.draw.pick(&[0, 0, 5]);
            options.count_tokens = Some(callbacks::count_tokens);
            options.user_data = callbacks::UserData::lend(&self.alive, fails_every, ptr::null());
            options.destroy = Some(callbacks::destroy);
        }
        Some(options)
    }

    fn close_something(&mut self) {
        match self.arguments.draw.upto(5) {
            0 if !self.stores.is_empty() => {
                let at = self.arguments.draw.upto(self.stores.len() - 1);
                let store = self.stores.swap_remove(at);
                self.close_store(store);
            }
            1..=3 if !self.sessions.is_empty() => {
                let at = self.arguments.draw.upto(self.sessions.len() - 1);
                let session = self.sessions.swap_remove(at);
                // SAFETY: it is not used any more.
                unsafe { turnkeep_session_close(session) };
            }
            _ if !self.windows.is_empty() => {
                let window = self.windows.swap_remove(0);
                results::window(window);
                // SAFETY: it is not used any more.
                unsafe { turnkeep_window_free(window) };
            }
            _ => {}
        }
    }

    fn close_store(&mut self, store: *mut Store) {
        self.subscriptions.retain(|(of, _)| *of != store);
        call!(self, turnkeep_store_close(store));
    }

    /// Counts are right and a check finds nothing; then everything is given back.
    fn end(mut self) {
        for session in self.sessions.clone() {
            self.counts_are_right(session);
        }
        for store in std::mem::take(&mut self.stores) {
            let mut report = ptr::null_mut();
            if call!(self, turnkeep_store_check(store, &mut report)) == 0 {
                assert_eq!(results::problems(report), [""; 0]);
            }
            // SAFETY: it is not used any more.
            unsafe { turnkeep_check_report_free(report) };
            self.close_store(store);
        }
        for session in std::mem::take(&mut self.sessions) {
            // SAFETY: as above.
            unsafe { turnkeep_session_close(session) };
        }
        for window in std::mem::take(&mut self.windows) {
            results::window(window);
            // SAFETY: as above.
            unsafe { turnkeep_window_free(window) };
        }
        let began = Instant::now();
        while self.alive.load(Ordering::SeqCst) > 0 {
            assert!(began.elapsed() < LONGEST, "user_data is not given back");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What a session is described as is what it holds. Its store may be closed, and it may be gone.
    fn counts_are_right(&mut self, session: *mut Session) {
        let (mut list, mut messages) = (ptr::null_mut(), ptr::null_mut());
        let described = call!(self, turnkeep_session_describe(session, &mut list));
        let read = call!(self, turnkeep_session_history(session, &mut messages));
        if described == 0 && read == 0 {
            let info = results::sessions(list)[0];
            let all = results::messages(messages);
            let (bytes, tokens) = results::sums(all);
            assert_eq!(info.message_count, all.len() as u64);
            assert_eq!(info.total_tokens, tokens);
            assert_eq!(info.bytes, bytes);
        }
        // SAFETY: they are not used any more.
        unsafe {
            turnkeep_session_list_free(list);
            turnkeep_messages_free(messages);
        }
    }
}
