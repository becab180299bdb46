//! Everything that reads a session.

use super::{OF_TALK, PLAIN, ids, told};
use crate::dump::{line, timeless};
use crate::harness::Operation;
use turnkeep::context::WindowOptions;

pub(crate) fn reading() -> Vec<Operation> {
    vec![
        Operation {
            name: "open a session",
            covers: &["open_session"],
            says: "open session 'talk': ",
            run: |world| told(world.store().open_session("talk")?.id()),
            ..PLAIN
        },
        Operation {
            name: "ask whether there is a session",
            covers: &["session_exists"],
            says: "look for session 'talk': ",
            run: |world| told(world.store().session_exists("talk")?),
            ..PLAIN
        },
        Operation {
            name: "resume",
            covers: &["resume_session"],
            says: "",
            run: |world| {
                let resumed = world.store().resume_session("talk", &WindowOptions::default())?;
                let lines: Vec<String> = resumed.window.messages().map(|message| line(&message)).collect();
                told((lines, resumed.last.views().len()))
            },
            ..PLAIN
        },
        Operation {
            name: "window, cold",
            covers: &["window"],
            says: "",
            run: |world| {
                let window = world.talk().window(&WindowOptions::default())?;
                told(window.messages().map(|message| line(&message)).collect::<Vec<_>>())
            },
            ..OF_TALK
        },
        Operation {
            name: "history",
            covers: &["range"],
            says: "read session 'talk': ",
            run: |world| {
                let messages = world.talk().range(1, u64::MAX)?;
                told(messages.iter().map(|message| line(&message)).collect::<Vec<_>>())
            },
            ..OF_TALK
        },
        Operation {
            name: "a range in the middle",
            covers: &["range", "message"],
            says: "read session 'talk': ",
            run: |world| {
                let messages = world.talk().range(3, 5)?;
                let one = world.talk().message(2)?;
                let all = messages.iter().chain(one.iter());
                told(all.map(|message| line(&message)).collect::<Vec<_>>())
            },
            ..OF_TALK
        },
        Operation {
            name: "the last messages",
            covers: &["last"],
            says: "read session 'talk': ",
            run: |world| {
                let messages = world.talk().last(3)?;
                told(messages.iter().map(|message| line(&message)).collect::<Vec<_>>())
            },
            ..OF_TALK
        },
        Operation {
            name: "describe",
            covers: &["describe"],
            says: "describe session 'talk': ",
            run: |world| told(timeless(world.talk().describe()?)),
            ..OF_TALK
        },
        Operation {
            name: "turns",
            covers: &["turns", "last_turns"],
            says: "read turns of session 'talk': ",
            run: |world| {
                let turns = world.talk().turns(1, 3)?.into_iter().chain(world.talk().last_turns(2)?);
                told(
                    turns
                        .map(|turn| (turn.number, turn.first_seq, turn.last_seq))
                        .collect::<Vec<_>>(),
                )
            },
            ..OF_TALK
        },
        Operation {
            name: "context as text",
            covers: &["context_text"],
            says: "write the context of session 'talk': ",
            run: |world| world.talk().context_text(3, None),
            ..OF_TALK
        },
        Operation {
            name: "compare",
            covers: &["compare"],
            says: "",
            run: |world| told(world.talk().compare(&world.store().open_session("fork")?)?),
            ..OF_TALK
        },
        Operation {
            name: "family",
            covers: &["forks", "ancestors", "tree"],
            says: "list the ",
            run: |world| {
                let talk = world.talk();
                Ok(ids(talk.forks()?)? + &ids(talk.ancestors()?)? + &ids(talk.tree()?)?)
            },
            ..OF_TALK
        },
    ]
}
