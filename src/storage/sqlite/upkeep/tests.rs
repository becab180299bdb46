//! Maintenance where sessions share messages.

use super::*;
use crate::model::{MessageFlags, NewSession, ReadyMessage, Role};
use crate::storage::mutation::{Append, Clear, Create, Delete, Fork, Rewind, Truncate};
use crate::storage::sqlite::{SqliteOptions, salvage};
use crate::storage::{Mutation, Outcome, SessionKey, Storage};
use std::path::PathBuf;
use std::time::Duration;

struct Sample {
    storage: SqliteStorage,
    folder: tempfile::TempDir,
}

fn open(path: &std::path::Path) -> SqliteStorage {
    let options = SqliteOptions {
        event_log_rows: 0,
        busy_timeout: Duration::from_secs(5),
        readers: 2,
        exclusive: false,
        read_only: false,
        must_exist: false,
    };
    SqliteStorage::open(path.to_str().unwrap(), &options).unwrap()
}

fn message(content: &str) -> ReadyMessage {
    ReadyMessage {
        role: Role::User,
        flags: MessageFlags::default(),
        tokens: 3,
        created: 1,
        content: content.to_owned(),
        tool_calls: None,
        tool_call_id: None,
        model: None,
        metadata: None,
        packed: None,
    }
}

fn said(id: &str, count: usize) -> Vec<ReadyMessage> {
    (0..count)
        .map(|number| message(&format!("{id} says {number} {}", "word ".repeat(60))))
        .collect()
}

fn new(id: &str, messages: usize) -> Create {
    Create {
        id: id.to_owned(),
        session: NewSession {
            title: format!("title of {id}"),
            ..NewSession::default()
        },
        summary_tokens: 0,
        messages: said(id, messages),
        now: 1,
    }
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            storage: open(&folder.path().join("chat.db")),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn apply(&self, mutation: Mutation) -> Outcome {
        self.storage
            .apply(&[&mutation], Durability::Os, &mut || ())
            .remove(0)
            .unwrap()
            .outcome
    }

    fn create(&self, id: &str, messages: usize) -> SessionKey {
        match self.apply(Mutation::Create(new(id, messages))) {
            Outcome::Created(head) => head.key,
            other => panic!("{other:?}"),
        }
    }

    fn fork(&self, parent: SessionKey, at_seq: u32, id: &str, messages: usize) -> SessionKey {
        let fork = Fork {
            parent_id: "s".into(),
            expected_revision: None,
            parent,
            at_seq: Some(at_seq),
            create: new(id, messages),
        };
        match self.apply(Mutation::Fork(fork)) {
            Outcome::Forked(key, _) => key,
            other => panic!("{other:?}"),
        }
    }

    fn erase(&self, id: &str) -> (u64, u64) {
        let delete = Delete {
            id: id.to_owned(),
            erase: true,
            now: 1,
        };
        match self.apply(Mutation::Delete(delete)) {
            Outcome::Erased(erased) => {
                assert!(self.storage.finish_erasing().unwrap());
                (erased.messages_erased, erased.messages_kept)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn contents(storage: &SqliteStorage, id: &str) -> Vec<String> {
    let snapshot = storage.snapshot().unwrap();
    let key = snapshot.find(id).unwrap().unwrap();
    let head = snapshot.head(key).unwrap().unwrap();
    let mut contents = Vec::new();
    snapshot
        .messages(&head.path, 1..=head.place.seq, &mut |message| {
            contents.push(message.content.to_owned());
            Ok(())
        })
        .unwrap();
    assert_eq!(contents.len(), head.place.seq as usize);
    contents
}

#[track_caller]
fn expect_sound(storage: &SqliteStorage) {
    assert_eq!(storage.check().unwrap().problems.listed, [""; 0]);
}

/// Numbers that look random and are the same every time.
fn below(seed: &mut u64, most: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % most
}

#[test]
fn a_store_is_sound_after_every_change_to_sessions_that_share() {
    for mut seed in 0..4 {
        let sample = Sample::new();
        let mut sessions = vec![(sample.create("0", 5), "0".to_owned())];
        for step in 1..120 {
            let (key, id) = sessions[below(&mut seed, sessions.len() as u64) as usize].clone();
            let head = sample.storage.snapshot().unwrap().head(key).unwrap().unwrap().place.seq;
            let some_seq = below(&mut seed, u64::from(head) + 1) as u32;
            let name = step.to_string();
            match below(&mut seed, 10) {
                0..3 => sessions.push((sample.fork(key, some_seq, &name, below(&mut seed, 3) as usize), name)),
                3 => sessions.push((sample.create(&name, 3), name)),
                4 | 5 => {
                    let rewind = Rewind {
                        id: "s".into(),
                        key,
                        to_seq: some_seq,
                        messages: said(&name, below(&mut seed, 3) as usize),
                        expected_revision: None,
                        now: 2,
                    };
                    sample.apply(Mutation::Rewind(rewind));
                }
                6 if sessions.len() > 2 => {
                    let erase = below(&mut seed, 4) == 0;
                    if erase {
                        sample.erase(&id);
                    } else {
                        let delete = Delete {
                            id: id.clone(),
                            erase,
                            now: 2,
                        };
                        sample.apply(Mutation::Delete(delete));
                    }
                    sessions.retain(|(other, _)| *other != key);
                }
                7 => {
                    let truncate = Truncate {
                        id: "s".into(),
                        key,
                        most_messages: Some(3),
                        most_tokens: None,
                        expected_revision: None,
                        now: 2,
                    };
                    sample.apply(Mutation::Truncate(truncate));
                }
                8 if below(&mut seed, 3) == 0 => {
                    let clear = Clear {
                        id: "s".into(),
                        key,
                        expected_revision: None,
                        now: 2,
                    };
                    sample.apply(Mutation::Clear(clear));
                }
                _ => {
                    let append = Append {
                        id: "s".into(),
                        key,
                        messages: said(&name, 1 + below(&mut seed, 4) as usize),
                        options: Default::default(),
                        memo: None,
                        now: 2,
                    };
                    sample.apply(Mutation::Append(append));
                }
            }
            if step % 10 == 0 {
                expect_sound(&sample.storage);
            }
        }
        expect_sound(&sample.storage);
        salvaged_as_it_was(&sample, &sessions);
    }
}

fn salvaged_as_it_was(sample: &Sample, sessions: &[(SessionKey, String)]) {
    let before: Vec<_> = sessions.iter().map(|(_, id)| contents(&sample.storage, id)).collect();
    let rows = sample.storage.check().unwrap().messages;
    sample.storage.close().unwrap();
    let target = sample.path("salvaged.db");
    let report = salvage(sample.path("chat.db").to_str().unwrap(), target.to_str().unwrap()).unwrap();
    assert_eq!(report.problems.listed, [""; 0]);
    assert_eq!(
        (report.sessions, report.messages),
        (sessions.len() as u64, rows),
        "what is shared stays shared"
    );
    let salvaged = open(&target);
    for ((_, id), before) in sessions.iter().zip(before) {
        assert_eq!(contents(&salvaged, id), before);
    }
    expect_sound(&salvaged);
}

#[test]
fn erasing_keeps_what_a_fork_shares_and_nothing_else() {
    let sample = Sample::new();
    let parent = sample.create("parent", 10);
    sample.fork(parent, 4, "fork", 2);
    assert_eq!(sample.erase("parent"), (6, 4));
    let bytes = |name: &str| std::fs::read(sample.path(name)).unwrap();
    let has = |text: &str| {
        ["chat.db", "chat.db-wal"]
            .iter()
            .any(|name| bytes(name).windows(text.len()).any(|window| window == text.as_bytes()))
    };
    assert!(has("parent says 3 ") && !has("parent says 4 ") && !has("title of parent"));
    let kept = contents(&sample.storage, "fork");
    assert!(kept.len() == 6 && kept[3].starts_with("parent says 3"));
    expect_sound(&sample.storage);
    assert_eq!(sample.erase("fork"), (6, 0));
    assert!(!has("says "));
}

#[test]
fn a_hole_in_what_forks_share_cuts_each_of_them_and_loses_nothing_else() {
    let sample = Sample::new();
    let parent = sample.create("parent", 10);
    let fork = sample.fork(parent, 8, "fork", 4);
    sample.fork(fork, 10, "fork of the fork", 2);
    sample.fork(parent, 3, "early fork", 2);
    let before: Vec<_> = ["parent", "fork", "fork of the fork", "early fork"]
        .map(|id| contents(&sample.storage, id))
        .into();
    sample.storage.close().unwrap();
    let file = Connection::open(sample.path("chat.db")).unwrap();
    file.execute("DELETE FROM messages WHERE key = (?1 << 32) + 5", [parent.0])
        .unwrap();
    drop(file);
    let target = sample.path("salvaged.db");
    let report = salvage(sample.path("chat.db").to_str().unwrap(), target.to_str().unwrap()).unwrap();
    assert_eq!(
        (report.sessions, report.sessions_added, report.messages_lost),
        (4, 3, 1)
    );
    let salvaged = open(&target);
    for (id, before) in ["parent", "fork", "fork of the fork"].iter().zip(&before) {
        assert_eq!(contents(&salvaged, id), before[..4]);
        assert_eq!(
            contents(&salvaged, &format!("{id} (salvaged after message 4)")),
            before[5..]
        );
    }
    assert_eq!(contents(&salvaged, "early fork"), before[3]);
    expect_sound(&salvaged);
    // Who may go on goes on.
    let key = salvaged.snapshot().unwrap().find("fork").unwrap().unwrap();
    let append = Append {
        id: "s".into(),
        key,
        messages: said("fork", 1),
        options: Default::default(),
        memo: None,
        now: 2,
    };
    let appended = salvaged
        .apply(&[&Mutation::Append(append)], Durability::Os, &mut || ())
        .remove(0);
    assert!(
        matches!(appended.map(|applied| applied.outcome), Ok(Outcome::Appended(receipt)) if receipt.first_seq == 5)
    );
    expect_sound(&salvaged);
}

#[test]
fn what_is_wrong_with_what_forks_share_is_named() {
    for (sql, says) in [
        ("DELETE FROM messages WHERE key = (1 << 32) + 4", "message 4 is missing"),
        (
            "UPDATE segments SET first_seq = 4 WHERE segment = 2",
            "session 'fork': its own messages begin at 5, and its segment at 4",
        ),
        (
            "UPDATE segments SET parent = 9 WHERE segment = 2",
            "segment 2 goes on from message 4 of segment 9, which is missing",
        ),
        (
            "UPDATE messages SET total_tokens = 99 WHERE key = (2 << 32) + 5",
            "session 'fork': message 5 says that there are 99 tokens up to it; there are 15",
        ),
        (
            "DELETE FROM sessions WHERE id = 'parent'",
            "session 'fork': its parent, session number 1, does not exist",
        ),
        (
            "UPDATE sessions SET head_seq = 2 WHERE id = 'fork'",
            "its last message is 2, and its own messages begin at 5",
        ),
    ] {
        let sample = Sample::new();
        let parent = sample.create("parent", 4);
        sample.fork(parent, 4, "fork", 2);
        sample.storage.close().unwrap();
        let file = Connection::open(sample.path("chat.db")).unwrap();
        assert_eq!(file.execute(sql, []), Ok(1), "{sql}");
        drop(file);
        let found = open(&sample.path("chat.db")).check().unwrap().problems.listed;
        assert!(found.iter().any(|problem| problem.contains(says)), "{sql}: {found:?}");
    }
}
