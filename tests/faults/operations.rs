//! Every operation of a store, group by group.

use crate::dump::{dump, hits, line, timeless};
use crate::harness::{Failed, Operation};
use crate::world::{Setting, World, assistant, at, open_at, user};
use std::fmt::Debug;
use turnkeep::Store;
use turnkeep::context::WindowOptions;
use turnkeep::error::Result;
use turnkeep::model::{
    AppendOptions, BulkAction, Durability, Exchange, Filter, ListOptions, NewMessage, NewSession, SessionChanges,
    SessionInfo,
};
use turnkeep::store::{BackupOptions, Branched, Branching, ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::Format;

fn nothing(_: &mut World) {}

fn nothing_left(_: &World) -> String {
    String::new()
}

fn with_talk(world: &mut World) {
    world.open_talk();
}

/// What most operations are like.
const PLAIN: Operation = Operation {
    name: "",
    covers: &[],
    setting: Setting::Shared,
    says: "",
    before: nothing,
    run: |_| Ok(String::new()),
    left: nothing_left,
    failed: Failed::Unchanged,
};

const OF_TALK: Operation = Operation {
    before: with_talk,
    ..PLAIN
};

fn told<T: Debug>(what: T) -> Result<String> {
    Ok(format!("{what:?}"))
}

fn session(id: &str) -> NewSession {
    NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    }
}

fn only(id: &str) -> Filter {
    Filter {
        parent_id: Some(id.into()),
        ..Filter::default()
    }
}

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

fn ids(sessions: Vec<SessionInfo>) -> Result<String> {
    let sessions: Vec<SessionInfo> = sessions.into_iter().map(timeless).collect();
    told(sessions)
}

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

fn backed_up(world: &World) -> String {
    let copy = open_at(world.place("copy.db").as_ref(), false).unwrap();
    let said = dump(&copy).unwrap();
    copy.close().unwrap();
    for end in ["-wal", "-shm"] {
        let _not_there = std::fs::remove_file(world.place(&format!("copy.db{end}")));
    }
    said
}

pub(crate) fn copying() -> Vec<Operation> {
    vec![
        Operation {
            name: "back up",
            covers: &["backup"],
            says: "back up store '",
            run: |world| {
                let target = world.place("copy.db");
                let options = BackupOptions {
                    overwrite: false,
                    progress: None,
                };
                world.store().backup(&target, options).map(|()| String::new())
            },
            left: backed_up,
            ..PLAIN
        },
        Operation {
            name: "back up over an older one",
            covers: &["backup"],
            says: "back up store '",
            before: |world| {
                let older = open_at(world.place("copy.db").as_ref(), false).unwrap();
                drop(older.create_session(session("an older one")).unwrap());
                older.close().unwrap();
            },
            run: |world| {
                let target = world.place("copy.db");
                let options = BackupOptions {
                    overwrite: true,
                    progress: None,
                };
                world.store().backup(&target, options).map(|()| String::new())
            },
            left: backed_up,
            ..PLAIN
        },
        Operation {
            name: "export",
            covers: &["export_to_file", "export"],
            says: "export sessions to '",
            run: |world| {
                let options = ExportOptions {
                    format: Format::Turnkeep,
                    selection: Selection::All,
                    progress: None,
                };
                let report = world.store().export_to_file(&world.place("out.jsonl"), options)?;
                told((report.sessions, report.messages))
            },
            left: |world| {
                let store = Store::open(":memory:", turnkeep::StoreOptions::default()).unwrap();
                store
                    .import(&world.place("out.jsonl"), ImportOptions::default())
                    .unwrap();
                dump(&store).unwrap()
            },
            ..PLAIN
        },
        Operation {
            name: "import",
            covers: &["import", "Import", "Settle"],
            says: "import '",
            run: |world| {
                let report = world
                    .store()
                    .import(&world.place("in.jsonl"), ImportOptions::default())?;
                told((report.sessions, report.messages, report.problems))
            },
            ..PLAIN
        },
    ]
}

pub(crate) fn upkeep() -> Vec<Operation> {
    vec![
        Operation {
            name: "check",
            covers: &["check"],
            says: "check store '",
            run: |world| told(world.store().check()?.problems),
            ..PLAIN
        },
        Operation {
            name: "vacuum",
            covers: &["vacuum"],
            says: "vacuum store '",
            run: |world| told(world.store().vacuum()?),
            failed: Failed::Resumed,
            ..PLAIN
        },
        Operation {
            name: "optimize",
            covers: &["optimize"],
            says: "optimize store '",
            run: |world| told(world.store().optimize()?),
            failed: Failed::Resumed,
            ..PLAIN
        },
        Operation {
            name: "sizes",
            covers: &["sizes"],
            says: "measure store '",
            run: |world| told(world.store().sizes()?.messages),
            ..PLAIN
        },
        Operation {
            name: "erase",
            covers: &["erase_session", "Delete"],
            says: "erase session 'talk': ",
            run: |world| {
                let report = world.store().erase_session("talk")?;
                told(report)
            },
            failed: Failed::Resumed,
            ..PLAIN
        },
    ]
}

/// What has a test of its own: it takes unreadable pages for what it is there for.
pub(crate) const SALVAGE: &str = "salvage";

/// What does nothing to a file that could fail.
pub(crate) const WITHOUT_FILES: &[&str] = &[
    "open_config",
    "subscribe",
    "unsubscribe",
    "reset_metrics",
    "location",
    "id",
    "file_name",
];
