//! Does an operation again and again, with a fault at another place each time, and looks at what is left of the store.

use crate::dump::{dump, without_numbers};
use crate::support::user;
use crate::world::{Setting, World, copy_store, new_folder, open_at};
use rusqlite::ffi;
use std::collections::BTreeMap;
use std::ffi::c_int;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};
use turnkeep::error::{Error, Kind, Result};
use turnkeep::model::NewSession;

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// The n-th.
    Once,
    /// The n-th, as if somebody else were there or there were no room, where such a call can say so.
    OnceMildly,
    /// The n-th, and from there on all that ask the same of a file: a disk that is full, a lock that somebody keeps.
    FromThereOnAlike,
    /// The n-th and all after it: a disk that is gone.
    FromThereOn,
}

/// What was done to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    /// What the n-th call was about.
    pub(crate) what: &'static str,
    /// What SQLite was told of it.
    pub(crate) code: c_int,
}

/// Which places are tried.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    /// Up to this one, all.
    pub(crate) one_by_one: u64,
    /// Behind it, each lies farther by so many quarters of the last one's number.
    pub(crate) quarters: u64,
}

impl Steps {
    pub(crate) fn after(self, n: u64) -> u64 {
        let asked = std::env::var("TURNKEEP_ROUNDS").ok();
        let one_by_one = asked.and_then(|rounds| rounds.parse().ok()).unwrap_or(self.one_by_one);
        if n < one_by_one {
            n + 1
        } else {
            n + (n * self.quarters / 4).max(1)
        }
    }
}

/// What can fail underneath a store.
pub(crate) trait Injector {
    /// The ways in which it does.
    const MODES: &[Mode];

    fn steps(mode: Mode) -> Steps;

    /// From here on the calls of this thread count.
    fn arm(&self, n: u64, mode: Mode);

    /// Nothing fails any more. Says what failed first, if the n-th call was reached.
    fn disarm(&self) -> Option<Fired>;
}

/// Something that a caller does with a store.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// The functions of `Store` and `Session`, and the mutations, that it goes through.
    pub(crate) covers: &'static [&'static str],
    pub(crate) setting: Setting,
    /// How its errors begin.
    pub(crate) says: &'static str,
    /// What is done before, without faults.
    pub(crate) before: fn(&mut World),
    /// Says what came of it, without times.
    pub(crate) run: fn(&mut World) -> Result<String>,
    /// What it left outside the store, if it succeeded.
    pub(crate) left: fn(&World) -> String,
    pub(crate) failed: Failed,
}

/// What a failure means.
#[derive(Clone, Copy)]
pub(crate) enum Failed {
    /// Nothing has changed, and the same can be asked for again.
    Unchanged,
    /// It may be done or not, or half done in steps that are each whole; it is finished by asking for it again.
    Resumed,
    /// The handle is closed, all the same; the store can be opened.
    Closed,
    /// What was deferred may be lost, which is told; the rest as above. It is done again by this.
    Told(fn(&mut World) -> Result<String>),
    /// Both.
    ClosedAndTold(fn(&mut World) -> Result<String>),
}

impl Failed {
    fn closes(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedAndTold(_))
    }

    fn may_lose(self) -> bool {
        matches!(self, Self::Told(_) | Self::ClosedAndTold(_))
    }
}

/// What is to be so whenever the operation failed, and whenever it is done.
struct Expected {
    before: String,
    result: String,
    left: String,
    files: Vec<String>,
    after: String,
    last: String,
}

/// So long a single try may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries every operation with faults at every place.
pub(crate) fn try_all<I: Injector>(group: &'static str, operations: &[Operation], below: fn(&World) -> I) {
    watch();
    let mut failed = 0;
    for operation in operations {
        let expected = expect(operation);
        let began = Instant::now();
        let mut tries = 0;
        for &mode in I::MODES {
            let mut failed_here = 0;
            let mut n = 1;
            // Several failures tell more than the first.
            while failed_here < 3 {
                let once = || try_once(group, operation, &expected, below, n, mode);
                match std::panic::catch_unwind(AssertUnwindSafe(once)) {
                    Ok(false) => break,
                    Ok(true) => tries += 1,
                    Err(_) => failed_here += 1,
                }
                n = I::steps(mode).after(n);
            }
            failed += failed_here;
        }
        let seconds = began.elapsed().as_secs_f64();
        println!("{group}: {}: {tries} faults, {seconds:.1} s", operation.name);
    }
    print_counts(group);
    assert_eq!(failed, 0, "faults were not survived");
}

fn expect(operation: &Operation) -> Expected {
    let mut world = World::new(operation.setting);
    (operation.before)(&mut world);
    let before = if world.is_open() {
        dump(world.store()).unwrap()
    } else {
        String::new()
    };
    drop(world);
    let mut world = World::new(operation.setting);
    (operation.before)(&mut world);
    let result = (operation.run)(&mut world).unwrap();
    let left = (operation.left)(&world);
    let files = world.files();
    let is_closed = operation.failed.closes() || !world.is_open();
    if is_closed {
        world.open().unwrap();
    }
    let after = dump(world.store()).unwrap();
    let before = if before.is_empty() { after.clone() } else { before };
    Expected {
        before,
        result,
        left,
        files,
        after,
        last: last_words(&mut world),
    }
}

/// The handle works on; and what it then says is in the file.
fn last_words(world: &mut World) -> String {
    let afterwards = NewSession {
        id: Some("afterwards".into()),
        messages: vec![user("a question afterwards")],
        ..NewSession::default()
    };
    drop(world.store().create_session(afterwards).unwrap());
    let said = dump(world.store()).unwrap();
    world.store().close().unwrap();
    world.forget();
    let store = open_at(&world.path(), false).unwrap();
    assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
    let kept = dump(&store).unwrap();
    assert_same("what the handle said and what is in the file", &said, &kept);
    kept
}

/// Says whether the n-th call was reached.
fn try_once<I: Injector>(
    group: &'static str,
    operation: &Operation,
    expected: &Expected,
    below: fn(&World) -> I,
    n: u64,
    mode: Mode,
) -> bool {
    let _what = Doing::now(format!("{}, {mode:?} {n}", operation.name));
    let mut world = World::new(operation.setting);
    let injector = below(&world);
    (operation.before)(&mut world);
    injector.arm(n, mode);
    let result = (operation.run)(&mut world);
    let Some(fired) = injector.disarm() else {
        let result = result.unwrap_or_else(|error| panic!("{} failed without a fault: {error}", operation.name));
        assert_eq!(result, expected.result, "{}", operation.name);
        return false;
    };
    count(group, fired, &result);
    let context = format!("{}, {mode:?} {n}: {fired:?}", operation.name);
    let _context = OnPanic(&context);
    match result {
        Ok(result) => {
            assert_eq!(result, expected.result);
            assert_eq!((operation.left)(&world), expected.left);
            assert_eq!(world.files(), expected.files);
            if operation.failed.closes() || !world.is_open() {
                world.open().unwrap();
            }
        }
        Err(error) => {
            check_error(operation, mode, fired, &error);
            after_failure(operation, expected, &mut world, &error);
        }
    }
    let now = dump(world.store()).unwrap();
    let last = last_words(&mut world);
    if operation.failed.may_lose() {
        let same = |what, one, other| assert_same(what, &without_numbers(one), &without_numbers(other));
        same("what is there when it is done", &now, &expected.after);
        same("what is there in the end", &last, &expected.last);
    } else {
        assert_same("what is there when it is done", &now, &expected.after);
        assert_same("what is there in the end", &last, &expected.last);
    }
    true
}

fn after_failure(operation: &Operation, expected: &Expected, world: &mut World, error: &Error) {
    let files = world.files();
    assert!(
        files.len() <= expected.files.len() && files.iter().all(|name| expected.files.contains(name)),
        "left over: {files:?} after {error}"
    );
    if !operation.failed.may_lose() {
        check_copy(expected, world);
    }
    if world.is_open() && !operation.failed.closes() && !operation.failed.may_lose() {
        let now = dump(world.store()).unwrap();
        let is_after = matches!(operation.failed, Failed::Resumed) && now == expected.after;
        if !is_after {
            assert_same("what is there after the failure", &now, &expected.before);
        }
    }
    match operation.failed {
        Failed::Closed => world.open().unwrap(),
        Failed::Unchanged | Failed::Resumed if world.is_open() => {
            let result = (operation.run)(world).unwrap();
            if !matches!(operation.failed, Failed::Resumed) {
                assert_eq!(result, expected.result);
            }
            assert_eq!((operation.left)(world), expected.left);
        }
        Failed::Unchanged | Failed::Resumed => {
            assert_eq!((operation.run)(world).unwrap(), expected.result);
            assert_eq!((operation.left)(world), expected.left);
            if !world.is_open() {
                world.open().unwrap();
            }
        }
        Failed::Told(again) => {
            again(world).unwrap();
        }
        Failed::ClosedAndTold(again) => {
            world.open().unwrap();
            again(world).unwrap();
        }
    }
}

/// What would be there if the process were killed now.
fn check_copy(expected: &Expected, world: &World) {
    if !world.path().exists() || (!world.is_open() && matches!(world.setting(), Setting::Nothing)) {
        return;
    }
    let folder = new_folder();
    copy_store(world.folder(), folder.path());
    let copy = open_at(&folder.path().join("chat.db"), false).unwrap();
    assert_eq!(copy.check().unwrap().problems.listed, [""; 0]);
    let kept = dump(&copy).unwrap();
    if kept != expected.after {
        assert_same(
            "what a process would find that comes after a kill",
            &kept,
            &expected.before,
        );
    }
}

/// The kind fits what happened, and the message says what was being done.
fn check_error(operation: &Operation, mode: Mode, fired: Fired, error: &Error) {
    let fits = match (mode, fired.code & 0xff) {
        (_, ffi::SQLITE_NOMEM) => error.kind() == Kind::Storage && error.message().contains(" memory"),
        // Others may fail by then, too, and in other ways.
        (Mode::FromThereOn, _) => matches!(error.kind(), Kind::Storage | Kind::Full | Kind::Busy),
        (Mode::FromThereOnAlike, ffi::SQLITE_BUSY) => matches!(error.kind(), Kind::Storage | Kind::Busy),
        _ if fired.code == ffi::SQLITE_IOERR_SHMSIZE => error.kind() == Kind::Full,
        (_, ffi::SQLITE_FULL) => error.kind() == Kind::Full,
        (_, ffi::SQLITE_BUSY) => error.kind() == Kind::Busy,
        _ => error.kind() == Kind::Storage,
    };
    assert!(fits, "{:?}: {error}", error.kind());
    assert!(error.message().starts_with(operation.says), "{error}");
    assert!(error.message().len() > operation.says.len() + 20, "{error}");
}

#[track_caller]
pub(crate) fn assert_same(what: &str, one: &str, other: &str) {
    if one == other {
        return;
    }
    let (ones, others): (Vec<_>, Vec<_>) = (one.lines().collect(), other.lines().collect());
    let only = |these: &[&str], those: &[&str]| {
        let lines: Vec<String> = these
            .iter()
            .filter(|line| !those.contains(line))
            .map(|line| (*line).to_owned())
            .collect();
        lines.join("\n    ")
    };
    panic!(
        "{what} is not as it should be: only here\n    {}\n only expected\n    {}",
        only(&ones, &others),
        only(&others, &ones)
    );
}

/// Says at a panic where it was.
struct OnPanic<'a>(&'a str);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("at {}", self.0);
        }
    }
}

type Counts = BTreeMap<(&'static str, &'static str), [u64; 2]>;

static COUNTS: Mutex<Counts> = Mutex::new(BTreeMap::new());

fn count<T>(group: &'static str, fired: Fired, result: &Result<T>) {
    let mut counts = COUNTS.lock().unwrap();
    let [all, failed] = counts.entry((group, fired.what)).or_default();
    *all += 1;
    *failed += u64::from(result.is_err());
}

fn print_counts(group: &str) {
    for ((_, what), [all, failed]) in COUNTS.lock().unwrap().iter().filter(|((of, _), _)| *of == group) {
        println!("{group} | {what} | {all} faults | {failed} calls failed");
    }
}

/// What is being done, for who ends it when it takes too long.
struct Doing(u64);

static DOING: Mutex<BTreeMap<u64, (Instant, String)>> = Mutex::new(BTreeMap::new());

impl Doing {
    fn now(what: String) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        DOING.lock().unwrap().insert(number, (Instant::now(), what));
        Self(number)
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        DOING.lock().unwrap_or_else(|error| error.into_inner()).remove(&self.0);
    }
}

/// Ends the process when a single try hangs: nothing else can.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                for (since, what) in DOING.lock().unwrap().values() {
                    if since.elapsed() > PATIENCE {
                        eprintln!("{what}: this hangs");
                        std::process::abort();
                    }
                }
            }
        });
    });
}
