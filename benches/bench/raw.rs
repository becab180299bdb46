//! The yardstick: what a careful C program does with SQLite's own C API, in this process, with the same SQLite.
//!
//! Statements are prepared once, texts are bound without a copy, and the WAL is kept as a store keeps it: checkpoints by
//! a second connection on a thread of its own, the file kept between them.

use rusqlite::ffi;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// The tables of a store.
pub(crate) const SCHEMA: &str = include_str!("../../src/storage/sqlite/migrations/0001_core.sql");

/// As a store's own policy: new frames after which the second connection moves the WAL into the file.
const CHECKPOINT_FRAMES: i32 = 1_000;

/// Frames after which whoever commits does it.
const CHECKPOINT_NOW_FRAMES: i32 = 4_000;

/// What a commit does.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// Flushes.
    Disk,
    /// Does not.
    Os,
}

/// A value to bind.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
}

/// A connection.
pub(crate) struct Raw {
    db: *mut ffi::sqlite3,
}

// SAFETY: one thread uses it at a time: it is owned, or behind a mutex.
unsafe impl Send for Raw {}

impl Raw {
    pub(crate) fn open(path: &Path, level: Level) -> Self {
        let name = CString::new(path.to_str().unwrap()).unwrap();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_NOMUTEX;
        let mut db = ptr::null_mut();
        // SAFETY: the name ends in a NUL, and `db` is where the connection goes.
        let status = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &raw mut db, flags, ptr::null()) };
        assert_eq!(status, ffi::SQLITE_OK, "open {}", path.display());
        let raw = Self { db };
        raw.execute("PRAGMA journal_mode = wal");
        raw.commit_at(level);
        raw.execute(
            "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864; PRAGMA busy_timeout = 5000",
        );
        let mut keep: c_int = 1;
        // SAFETY: PERSIST_WAL takes the address of an int.
        unsafe {
            ffi::sqlite3_file_control(
                raw.db,
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_PERSIST_WAL,
                (&raw mut keep).cast(),
            );
        }
        raw
    }

    fn commit_at(&self, level: Level) {
        self.execute(match level {
            Level::Disk => "PRAGMA synchronous = FULL",
            Level::Os => "PRAGMA synchronous = NORMAL",
        });
    }

    fn execute(&self, sql: &str) {
        let sql = CString::new(sql).unwrap();
        // SAFETY: the connection is open, the text ends in a NUL.
        let status = unsafe { ffi::sqlite3_exec(self.db, sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
        assert_eq!(status, ffi::SQLITE_OK, "{}", self.message());
    }

    pub(crate) fn prepare(&self, sql: &str) -> Statement {
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open, the text has its length.
        let status = unsafe {
            ffi::sqlite3_prepare_v2(
                self.db,
                sql.as_ptr().cast(),
                sql.len() as c_int,
                &raw mut statement,
                ptr::null_mut(),
            )
        };
        assert_eq!(status, ffi::SQLITE_OK, "{sql}: {}", self.message());
        Statement { statement }
    }

    fn message(&self) -> String {
        // SAFETY: the connection is open; its message lives until the next call.
        unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.db)) }
            .to_string_lossy()
            .into_owned()
    }

    /// Moves what the WAL holds into the file; waits for nobody.
    fn checkpoint(&self) {
        self.execute("PRAGMA wal_checkpoint(PASSIVE)");
    }

    /// Has the WAL moved into the file by another connection, as a store's own thread does.
    pub(crate) fn keep_house(&self, path: &Path) -> Housekeeper {
        let housekeeper = Housekeeper::start(path.to_owned());
        // SAFETY: the counter lives as long as the housekeeper, which its holder drops after the connection.
        unsafe {
            ffi::sqlite3_wal_hook(
                self.db,
                Some(note_frames),
                ptr::from_ref(&*housekeeper.frames).cast_mut().cast(),
            );
        }
        housekeeper
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: the connection is open and not used again; its statements went before it.
        unsafe { ffi::sqlite3_close(self.db) };
    }
}

unsafe extern "C" fn note_frames(frames: *mut c_void, _: *mut ffi::sqlite3, _: *const c_char, pages: c_int) -> c_int {
    // SAFETY: `keep_house` gave the address of a counter.
    unsafe { &*frames.cast::<AtomicI32>() }.store(pages, Ordering::Relaxed);
    ffi::SQLITE_OK
}

/// The thread that moves the WAL into the file.
pub(crate) struct Housekeeper {
    frames: Box<AtomicI32>,
    moved_frames: AtomicI32,
    orders: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeper {
    fn start(path: PathBuf) -> Self {
        let (orders, desk) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            let raw = Raw::open(&path, Level::Disk);
            while desk.recv().is_ok() {
                raw.checkpoint();
            }
        });
        Self {
            frames: Box::new(AtomicI32::new(0)),
            moved_frames: AtomicI32::new(0),
            orders: Some(orders),
            thread: Some(thread),
        }
    }

    /// After a commit by this connection.
    fn look(&self, raw: &Raw) {
        let frames = self.frames.load(Ordering::Relaxed);
        let moved = self.moved_frames.load(Ordering::Relaxed);
        let new = if frames < moved { frames } else { frames - moved };
        if new >= CHECKPOINT_FRAMES
            && let Some(orders) = &self.orders
        {
            self.moved_frames.store(frames, Ordering::Relaxed);
            let _already_told = orders.try_send(());
        }
        if frames >= CHECKPOINT_NOW_FRAMES {
            raw.checkpoint();
        }
    }
}

impl Drop for Housekeeper {
    fn drop(&mut self) {
        self.orders.take();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A prepared statement.
pub(crate) struct Statement {
    statement: *mut ffi::sqlite3_stmt,
}

// SAFETY: as its connection.
unsafe impl Send for Statement {}

impl Statement {
    /// Binds, steps to the end, resets. Nothing that was bound is used after it returns.
    pub(crate) fn run(&self, values: &[Value<'_>]) {
        self.bind(values);
        let stepped = self.step();
        assert!(!stepped, "a statement without rows");
        self.reset();
    }

    pub(crate) fn bind(&self, values: &[Value<'_>]) {
        for (index, value) in (1..).zip(values) {
            // SAFETY: the statement is prepared; a bound text is only read until `reset`, and outlives that.
            let status = unsafe {
                match *value {
                    Value::Null => ffi::sqlite3_bind_null(self.statement, index),
                    Value::Int(number) => ffi::sqlite3_bind_int64(self.statement, index, number),
                    Value::Text(text) => ffi::sqlite3_bind_text(
                        self.statement,
                        index,
                        text.as_ptr().cast(),
                        text.len() as c_int,
                        ffi::SQLITE_STATIC(),
                    ),
                }
            };
            assert_eq!(status, ffi::SQLITE_OK);
        }
    }

    /// Whether there is a row.
    pub(crate) fn step(&self) -> bool {
        // SAFETY: the statement is prepared.
        match unsafe { ffi::sqlite3_step(self.statement) } {
            ffi::SQLITE_ROW => true,
            ffi::SQLITE_DONE => false,
            status => panic!("step: {status}"),
        }
    }

    pub(crate) fn reset(&self) {
        // SAFETY: the statement is prepared.
        unsafe { ffi::sqlite3_reset(self.statement) };
    }

    pub(crate) fn int(&self, column: c_int) -> i64 {
        // SAFETY: there is a row.
        unsafe { ffi::sqlite3_column_int64(self.statement, column) }
    }

    /// A copy of a text, as C makes one; NULL if there is none.
    pub(crate) fn text(&self, column: c_int) -> *mut u8 {
        // SAFETY: there is a row; the text and its length are read before the next step; the copy has room for both
        // the text and a NUL.
        unsafe {
            let text = ffi::sqlite3_column_text(self.statement, column);
            if text.is_null() {
                return ptr::null_mut();
            }
            let len = ffi::sqlite3_column_bytes(self.statement, column) as usize;
            let copy = libc_malloc(len + 1);
            ptr::copy_nonoverlapping(text, copy, len + 1);
            copy
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is not used again.
        unsafe { ffi::sqlite3_finalize(self.statement) };
    }
}

unsafe extern "C" {
    #[link_name = "malloc"]
    fn libc_malloc(size: usize) -> *mut u8;
    #[link_name = "free"]
    fn libc_free(pointer: *mut u8);
}

/// Frees what [`Statement::text`] copied.
pub(crate) fn free(text: *mut u8) {
    // SAFETY: it came from malloc, or is NULL, and nobody frees it twice.
    unsafe { libc_free(text) };
}

/// A message as a C program would copy it out of its row.
struct Copied {
    _numbers: [i64; 7],
    texts: [*mut u8; 5],
}

/// Reads a session's newest messages.
pub(crate) struct TailWalk {
    newest_first: Statement,
    _raw: Raw,
}

impl TailWalk {
    pub(crate) fn new(path: &Path) -> Self {
        let raw = Raw::open(path, Level::Os);
        let newest_first = raw.prepare(
            "SELECT key, role, flags, tokens, turn, total_tokens, created, content, tool_calls, tool_call_id, model, \
             metadata FROM messages WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC",
        );
        Self {
            newest_first,
            _raw: raw,
        }
    }

    /// Copies the newest messages of a segment, as many as fit, and frees them again. Returns how many it were.
    pub(crate) fn read(&self, segment: i64, most_tokens: i64) -> usize {
        self.newest_first
            .bind(&[Value::Int(segment << 32), Value::Int((segment << 32) | 0xFFFF_FFFF)]);
        let mut messages: Vec<Copied> = Vec::new();
        let mut tokens = 0;
        while self.newest_first.step() {
            tokens += self.newest_first.int(3);
            if tokens > most_tokens {
                break;
            }
            messages.push(Copied {
                _numbers: std::array::from_fn(|column| self.newest_first.int(column as c_int)),
                texts: std::array::from_fn(|column| self.newest_first.text(7 + column as c_int)),
            });
        }
        self.newest_first.reset();
        let count = std::hint::black_box(&messages).len();
        messages.iter().flat_map(|message| message.texts).for_each(free);
        count
    }
}

/// What a transaction writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counters {
    /// The message, and its session's counters: what any store must that can list its sessions.
    Kept,
    /// The message alone.
    None,
}

/// Appends as a careful C program would.
pub(crate) struct Appender {
    begin: Statement,
    commit: Statement,
    insert: Statement,
    update: Statement,
    counters: Counters,
    sessions: Vec<Counter>,
    raw: Raw,
    house: Housekeeper,
}

#[derive(Clone, Copy, Default)]
struct Counter {
    seq: i64,
    tokens: i64,
    turn: i64,
    revision: i64,
}

impl Appender {
    /// A new file with so many sessions, without messages.
    pub(crate) fn new(path: &Path, level: Level, counters: Counters, sessions: usize) -> Self {
        let raw = Raw::open(path, level);
        raw.execute(SCHEMA);
        let house = raw.keep_house(path);
        let insert =
            raw.prepare("INSERT INTO sessions (key, id, created, updated, tail_segment) VALUES (?1, ?2, ?3, ?3, ?1)");
        for key in 1..=sessions as i64 {
            insert.run(&[
                Value::Int(key),
                Value::Text(&turnkeep::model::ids::new_session_id()),
                Value::Int(turnkeep::model::now()),
            ]);
        }
        Self {
            begin: raw.prepare("BEGIN IMMEDIATE"),
            commit: raw.prepare("COMMIT"),
            insert: raw.prepare(
                "INSERT INTO messages (key, role, flags, tokens, total_tokens, turn, created, tool_call_id, model, \
                 metadata, tool_calls, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            ),
            update: raw.prepare(
                "UPDATE sessions SET head_seq = ?1, token_total = ?2, turn_count = ?3, revision = ?4, updated = ?5 \
                 WHERE key = ?6",
            ),
            counters,
            sessions: vec![
                Counter {
                    revision: 1,
                    ..Counter::default()
                };
                sessions
            ],
            raw,
            house,
        }
    }

    /// From here on.
    pub(crate) fn commit_at(&self, level: Level) {
        self.raw.commit_at(level);
    }

    /// One transaction.
    pub(crate) fn append(&mut self, session: usize, role: i64, content: &str, tokens: i64) {
        self.begin.run(&[]);
        self.insert(session, role, content, tokens);
        self.commit.run(&[]);
        self.house.look(&self.raw);
    }

    /// Many messages in one transaction.
    pub(crate) fn fill(&mut self, session: usize, count: usize, content: &str, tokens: i64) {
        self.begin.run(&[]);
        for number in 0..count {
            self.insert(session, 2 + (number % 2) as i64, content, tokens);
        }
        self.commit.run(&[]);
        self.house.look(&self.raw);
    }

    fn insert(&mut self, session: usize, role: i64, content: &str, tokens: i64) {
        let key = session as i64 + 1;
        let now = turnkeep::model::now();
        let counter = &mut self.sessions[session];
        counter.seq += 1;
        counter.tokens += tokens;
        counter.turn += i64::from(role == 2);
        counter.revision += 1;
        if self.counters == Counters::Kept {
            self.update.run(&[
                Value::Int(counter.seq),
                Value::Int(counter.tokens),
                Value::Int(counter.turn),
                Value::Int(counter.revision),
                Value::Int(now),
                Value::Int(key),
            ]);
        }
        self.insert.run(&[
            Value::Int((key << 32) | counter.seq),
            Value::Int(role),
            Value::Int(0),
            Value::Int(tokens),
            Value::Int(counter.tokens),
            Value::Int(counter.turn),
            Value::Int(now),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Text(content),
        ]);
    }
}

/// Creates sessions as a careful C program would: a row with a unique id, and nothing else that an index must know.
pub(crate) struct Creator {
    begin: Statement,
    commit: Statement,
    insert: Statement,
    raw: Raw,
    house: Housekeeper,
}

impl Creator {
    pub(crate) fn new(path: &Path) -> Self {
        let raw = Raw::open(path, Level::Disk);
        raw.execute(SCHEMA);
        raw.execute("DROP INDEX sessions_by_name");
        let house = raw.keep_house(path);
        Self {
            begin: raw.prepare("BEGIN IMMEDIATE"),
            commit: raw.prepare("COMMIT"),
            insert: raw.prepare("INSERT INTO sessions (id, created, updated, tail_segment) VALUES (?1, ?2, ?2, 0)"),
            raw,
            house,
        }
    }

    pub(crate) fn create(&self, id: &str) {
        self.begin.run(&[]);
        self.insert.run(&[Value::Text(id), Value::Int(turnkeep::model::now())]);
        self.commit.run(&[]);
        self.house.look(&self.raw);
    }
}
