//! What SQLite must know of a fork, and has no call for.
//!
//! SQLite remembers, in memory, which locks its process has on which files, and believes that in a child, too, which has none
//! of them. So a child's SQLite is shown other numbers for the devices that files lie on: what it opens is no file that it
//! remembers. And the mutexes that all of its connections share are held by whoever forks, so that a child finds them free.

use crate::fork;
use parking_lot::Mutex;
use rusqlite::ffi;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use libc::stat as FileStatus;
#[cfg(any(target_os = "linux", target_os = "android"))]
use libc::stat64 as FileStatus;

/// SQLite's static mutexes, in the order in which it takes them where it takes more than one: the first random number is drawn
/// from the VFS that is looked up meanwhile (MASTER behind PRNG).
const MUTEXES: [c_int; 9] = [
    ffi::SQLITE_MUTEX_STATIC_PRNG,
    ffi::SQLITE_MUTEX_STATIC_OPEN,
    ffi::SQLITE_MUTEX_STATIC_MASTER,
    ffi::SQLITE_MUTEX_STATIC_VFS1,
    ffi::SQLITE_MUTEX_STATIC_VFS2,
    ffi::SQLITE_MUTEX_STATIC_VFS3,
    ffi::SQLITE_MUTEX_STATIC_LRU,
    ffi::SQLITE_MUTEX_STATIC_PMEM,
    ffi::SQLITE_MUTEX_STATIC_MEM,
];

type LookByDescriptor = unsafe extern "C" fn(c_int, *mut FileStatus) -> c_int;
type LookByName = unsafe extern "C" fn(*const c_char, *mut FileStatus) -> c_int;

/// What SQLite asked the system by before; 0 is not known yet.
static BY_DESCRIPTOR: AtomicUsize = AtomicUsize::new(0);
static BY_NAME: AtomicUsize = AtomicUsize::new(0);

/// Has this process, and all that come from it, told of their forks. Before the first connection is opened.
pub(in crate::storage::sqlite) fn watch_forks() -> rusqlite::Result<()> {
    static WATCHED: Mutex<bool> = Mutex::new(false);
    let mut watched = WATCHED.lock();
    if *watched {
        return Ok(());
    }
    // SAFETY: SQLite may be initialised at any time; the handlers are functions that live as long as the library, which
    // is never unloaded.
    let code = unsafe {
        match ffi::sqlite3_initialize() {
            ffi::SQLITE_OK if libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) != 0 => {
                ffi::SQLITE_NOMEM
            }
            code => code,
        }
    };
    if code != ffi::SQLITE_OK {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
    }
    *watched = true;
    Ok(())
}

extern "C" fn before() {
    fork::begin();
    for mutex in MUTEXES {
        // SAFETY: SQLite is initialised; a static mutex is there for ever. Nobody forks while inside one of them: SQLite calls
        // no code of others there.
        unsafe { ffi::sqlite3_mutex_enter(ffi::sqlite3_mutex_alloc(mutex)) };
    }
}

extern "C" fn in_parent() {
    leave_mutexes();
    fork::end(false);
}

extern "C" fn in_child() {
    leave_mutexes();
    show_other_files();
    fork::end(true);
}

fn leave_mutexes() {
    for mutex in MUTEXES.into_iter().rev() {
        // SAFETY: `before` entered it on this thread, of which a child has the copy.
        unsafe { ffi::sqlite3_mutex_leave(ffi::sqlite3_mutex_alloc(mutex)) };
    }
}

/// Has SQLite ask us for the status of files. Called in a child, which has one thread.
fn show_other_files() {
    if BY_DESCRIPTOR.load(Ordering::Relaxed) != 0 {
        return;
    }
    // SAFETY: the default VFS is there for ever. Its system calls have the types of the functions that they are named after,
    // and so have ours in their places; nobody else is there who could be calling them.
    unsafe {
        let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
        let Some((get, set)) = vfs.as_ref().and_then(|vfs| vfs.xGetSystemCall.zip(vfs.xSetSystemCall)) else {
            return;
        };
        let known = |name: &CStr| get(vfs, name.as_ptr()).map_or(0, |call| call as usize);
        let (by_descriptor, by_name) = (known(c"fstat"), known(c"stat"));
        if by_descriptor == 0 || by_name == 0 {
            return;
        }
        BY_DESCRIPTOR.store(by_descriptor, Ordering::Relaxed);
        BY_NAME.store(by_name, Ordering::Relaxed);
        type Call = unsafe extern "C" fn();
        set(
            vfs,
            c"fstat".as_ptr(),
            Some(std::mem::transmute::<LookByDescriptor, Call>(status_by_descriptor)),
        );
        set(
            vfs,
            c"stat".as_ptr(),
            Some(std::mem::transmute::<LookByName, Call>(status_by_name)),
        );
    }
}

unsafe extern "C" fn status_by_descriptor(descriptor: c_int, status: *mut FileStatus) -> c_int {
    // SAFETY: the number is that of a function of this type, which SQLite gave as its own; the caller keeps its rules.
    unsafe {
        let look = std::mem::transmute::<usize, LookByDescriptor>(BY_DESCRIPTOR.load(Ordering::Relaxed));
        disguised(look(descriptor, status), status)
    }
}

unsafe extern "C" fn status_by_name(name: *const c_char, status: *mut FileStatus) -> c_int {
    // SAFETY: as above.
    unsafe {
        let look = std::mem::transmute::<usize, LookByName>(BY_NAME.load(Ordering::Relaxed));
        disguised(look(name, status), status)
    }
}

/// The device by another number in each process. SQLite compares it with others that it was told, and does nothing else with
/// it.
///
/// # Safety
/// If the result is 0, there is a status.
unsafe fn disguised(result: c_int, status: *mut FileStatus) -> c_int {
    // SAFETY: the caller's.
    if let (0, Some(status)) = (result, unsafe { status.as_mut() }) {
        let number = fork::process().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        #[allow(clippy::unnecessary_cast, reason = "the type's width is the platform's")]
        {
            status.st_dev ^= number as libc::dev_t;
        }
    }
    result
}
