//! Fails the n-th call of one thread to the files of a store, once or from there on.

use crate::harness::{Fired, Injector, Mode, Steps};
use crate::vfs::{self, Call, Installed, Observer, Op, Verdict};
use rusqlite::ffi;
use std::ffi::c_int;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

/// Faults below SQLite.
pub(crate) struct Files {
    observer: Arc<Counting>,
    _installed: Installed,
}

impl Files {
    pub(crate) fn below(folder: &Path) -> Self {
        let observer = Arc::new(Counting::default());
        let shared = Arc::clone(&observer) as Arc<dyn Observer>;
        Self {
            observer,
            _installed: vfs::install(folder, shared),
        }
    }
}

impl Injector for Files {
    const MODES: &[Mode] = &[Mode::Once, Mode::OnceMildly, Mode::FromThereOnAlike, Mode::FromThereOn];

    /// Behind the place where a fault first stays, one more or less makes little difference.
    fn steps(mode: Mode) -> Steps {
        let one_by_one = match mode {
            Mode::Once | Mode::OnceMildly => 20,
            Mode::FromThereOnAlike | Mode::FromThereOn => 4,
        };
        Steps {
            one_by_one,
            quarters: 1,
        }
    }

    fn arm(&self, n: u64, mode: Mode) {
        *self.observer.0.lock().unwrap() = Some(Armed::new(n, mode));
    }

    fn disarm(&self) -> Option<Fired> {
        let armed = self.observer.0.lock().unwrap().take()?;
        armed.fired.map(|(op, code)| Fired {
            what: name_of(op),
            code,
        })
    }
}

#[derive(Default)]
struct Counting(Mutex<Option<Armed>>);

struct Armed {
    thread: ThreadId,
    n: u64,
    seen: u64,
    mode: Mode,
    fired: Option<(Op, c_int)>,
}

impl Armed {
    fn new(n: u64, mode: Mode) -> Self {
        Self {
            thread: std::thread::current().id(),
            n,
            seen: 0,
            mode,
            fired: None,
        }
    }

    fn verdict(&mut self, call: &Call) -> Verdict {
        let is_own = std::thread::current().id() == self.thread;
        let Some(hard) = hard(call.op).filter(|_| is_own) else {
            return Verdict::Go;
        };
        let mild = match self.mode {
            Mode::Once | Mode::FromThereOn => None,
            // So many of each kind fail in either way.
            Mode::FromThereOnAlike if self.n.is_multiple_of(2) => None,
            // Of shared locks only the one that writers take: for the others SQLite waits ten seconds each time.
            Mode::FromThereOnAlike if call.op == Op::ShmLock && call.offset != 0 => None,
            Mode::OnceMildly | Mode::FromThereOnAlike => mild(call.op),
        };
        if self.mode == Mode::OnceMildly && mild.is_none() {
            return Verdict::Go;
        }
        self.seen += 1;
        let fails = match (self.fired, self.mode) {
            (None, _) => self.seen >= self.n,
            (Some(_), Mode::Once | Mode::OnceMildly) => false,
            (Some((op, _)), Mode::FromThereOnAlike) => op == call.op,
            (Some(_), Mode::FromThereOn) => true,
        };
        if !fails {
            return Verdict::Go;
        }
        let code = mild.unwrap_or(hard);
        self.fired.get_or_insert((call.op, code));
        match call.op {
            Op::Write if code == ffi::SQLITE_FULL => Verdict::ShortWrite(call.len / 2, code),
            _ => Verdict::Fail(code),
        }
    }
}

impl Observer for Counting {
    fn before(&self, call: &Call) -> Verdict {
        match &mut *self.0.lock().unwrap() {
            Some(armed) => armed.verdict(call),
            None => Verdict::Go,
        }
    }
}

/// What SQLite's own VFS would say of a call that fails; `None` for what cannot fail, or whose failure SQLite does not look at.
fn hard(op: Op) -> Option<c_int> {
    Some(match op {
        Op::Open => ffi::SQLITE_CANTOPEN,
        Op::Delete => ffi::SQLITE_IOERR_DELETE,
        Op::Access => ffi::SQLITE_IOERR_ACCESS,
        Op::Read => ffi::SQLITE_IOERR_READ,
        Op::Write => ffi::SQLITE_IOERR_WRITE,
        Op::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
        Op::Sync => ffi::SQLITE_IOERR_FSYNC,
        Op::Size => ffi::SQLITE_IOERR_FSTAT,
        Op::Lock => ffi::SQLITE_IOERR_LOCK,
        Op::CheckLock => ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
        Op::ShmMap => ffi::SQLITE_IOERR_SHMMAP,
        Op::ShmLock => ffi::SQLITE_IOERR_SHMLOCK,
        Op::Close | Op::Unlock | Op::Control | Op::ShmUnlock | Op::ShmBarrier | Op::ShmUnmap => return None,
    })
}

/// The same where somebody else or the lack of room is to blame.
fn mild(op: Op) -> Option<c_int> {
    Some(match op {
        Op::Write => ffi::SQLITE_FULL,
        Op::Lock | Op::ShmLock => ffi::SQLITE_BUSY,
        Op::ShmMap => ffi::SQLITE_IOERR_SHMSIZE,
        _ => return None,
    })
}

fn name_of(op: Op) -> &'static str {
    match op {
        Op::Open => "open",
        Op::Delete => "delete",
        Op::Access => "look",
        Op::Read => "read",
        Op::Write => "write",
        Op::Truncate => "truncate",
        Op::Sync => "flush",
        Op::Size => "size",
        Op::Lock | Op::CheckLock => "lock",
        Op::ShmMap | Op::ShmLock => "shared memory",
        _ => "other",
    }
}
