//! Everything that looks over all sessions.

use super::{PLAIN, ids, told};
use crate::dump::hits;
use crate::harness::Operation;
use crate::support::user;
use crate::world::at;
use turnkeep::model::{Durability, Filter, ListOptions};

pub(crate) fn finding() -> Vec<Operation> {
    vec![
        Operation {
            name: "list",
            covers: &["list_sessions"],
            says: "list sessions: ",
            run: |world| {
                let options = ListOptions {
                    filter: Filter {
                        all_tags: vec!["red".into()],
                        text: Some("notes".into()),
                        ..Filter::default()
                    },
                    ..ListOptions::default()
                };
                ids(world.store().list_sessions(&options)?.sessions)
            },
            ..PLAIN
        },
        Operation {
            name: "candidates",
            covers: &["candidates"],
            says: "look for session 't': ",
            run: |world| told(world.store().candidates("t", 10)?),
            ..PLAIN
        },
        Operation {
            name: "count",
            covers: &["count_sessions"],
            says: "count sessions: ",
            run: |world| told(world.store().count_sessions(&Filter::default())?),
            ..PLAIN
        },
        Operation {
            name: "search with texts to index",
            covers: &["search"],
            says: "search",
            before: |world| {
                world.open_talk();
                let messages = (0..20).map(|number| user(&format!("question {number} to index")));
                world.talk().append(messages.collect(), at(Durability::Os)).unwrap();
            },
            run: |world| hits(world.store(), "question", Filter::default()),
            ..PLAIN
        },
        Operation {
            name: "events",
            covers: &["events_after"],
            says: "",
            run: |world| told(world.store().events_after(0, 100)?.events.len()),
            ..PLAIN
        },
        Operation {
            name: "metrics",
            covers: &["metrics"],
            says: "",
            run: |world| {
                let totals = world.store().metrics()?.totals;
                told((totals.active_sessions, totals.messages, totals.tokens, totals.bytes))
            },
            ..PLAIN
        },
        Operation {
            name: "activity",
            covers: &["activity"],
            says: "",
            run: |world| {
                let activity = world.store().activity(0, 1 << 60)?;
                told(activity.iter().map(|span| span.messages).sum::<u64>())
            },
            ..PLAIN
        },
    ]
}
