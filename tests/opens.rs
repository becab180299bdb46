//! Whatever is opened and closed again, nothing is left of it: no descriptor, no thread, no byte.
//!
//! 1 000 rounds, or `TURNKEEP_ROUNDS`, through the C ABI and through Rust: stores in memory, new files and one that stays,
//! sessions, histories, windows, searches, forks, callbacks, errors; closed in any order. Every allocation of the library is
//! counted here, and SQLite counts its own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "support/abi/mod.rs"]
mod abi;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{CString, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role, SearchOptions};
use turnkeep::{Store, StoreOptions};

struct Counting;

static BLOCKS: AtomicI64 = AtomicI64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

fn count(blocks: i64, bytes: i64) {
    BLOCKS.fetch_add(blocks, Ordering::Relaxed);
    BYTES.fetch_add(bytes, Ordering::Relaxed);
}

// SAFETY: the system's allocator does everything; the counters are plain numbers that allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-1, -(layout.size() as i64));
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(0, size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a process has of the things that run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    descriptors: usize,
    threads: usize,
    blocks: i64,
    bytes: i64,
    sqlite_bytes: i64,
}

impl Held {
    fn now() -> Self {
        // Before the folders are read, which takes memory and descriptors of its own.
        let (blocks, bytes) = (BLOCKS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
        let entries = |folder: &str| std::fs::read_dir(folder).unwrap().count();
        Self {
            descriptors: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
            blocks,
            bytes,
            sqlite_bytes: sqlite_bytes(),
        }
    }

    /// A thread that was joined is still in the list for a moment.
    fn once_it_is(expected: Self) -> Self {
        for _ in 0..100 {
            if Self::now() == expected {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Self::now()
    }
}

fn sqlite_bytes() -> i64 {
    // SAFETY: may be called at any time.
    unsafe { rusqlite::ffi::sqlite3_memory_used() }
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

static HEARD: AtomicU64 = AtomicU64::new(0);
static GIVEN_BACK: AtomicU64 = AtomicU64::new(0);

extern "C" fn hear(_user_data: *mut c_void, _event: *const abi::Event) -> i32 {
    HEARD.fetch_add(1, Ordering::Relaxed);
    0
}

extern "C" fn give_back(user_data: *mut c_void) {
    GIVEN_BACK.fetch_add(1, Ordering::Relaxed);
    // SAFETY: what was given to `subscribe`, once.
    drop(unsafe { Box::from_raw(user_data.cast::<[u8; 100]>()) });
}

/// An object of the library out of a call that must succeed.
fn made<T>(call: impl FnOnce(*mut *mut T) -> i32) -> *mut T {
    let mut out = null_mut();
    assert_eq!(call(&raw mut out), 0);
    assert!(!out.is_null());
    out
}

fn everything_in_c(location: &str, round: u32) {
    let location = CString::new(location).unwrap();
    // SAFETY: every pointer comes from the library and is given back to it once; options may be NULL.
    unsafe {
        let store = made(|out| abi::turnkeep_store_open(location.as_ptr(), null(), out, null_mut()));
        let mut subscription = 0;
        let user_data = Box::into_raw(Box::new([0_u8; 100])).cast();
        let subscribed = abi::turnkeep_store_subscribe(
            store,
            Some(hear),
            user_data,
            Some(give_back),
            &raw mut subscription,
            null_mut(),
        );
        assert_eq!(subscribed, 0);
        let session = made(|out| abi::turnkeep_session_create(store, null(), out, null_mut()));
        for role in [2, 3] {
            let said = abi::turnkeep_session_append(session, role, c"words".as_ptr(), 5, null_mut(), null_mut());
            assert_eq!(said, 0);
        }
        abi::turnkeep_messages_free(made(|out| abi::turnkeep_session_history(session, out, null_mut())));
        let window = made(|out| abi::turnkeep_session_window(session, null(), out, null_mut()));
        let fork = made(|out| abi::turnkeep_session_fork(session, 1, null(), out, null_mut()));
        abi::turnkeep_session_list_free(made(|out| {
            abi::turnkeep_store_list_sessions(store, null(), out, null_mut())
        }));
        let error = made(|error| {
            let mut none = null_mut();
            i32::from(abi::turnkeep_session_open(store, c"nobody".as_ptr(), &raw mut none, error) == 0)
        });
        abi::turnkeep_error_free(error);
        if round.is_multiple_of(3) {
            assert_eq!(abi::turnkeep_store_unsubscribe(store, subscription, null_mut()), 0);
        }
        // Handles may outlive the store, and results both.
        if round.is_multiple_of(2) {
            abi::turnkeep_session_close(session);
            abi::turnkeep_session_close(fork);
            assert_eq!(abi::turnkeep_store_close(store, null_mut()), 0);
        } else {
            assert_eq!(abi::turnkeep_store_close(store, null_mut()), 0);
            abi::turnkeep_session_close(session);
            abi::turnkeep_session_close(fork);
        }
        abi::turnkeep_window_free(window);
    }
}

fn everything_in_rust(location: &str) {
    let store = Store::open(location, StoreOptions::default()).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    let said = vec![NewMessage::new(Role::User, "words to be found")];
    session.append(said, AppendOptions::default()).unwrap();
    let wanted = SearchOptions {
        text: "found".into(),
        ..SearchOptions::default()
    };
    assert_eq!(store.search(&wanted).unwrap().hits().len(), 1);
    store.metrics().unwrap();
    assert!(sqlite_bytes() > 0, "SQLite counts its memory");
    store.delete_session(session.id()).unwrap();
    store.close().unwrap();
}

fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _gone = std::fs::remove_file(format!("{}{end}", path.display()));
    }
}

/// One round: a store in memory, a new file, or the one that stays, which is begun anew now and then, so that rounds cost the
/// same.
fn open_and_close(folder: &Path, round: u32) {
    let (fresh, lasting) = (folder.join("fresh.db"), folder.join("lasting.db"));
    let location = match round % 4 {
        0 => ":memory:",
        1 => fresh.to_str().unwrap(),
        _ => lasting.to_str().unwrap(),
    };
    if round % 8 < 6 {
        everything_in_c(location, round);
    } else {
        everything_in_rust(location);
    }
    remove(&fresh);
    if round.is_multiple_of(200) {
        remove(&lasting);
    }
}

#[test]
fn thousands_of_opens_and_closes_leave_no_descriptor_no_thread_and_no_byte() {
    const WARM_UP: u32 = 200;
    let rounds: u32 = std::env::var("TURNKEEP_ROUNDS").map_or(1_000, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    (0..WARM_UP).for_each(|round| open_and_close(folder.path(), round));
    let (before, resident) = (Held::now(), resident_bytes());
    (0..rounds).for_each(|round| open_and_close(folder.path(), round));
    assert_eq!(Held::once_it_is(before), before, "after {rounds} rounds");
    let grown = resident_bytes().saturating_sub(resident);
    assert!(grown < 4 << 20, "{grown} bytes more are resident after {rounds} rounds");
    let in_c = u64::from((0..rounds).chain(0..WARM_UP).filter(|round| round % 8 < 6).count() as u32);
    assert_eq!(GIVEN_BACK.load(Ordering::Relaxed), in_c);
    assert!(HEARD.load(Ordering::Relaxed) > in_c);
    println!("{rounds} rounds: {before:?}, {grown} bytes more resident");
}
