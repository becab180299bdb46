//! Salvage: what can be read of a damaged store is in a new one, what cannot is told, and the source stays as it is.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::{TempStore, assistant, text, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, NewSession, SalvageReport, SessionChanges};
use turnkeep::{Store, StoreOptions};

/// All messages of all sessions, by the session's id.
type Contents = BTreeMap<String, Vec<String>>;

fn contents(store: &Store) -> Contents {
    let all = turnkeep::model::ListOptions {
        limit: 1000,
        ..Default::default()
    };
    let sessions = store.list_sessions(&all).unwrap().sessions;
    let read = |id: &String| -> Vec<String> {
        let messages = store.open_session(id).unwrap().last(u64::MAX).unwrap();
        messages
            .views()
            .iter()
            .map(|view| text(view.content).to_owned())
            .collect()
    };
    sessions
        .iter()
        .map(|session| (session.id.clone(), read(&session.id)))
        .collect()
}

/// A closed store with sessions that were written in turn, so that their messages lie between each other's.
struct Sample {
    store: TempStore,
    contents: Contents,
}

impl Sample {
    fn new() -> Self {
        let store = TempStore::new();
        let sessions: Vec<_> = (0..12)
            .map(|number| {
                let session = NewSession {
                    id: Some(format!("session {number}")),
                    title: format!("title {number}"),
                    summary: "summary ".repeat(number * 30),
                    tags: vec![format!("tag {number}")],
                    ..NewSession::default()
                };
                store.create_session(session).unwrap()
            })
            .collect();
        for round in 0..30 {
            for (number, session) in sessions.iter().enumerate() {
                let long = if round == 7 {
                    "long ".repeat(4_000)
                } else {
                    "short ".repeat(round)
                };
                let question = user(&format!("question {round} of {number} {long}"));
                let answer = assistant(&format!("answer {round} of {number}"));
                session
                    .append(vec![question, answer], AppendOptions::default())
                    .unwrap();
            }
        }
        let contents = contents(&store);
        store.close().unwrap();
        Self { store, contents }
    }

    /// A copy of the database, to be damaged.
    fn copy(&self, name: &str) -> PathBuf {
        let path = self.store.path().with_file_name(name);
        std::fs::copy(self.store.path(), &path).unwrap();
        path
    }
}

fn salvage(source: &Path, target: &Path) -> turnkeep::error::Result<SalvageReport> {
    Store::salvage(source.to_str().unwrap(), target.to_str().unwrap())
}

fn open(path: &Path) -> Store {
    Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap()
}

/// Numbers that look random and are the same every time.
fn random(seed: &mut u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

fn texts(contents: &Contents) -> BTreeSet<&String> {
    contents.values().flatten().collect()
}

const PAGE: usize = 4096;

#[test]
fn a_sound_store_is_salvaged_whole() {
    let sample = Sample::new();
    let target = sample.store.path().with_file_name("salvaged.db");
    let report = salvage(&sample.store.path(), &target).unwrap();
    assert_eq!(report.problems.listed, [""; 0]);
    assert_eq!(
        (report.sessions, report.sessions_added, report.sessions_lost),
        (12, 0, 0)
    );
    assert_eq!((report.messages, report.messages_lost), (12 * 60, 0));
    let salvaged = open(&target);
    assert_eq!(contents(&salvaged), sample.contents);
    assert_eq!(salvaged.check().unwrap().problems.listed, [""; 0]);
    let before = open(&sample.store.path());
    for id in sample.contents.keys() {
        let describe = |store: &Store| store.open_session(id).unwrap().describe().unwrap();
        assert_eq!(describe(&salvaged), describe(&before));
    }
}

/// Which pages of the file hold rows of messages, by SQLite's own word.
fn pages_of(path: &Path, table: &str) -> Vec<usize> {
    let file = rusqlite::Connection::open(path).unwrap();
    let mut pages = file
        .prepare("SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype <> 'internal' ORDER BY pageno")
        .unwrap();
    let found = pages.query_map([table], |row| row.get::<_, i64>(0)).unwrap();
    found.map(|page| page.unwrap() as usize).collect()
}

#[test]
fn a_row_with_a_number_that_no_message_has_stops_no_salvage() {
    for key in ["(77 << 32)", "(77 << 32) + 4294967295", "(1 << 32)", "-5"] {
        let sample = Sample::new();
        let source = sample.copy("odd.db");
        let file = rusqlite::Connection::open(&source).unwrap();
        let sql = format!(
            "INSERT INTO messages SELECT {key}, role, flags, tokens, total_tokens, turn, created, tool_call_id, model, metadata, \
             tool_calls, content, total_bytes, packed FROM messages WHERE key = (1 << 32) + 1"
        );
        file.execute_batch(&sql).unwrap();
        file.close().unwrap();
        let target = sample.store.path().with_file_name("salvaged.db");
        let report = salvage(&source, &target).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(report.sessions, 12, "{key}");
    }
}

#[test]
fn garbage_in_pages_costs_what_lay_on_them_and_nothing_else() {
    let sample = Sample::new();
    let pages = std::fs::metadata(sample.store.path()).unwrap().len() as usize / PAGE;
    // Where the tables are described, everything else is lost with it; the roots of the tables come first.
    let described = pages_of(&sample.store.path(), "sqlite_schema");
    let candidates: Vec<usize> = (21..=pages).filter(|page| !described.contains(page)).collect();
    let mut messages_lost = 0;
    for seed in 0..25u64 {
        let mut dice = seed;
        let source = sample.copy(&format!("damaged {seed}.db"));
        let target = sample.store.path().with_file_name(format!("salvaged {seed}.db"));
        let mut bytes = std::fs::read(&source).unwrap();
        for _ in 0..=random(&mut dice) % 6 {
            let page = candidates[random(&mut dice) as usize % candidates.len()];
            let begin = (page - 1) * PAGE;
            bytes[begin..begin + PAGE].fill_with(|| random(&mut dice) as u8);
        }
        std::fs::write(&source, &bytes).unwrap();
        let report = salvage(&source, &target).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(std::fs::read(&source).unwrap() == bytes, "the source was changed");
        let salvaged = open(&target);
        assert_eq!(salvaged.check().unwrap().problems.listed, [""; 0], "seed {seed}");
        let after = contents(&salvaged);
        let (before, found) = (texts(&sample.contents), texts(&after));
        assert!(found.is_subset(&before), "seed {seed}: there is what never was");
        let missing = (before.len() - found.len()) as u64;
        assert_eq!(report.messages, found.len() as u64);
        assert!(
            report.messages_lost >= missing,
            "seed {seed}: {missing} are lost, {report:?}"
        );
        assert_eq!(report.messages_lost > 0, missing > 0, "seed {seed}: {report:?}");
        assert!(missing == 0 || !report.problems.listed.is_empty());
        messages_lost += missing;
        // What lies before the first hole is in the session itself, in order.
        for (id, now) in &after {
            if let Some(then) = sample.contents.get(id) {
                assert!(then.starts_with(now), "seed {seed}: {id}");
            }
        }
    }
    assert!(messages_lost > 0, "no seed met a message");
}

#[test]
fn what_lies_behind_a_hole_is_in_a_session_that_says_so() {
    let sample = Sample::new();
    let source = sample.copy("damaged.db");
    let file = rusqlite::Connection::open(&source).unwrap();
    let second = "SELECT tail_segment << 32 FROM sessions WHERE id = 'session 2'";
    for gone in ["= 11", "BETWEEN 21 AND 30"] {
        let sql = format!("DELETE FROM messages WHERE key - ({second}) {gone}");
        file.execute(&sql, []).unwrap();
    }
    drop(file);
    let target = source.with_file_name("salvaged.db");
    let report = salvage(&source, &target).unwrap();
    assert_eq!(
        (report.sessions, report.sessions_added, report.messages_lost),
        (12, 2, 11)
    );
    let after = contents(&open(&target));
    let before = &sample.contents["session 2"];
    assert_eq!(after["session 2"], before[..10]);
    assert_eq!(after["session 2 (salvaged after message 10)"], before[11..20]);
    assert_eq!(after["session 2 (salvaged after message 20)"], before[30..]);
    assert_eq!(after["session 3"], sample.contents["session 3"]);
    let says = report.problems.listed.join("\n");
    for part in [
        "message 11 cannot",
        "messages 21 to 30 cannot",
        "(salvaged after message 20)",
    ] {
        assert!(says.contains(part), "{says}");
    }
}

#[test]
fn sessions_whose_rows_are_gone_come_back_by_their_ids_with_their_messages() {
    let sample = Sample::new();
    let source = sample.copy("damaged.db");
    let mut bytes = std::fs::read(&source).unwrap();
    let damaged = pages_of(&sample.store.path(), "sessions");
    for page in &damaged {
        bytes[(page - 1) * PAGE..page * PAGE].fill(0xA5);
    }
    std::fs::write(&source, &bytes).unwrap();
    let target = source.with_file_name("salvaged.db");
    let report = salvage(&source, &target).unwrap();
    let salvaged = open(&target);
    assert_eq!(contents(&salvaged), sample.contents);
    assert_eq!((report.sessions, report.messages_lost), (12, 0));
    assert!(report.problems.count >= 12, "{report:?}");
    assert_eq!(salvaged.check().unwrap().problems.listed, [""; 0]);
}

#[test]
fn messages_without_any_session_are_kept_under_another_id() {
    let sample = Sample::new();
    let source = sample.copy("damaged.db");
    let file = rusqlite::Connection::open(&source).unwrap();
    file.execute("DELETE FROM sessions WHERE id = 'session 4'", []).unwrap();
    drop(file);
    let target = source.with_file_name("salvaged.db");
    let report = salvage(&source, &target).unwrap();
    let after = contents(&open(&target));
    assert_eq!((report.sessions, report.sessions_added, report.messages), (11, 1, 720));
    let (id, found) = after.iter().find(|(id, _)| id.starts_with("segment ")).unwrap();
    assert_eq!(*found, sample.contents["session 4"], "{id}");
}

#[test]
fn a_truncated_store_is_salvaged_as_far_as_it_goes() {
    let sample = Sample::new();
    let whole = std::fs::read(sample.store.path()).unwrap();
    for percent in [95, 70, 45] {
        let source = sample.copy(&format!("truncated {percent}.db"));
        std::fs::write(&source, &whole[..whole.len() * percent / 100]).unwrap();
        let target = source.with_file_name(format!("salvaged {percent}.db"));
        let report = salvage(&source, &target).unwrap();
        let salvaged = open(&target);
        let after = contents(&salvaged);
        assert!(texts(&after).is_subset(&texts(&sample.contents)));
        // The last pages may hold nothing but words of the index.
        let has_lost = report.messages_lost > 0 || percent == 95;
        assert!(report.messages > 0 && has_lost, "{percent}: {report:?}");
        assert_eq!(salvaged.check().unwrap().problems.listed, [""; 0]);
    }
}

#[test]
fn half_a_page_is_lost_and_not_filled_up() {
    let sample = Sample::new();
    let whole = std::fs::read(sample.store.path()).unwrap();
    let pages = whole.len() / PAGE;
    for page in (pages / 3..pages).step_by(4) {
        let source = sample.copy(&format!("cut {page}.db"));
        std::fs::write(&source, &whole[..page * PAGE + PAGE / 2]).unwrap();
        let target = source.with_file_name(format!("salvaged {page}.db"));
        salvage(&source, &target).unwrap();
        assert!(
            texts(&contents(&open(&target))).is_subset(&texts(&sample.contents)),
            "{page}"
        );
    }
}

#[test]
fn what_is_only_in_the_log_is_salvaged_and_neither_file_is_changed() {
    let store = TempStore::new();
    let session = store.create();
    session
        .append(vec![user("in the log")], AppendOptions::default())
        .unwrap();
    let source = store.path().with_file_name("left by a killed process.db");
    for end in ["", "-wal"] {
        let name = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(name(&store.path()), name(&source)).unwrap();
    }
    let read = || ["", "-wal"].map(|end| std::fs::read(format!("{}{end}", source.display())).unwrap());
    let before = read();
    let target = source.with_file_name("salvaged.db");
    salvage(&source, &target).unwrap();
    assert!(read() == before);
    assert!(!Path::new(&format!("{}-shm", source.display())).exists());
    assert_eq!(contents(&open(&target))[session.id()], ["in the log"]);
}

#[test]
fn a_salvaged_session_goes_on() {
    let sample = Sample::new();
    let target = sample.store.path().with_file_name("salvaged.db");
    salvage(&sample.store.path(), &target).unwrap();
    let store = open(&target);
    let session = store.open_session("session 1").unwrap();
    let receipt = session
        .append(vec![user("on we go")], AppendOptions::default())
        .unwrap();
    assert_eq!(receipt.first_seq, 61);
    let title = SessionChanges {
        title: Some("new".into()),
        ..SessionChanges::default()
    };
    session.update(title).unwrap();
    drop(store.create_session(NewSession::default()).unwrap());
    assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
}

#[test]
fn what_is_no_store_or_in_the_way_is_refused() {
    let sample = Sample::new();
    let folder = sample.store.path().parent().unwrap().to_owned();
    let target = folder.join("salvaged.db");
    let letter = folder.join("letter.txt");
    std::fs::write(&letter, "Dear Ms Miller, ".repeat(1000)).unwrap();
    let foreign = folder.join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    let used = TempStore::new();
    for (source, kind) in [
        (letter.clone(), Kind::Mismatch),
        (foreign, Kind::Mismatch),
        (folder.join("none.db"), Kind::NotFound),
        (folder.clone(), Kind::NotFound),
        (used.path(), Kind::Busy),
    ] {
        let before = std::fs::read_dir(&folder).unwrap().count();
        let refused = salvage(&source, &target).unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), before);
    }
    let refused = salvage(&sample.store.path(), &letter).unwrap_err();
    assert_eq!(refused.kind(), Kind::Exists);
    let refused = salvage(&sample.store.path(), &sample.store.path()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
}

#[test]
fn damage_to_the_description_of_the_tables_is_a_status_and_never_half_a_store() {
    let sample = Sample::new();
    let folder = sample.store.path().parent().unwrap().to_owned();
    let whole = std::fs::read(sample.store.path()).unwrap();
    let mut salvaged = 0;
    for page in 0..25 {
        let mut dice = page as u64;
        let source = sample.copy("damaged.db");
        let mut bytes = whole.clone();
        // The first page keeps the header, by which it is known for what it is.
        let begin = page * PAGE + if page == 0 { 100 } else { 0 };
        bytes[begin..(page + 1) * PAGE].fill_with(|| random(&mut dice) as u8);
        std::fs::write(&source, &bytes).unwrap();
        let target = folder.join("salvaged.db");
        let before = std::fs::read_dir(&folder).unwrap().count();
        match salvage(&source, &target) {
            Ok(report) => {
                salvaged += 1;
                let store = open(&target);
                let after = contents(&store);
                assert!(texts(&after).is_subset(&texts(&sample.contents)), "page {page}");
                assert_eq!(texts(&after).len() as u64, report.messages);
                assert_eq!(store.check().unwrap().problems.listed, [""; 0], "page {page}");
                drop(store);
                for end in ["", "-wal", "-shm"] {
                    std::fs::remove_file(format!("{}{end}", target.display())).unwrap();
                }
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::Corrupt, "page {page}: {error}");
                assert_eq!(std::fs::read_dir(&folder).unwrap().count(), before);
            }
        }
    }
    assert!(salvaged > 10, "{salvaged}");
}

#[test]
fn a_key_that_is_wrong_is_not_walked_to_and_loses_one_message() {
    let sample = Sample::new();
    let path = sample.copy("wrong_key.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    // Where the last message of the third session was there is nothing; it lies four billion places behind.
    let moved = file
        .execute(
            "UPDATE messages SET key = (key >> 32 << 32) + 4294967000 WHERE key = (3 << 32) + 60",
            [],
        )
        .unwrap();
    assert_eq!(moved, 1);
    // Nobody has the fourth session any more: its messages are found by themselves, and so is a wrong key.
    file.execute_batch(
        "DELETE FROM sessions WHERE key = 4;
         UPDATE messages SET key = (key >> 32 << 32) + 4294967000 WHERE key = (4 << 32) + 60;",
    )
    .unwrap();
    file.close().unwrap();
    let target = path.with_file_name("salvaged.db");
    let report = Store::salvage(path.to_str().unwrap(), target.to_str().unwrap()).unwrap();
    assert!(report.messages_lost < 10, "{report:?}");
    let found = contents(&Store::open(target.to_str().unwrap(), StoreOptions::default()).unwrap());
    for (id, messages) in &sample.contents {
        let number: usize = id.trim_start_matches("session ").parse().unwrap();
        match number {
            2 => assert_eq!(found[id], messages[..59]),
            3 => assert!(found.values().any(|found| found[..] == messages[..59])),
            _ => assert_eq!(&found[id], messages),
        }
    }
}

#[test]
fn a_session_whose_id_is_none_gets_one_that_can_be_opened() {
    let sample = Sample::new();
    let path = sample.copy("no_id.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute("UPDATE sessions SET id = 'session' || char(7) || '2' WHERE key = 3", [])
        .unwrap();
    file.close().unwrap();
    let target = path.with_file_name("salvaged.db");
    Store::salvage(path.to_str().unwrap(), target.to_str().unwrap()).unwrap();
    let found = contents(&Store::open(target.to_str().unwrap(), StoreOptions::default()).unwrap());
    assert_eq!(found["session 3 (salvaged)"], sample.contents["session 2"]);
}
