//! A store that grows by sessions.

use super::content::{COMMON, OF_THE_INDEX, ONCE, RARE, Writer};
use super::report::{Axis, Line};
use super::store::{
    append, create, grow as grow_store, median, median_of_many, messages, open, open_without_cache, opening, page,
    search, window,
};
use std::path::Path;
use turnkeep::Store;
use turnkeep::model::{Durability, Filter, ListOptions, NewSession, Sort};

/// So many sessions belong to one user.
const OF_ONE_USER: u64 = 100;

pub(crate) fn id(number: u64) -> String {
    format!("session-{number:08}")
}

/// The session with this number: its title, its metadata, and a question with its answer.
fn new_session(number: u64, writer: &mut Writer) -> NewSession {
    NewSession {
        id: Some(id(number)),
        user_id: format!("user-{}", number / OF_ONE_USER),
        title: format!("What was said about number {number}"),
        model: "gemma-3-27b".to_owned(),
        metadata: Some(format!(
            r#"{{"project": {{"name": "turnkeep", "number": {}}}, "language": "en", "client": "desktop 4.2 on linux", "starred": false}}"#,
            number % 1_000
        )),
        messages: messages(writer, 2),
        ..NewSession::default()
    }
}

pub(crate) fn grow(folder: &Path, sizes: &[u64]) -> Axis {
    let mut axis = Axis::new("sessions in the store", sizes);
    let mut writer = Writer::new();
    let mut there = 0;
    for size in sizes {
        eprintln!("{size} sessions ...");
        grow_store(folder, |store| {
            (there..*size).for_each(|number| drop(store.create_session(new_session(number, &mut writer)).unwrap()));
        });
        there = *size;
        measure(folder, *size, &mut axis);
    }
    axis
}

/// A session that nobody asked for lately, another one each time.
fn anywhere(size: u64, round: usize) -> String {
    id((round as u64 + 1) * 7_919 % size)
}

fn measure(folder: &Path, size: u64, axis: &mut Axis) {
    axis.add(Line::new("open the store"), opening(folder));
    let store = open(folder);
    let session = create(&store, format!("measured at {size}"));
    axis.add(
        Line::new("append, OS"),
        median(300, |_| append(&session, Durability::Os)),
    );
    axis.add(
        Line::new("append, DISK"),
        median(60, |_| append(&session, Durability::Disk)),
    );
    axis.add(Line::new("cached window"), median_of_many(50, 200, || window(&session)));
    let new: Vec<String> = (0..=100).map(|round| format!("new {round} at {size}")).collect();
    axis.add(
        Line::new("create"),
        median(100, |round| drop(create(&store, &new[round]))),
    );
    axis.add(
        Line::new("fork"),
        median(100, |_| drop(session.fork(None, NewSession::default()).unwrap())),
    );
    axis.add(
        Line::new("delete one"),
        median(100, |round| store.delete_session(&new[round]).unwrap()),
    );
    lists(&store, size, axis);
    for (what, word) in [("common", COMMON), ("rare", RARE), ("single", ONCE)] {
        axis.add(
            Line::new(format!("newest 20 of a {what} word")).because(OF_THE_INDEX),
            median(40, |_| assert!(search(&store, word) > 0)),
        );
    }
    drop(session);
    drop(store);
    let store = open_without_cache(folder);
    axis.add(
        Line::new("window of another session each time")
            .because("each lies on pages of its own, which SQLite's cache of 2 MB no longer holds"),
        median(200, |round| {
            window(&store.open_session(&anywhere(size, round)).unwrap())
        }),
    );
    axis.add(
        Line::new("append, OS, another session each time")
            .because("the same, and each change writes pages of its own"),
        median(200, |round| {
            append(&store.open_session(&anywhere(size, round)).unwrap(), Durability::Os)
        }),
    );
}

fn lists(store: &Store, size: u64, axis: &mut Axis) {
    axis.add(
        Line::new("page of 50 by creation"),
        median(40, |_| assert!(page(store, Sort::Created) > 0)),
    );
    let of_user = ListOptions {
        filter: Filter {
            user_id: Some(format!("user-{}", size / 2 / OF_ONE_USER)),
            ..Filter::default()
        },
        sort: Sort::Updated,
        ..ListOptions::default()
    };
    axis.add(
        Line::new("page of 50 of one user by last change"),
        median(40, |_| {
            assert!(!store.list_sessions(&of_user).unwrap().sessions.is_empty())
        }),
    );
    let looks_at_all = "looks at every session; why is in design.md, \"What does a list cost?\"";
    axis.add(
        Line::new("page of 50 of all by last change").because(looks_at_all),
        median(7, |_| assert!(page(store, Sort::Updated) > 0)),
    );
    axis.add(
        Line::new("count of all").because(looks_at_all),
        median(7, |_| {
            assert!(store.count_sessions(&Filter::default()).unwrap() >= size)
        }),
    );
}
