//! A session that grows by messages.

use super::content::{COMMON, OF_THE_INDEX, ONCE, RARE, Writer};
use super::report::{Axis, Line};
use super::store::{
    append, create, fill, grow as grow_store, median, median_of, median_of_many, open, open_without_cache, opening,
    page, search, window,
};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use turnkeep::context::WindowOptions;
use turnkeep::model::{Durability, NewSession, Sort};

fn named(id: &str) -> NewSession {
    NewSession {
        id: Some(id.to_owned()),
        ..NewSession::default()
    }
}

const LONG: &str = "long";
const SHORT: &str = "short";

pub(crate) fn grow(folder: &Path, sizes: &[u64]) -> Axis {
    let mut axis = Axis::new("messages of one session", sizes);
    let mut writer = Writer::new();
    let mut there = 0;
    grow_store(folder, |store| {
        create(store, LONG);
        fill(&create(store, SHORT), &mut Writer::new(), 10);
    });
    for size in sizes {
        eprintln!("{size} messages ...");
        let to_delete = format!("to delete at {size}");
        grow_store(folder, |store| {
            let session = store.open_session(LONG).unwrap();
            fill(&session, &mut writer, *size - there);
            // As of a session that was talked in: a note of where its window was cut.
            window(&session);
            append(&session, Durability::Os);
            // The largest is deleted itself.
            if size != sizes.last().unwrap() {
                fill(&create(store, &to_delete), &mut Writer::new(), *size);
            }
        });
        there = *size + 1;
        measure(folder, &mut axis);
        let victim = if size == sizes.last().unwrap() {
            LONG
        } else {
            &to_delete
        };
        let store = open(folder);
        let begin = Instant::now();
        store.delete_session(victim).unwrap();
        axis.add(
            Line::new("delete it").because("takes every message and its words out"),
            begin.elapsed().as_secs_f64() * 1e6,
        );
    }
    axis
}

fn measure(folder: &Path, axis: &mut Axis) {
    axis.add(Line::new("open the store"), opening(folder));
    let store = open(folder);
    let session = store.open_session(LONG).unwrap();
    axis.add(
        Line::new("append, OS"),
        median(300, |_| append(&session, Durability::Os)),
    );
    axis.add(
        Line::new("append, DISK"),
        median(60, |_| append(&session, Durability::Disk)),
    );
    axis.add(Line::new("cached window"), median_of_many(50, 200, || window(&session)));
    let forks: Vec<String> = (0..=100).map(|round| format!("fork {round}")).collect();
    axis.add(
        Line::new("fork"),
        median(100, |round| drop(session.fork(None, named(&forks[round])).unwrap())),
    );
    for fork in forks.iter().filter(|fork| store.session_exists(fork).unwrap()) {
        store.delete_session(fork).unwrap();
    }
    axis.add(
        Line::new("append, rewind, and the window after that"),
        median(60, |_| {
            let head = session.describe().unwrap().message_count;
            append(&session, Durability::Os);
            session.rewind(head, None).unwrap();
            window(&session);
        }),
    );
    axis.add(
        Line::new("page of 50 by creation"),
        median(40, |_| assert!(page(&store, Sort::Created) > 0)),
    );
    for (what, word) in [("common", COMMON), ("rare", RARE), ("single", ONCE)] {
        axis.add(
            Line::new(format!("newest 20 of a {what} word")).because(OF_THE_INDEX),
            median(40, |_| assert!(search(&store, word) > 0)),
        );
    }
    drop(session);
    drop(store);
    from_the_file(folder, axis);
}

fn from_the_file(folder: &Path, axis: &mut Axis) {
    let store = open_without_cache(folder);
    let (long, short) = (store.open_session(LONG).unwrap(), store.open_session(SHORT).unwrap());
    axis.add(
        Line::new("window after a miss"),
        median_of(60, |_| {
            window(&short);
            let begin = Instant::now();
            window(&long);
            begin.elapsed()
        }),
    );
    let count = long.describe().unwrap().message_count;
    axis.add(
        Line::new("50 messages from the middle"),
        median(40, |_| {
            assert!(
                !black_box(long.range(count / 2, count / 2 + 49).unwrap())
                    .views()
                    .is_empty()
            );
        }),
    );
    axis.add(
        Line::new("first window by other rules")
            .because("where it is cut depends on every message: the planner reads them all, once"),
        median(3, |round| {
            let options = WindowOptions {
                max_tokens: 4_000 + round as u64,
                ..WindowOptions::default()
            };
            assert!(!black_box(long.window(&options).unwrap()).is_empty());
        }),
    );
}
