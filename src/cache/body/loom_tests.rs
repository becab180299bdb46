//! What readers see of a body, in every order of their steps and its writer's (`scripts/test.sh loom`).

use super::*;
use loom::sync::RwLock;
use loom::thread;
use std::collections::BTreeSet;

/// What was seen in some order of the steps. A model that tries too few orders proves nothing, so each test says what
/// there is to be seen.
#[derive(Clone, Default)]
struct Seen(std::sync::Arc<std::sync::Mutex<BTreeSet<usize>>>);

impl Seen {
    fn note(&self, what: usize) {
        self.0.lock().unwrap().insert(what);
    }

    fn expect<const N: usize>(&self, all: [usize; N]) {
        assert_eq!(*self.0.lock().unwrap(), BTreeSet::from(all));
    }
}

#[test]
fn loom_a_reader_sees_only_what_was_wholly_written() {
    let seen = Seen::default();
    let noted = seen.clone();
    loom::model(move || {
        let array = Arc::new(AppendOnly::<u32>::with_capacity(4));
        let writer = {
            let array = Arc::clone(&array);
            thread::spawn(move || {
                // SAFETY: this thread is the only writer.
                unsafe {
                    array.extend(&[1]);
                    array.extend(&[2, 3]);
                }
            })
        };
        let len = array.len();
        noted.note(len);
        for index in 0..len {
            assert_eq!(array.get(index), Some(index as u32 + 1));
        }
        writer.join().unwrap();
        assert_eq!(array.len(), 3);
    });
    seen.expect([0, 1, 3]);
}

#[test]
fn loom_a_full_array_is_left_as_it_is() {
    loom::model(|| {
        let array = AppendOnly::<u32>::with_capacity(2);
        // SAFETY: there is one thread.
        unsafe {
            assert_eq!(array.extend(&[1, 2]), Some(0));
            assert_eq!(array.extend(&[3]), None);
        }
        assert_eq!(array.len(), 2);
    });
}

fn message(seq: u32, content: &str) -> MessageRef<'_> {
    MessageRef {
        place: Place {
            seq,
            total_tokens: u64::from(seq),
            turn: 0,
        },
        role: Role::User,
        flags: MessageFlags::default(),
        tokens: 1,
        created: 0,
        content,
        tool_calls: None,
        tool_call_id: None,
        model: None,
        metadata: Some("m"),
    }
}

/// The value at an address, read as C reads it: nothing is asked first, so that loom sees whether it was published.
fn at<T: Copy, U>(piece: &AppendOnly<T>, address: *const U) -> Option<(usize, T)> {
    let bytes = (address as usize).checked_sub(piece.slots.as_ptr() as usize)?;
    let index = bytes / size_of::<UnsafeCell<MaybeUninit<T>>>();
    let slot = piece.slots.get(index)?;
    // SAFETY: a view that was published leads here, so the slot was filled before.
    Some((index, slot.with(|value| unsafe { (*value).assume_init() })))
}

/// The text that stands at an address, with its NUL, out of the pieces that a run holds.
fn text_of(pieces: &[Piece], text: Text) -> String {
    let found = pieces.iter().find_map(|piece| match piece {
        Piece::Text { _bytes: bytes } => at(bytes, text.data).map(|(begin, _)| (bytes, begin)),
        Piece::Details { .. } => None,
    });
    let (bytes, begin) = found.unwrap();
    let byte = |index: usize| at(bytes, &raw const bytes.slots[begin + index]).unwrap().1;
    assert_eq!(byte(text.len), 0);
    (0..text.len).map(|index| char::from(byte(index))).collect()
}

/// What a caller reads of a window: each message with its text and the rarer fields. `texts[n]` is message n + 1.
fn expect_messages(run: &Run, len: usize, texts: &[&str]) {
    assert!(len <= texts.len());
    for (index, text) in texts.iter().enumerate().take(len) {
        let view = run.views.get(index).unwrap();
        let pieces = run.memory.lock();
        assert_eq!((view.seq, view.total_tokens), (index as u64 + 1, index as u64 + 1));
        assert_eq!(text_of(&pieces, view.content), *text);
        let details = pieces.iter().find_map(|piece| match piece {
            Piece::Details { _fields: fields } => at(fields, view.details),
            Piece::Text { .. } => None,
        });
        assert_eq!(text_of(&pieces, details.unwrap().1.metadata), "m");
    }
}

/// A body in the cache, as those who read windows and those who commit find it; `None` is evicted.
type Cached = Arc<RwLock<Option<Body>>>;

fn body_of(texts: &[&str]) -> Body {
    let mut body = Body::new();
    for (index, text) in texts.iter().enumerate() {
        body.push(&message(index as u32 + 1, text));
    }
    body
}

/// A window: what is there now, held without any lock.
fn window(cached: &Cached) -> Option<(Arc<Run>, usize)> {
    let cached = cached.read().unwrap();
    let run = cached.as_ref().map(|body| Arc::clone(body.run()))?;
    let len = run.views.len();
    Some((run, len))
}

fn bounded(preemptions: usize) -> loom::model::Builder {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model
}

/// A run has room for one message here, so each of these appends replaces it by one of twice the size, and the second
/// takes a new piece for its text.
#[test]
fn loom_who_holds_a_full_run_reads_on_while_a_larger_one_takes_its_place() {
    const TEXTS: [&str; 3] = ["a", "bcdefg", "h"];
    let (first, second) = (Seen::default(), Seen::default());
    let (noted_first, noted_second) = (first.clone(), second.clone());
    bounded(3).check(move || {
        let cached: Cached = Arc::new(RwLock::new(Some(body_of(&TEXTS[..1]))));
        let writer = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || {
                for (index, text) in TEXTS.iter().enumerate().skip(1) {
                    let mut cached = cached.write().unwrap();
                    cached.as_mut().unwrap().push(&message(index as u32 + 1, text));
                }
            })
        };
        let (held, len) = window(&cached).unwrap();
        expect_messages(&held, len, &TEXTS);
        let (later, grown) = window(&cached).unwrap();
        assert!(grown >= len);
        expect_messages(&later, grown, &TEXTS);
        noted_first.note(len);
        noted_second.note(grown);
        writer.join().unwrap();
        expect_messages(&held, len, &TEXTS);
        assert_eq!(window(&cached).unwrap().1, 3);
    });
    first.expect([1, 2, 3]);
    second.expect([1, 2, 3]);
}

/// Readers of one run while its writer goes on appending to that same run: no lock between them.
#[test]
fn loom_a_held_run_is_read_while_its_writer_fills_it() {
    const TEXTS: [&str; 4] = ["a", "b", "c", "d"];
    let seen = Seen::default();
    let noted = seen.clone();
    bounded(3).check(move || {
        let noted = noted.clone();
        let mut body = body_of(&TEXTS[..3]);
        let held = Arc::clone(body.run());
        assert_eq!(held.views.capacity(), 4);
        let reader = thread::spawn(move || {
            let len = held.views.len();
            noted.note(len);
            expect_messages(&held, len, &TEXTS);
        });
        body.push(&message(4, TEXTS[3]));
        reader.join().unwrap();
        expect_messages(body.run(), 4, &TEXTS);
    });
    seen.expect([3, 4]);
}

/// Another thread evicts the body, and a third reads the session anew, while a window of the old one is held.
#[test]
fn loom_a_window_outlives_the_eviction_and_the_replacement_of_its_body() {
    const OLD: [&str; 2] = ["a", "b"];
    const NEW: [&str; 2] = ["x", "y"];
    const EVICTED: usize = 0;
    const IS_OLD: usize = 1;
    const IS_NEW: usize = 2;
    let seen = Seen::default();
    let noted = seen.clone();
    bounded(2).check(move || {
        let cached: Cached = Arc::new(RwLock::new(Some(body_of(&OLD))));
        let evictor = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || drop(cached.write().unwrap().take()))
        };
        let loader = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || *cached.write().unwrap() = Some(body_of(&NEW)))
        };
        let found = window(&cached).map_or(EVICTED, |(run, len)| {
            assert_eq!(len, 2);
            let first = text_of(&run.memory.lock(), run.views.get(0).unwrap().content);
            let (found, texts) = if first == OLD[0] {
                (IS_OLD, &OLD)
            } else {
                (IS_NEW, &NEW)
            };
            expect_messages(&run, len, texts);
            found
        });
        noted.note(found);
        evictor.join().unwrap();
        loader.join().unwrap();
    });
    seen.expect([EVICTED, IS_OLD, IS_NEW]);
}
