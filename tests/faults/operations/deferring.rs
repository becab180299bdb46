//! Appends that are deferred, and what writes them.

use super::{PLAIN, told, with_talk};
use crate::harness::{Failed, Operation};
use crate::support::user;
use crate::world::{Setting, World, at};
use turnkeep::error::Result;
use turnkeep::model::Durability;

fn defer(world: &mut World) {
    world.open_talk();
    for number in 1..4 {
        defer_one(world, number).unwrap();
    }
}

fn defer_one(world: &World, number: u64) -> Result<String> {
    let message = vec![user(&format!("deferred question {number}"))];
    told(world.talk().append(message, at(Durability::Deferred))?.last_seq)
}

/// What was lost is told by flush, before anything else is changed; then it is appended anew.
fn defer_up_to(world: &World, last: u64) -> Result<String> {
    if let Err(told) = world.store().flush() {
        assert!(told.message().contains("lost"), "{told}");
    }
    let first = world.talk().describe()?.message_count - MESSAGES_OF_TALK + 1;
    for number in first..=last {
        defer_one(world, number)?;
    }
    world.store().flush()?;
    Ok(String::new())
}

const MESSAGES_OF_TALK: u64 = 14;

pub(crate) fn deferring() -> Vec<Operation> {
    let deferred = Operation {
        setting: Setting::Exclusive,
        before: defer,
        failed: Failed::Told(|world| defer_up_to(world, 3)),
        ..PLAIN
    };
    vec![
        Operation {
            name: "append deferred",
            covers: &["append"],
            setting: Setting::Exclusive,
            says: "append to session 'talk': ",
            before: with_talk,
            run: |world| defer_one(world, 1),
            ..PLAIN
        },
        Operation {
            name: "append deferred behind others",
            says: "append to session 'talk': ",
            before: |world| {
                world.open_talk();
                defer_one(world, 1).unwrap();
                defer_one(world, 2).unwrap();
            },
            run: |world| {
                defer_one(world, 3)?;
                Ok(String::new())
            },
            ..deferred
        },
        Operation {
            name: "flush what is deferred",
            covers: &["flush"],
            says: "flush store '",
            run: |world| world.store().flush().map(|()| String::new()),
            ..deferred
        },
        Operation {
            name: "append to disk behind what is deferred",
            says: "append to session 'talk': ",
            run: |world| {
                world
                    .talk()
                    .append(vec![user("deferred question 4")], at(Durability::Disk))?;
                Ok(String::new())
            },
            failed: Failed::Told(|world| defer_up_to(world, 4)),
            ..deferred
        },
        Operation {
            name: "close with what is deferred",
            covers: &["close"],
            says: "close store '",
            run: |world| world.store().close().map(|()| String::new()),
            failed: Failed::ClosedAndTold(|world| {
                world.open_talk();
                defer_up_to(world, 3)
            }),
            ..deferred
        },
    ]
}
