//! The border between this process and the system: whatever changes a file passes here, SQLite's calls as well as Rust's.
//!
//! The program's own definitions of these functions take the place of the C library's, and hand on to the system. So
//! what an observer sees is complete: also the renames, the links and the flushes of folders that SQLite has no part in,
//! which is why this is no VFS.

use std::cell::Cell;
use std::ffi::{CStr, OsStr, c_char, c_int, c_long, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A call that changes a file, a folder, or what a power cut leaves of them.
pub(crate) enum Call<'a> {
    Write {
        file: &'a Opened,
        at: u64,
        bytes: &'a [u8],
    },
    Truncate {
        file: &'a Opened,
        length: u64,
    },
    Flush {
        file: &'a Opened,
    },
    FlushFolder {
        path: &'a Path,
    },
    /// A file that was not there is opened.
    Create {
        path: &'a Path,
    },
    Remove {
        path: &'a Path,
    },
    Rename {
        from: &'a Path,
        to: &'a Path,
    },
    Link {
        from: &'a Path,
        to: &'a Path,
    },
    MakeFolder {
        path: &'a Path,
    },
}

/// An open file.
pub(crate) struct Opened {
    /// What tells it from every other that is there at the same time.
    pub(crate) inode: u64,
    /// Where it was opened, or lies by now.
    pub(crate) path: PathBuf,
}

/// Sees every call below a folder, one at a time.
pub(crate) trait Observer: Send {
    fn before(&mut self, _call: &Call<'_>) {}
    /// Of a call that succeeded, and of a write what was written.
    fn after(&mut self, _call: &Call<'_>) {}
}

struct Watch {
    folder: PathBuf,
    observer: Box<dyn Observer>,
}

static WATCHED: AtomicBool = AtomicBool::new(false);
static WATCH: Mutex<Option<Watch>> = Mutex::new(None);

thread_local! {
    /// An observer works with files itself.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

fn watch() -> MutexGuard<'static, Option<Watch>> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows an observer all that is done below a folder.
pub(crate) fn observe(folder: &Path, observer: Box<dyn Observer>) {
    let folder = folder.canonicalize().unwrap();
    *watch() = Some(Watch { folder, observer });
    WATCHED.store(true, Ordering::SeqCst);
}

/// Ends it, and waits for the call that is being made.
pub(crate) fn leave_alone() {
    WATCHED.store(false, Ordering::SeqCst);
    *watch() = None;
}

impl Watch {
    /// The file of a descriptor, if it is one to be seen. What lies in shared memory ends with the machine.
    fn opened(&self, descriptor: c_int) -> Option<Opened> {
        let path = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
        if !path.starts_with(&self.folder) || is_shared_memory(&path) {
            return None;
        }
        // SAFETY: a struct of integers, which fstat fills.
        let inode = unsafe {
            let mut found: libc::stat = std::mem::zeroed();
            (libc::fstat(descriptor, &raw mut found) == 0).then_some(found.st_ino)?
        };
        Some(Opened { inode, path })
    }

    fn path(&self, path: *const c_char) -> Option<PathBuf> {
        // SAFETY: callers of the C library give texts that end in a NUL.
        let given = unsafe { CStr::from_ptr(path) };
        let path = Path::new(OsStr::from_bytes(given.to_bytes()));
        let path = std::path::absolute(path).ok()?;
        (path.starts_with(&self.folder) && !is_shared_memory(&path)).then_some(path)
    }
}

fn is_shared_memory(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"-shm")
}

/// Makes a call, before and after which the observer is told of it if it is one to be seen.
fn seen<S>(
    look: impl FnOnce(&Watch) -> Option<S>,
    make: impl FnOnce() -> c_long,
    tell: impl Fn(&S, Option<usize>, &mut dyn FnMut(&Call<'_>)),
) -> c_long {
    if !WATCHED.load(Ordering::Relaxed) || INSIDE.get() {
        return make();
    }
    INSIDE.set(true);
    let mut guard = watch();
    let made = match guard.as_mut() {
        None => make(),
        Some(watch) => match look(watch) {
            None => {
                drop(guard);
                make()
            }
            Some(subject) => {
                tell(&subject, None, &mut |call| watch.observer.before(call));
                let made = make();
                // SAFETY: the thread's own errno, which the observer's calls must not change.
                let errno = unsafe { *libc::__errno_location() };
                if made >= 0 {
                    tell(&subject, Some(made as usize), &mut |call| watch.observer.after(call));
                }
                // SAFETY: as above.
                unsafe { *libc::__errno_location() = errno };
                made
            }
        },
    };
    INSIDE.set(false);
    made
}

fn write_at(descriptor: c_int, bytes: *const c_void, length: usize, at: Option<i64>) -> isize {
    // SAFETY: the caller's buffer is `length` bytes long; the call is handed on as it came.
    let whole = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
    let written = seen(
        |watch| {
            let file = watch.opened(descriptor)?;
            // SAFETY: asks where the descriptor stands.
            let at = at.unwrap_or_else(|| unsafe { libc::lseek(descriptor, 0, libc::SEEK_CUR) });
            Some((file, at as u64))
        },
        // SAFETY: as above.
        || unsafe {
            match at {
                Some(at) => libc::syscall(libc::SYS_pwrite64, descriptor, bytes, length, at),
                None => libc::syscall(libc::SYS_write, descriptor, bytes, length),
            }
        },
        |(file, at), written, tell| {
            let bytes = &whole[..written.unwrap_or(length)];
            tell(&Call::Write { file, at: *at, bytes });
        },
    );
    written as isize
}

fn truncate(descriptor: c_int, length: i64) -> c_int {
    let done = seen(
        |watch| watch.opened(descriptor),
        // SAFETY: handed on as it came.
        || unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, length) },
        |file, _, tell| {
            tell(&Call::Truncate {
                file,
                length: length as u64,
            });
        },
    );
    done as c_int
}

fn flush(descriptor: c_int, number: c_long) -> c_int {
    let done = seen(
        |watch| watch.opened(descriptor).map(|file| (file.path.is_dir(), file)),
        // SAFETY: handed on as it came.
        || unsafe { libc::syscall(number, descriptor) },
        |(is_folder, file), _, tell| match is_folder {
            true => tell(&Call::FlushFolder { path: &file.path }),
            false => tell(&Call::Flush { file }),
        },
    );
    done as c_int
}

fn open_at(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let open = || {
        // SAFETY: handed on as it came.
        unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags, mode) }
    };
    let opened = seen(
        |watch| {
            let creates = flags & libc::O_CREAT != 0;
            watch.path(path).filter(|path| creates && !path.exists())
        },
        open,
        |path, _, tell| tell(&Call::Create { path }),
    );
    opened as c_int
}

fn two_paths(
    from: *const c_char,
    to: *const c_char,
    make: impl FnOnce() -> c_long,
    call: impl for<'a> Fn(&'a Path, &'a Path) -> Call<'a>,
) -> c_int {
    let done = seen(
        |watch| watch.path(from).zip(watch.path(to)),
        make,
        |(from, to), _, tell| tell(&call(from, to)),
    );
    done as c_int
}

// SAFETY of what follows: each has the signature of the function of the C library whose place it takes. `open` is variadic there;
// on Linux a third argument is passed alike.

#[unsafe(no_mangle)]
extern "C" fn write(descriptor: c_int, bytes: *const c_void, length: usize) -> isize {
    write_at(descriptor, bytes, length, None)
}

#[unsafe(no_mangle)]
extern "C" fn pwrite(descriptor: c_int, bytes: *const c_void, length: usize, at: i64) -> isize {
    write_at(descriptor, bytes, length, Some(at))
}

#[unsafe(no_mangle)]
extern "C" fn pwrite64(descriptor: c_int, bytes: *const c_void, length: usize, at: i64) -> isize {
    write_at(descriptor, bytes, length, Some(at))
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(descriptor: c_int, length: i64) -> c_int {
    truncate(descriptor, length)
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(descriptor: c_int, length: i64) -> c_int {
    truncate(descriptor, length)
}

#[unsafe(no_mangle)]
extern "C" fn fsync(descriptor: c_int) -> c_int {
    flush(descriptor, libc::SYS_fsync)
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    flush(descriptor, libc::SYS_fdatasync)
}

#[unsafe(no_mangle)]
extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    open_at(path, flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    open_at(path, flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: handed on as it came.
    let make = || unsafe { libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) };
    two_paths(from, to, make, |from, to| Call::Rename { from, to })
}

#[unsafe(no_mangle)]
extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    linkat(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0)
}

#[unsafe(no_mangle)]
extern "C" fn linkat(old: c_int, from: *const c_char, new: c_int, to: *const c_char, flags: c_int) -> c_int {
    // SAFETY: handed on as it came.
    let make = || unsafe { libc::syscall(libc::SYS_linkat, old, from, new, to, flags) };
    two_paths(from, to, make, |from, to| Call::Link { from, to })
}

#[unsafe(no_mangle)]
extern "C" fn unlink(path: *const c_char) -> c_int {
    let done = seen(
        |watch| watch.path(path),
        // SAFETY: handed on as it came.
        || unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) },
        |path, _, tell| tell(&Call::Remove { path }),
    );
    done as c_int
}

#[unsafe(no_mangle)]
extern "C" fn mkdir(path: *const c_char, mode: c_uint) -> c_int {
    let done = seen(
        |watch| watch.path(path),
        // SAFETY: handed on as it came.
        || unsafe { libc::syscall(libc::SYS_mkdirat, libc::AT_FDCWD, path, mode) },
        |path, _, tell| tell(&Call::MakeFolder { path }),
    );
    done as c_int
}
