//! The messages of a session in memory: an append-only run of views that never move.
//!
//! The only `unsafe` outside the C boundary and SQLite. [`AppendOnly`] is the whole trick: an array of fixed capacity whose
//! filled part is published by a length and never written again, so that readers hold slices of it while its one writer
//! goes on. A [`Body`] is that writer; a [`Run`] is what readers share. When a run is full the body copies its views (not
//! the texts) into one of twice the size; those who hold the old one keep it alive.

use super::view::{MessageDetails, MessageView, Text};
use crate::context::Entry;
use crate::model::{MessageFlags, MessageRef, Place, Role};
use crate::sync::Mutex;
use std::mem::MaybeUninit;
use std::ops::Range;

#[cfg(loom)]
use loom::cell::UnsafeCell;
#[cfg(loom)]
use loom::sync::Arc;
#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};
#[cfg(not(loom))]
use std::cell::UnsafeCell;
#[cfg(not(loom))]
use std::sync::Arc;
#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

/// The texts of a session's first messages go into a piece of this size; each further piece is twice as large.
#[cfg(not(loom))]
const FIRST_TEXT_BYTES: usize = 1 << 10;
const MOST_TEXT_BYTES: usize = 1 << 18;
#[cfg(not(loom))]
const FIRST_VIEWS: usize = 8;
/// Loom follows each slot: with few of them it comes to growth and to an end.
#[cfg(loom)]
const FIRST_TEXT_BYTES: usize = 4;
#[cfg(loom)]
const FIRST_VIEWS: usize = 1;
/// More is not asked for on the word of a number alone.
const MOST_FIRST_VIEWS: usize = 1 << 14;
const FIRST_DETAILS: usize = 4;

/// An array that only grows, up to a fixed capacity: one writer, any number of readers, no locks.
struct AppendOnly<T> {
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    len: AtomicUsize,
}

// SAFETY: slots below `len` are only read, from any thread; slots from `len` on are only touched by the one writer that
// `extend` demands; `len` is published with Release after the slots below it were written, and read with Acquire.
unsafe impl<T: Copy + Send + Sync> Sync for AppendOnly<T> {}
// SAFETY: it owns its values, which may be sent.
unsafe impl<T: Copy + Send> Send for AppendOnly<T> {}

impl<T: Copy> AppendOnly<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            slots: (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
            len: AtomicUsize::new(0),
        }
    }

    fn capacity(&self) -> usize {
        self.slots.len()
    }

    fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Appends values and returns where they begin; `None`, and nothing appended, if they do not fit.
    ///
    /// # Safety
    /// No other call of `extend` on the same array may run at the same time.
    unsafe fn extend(&self, values: &[T]) -> Option<usize> {
        let begin = self.own_len();
        let end = begin.checked_add(values.len())?;
        let slots = self.slots.get(begin..end)?;
        for (slot, value) in slots.iter().zip(values) {
            write(slot, *value);
        }
        self.len.store(end, Ordering::Release);
        Some(begin)
    }

    /// What is filled so far.
    #[cfg(not(loom))]
    fn filled(&self) -> &[T] {
        let len = self.len();
        // SAFETY: the slots below `len` are initialised and never written again; UnsafeCell and MaybeUninit have the
        // layout of what is in them.
        unsafe { std::slice::from_raw_parts(self.slots.as_ptr().cast::<T>(), len) }
    }

    /// The length as its one writer knows it.
    #[cfg(not(loom))]
    fn own_len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Loom weighs a store against the last look at the same place only. Were that the writer's own, a reader's would be
    /// forgotten, and no order tried but the first.
    #[cfg(loom)]
    fn own_len(&self) -> usize {
        // SAFETY: only the one writer stores.
        unsafe { self.len.unsync_load() }
    }

    /// Copies what is filled into an array that nobody else has yet.
    #[cfg(not(loom))]
    fn copy_to(&self, other: &Self) {
        // SAFETY: nobody else has the other array.
        let _copied = unsafe { other.extend(self.filled()) };
    }

    #[cfg(loom)]
    fn copy_to(&self, other: &Self) {
        let values: Vec<T> = (0..self.len()).filter_map(|index| self.get(index)).collect();
        // SAFETY: nobody else has the other array.
        let _copied = unsafe { other.extend(&values) };
    }

    #[cfg(loom)]
    fn get(&self, index: usize) -> Option<T> {
        let slot = self.slots.get(index).filter(|_| index < self.len())?;
        // SAFETY: the slots below `len` are initialised and never written again.
        Some(slot.with(|value| unsafe { (*value).assume_init() }))
    }
}

#[cfg(not(loom))]
fn write<T>(slot: &UnsafeCell<MaybeUninit<T>>, value: T) {
    // SAFETY: only `extend` calls this, for slots that no reader can see yet.
    unsafe { slot.get().write(MaybeUninit::new(value)) };
}

#[cfg(loom)]
fn write<T>(slot: &UnsafeCell<MaybeUninit<T>>, value: T) {
    // SAFETY: only `extend` calls this, for slots that no reader can see yet.
    slot.with_mut(|slot| unsafe { slot.write(MaybeUninit::new(value)) });
}

/// Memory that views point into, only ever held.
#[derive(Clone)]
enum Piece {
    Text { _bytes: Arc<AppendOnly<u8>> },
    Details { _fields: Arc<AppendOnly<MessageDetails>> },
}

impl Piece {
    fn text(bytes: &Arc<AppendOnly<u8>>) -> Self {
        Self::Text {
            _bytes: Arc::clone(bytes),
        }
    }

    fn details(fields: &Arc<AppendOnly<MessageDetails>>) -> Self {
        Self::Details {
            _fields: Arc::clone(fields),
        }
    }
}

/// Messages in a row, for readers.
pub(crate) struct Run {
    views: AppendOnly<MessageView>,
    /// What the views point into: kept for as long as the run is.
    memory: Mutex<Vec<Piece>>,
}

// SAFETY: the views' pointers lead into the pieces of `memory`, which live as long as the run and whose filled parts never
// change.
unsafe impl Sync for Run {}
// SAFETY: as above.
unsafe impl Send for Run {}
// SAFETY: a details' pointers lead into pieces that the same run keeps.
unsafe impl Sync for MessageDetails {}
// SAFETY: as above.
unsafe impl Send for MessageDetails {}
// SAFETY: a view is plain data; whoever dereferences its pointers holds the run that they lead into.
unsafe impl Sync for MessageView {}
// SAFETY: as above.
unsafe impl Send for MessageView {}

#[cfg(not(loom))]
impl Run {
    /// The messages so far.
    pub(crate) fn views(&self) -> &[MessageView] {
        self.views.filled()
    }

    /// Some of the messages; empty if the range is not there.
    pub(crate) fn slice(&self, range: Range<usize>) -> &[MessageView] {
        self.views().get(range).unwrap_or_default()
    }

    /// The same, to be read without pointers. What was appended as absent is absent, and so is what was empty.
    pub(crate) fn messages(&self, range: Range<usize>) -> impl Iterator<Item = MessageRef<'_>> {
        // SAFETY: the views are this run's, which is borrowed for as long as what is read of them.
        self.slice(range).iter().map(|view| unsafe { view.read() })
    }
}

/// The one writer of a run.
pub(crate) struct Body {
    run: Arc<Run>,
    text: Arc<AppendOnly<u8>>,
    details: Option<Arc<AppendOnly<MessageDetails>>>,
    bytes: usize,
}

impl Body {
    pub(crate) fn new() -> Self {
        Self::for_messages(0)
    }

    /// A body that is about to take in so many messages at once.
    pub(crate) fn for_messages(count: usize) -> Self {
        let text = Arc::new(AppendOnly::with_capacity(FIRST_TEXT_BYTES));
        let capacity = count.min(MOST_FIRST_VIEWS).next_power_of_two().max(FIRST_VIEWS);
        let views = AppendOnly::with_capacity(capacity);
        Self {
            bytes: FIRST_TEXT_BYTES + capacity * size_of::<MessageView>(),
            run: Arc::new(Run {
                views,
                memory: Mutex::new(vec![Piece::text(&text)]),
            }),
            text,
            details: None,
        }
    }

    /// What readers share; another one after a message for which there was no room.
    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// The memory that it has asked for.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a message in, at the end.
    pub(crate) fn push(&mut self, message: &MessageRef<'_>) {
        let view = MessageView {
            content: self.keep_text(message.content),
            created_us: message.created,
            total_tokens: message.place.total_tokens,
            details: self.keep_details(message),
            seq: u64::from(message.place.seq),
            turn: message.place.turn,
            tokens: message.tokens,
            role: message.role as i32,
            flags: message.flags.0,
        };
        // SAFETY: only a body appends to its own run, and it is borrowed mutably.
        if unsafe { self.run.views.extend(&[view]) }.is_none() {
            self.grow();
            // SAFETY: as above; the new run has room.
            let _placed = unsafe { self.run.views.extend(&[view]) };
        }
    }

    fn grow(&mut self) {
        let capacity = self.run.views.capacity() * 2;
        let views = AppendOnly::with_capacity(capacity);
        self.run.views.copy_to(&views);
        self.bytes += (capacity - self.run.views.capacity()) * size_of::<MessageView>();
        let memory = self.run.memory.lock().clone();
        self.run = Arc::new(Run {
            views,
            memory: Mutex::new(memory),
        });
    }

    fn keep_text(&mut self, text: &str) -> Text {
        let needed = text.len() + 1;
        if self.text.capacity() - self.text.len() < needed {
            let next = (self.text.capacity() * 2).min(MOST_TEXT_BYTES).max(needed);
            self.text = Arc::new(AppendOnly::with_capacity(next));
            self.bytes += next;
            self.run.memory.lock().push(Piece::text(&self.text));
        }
        // SAFETY: only a body appends to its own texts, and it is borrowed mutably.
        let begin = unsafe { self.text.extend(text.as_bytes()) }.unwrap_or_default();
        // SAFETY: as above.
        let _nul = unsafe { self.text.extend(&[0]) };
        Text {
            data: self.text.slots.as_ptr().wrapping_add(begin).cast(),
            len: text.len(),
        }
    }

    fn keep_optional(&mut self, text: Option<&str>) -> Text {
        text.map_or(Text::EMPTY, |text| self.keep_text(text))
    }

    fn keep_details(&mut self, message: &MessageRef<'_>) -> *const MessageDetails {
        let fields = [
            message.tool_calls,
            message.tool_call_id,
            message.model,
            message.metadata,
        ];
        if fields.iter().all(Option::is_none) {
            return std::ptr::null();
        }
        let details = MessageDetails {
            tool_calls: self.keep_optional(message.tool_calls),
            tool_call_id: self.keep_optional(message.tool_call_id),
            model: self.keep_optional(message.model),
            metadata: self.keep_optional(message.metadata),
        };
        let room = match &self.details {
            Some(room) if room.len() < room.capacity() => Arc::clone(room),
            full => {
                let capacity = full
                    .as_ref()
                    .map_or(FIRST_DETAILS, |room| (room.capacity() * 2).min(1 << 10));
                let room = Arc::new(AppendOnly::with_capacity(capacity));
                self.bytes += capacity * size_of::<MessageDetails>();
                self.run.memory.lock().push(Piece::details(&room));
                self.details = Some(Arc::clone(&room));
                room
            }
        };
        // SAFETY: only a body appends to its own details, and it is borrowed mutably.
        let place = unsafe { room.extend(&[details]) }.unwrap_or_default();
        room.slots.as_ptr().wrapping_add(place).cast()
    }
}

#[cfg(not(loom))]
impl MessageView {
    /// What the window planner needs of it.
    pub(crate) fn entry(&self) -> Entry {
        Entry {
            seq: self.seq as u32,
            // A view's role was made from one.
            role: Role::from_number(self.role).unwrap_or(Role::System),
            tokens: self.tokens,
            turn: self.turn,
            pinned: MessageFlags(self.flags).contains(MessageFlags::PINNED),
        }
    }

    /// The message with its texts.
    ///
    /// # Safety
    /// The run that the view was borrowed from must be held for as long as the result.
    unsafe fn read<'a>(&self) -> MessageRef<'a> {
        // SAFETY: a text is UTF-8 that lives as long as its run.
        let text = |text: Text| unsafe {
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(text.data.cast::<u8>(), text.len))
        };
        // SAFETY: details that are not NULL live as long as their run.
        let details = unsafe { self.details.as_ref() };
        let optional = |field: fn(&MessageDetails) -> Text| {
            details
                .map(|details| text(field(details)))
                .filter(|text| !text.is_empty())
        };
        MessageRef {
            place: Place {
                seq: self.seq as u32,
                total_tokens: self.total_tokens,
                turn: self.turn,
            },
            role: self.entry().role,
            flags: MessageFlags(self.flags),
            tokens: self.tokens,
            created: self.created_us,
            content: text(self.content),
            tool_calls: optional(|details| details.tool_calls),
            tool_call_id: optional(|details| details.tool_call_id),
            model: optional(|details| details.model),
            metadata: optional(|details| details.metadata),
        }
    }

    /// Whether two messages would be the same in a prompt, byte for byte.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        let same_details = match (self.details.is_null(), other.details.is_null()) {
            (true, true) => true,
            // SAFETY: details that are not NULL live as long as the run that the view was borrowed from.
            (false, false) => unsafe { (*self.details).reads_like(&*other.details) },
            _ => false,
        };
        self.seq == other.seq && self.role == other.role && same_text(self.content, other.content) && same_details
    }
}

#[cfg(not(loom))]
impl MessageDetails {
    fn reads_like(&self, other: &Self) -> bool {
        same_text(self.tool_calls, other.tool_calls) && same_text(self.tool_call_id, other.tool_call_id)
    }
}

#[cfg(not(loom))]
fn same_text(one: Text, other: Text) -> bool {
    one.len == other.len
        && (one.data == other.data || {
            // SAFETY: a text's bytes live as long as the run that its view was borrowed from.
            let bytes = |text: Text| unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) };
            bytes(one) == bytes(other)
        })
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod loom_tests;
