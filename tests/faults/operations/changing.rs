//! Everything that changes sessions, but for appends and branches.

use super::{OF_TALK, PLAIN, session, told};
use crate::harness::Operation;
use crate::support::user;
use turnkeep::model::{BulkAction, Filter, NewSession, SessionChanges};

fn only(id: &str) -> Filter {
    Filter {
        parent_id: Some(id.into()),
        ..Filter::default()
    }
}

pub(crate) fn changing() -> Vec<Operation> {
    vec![
        Operation {
            name: "create a session",
            covers: &["create_session", "Create"],
            says: "create session 'new': ",
            run: |world| {
                let new = NewSession {
                    like: Some("talk".into()),
                    tags: vec!["green".into()],
                    messages: vec![user("a first question")],
                    ..session("new")
                };
                told(world.store().create_session(new)?.id())
            },
            ..PLAIN
        },
        Operation {
            name: "update with tags",
            covers: &["update", "Update"],
            says: "update session 'talk': ",
            run: |world| {
                told(world.talk().update(SessionChanges {
                    title: Some("Other notes".into()),
                    metadata_patch: Some(r#"{"more":2}"#.into()),
                    add_tags: vec!["green".into()],
                    remove_tags: vec!["red".into()],
                    ..SessionChanges::default()
                })?)
            },
            ..OF_TALK
        },
        Operation {
            name: "archive",
            covers: &["archive"],
            says: "update session 'talk': ",
            run: |world| told(world.talk().archive()?),
            ..OF_TALK
        },
        Operation {
            name: "trash",
            covers: &["trash"],
            says: "update session 'talk': ",
            run: |world| told(world.talk().trash()?),
            ..OF_TALK
        },
        Operation {
            name: "restore",
            covers: &["restore"],
            says: "update session 'talk': ",
            before: |world| {
                world.open_talk();
                world.talk().trash().unwrap();
            },
            run: |world| told(world.talk().restore()?),
            ..OF_TALK
        },
        Operation {
            name: "tag many",
            covers: &["change_sessions", "Bulk"],
            says: "change sessions: ",
            run: |world| {
                let action = BulkAction::AddTag("green".into());
                told(world.store().change_sessions(&Filter::default(), action)?)
            },
            ..PLAIN
        },
        Operation {
            name: "delete many",
            covers: &["change_sessions", "Bulk"],
            says: "change sessions: ",
            run: |world| told(world.store().change_sessions(&only("talk"), BulkAction::Delete)?),
            ..PLAIN
        },
        Operation {
            name: "clear",
            covers: &["clear", "Clear"],
            says: "clear session 'talk': ",
            run: |world| told(world.talk().clear(None)?),
            ..OF_TALK
        },
        Operation {
            name: "truncate",
            covers: &["truncate", "Truncate"],
            says: "truncate session 'talk': ",
            run: |world| {
                let truncated = world.talk().truncate(Some(3), None, None)?;
                told((truncated.removed, truncated.revision))
            },
            ..OF_TALK
        },
        Operation {
            name: "delete",
            covers: &["delete_session", "Delete"],
            says: "delete session 'talk': ",
            run: |world| told(world.store().delete_session("talk")?),
            ..PLAIN
        },
        Operation {
            name: "clean up",
            covers: &["cleanup", "Cleanup"],
            says: "clean up: ",
            run: |world| told(world.store().cleanup()?),
            ..PLAIN
        },
    ]
}
