//! Which process this is, counted in forks from the one that loaded the library: what a store was opened in, only that process
//! may use.
//!
//! A child has its parent's memory, but neither its threads nor its locks on files. So a store knows the process that opened
//! it, and what the child inherits is refused, and never taken apart: there is nobody left who could finish what another
//! thread was doing to it at the moment of the fork.

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

static PROCESS: AtomicU64 = AtomicU64::new(1);

/// Taken for reading by whoever holds a lock that belongs to no store, and for writing by whoever forks: so no child finds
/// such a lock held.
static CALM: RwLock<()> = RwLock::new(());

thread_local! {
    static FORKING: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// The number of this process.
#[inline]
pub(crate) fn process() -> u64 {
    PROCESS.load(Ordering::Relaxed)
}

/// No fork happens while this is held. For a moment, around one lock, with nothing called inside that asks for it again.
pub(crate) fn calm() -> RwLockReadGuard<'static, ()> {
    CALM.read()
}

/// Before a fork, on the thread that forks.
pub(crate) fn begin() {
    let _thread_is_ending = FORKING.try_with(|forking| forking.replace(Some(CALM.write())));
}

/// After a fork, on the same thread, in the parent and in the child.
pub(crate) fn end(in_child: bool) {
    if in_child {
        PROCESS.fetch_add(1, Ordering::Relaxed);
    }
    let _thread_is_ending = FORKING.try_with(|forking| drop(forking.take()));
}

/// Lets go of something, but in a child of the process that made it keeps it for good.
pub(crate) fn keep_in_child<T: ?Sized>(made_in: u64, kept: &Arc<T>) {
    if made_in != process() {
        std::mem::forget(Arc::clone(kept));
    }
}
