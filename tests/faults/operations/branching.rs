//! Forks, rewinds and what is made of them.

use super::{OF_TALK, session, told};
use crate::harness::Operation;
use crate::support::{assistant, user};
use turnkeep::error::Result;
use turnkeep::model::{AppendOptions, NewMessage, NewSession};
use turnkeep::store::{Branched, Branching};

fn branched(branched: Branched) -> Result<String> {
    let id = branched.session.as_ref().map(|session| session.id().to_owned());
    told((id, branched.receipt, branched.revision, branched.removed))
}

fn new_answer() -> Vec<NewMessage> {
    vec![user("a better question"), assistant("a better answer")]
}

pub(crate) fn branching() -> Vec<Operation> {
    vec![
        Operation {
            name: "fork",
            covers: &["fork", "Fork"],
            says: "fork session 'talk': ",
            run: |world| {
                let fork = NewSession {
                    messages: new_answer(),
                    ..session("branch")
                };
                told(world.talk().fork(Some(7), fork)?.id())
            },
            ..OF_TALK
        },
        Operation {
            name: "rewind",
            covers: &["rewind", "Rewind"],
            says: "rewind session 'talk': ",
            run: |world| branched(world.talk().rewind(3, None)?),
            ..OF_TALK
        },
        Operation {
            name: "replace",
            covers: &["replace"],
            says: "replace messages of session 'talk': ",
            run: |world| branched(world.talk().replace(4, new_answer(), Branching::Rewind(None))?),
            ..OF_TALK
        },
        Operation {
            name: "replace in a fork",
            covers: &["replace"],
            says: "replace messages of session 'talk': ",
            run: |world| {
                let fork = Branching::Fork(Box::new(session("branch")));
                branched(world.talk().replace(4, new_answer(), fork)?)
            },
            ..OF_TALK
        },
        Operation {
            name: "regenerate",
            covers: &["regenerate"],
            says: "regenerate an answer of session 'talk': ",
            run: |world| branched(world.talk().regenerate(3, Branching::Rewind(None))?),
            ..OF_TALK
        },
        Operation {
            name: "adopt",
            covers: &["adopt"],
            says: "adopt messages into session 'talk': ",
            run: |world| {
                let other = world.store().open_session("other");
                let other = other.map_err(|error| error.during("adopt messages into session 'talk'"))?;
                told(world.talk().adopt(&other, 1, 3, AppendOptions::default())?)
            },
            ..OF_TALK
        },
    ]
}
