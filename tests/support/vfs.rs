//! A VFS under the store that shows a test every call which SQLite makes to a file, and lets it fail any of them.
//!
//! It stands in front of the VFS "unix" and, for exclusive stores, of "unix-excl", once per process; without an observer it
//! hands everything on. An observer sees the files of one folder, so that tests in one process do not see each other's.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part, as a module of its own")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, RwLock};

/// What SQLite asks of a file, or of the folder that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    Open,
    Close,
    Delete,
    Access,
    Read,
    Write,
    Truncate,
    Sync,
    Size,
    Lock,
    Unlock,
    CheckLock,
    Control,
    ShmMap,
    ShmLock,
    ShmUnlock,
    ShmBarrier,
    ShmUnmap,
}

/// Which file of a store, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum File {
    Main,
    Wal,
    Journal,
    /// A file without a name, which SQLite makes for itself.
    Other,
}

impl File {
    pub fn of(path: &Path) -> Self {
        let name = path.as_os_str().as_bytes();
        match name {
            [] => File::Other,
            _ if name.ends_with(b"-wal") => File::Wal,
            _ if name.ends_with(b"-journal") => File::Journal,
            _ => File::Main,
        }
    }
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub op: Op,
    pub file: File,
    /// As SQLite knows it: absolute, links resolved; empty for a file without a name.
    pub path: &'a Path,
    /// Where it reads or writes, to what length it truncates, which shared lock or region it is about.
    pub offset: i64,
    /// How many bytes, or shared locks.
    pub len: usize,
    /// What else SQLite said: the flags of an opening, a flush or a shared lock, the level of a lock, the number of a control,
    /// whether a deletion flushes the folder.
    pub flags: c_int,
    /// What is written or, after it, what was read.
    pub bytes: Option<&'a [u8]>,
}

/// What is to become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is handed on.
    Go,
    /// It is not done, and SQLite is told so by this code.
    Fail(c_int),
    /// It is done, and SQLite is told by this code that it is not.
    GoAndFail(c_int),
    /// The first bytes are written, the others not, and SQLite is told this code. For writes.
    ShortWrite(usize, c_int),
}

/// Who looks at calls. Any thread calls him, several at once; he may end the process, and must not call SQLite.
pub trait Observer: Send + Sync {
    /// Before a call is handed on.
    fn before(&self, call: &Call) -> Verdict;

    /// After a call, with what SQLite is told.
    fn after(&self, _call: &Call, _code: c_int) {}
}

/// As long as it is held, the observer sees the calls.
#[must_use]
pub struct Installed(Arc<dyn Observer>);

impl Drop for Installed {
    fn drop(&mut self) {
        let mut observers = OBSERVERS.write().unwrap();
        observers.retain(|(_, observer)| !Arc::ptr_eq(observer, &self.0));
        COUNT.store(observers.len(), Ordering::Release);
    }
}

static OBSERVERS: RwLock<Vec<(PathBuf, Arc<dyn Observer>)>> = RwLock::new(Vec::new());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Has an observer see the calls to all files below a folder; below an empty path, to all files of the process, those without a
/// name, too. Connections that were open before this process first called this, or `register`, are not seen.
pub fn install(folder: &Path, observer: Arc<dyn Observer>) -> Installed {
    register();
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut observers = OBSERVERS.write().unwrap();
    observers.push((folder, Arc::clone(&observer)));
    COUNT.store(observers.len(), Ordering::Release);
    Installed(observer)
}

/// Puts the VFS in front of SQLite's own, once per process: for connections that are to be seen later.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (name, is_default) in [(c"unix", 1), (c"unix-excl", 0)] {
            // SAFETY: the name ends in a NUL; SQLite's own VFS are there for ever.
            let inner = unsafe { ffi::sqlite3_vfs_find(name.as_ptr()) };
            assert!(!inner.is_null(), "no VFS {name:?}");
            // SAFETY: it was just found.
            let mut shim = unsafe { *inner };
            // Everything that is not named here is handed on as it is: SQLite's own VFS do not look which VFS they are for that.
            shim.szOsFile += size_of::<Shim>() as c_int;
            shim.pNext = ptr::null_mut();
            shim.pAppData = inner.cast();
            shim.xOpen = Some(open);
            shim.xDelete = Some(delete);
            shim.xAccess = Some(access);
            let shim = Box::leak(Box::new(shim));
            // SAFETY: it is complete and lives for ever. Of two with one name SQLite finds the one that was registered later.
            assert_eq!(unsafe { ffi::sqlite3_vfs_register(shim, is_default) }, ffi::SQLITE_OK);
            // SAFETY: as above.
            assert!(ptr::eq(unsafe { ffi::sqlite3_vfs_find(name.as_ptr()) }, shim));
        }
    });
}

fn observer_of(path: &Path) -> Option<Arc<dyn Observer>> {
    if COUNT.load(Ordering::Acquire) == 0 {
        return None;
    }
    let observers = OBSERVERS.read().unwrap();
    let found = observers.iter().rev().find(|(folder, _)| path.starts_with(folder));
    found.map(|(_, observer)| Arc::clone(observer))
}

/// Asks the observer, does the call or not, and tells him. `short` writes the beginning of what is to be written.
fn watched(call: &Call, go: impl FnOnce() -> c_int, short: impl FnOnce(usize)) -> c_int {
    let Some(observer) = observer_of(call.path) else {
        return go();
    };
    let code = match observer.before(call) {
        Verdict::Go => go(),
        Verdict::Fail(code) => code,
        Verdict::GoAndFail(code) => {
            let _done = go();
            code
        }
        Verdict::ShortWrite(len, code) => {
            short(len);
            code
        }
    };
    observer.after(call, code);
    code
}

fn nothing(_: usize) {}

/// What SQLite takes for a file: behind it lies the file of the VFS below.
#[repr(C)]
struct Shim {
    base: sqlite3_file,
    /// NULL where the opening failed.
    path: *mut PathBuf,
}

/// The file of the VFS below.
fn below(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: `szOsFile` asks for both, one behind the other.
    unsafe { file.cast::<Shim>().add(1).cast() }
}

/// What the VFS below does with its file.
fn methods(file: *mut sqlite3_file) -> &'static sqlite3_io_methods {
    // SAFETY: the file is open, so it has methods; they are a static of SQLite.
    unsafe { &*(*below(file)).pMethods }
}

fn path_of<'a>(file: *mut sqlite3_file) -> &'a Path {
    // SAFETY: the file is open: its path lives until it is closed.
    unsafe { (*(*file.cast::<Shim>()).path).as_path() }
}

/// # Safety
///
/// `name` is NULL or ends in a NUL.
unsafe fn path_from(name: *const c_char) -> PathBuf {
    if name.is_null() {
        return PathBuf::new();
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

fn call_of(op: Op, path: &Path) -> Call<'_> {
    Call {
        op,
        file: File::of(path),
        path,
        offset: 0,
        len: 0,
        flags: 0,
        bytes: None,
    }
}

fn inner(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // SAFETY: SQLite passes the VFS that was registered above.
    unsafe { (*vfs).pAppData.cast() }
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: a name from SQLite.
    let path = unsafe { path_from(name) };
    // SAFETY: SQLite gives as much room as `szOsFile` says.
    unsafe {
        (*file).pMethods = ptr::null();
        (*below(file)).pMethods = ptr::null();
    }
    let call = Call {
        flags,
        ..call_of(Op::Open, &path)
    };
    let go = || {
        let inner = inner(vfs);
        // SAFETY: everything is as SQLite passed it, for the VFS below.
        unsafe { (*inner).xOpen.unwrap()(inner, name, below(file), flags, out_flags) }
    };
    let code = watched(&call, go, nothing);
    // SAFETY: as above; whoever opened it says how it is closed.
    unsafe {
        let methods = (*below(file)).pMethods;
        if code == ffi::SQLITE_OK {
            (*file.cast::<Shim>()).path = Box::into_raw(Box::new(path));
            (*file).pMethods = &METHODS;
        } else if !methods.is_null() {
            let _closed = (*methods).xClose.unwrap()(below(file));
        }
    }
    code
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, flush_folder: c_int) -> c_int {
    // SAFETY: a name from SQLite.
    let path = unsafe { path_from(name) };
    let call = Call {
        flags: flush_folder,
        ..call_of(Op::Delete, &path)
    };
    let inner = inner(vfs);
    // SAFETY: as SQLite passed it, for the VFS below.
    let go = || unsafe { (*inner).xDelete.unwrap()(inner, name, flush_folder) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn access(vfs: *mut sqlite3_vfs, name: *const c_char, flags: c_int, found: *mut c_int) -> c_int {
    // SAFETY: a name from SQLite.
    let path = unsafe { path_from(name) };
    let call = Call {
        flags,
        ..call_of(Op::Access, &path)
    };
    let inner = inner(vfs);
    // SAFETY: as SQLite passed it, for the VFS below.
    let go = || unsafe { (*inner).xAccess.unwrap()(inner, name, flags, found) };
    watched(&call, go, nothing)
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xClose.unwrap()(below(file)) };
    let code = watched(&call_of(Op::Close, path_of(file)), go, nothing);
    // SAFETY: `open` made it, and nobody uses the file after this.
    drop(unsafe { Box::from_raw((*file.cast::<Shim>()).path) });
    code
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, len: c_int, offset: sqlite3_int64) -> c_int {
    let call = Call {
        offset,
        len: len as usize,
        ..call_of(Op::Read, path_of(file))
    };
    let Some(observer) = observer_of(call.path) else {
        // SAFETY: as SQLite passed it, for the file below.
        return unsafe { methods(file).xRead.unwrap()(below(file), into, len, offset) };
    };
    let verdict = observer.before(&call);
    let code = match verdict {
        Verdict::Fail(code) => code,
        // SAFETY: as above.
        _ => unsafe { methods(file).xRead.unwrap()(below(file), into, len, offset) },
    };
    let code = match verdict {
        Verdict::GoAndFail(code) => code,
        _ => code,
    };
    // SAFETY: the VFS below has filled it.
    let bytes = (code == ffi::SQLITE_OK).then(|| unsafe { std::slice::from_raw_parts(into.cast(), len as usize) });
    observer.after(&Call { bytes, ..call }, code);
    code
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, len: c_int, offset: sqlite3_int64) -> c_int {
    let call = Call {
        offset,
        len: len as usize,
        // SAFETY: SQLite passes so many bytes.
        bytes: Some(unsafe { std::slice::from_raw_parts(from.cast(), len as usize) }),
        ..call_of(Op::Write, path_of(file))
    };
    // SAFETY: as SQLite passed it, or less of it, for the file below.
    let go = |len| unsafe { methods(file).xWrite.unwrap()(below(file), from, len, offset) };
    let short = |bytes: usize| {
        let _done = go(bytes.min(len as usize) as c_int);
    };
    watched(&call, || go(len), short)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    let call = Call {
        offset: size,
        ..call_of(Op::Truncate, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xTruncate.unwrap()(below(file), size) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let call = Call {
        flags,
        ..call_of(Op::Sync, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xSync.unwrap()(below(file), flags) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xFileSize.unwrap()(below(file), size) };
    watched(&call_of(Op::Size, path_of(file)), go, nothing)
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    let call = Call {
        flags: level,
        ..call_of(Op::Lock, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xLock.unwrap()(below(file), level) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    let call = Call {
        flags: level,
        ..call_of(Op::Unlock, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xUnlock.unwrap()(below(file), level) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn check_lock(file: *mut sqlite3_file, found: *mut c_int) -> c_int {
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xCheckReservedLock.unwrap()(below(file), found) };
    watched(&call_of(Op::CheckLock, path_of(file)), go, nothing)
}

unsafe extern "C" fn control(file: *mut sqlite3_file, op: c_int, argument: *mut c_void) -> c_int {
    let call = Call {
        flags: op,
        ..call_of(Op::Control, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xFileControl.unwrap()(below(file), op, argument) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as SQLite passed it, for the file below.
    unsafe { methods(file).xSectorSize.unwrap()(below(file)) }
}

unsafe extern "C" fn characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as SQLite passed it, for the file below.
    unsafe { methods(file).xDeviceCharacteristics.unwrap()(below(file)) }
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    len: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let call = Call {
        offset: region.into(),
        len: len as usize,
        flags: extend,
        ..call_of(Op::ShmMap, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xShmMap.unwrap()(below(file), region, len, extend, out) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    let op = if flags & ffi::SQLITE_SHM_UNLOCK == 0 {
        Op::ShmLock
    } else {
        Op::ShmUnlock
    };
    let call = Call {
        offset: offset.into(),
        len: count as usize,
        flags,
        ..call_of(op, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xShmLock.unwrap()(below(file), offset, count, flags) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    let go = || {
        // SAFETY: as SQLite passed it, for the file below.
        unsafe { methods(file).xShmBarrier.unwrap()(below(file)) };
        ffi::SQLITE_OK
    };
    watched(&call_of(Op::ShmBarrier, path_of(file)), go, nothing);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, deletes: c_int) -> c_int {
    let call = Call {
        flags: deletes,
        ..call_of(Op::ShmUnmap, path_of(file))
    };
    // SAFETY: as SQLite passed it, for the file below.
    let go = || unsafe { methods(file).xShmUnmap.unwrap()(below(file), deletes) };
    watched(&call, go, nothing)
}

unsafe extern "C" fn fetch(
    file: *mut sqlite3_file,
    offset: sqlite3_int64,
    len: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: as SQLite passed it, for the file below.
    unsafe { methods(file).xFetch.unwrap()(below(file), offset, len, out) }
}

unsafe extern "C" fn unfetch(file: *mut sqlite3_file, offset: sqlite3_int64, page: *mut c_void) -> c_int {
    // SAFETY: as SQLite passed it, for the file below.
    unsafe { methods(file).xUnfetch.unwrap()(below(file), offset, page) }
}
