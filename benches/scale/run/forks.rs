//! A session that is forked often, and forks of forks.

use super::content::{COMMON, OF_THE_INDEX, Writer};
use super::report::{Axis, Line};
use super::store::{
    append, create, fill, grow as grow_store, median, median_of_many, open, open_without_cache, search, window,
};
use std::path::Path;
use std::time::Instant;
use turnkeep::model::{Durability, Filter, ListOptions, NewSession};
use turnkeep::{Session, Store};

/// What is said before the first fork.
const SHARED: u64 = 100;

const MEASURED: usize = 60;

const BEHIND_FORKS: &str = "a session knows the fork before it, and so on: a row is read for each";

fn named(id: String) -> NewSession {
    NewSession {
        id: Some(id),
        ..NewSession::default()
    }
}

fn fork(session: &Session) -> Session {
    session.fork(None, NewSession::default()).unwrap()
}

/// Every size has an origin of its own, which is deleted at the end.
pub(crate) fn of_one(folder: &Path, sizes: &[u64]) -> Axis {
    let mut axis = Axis::new("forks of one session", sizes);
    for size in sizes {
        eprintln!("{size} forks ...");
        let (origin, of_origin) = (format!("origin of {size}"), |number: u64| {
            format!("fork {number} of {size}")
        });
        grow_store(folder, |store| {
            let session = create(store, &origin);
            fill(&session, &mut Writer::new(), SHARED);
            for number in 0..*size {
                let fork = session.fork(None, named(of_origin(number))).unwrap();
                append(&fork, Durability::Deferred);
            }
        });
        let store = open(folder);
        let session = store.open_session(&origin).unwrap();
        let new: Vec<String> = (0..=MEASURED).map(|round| format!("new {round} of {size}")).collect();
        axis.add(
            Line::new("fork"),
            median(MEASURED, |round| {
                drop(session.fork(None, named(new[round].clone())).unwrap())
            }),
        );
        in_use(&session, &mut axis);
        let its_forks = ListOptions {
            filter: Filter {
                parent_id: Some(origin.clone()),
                ..Filter::default()
            },
            ..ListOptions::default()
        };
        axis.add(
            Line::new("page of 50 of its forks"),
            median(40, |_| {
                assert!(!store.list_sessions(&its_forks).unwrap().sessions.is_empty())
            }),
        );
        axis.add(
            Line::new("all of its forks, for each"),
            median(5, |_| assert!(session.forks().unwrap().len() as u64 > *size)) / *size as f64,
        );
        axis.add(
            Line::new("the tree, for each"),
            median(5, |_| assert!(session.tree().unwrap().len() as u64 > *size)) / *size as f64,
        );
        axis.add(
            Line::new("newest 20 of a common word").because(OF_THE_INDEX),
            median(20, |_| assert!(search(&store, COMMON) > 0)),
        );
        axis.add(
            Line::new("delete a fork"),
            median(MEASURED, |round| store.delete_session(&new[round]).unwrap()),
        );
        drop((session, store));
        after_a_miss(folder, &[of_origin(size / 2), of_origin(size - 1)], &mut axis);
        axis.add(
            Line::new("delete the origin, for each fork"),
            deleted(folder, &origin) / *size as f64,
        );
    }
    axis
}

/// A fork of a fork of a fork, each with two messages of its own.
pub(crate) fn of_forks(folder: &Path, sizes: &[u64]) -> Axis {
    let mut axis = Axis::new("forks behind each other", sizes);
    for size in sizes {
        eprintln!("{size} forks behind each other ...");
        let link = |which: &str, number: u64| format!("{which} {number} of {size}");
        grow_store(folder, |store| {
            ["one", "other"]
                .iter()
                .for_each(|which| chain(store, *size, &|number| link(which, number)))
        });
        let store = open(folder);
        let session = store.open_session(&link("one", *size)).unwrap();
        axis.add(Line::new("fork"), median(MEASURED, |_| drop(fork(&session))));
        in_use(&session, &mut axis);
        axis.add(
            Line::new("its ancestors, for each"),
            median(5, |_| assert_eq!(session.ancestors().unwrap().len() as u64, *size)) / *size as f64,
        );
        drop((session, store));
        after_a_miss(folder, &[link("one", *size), link("other", *size)], &mut axis);
        axis.add(
            Line::new("delete the one in the middle"),
            deleted(folder, &link("one", size / 2)),
        );
    }
    axis
}

fn chain(store: &Store, size: u64, id: &dyn Fn(u64) -> String) {
    let mut writer = Writer::new();
    let mut session = create(store, id(0));
    fill(&session, &mut writer, SHARED);
    for number in 1..=size {
        session = session.fork(None, named(id(number))).unwrap();
        fill(&session, &mut writer, 2);
    }
}

fn in_use(session: &Session, axis: &mut Axis) {
    axis.add(
        Line::new("append, OS"),
        median(300, |_| append(session, Durability::Os)),
    );
    axis.add(
        Line::new("append, DISK"),
        median(60, |_| append(session, Durability::Disk)),
    );
    axis.add(Line::new("cached window"), median_of_many(50, 200, || window(session)));
}

fn after_a_miss(folder: &Path, ids: &[String; 2], axis: &mut Axis) {
    let store = open_without_cache(folder);
    let sessions = ids.each_ref().map(|id| store.open_session(id).unwrap());
    axis.add(
        Line::new("window after a miss").because(BEHIND_FORKS),
        median(60, |round| window(&sessions[round % 2])),
    );
}

fn deleted(folder: &Path, id: &str) -> f64 {
    let store = open(folder);
    let begin = Instant::now();
    store.delete_session(id).unwrap();
    begin.elapsed().as_secs_f64() * 1e6
}
