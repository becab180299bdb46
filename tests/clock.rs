//! What a store does when somebody sets the system's clock while it is open.
//!
//! The program's own `clock_gettime` and `gettimeofday` take the place of the C library's and move the time of day; the clock
//! that only runs on stays as it is, as it does in a system whose clock is set.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use parking_lot::{Mutex, MutexGuard};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use support::{TempStore, contents, holds, say, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, Durability, ListOptions, NewSession, now};
use turnkeep::{Store, StoreOptions};

/// How far the clock was moved, in seconds.
static MOVED: AtomicI64 = AtomicI64::new(0);

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

#[unsafe(no_mangle)]
extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    // SAFETY: handed on as it came.
    let done = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as c_int;
    if done == 0 && matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE) {
        // SAFETY: the system has just written there.
        unsafe { (*time).tv_sec += MOVED.load(Ordering::Relaxed) };
    }
    done
}

#[unsafe(no_mangle)]
extern "C" fn gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int {
    // SAFETY: handed on as it came.
    let done = unsafe { libc::syscall(libc::SYS_gettimeofday, time, zone) } as c_int;
    if done == 0 && !time.is_null() {
        // SAFETY: the system has just written there.
        unsafe { (*time).tv_sec += MOVED.load(Ordering::Relaxed) };
    }
    done
}

/// The clock, to be set by one test at a time; it is right again at the end.
struct Clock(#[allow(dead_code, reason = "it is held")] MutexGuard<'static, ()>);

impl Clock {
    fn take() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        Self(ONE.lock())
    }

    #[allow(clippy::unused_self, reason = "who sets the clock must have it")]
    fn set(&self, moved: i64) {
        MOVED.store(moved, Ordering::Relaxed);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.set(0);
    }
}

fn expect_sound(store: &Store) {
    assert_eq!(store.check().unwrap().problems.listed, Vec::<String>::new());
}

#[test]
fn the_clock_of_these_tests_moves_the_dates_and_not_the_durations() {
    let clock = Clock::take();
    let (date, running) = (now(), Instant::now());
    clock.set(-10 * YEAR);
    assert!(now() < date - (9 * YEAR) * 1_000_000);
    assert!(running.elapsed() < Duration::from_secs(3_600));
}

#[test]
fn what_is_appended_while_the_clock_jumps_stays_in_the_order_of_the_appends() {
    let clock = Clock::take();
    let store = TempStore::new();
    let session = store.create();
    let jumps = [0, -DAY, 10 * YEAR, -30 * YEAR, -100 * YEAR, 1, -YEAR, 100 * YEAR, 0];
    let mut said = Vec::new();
    for (number, jump) in jumps.into_iter().enumerate() {
        clock.set(jump);
        said.push(number.to_string());
        say(&session, said.last().unwrap());
        store.create();
        assert_eq!(contents(&session), said);
        let window = session.window(&WindowOptions::default()).unwrap();
        assert_eq!(window.report().head_seq, said.len() as u64);
        let page = store.list_sessions(&ListOptions::default()).unwrap();
        assert_eq!(page.sessions.len(), said.len() + 1);
    }
    expect_sound(&store);
    let fork = session.fork(None, NewSession::default()).unwrap();
    assert_eq!(contents(&fork), said);
    let again = store.reopen();
    assert_eq!(contents(&again.open_session(session.id()).unwrap()), said);
    expect_sound(&again);
}

#[test]
fn what_is_deferred_is_written_also_when_the_clock_was_set_back() {
    let clock = Clock::take();
    let store = TempStore::with(StoreOptions {
        durability: Durability::Deferred,
        exclusive: true,
        autosave: Duration::from_millis(50),
        ..StoreOptions::default()
    });
    let session = store.create();
    for (jump, needle) in [
        (-YEAR, "said a year ago"),
        (-2 * YEAR, "said a year before"),
        (YEAR, "said next year"),
    ] {
        say(&session, needle);
        clock.set(jump);
        let log = store.path().with_file_name("chat.db-wal");
        let since = Instant::now();
        while !holds(&log, needle) {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "'{needle}' was never written"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_session_expires_by_the_date_and_comes_to_no_harm_when_the_date_goes_back() {
    let clock = Clock::take();
    let store = TempStore::new();
    let in_an_hour = NewSession {
        expires_after: Some(HOUR * 1_000_000),
        ..NewSession::default()
    };
    let session = store.create_session(in_an_hour).unwrap();
    clock.set(-YEAR);
    say(&session, "a year ago");
    assert_eq!(store.cleanup().unwrap(), 0);
    clock.set(HOUR / 2);
    say(&session, "in half an hour");
    clock.set(HOUR + HOUR / 4);
    assert_eq!(store.cleanup().unwrap(), 0, "it was used half an hour before");
    assert_eq!(contents(&session), ["a year ago", "in half an hour"]);
    clock.set(3 * HOUR);
    assert_eq!(store.cleanup().unwrap(), 1);
    clock.set(0);
    assert_eq!(session.last(1).err().map(|error| error.kind()), Some(Kind::NotFound));
    expect_sound(&store);
}

#[test]
fn whoever_waits_for_a_busy_file_waits_no_longer_when_the_clock_is_set_back() {
    let clock = Clock::take();
    let store = TempStore::with(StoreOptions {
        busy_timeout: Duration::from_millis(300),
        ..StoreOptions::default()
    });
    let session = store.create();
    let other = rusqlite::Connection::open(store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let since = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| session.append(vec![user("a")], AppendOptions::default()));
        std::thread::sleep(Duration::from_millis(50));
        clock.set(-YEAR);
        assert_eq!(waiting.join().unwrap().unwrap_err().kind(), Kind::Busy);
    });
    assert!(since.elapsed() < Duration::from_secs(60));
    other.execute_batch("ROLLBACK").unwrap();
    say(&session, "b");
    assert_eq!(contents(&session), ["b"]);
}

#[test]
fn a_retry_after_the_clock_was_set_back_is_known_again() {
    let clock = Clock::take();
    let store = TempStore::new();
    let session = store.create();
    let once = || AppendOptions {
        idempotency_key: Some("key".to_owned()),
        ..AppendOptions::default()
    };
    session.append(vec![user("a")], once()).unwrap();
    for jump in [-10 * YEAR, HOUR, -DAY] {
        clock.set(jump);
        assert!(session.append(vec![user("a")], once()).unwrap().repeated);
        say(&session, "b");
        session.rewind(1, None).unwrap();
    }
    assert_eq!(contents(&session), ["a"]);
}
