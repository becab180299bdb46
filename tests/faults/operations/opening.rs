//! Opening, migrating and closing.

use super::PLAIN;
use crate::harness::{Failed, Operation};
use crate::support::user;
use crate::world::{Setting, at};
use turnkeep::model::Durability;

pub(crate) fn opening() -> Vec<Operation> {
    let open = |name, setting| Operation {
        name,
        covers: &["open"],
        setting,
        says: "open store '",
        run: |world| world.open().map(|()| String::new()),
        ..PLAIN
    };
    vec![
        open("open a new store", Setting::Nothing),
        open("open a store", Setting::Closed),
        open("open a store exclusively", Setting::ClosedExclusive),
        open("open a store with a log to recover", Setting::Killed),
        open("open and migrate from schema 1", Setting::Schema(1)),
        open("open and migrate from schema 2", Setting::Schema(2)),
        Operation {
            name: "close",
            covers: &["close"],
            says: "close store '",
            before: |world| {
                world.open_talk();
                world
                    .talk()
                    .append(vec![user("a kept question")], at(Durability::Os))
                    .unwrap();
            },
            run: |world| world.store().close().map(|()| String::new()),
            failed: Failed::Closed,
            ..PLAIN
        },
    ]
}
