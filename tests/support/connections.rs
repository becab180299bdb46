//! Every connection of this process, and how often SQLite had to compile something for one of them.
//!
//! An automatic extension sees connections being opened, so that the counters of all their statements can be read while
//! nobody uses them. For one test, or one measurement, at a time.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use rusqlite::ffi;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

static COMPILED: AtomicU64 = AtomicU64::new(0);

struct Connection(*mut ffi::sqlite3);

// SAFETY: it is only used while no other thread uses the connection.
unsafe impl Send for Connection {}

static CONNECTIONS: Mutex<Vec<Connection>> = Mutex::new(Vec::new());

/// Sees every connection that is opened from now on.
pub(crate) fn watch_connections() {
    // SAFETY: `note_connection` has the signature of an extension's entry.
    let status = unsafe { ffi::sqlite3_auto_extension(Some(note_connection)) };
    assert_eq!(status, ffi::SQLITE_OK);
}

/// Before they are closed.
pub(crate) fn leave_connections_alone() {
    // SAFETY: as above.
    unsafe { ffi::sqlite3_cancel_auto_extension(Some(note_connection)) };
    CONNECTIONS.lock().unwrap().clear();
}

unsafe extern "C" fn note_connection(
    db: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: SQLite passes a connection that is being opened.
    unsafe { ffi::sqlite3_set_authorizer(db, Some(note_compilation), ptr::null_mut()) };
    CONNECTIONS.lock().unwrap().push(Connection(db));
    ffi::SQLITE_OK
}

unsafe extern "C" fn note_compilation(
    _: *mut c_void,
    _: c_int,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
) -> c_int {
    COMPILED.fetch_add(1, Ordering::Relaxed);
    ffi::SQLITE_OK
}

/// How often a statement had to be prepared again, over all connections that are open; none of them may be in use.
pub(crate) fn prepared_again_so_far() -> i64 {
    let mut sum = 0;
    for Connection(db) in CONNECTIONS.lock().unwrap().iter() {
        // SAFETY: the store is open, so its connections are; the statement before is one of this connection.
        let mut statement = unsafe { ffi::sqlite3_next_stmt(*db, ptr::null_mut()) };
        while !statement.is_null() {
            // SAFETY: the statement was just found.
            sum += i64::from(unsafe { ffi::sqlite3_stmt_status(statement, ffi::SQLITE_STMTSTATUS_REPREPARE, 0) });
            // SAFETY: as above.
            statement = unsafe { ffi::sqlite3_next_stmt(*db, statement) };
        }
    }
    sum
}

/// How often SQLite asked whether something may be compiled: also for statements that are prepared for the first time.
pub(crate) fn compiled_so_far() -> u64 {
    COMPILED.load(Ordering::Relaxed)
}
