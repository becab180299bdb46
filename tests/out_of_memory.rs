//! Every operation of a store with an allocation of SQLite's failing at every place, once and from there on.
//!
//! A program of its own: SQLite takes another allocator only before it is used. What Rust allocates does not fail here; when
//! that does, the process ends (docs/guarantees.md, "Not promised").

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the counts are for docs/reliability.md"
)]

#[path = "faults/dump.rs"]
mod dump;
#[path = "faults/harness.rs"]
#[allow(dead_code, reason = "what is covered is checked by tests/faults.rs")]
mod harness;
#[path = "faults/operations/mod.rs"]
#[allow(dead_code, reason = "as above")]
mod operations;
mod support;
#[path = "faults/world.rs"]
#[allow(dead_code, reason = "as above")]
mod world;

use harness::{Fired, Injector, Mode, Operation, Steps, try_all};
use rusqlite::ffi;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;
use world::World;

#[derive(Clone, Copy)]
struct Armed {
    n: u64,
    seen: u64,
    mode: Mode,
}

thread_local! {
    static ARMED: Cell<Option<Armed>> = const { Cell::new(None) };
}

/// Whether an allocation of this thread is to fail now.
fn fails() -> bool {
    let Some(mut armed) = ARMED.get() else { return false };
    armed.seen += 1;
    ARMED.set(Some(armed));
    match armed.mode {
        Mode::Once => armed.seen == armed.n,
        _ => armed.seen >= armed.n,
    }
}

struct Methods(ffi::sqlite3_mem_methods);

// SAFETY: pointers to functions, and to nothing that SQLite's own allocator would change.
unsafe impl Send for Methods {}
// SAFETY: as above.
unsafe impl Sync for Methods {}

static SYSTEM: OnceLock<Methods> = OnceLock::new();

fn system() -> &'static ffi::sqlite3_mem_methods {
    &SYSTEM.get().unwrap().0
}

unsafe extern "C" fn allocate(bytes: c_int) -> *mut c_void {
    if fails() {
        return ptr::null_mut();
    }
    // SAFETY: SQLite's own allocator, asked as SQLite asks.
    unsafe { system().xMalloc.unwrap()(bytes) }
}

unsafe extern "C" fn reallocate(old: *mut c_void, bytes: c_int) -> *mut c_void {
    if fails() {
        return ptr::null_mut();
    }
    // SAFETY: as above.
    unsafe { system().xRealloc.unwrap()(old, bytes) }
}

/// Puts the allocator in front of SQLite's own, once per process.
fn set_up() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // SAFETY: a struct of pointers that SQLite fills in.
        let mut methods: ffi::sqlite3_mem_methods = unsafe { std::mem::zeroed() };
        // SAFETY: nobody has used SQLite yet; the pointer is to what this option is about.
        let code = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, &raw mut methods) };
        assert_eq!(code, ffi::SQLITE_OK);
        assert!(SYSTEM.set(Methods(methods)).is_ok());
        // What SQLite keeps at hand for small things would hide most places.
        // SAFETY: as above.
        let code = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOOKASIDE, 0, 0) };
        assert_eq!(code, ffi::SQLITE_OK);
        methods.xMalloc = Some(allocate);
        methods.xRealloc = Some(reallocate);
        // SAFETY: as above; SQLite copies it.
        let code = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw mut methods) };
        assert_eq!(code, ffi::SQLITE_OK);
    });
}

struct Memory;

impl Injector for Memory {
    // There is one way only to have none.
    const MODES: &[Mode] = &[Mode::Once, Mode::FromThereOn];

    /// There are thousands in an operation.
    fn steps(mode: Mode) -> Steps {
        let quarters = if mode == Mode::Once { 6 } else { 12 };
        Steps {
            one_by_one: 2,
            quarters,
        }
    }

    fn arm(&self, n: u64, mode: Mode) {
        ARMED.set(Some(Armed { n, seen: 0, mode }));
    }

    fn disarm(&self) -> Option<Fired> {
        let armed = ARMED.take()?;
        (armed.seen >= armed.n).then_some(Fired {
            what: "allocation",
            code: ffi::SQLITE_NOMEM,
        })
    }
}

fn try_with_memory(group: &'static str, operations: &[Operation]) {
    set_up();
    try_all(group, operations, |_: &World| Memory);
}

#[test]
fn opening_and_closing_survive_want_of_memory() {
    try_with_memory("open, migrate, close", &operations::opening());
}

#[test]
fn appends_survive_want_of_memory() {
    try_with_memory("append, flush", &operations::appending());
}

#[test]
fn what_is_deferred_survives_want_of_memory_or_is_told_to_be_lost() {
    try_with_memory("deferred", &operations::deferring());
}

#[test]
fn changes_survive_want_of_memory() {
    try_with_memory("create, update, delete", &operations::changing());
}

#[test]
fn branches_survive_want_of_memory() {
    try_with_memory("fork, rewind, replace", &operations::branching());
}

#[test]
fn reading_survives_want_of_memory() {
    try_with_memory("read", &operations::reading());
}

#[test]
fn finding_survives_want_of_memory() {
    try_with_memory("list, search, events", &operations::finding());
}

#[test]
fn copies_survive_want_of_memory() {
    try_with_memory("backup, salvage, export, import", &operations::copying());
}

#[test]
fn upkeep_survives_want_of_memory() {
    try_with_memory("check, vacuum, erase", &operations::upkeep());
}
