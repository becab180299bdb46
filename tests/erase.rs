//! Erase: whatever was done to a session before, no file of the store has a word of it afterwards.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "support/random.rs"]
mod random;
mod support;

use random::Random;
use std::path::Path;
use support::{TempStore, text, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role, SearchOptions, SessionChanges};
use turnkeep::{Session, Store, StoreOptions};

/// A text that is nowhere else: nothing like it is in SQLite or in Turnkeep.
fn marker(number: u32) -> String {
    format!("qzxj{number:08}vwk")
}

/// The files in a folder in which a text is, whatever they are called.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

/// A text with a marker at its beginning, in its middle and at its end.
fn marked(marker: &str, dice: &mut Random) -> String {
    let fill = " lorem".repeat(dice.below(200) as usize);
    format!("{marker}{fill}{marker}{fill}{marker}")
}

fn named(id: &str) -> NewSession {
    NewSession {
        id: Some(id.into()),
        ..NewSession::default()
    }
}

/// Appends, updates and clears sessions in turn, those that are to be erased with their markers everywhere.
fn work(store: &Store, secrets: &[Session], others: &[Session], dice: &mut Random) {
    for round in 0..60 {
        for (number, session) in (0..).zip(secrets) {
            let text = marked(&marker(number), dice);
            let mut message = NewMessage::new(Role::Assistant, text.clone());
            message.metadata = Some(format!("{{\"m\": \"{}\"}}", marker(number)));
            message.tool_calls = Some(format!("[{{\"id\": \"{}\"}}]", marker(number)));
            message.model = Some(marker(number));
            let options = AppendOptions {
                idempotency_key: Some(format!("{} {round}", marker(number))),
                ..AppendOptions::default()
            };
            session.append(vec![user(&text), message], options).unwrap();
            let changes = SessionChanges {
                title: Some(marked(&marker(number), dice)),
                summary: Some(marked(&marker(number), dice)),
                metadata: Some(format!("{{\"of\": \"{}\"}}", marked(&marker(number), dice))),
                name: Some(Some(format!("{} {round}", marker(number)))),
                add_tags: vec![format!("{} {round}", marker(number))],
                ..SessionChanges::default()
            };
            session.update(changes).unwrap();
            if dice.below(20) == 0 {
                session.clear(None).unwrap();
            }
        }
        for session in others {
            let count = dice.below(4) as usize;
            let messages = (0..=count)
                .map(|_| user(&"other ".repeat(dice.below(300) as usize)))
                .collect();
            session.append(messages, AppendOptions::default()).unwrap();
            if dice.below(30) == 0 {
                session.clear(None).unwrap();
            }
        }
        if round % 20 == 19 {
            store.flush().unwrap();
        }
    }
}

/// A search puts every text into the full-text index.
fn index_everything(store: &Store) {
    let search = SearchOptions {
        text: "anything".into(),
        ..SearchOptions::default()
    };
    store.search(&search).unwrap();
}

#[test]
fn an_erased_session_is_in_no_file_of_the_store_after_any_work() {
    for seed in 0..3 {
        let store = TempStore::new();
        let folder = store.path().parent().unwrap().to_owned();
        let mut dice = Random::new(seed);
        let others: Vec<_> = (0..3).map(|_| store.create()).collect();
        let ids = [0, 1].map(|number| format!("the id {}", marker(number)));
        let secrets = ids.clone().map(|id| store.create_session(named(&id)).unwrap());
        work(&store, &secrets, &others, &mut dice);
        index_everything(&store);
        store.optimize().unwrap();
        work(&store, &secrets, &others, &mut dice);
        let kept: Vec<_> = others.iter().map(|session| session.last(u64::MAX).unwrap()).collect();

        for (number, id) in (0..).zip(&ids) {
            let secret = marker(number);
            assert!(!files_with(&folder, &secret).is_empty());
            let messages = secrets[number as usize].describe().unwrap().message_count;
            let report = store.erase_session(id).unwrap();
            assert_eq!((report.messages_erased, report.messages_kept_by_forks), (messages, 0));
            assert!(report.wal_truncated);
            assert_eq!(files_with(&folder, &secret), [""; 0], "seed {seed}");
        }
        for (session, kept) in others.iter().zip(&kept) {
            let now = session.last(u64::MAX).unwrap();
            let texts = |messages: &turnkeep::store::Messages| -> Vec<String> {
                messages
                    .views()
                    .iter()
                    .map(|view| text(view.content).to_owned())
                    .collect()
            };
            assert_eq!(texts(&now), texts(kept));
        }
        assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
    }
}

#[test]
fn erasing_with_a_reader_in_the_way_is_busy_and_a_repeat_finishes_it() {
    let store = TempStore::with(StoreOptions {
        busy_timeout: std::time::Duration::from_millis(50),
        ..StoreOptions::default()
    });
    let folder = store.path().parent().unwrap().to_owned();
    let secret = marker(7);
    let id = format!("id {secret}");
    let session = store.create_session(named(&id)).unwrap();
    session.append(vec![user(&secret)], AppendOptions::default()).unwrap();
    let reader = rusqlite::Connection::open(store.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM messages").unwrap();
    let busy = store.erase_session(&id).unwrap_err();
    assert_eq!(busy.kind(), Kind::Busy, "{busy}");
    assert!(busy.message().contains("erase the same session again"), "{busy}");
    assert!(!store.session_exists(&id).unwrap());
    assert_eq!(store.erase_session("another").unwrap_err().kind(), Kind::NotFound);
    assert_eq!(store.erase_session(&id).unwrap_err().kind(), Kind::Busy);
    reader.execute_batch("ROLLBACK").unwrap();

    // Also by another handle, after a restart.
    let store_again = store.share();
    let report = store_again.erase_session(&id).unwrap();
    assert_eq!((report.messages_erased, report.wal_truncated), (0, true));
    assert_eq!(files_with(&folder, &secret), [""; 0]);
    assert_eq!(store_again.erase_session(&id).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn erasing_what_is_not_there_is_not_found_and_in_memory_there_is_no_log() {
    let store = Store::open(":memory:", StoreOptions::default()).unwrap();
    assert_eq!(store.erase_session("nobody").unwrap_err().kind(), Kind::NotFound);
    let session = store.create_session(named("a")).unwrap();
    session
        .append(vec![user("x"), user("y")], AppendOptions::default())
        .unwrap();
    let report = store.erase_session("a").unwrap();
    assert_eq!((report.messages_erased, report.wal_truncated), (2, false));
    assert_eq!(store.erase_session("a").unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn an_exclusive_store_that_defers_erases_what_it_has_not_even_written() {
    let store = TempStore::with(StoreOptions {
        exclusive: true,
        durability: turnkeep::model::Durability::Deferred,
        autosave: std::time::Duration::from_secs(3600),
        ..StoreOptions::default()
    });
    let secret = marker(1);
    let session = store.create_session(named(&secret)).unwrap();
    session.append(vec![user(&secret)], AppendOptions::default()).unwrap();
    let other = store.create();
    other.append(vec![user("stays")], AppendOptions::default()).unwrap();
    assert!(store.erase_session(&secret).unwrap().wal_truncated);
    store.close().unwrap();
    assert_eq!(files_with(store.path().parent().unwrap(), &secret), [""; 0]);
    let reopened = store.share();
    assert_eq!(
        reopened
            .open_session(other.id())
            .unwrap()
            .last(9)
            .unwrap()
            .views()
            .len(),
        1
    );
}

// A checkpoint that somebody else makes just then is no reader.
#[test]
fn erasing_while_others_append_waits_for_whoever_is_in_the_way() {
    let store = TempStore::new();
    let busy = store.create();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                busy.append(vec![user(&"x".repeat(20_000))], AppendOptions::default())
                    .unwrap();
            }
        });
        for number in 0..20 {
            let id = format!("secret {number}");
            let secret = store.create_session(named(&id)).unwrap();
            secret.append(vec![user("a secret")], AppendOptions::default()).unwrap();
            let erased = store.erase_session(&id);
            done.store(erased.is_err() || number == 19, std::sync::atomic::Ordering::Relaxed);
            assert!(erased.unwrap().wal_truncated);
        }
    });
}
