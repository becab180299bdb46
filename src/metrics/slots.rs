//! A number for each thread, which no other thread has while it lives: where it counts alone.

use crate::fork;
use parking_lot::Mutex;
use std::cell::Cell;

/// So many threads at once have a slot of their own.
pub(super) const SLOTS: usize = 64;

/// The slot of all the others, who count there together.
pub(super) const SHARED: usize = SLOTS;

const NOT_YET: usize = usize::MAX;

struct Slots {
    never_given: usize,
    given_back: Vec<usize>,
}

/// For all stores: a thread has one number.
static ALL: Mutex<Slots> = Mutex::new(Slots {
    never_given: 0,
    given_back: Vec::new(),
});

thread_local! {
    /// Without a destructor, so that asking for it is a load.
    static MINE: Cell<usize> = const { Cell::new(NOT_YET) };
    static AT_THE_END: GiveBack = const { GiveBack };
}

/// This thread's slot.
#[inline]
pub(super) fn mine() -> usize {
    match MINE.get() {
        NOT_YET => take(),
        slot => slot,
    }
}

#[cold]
fn take() -> usize {
    // A thread that is ending takes none, since it could not give it back.
    let slot = AT_THE_END
        .try_with(|_| {
            let _calm = fork::calm();
            ALL.lock().take()
        })
        .unwrap_or(SHARED);
    MINE.set(slot);
    slot
}

impl Slots {
    fn take(&mut self) -> usize {
        if let Some(slot) = self.given_back.pop() {
            return slot;
        }
        if self.never_given == SLOTS {
            return SHARED;
        }
        self.never_given += 1;
        self.never_given - 1
    }
}

/// Gives the slot back when the thread ends. The lock hands what was counted there to the next one.
struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        let slot = MINE.replace(SHARED);
        if slot < SLOTS {
            let _calm = fork::calm();
            ALL.lock().given_back.push(slot);
        }
    }
}
