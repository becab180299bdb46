//! Appends, and the flush of what they wrote.

use super::{OF_TALK, PLAIN, told};
use crate::harness::Operation;
use crate::support::{assistant, user};
use crate::world::at;
use turnkeep::context::WindowOptions;
use turnkeep::model::{AppendOptions, Durability, Exchange};

pub(crate) fn appending() -> Vec<Operation> {
    let append = Operation {
        name: "append",
        covers: &["append", "Append"],
        says: "append to session 'talk': ",
        run: |world| {
            told(
                world
                    .talk()
                    .append(vec![user("a new question")], AppendOptions::default())?,
            )
        },
        ..OF_TALK
    };
    vec![
        Operation {
            name: "append at level OS",
            run: |world| told(world.talk().append(vec![user("a new question")], at(Durability::Os))?),
            ..append
        },
        Operation {
            name: "append a batch with a key",
            run: |world| {
                let messages = (0..40).map(|number| match number % 2 {
                    0 => user(&format!("question {number} of many {}", "y".repeat(600))),
                    _ => assistant("an answer of many"),
                });
                let options = AppendOptions {
                    idempotency_key: Some("many".into()),
                    ..AppendOptions::default()
                };
                told(world.talk().append(messages.collect(), options)?)
            },
            ..append
        },
        Operation {
            name: "append where memory knows the session",
            before: |world| {
                world.open_talk();
                world.talk().window(&WindowOptions::default()).unwrap();
            },
            ..append
        },
        append,
        Operation {
            name: "append an exchange",
            covers: &["append_exchange"],
            says: "append an exchange to session 'talk': ",
            run: |world| {
                let exchange = Exchange {
                    input: "a question".into(),
                    answer: "its answer".into(),
                    ..Exchange::default()
                };
                told(world.talk().append_exchange(exchange, AppendOptions::default())?)
            },
            ..OF_TALK
        },
        Operation {
            name: "flush",
            covers: &["flush"],
            says: "flush store '",
            before: |world| {
                world.open_talk();
                world
                    .talk()
                    .append(vec![user("a kept question")], at(Durability::Os))
                    .unwrap();
            },
            run: |world| world.store().flush().map(|()| String::new()),
            ..PLAIN
        },
    ]
}
