//! Check: a sound store has no problems, and every kind of damage that is done to one by hand is named.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use rusqlite::Connection;
use support::{TempStore, assistant, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, CheckReport, NewSession, SessionChanges};
use turnkeep::{Store, StoreOptions};

/// Two sessions, 'a' (number 1) and 'b' (number 2) of six messages each, with everything that a session can have.
fn sample() -> TempStore {
    // On a busy machine the store's own thread comes to indexing before the store is closed.
    let store = TempStore::with(StoreOptions {
        no_search: true,
        ..StoreOptions::default()
    });
    for id in ["a", "b"] {
        let session = store
            .create_session(NewSession {
                id: Some(id.into()),
                title: format!("title of {id}"),
                tags: vec!["tag".into()],
                ..NewSession::default()
            })
            .unwrap();
        for number in 0..3 {
            let keyed = AppendOptions {
                idempotency_key: Some(format!("key {number}")),
                ..Default::default()
            };
            let mut question = user(&format!("question {number}"));
            question.metadata = Some("{\"a\": 1}".into());
            session.append(vec![question, assistant("answer")], keyed).unwrap();
        }
        session
            .update(SessionChanges {
                summary: Some("said".into()),
                ..Default::default()
            })
            .unwrap();
    }
    store.close().unwrap();
    store
}

/// Does something to the file that SQLite itself would not.
fn damaged(sql: &str) -> TempStore {
    let store = sample();
    let file = Connection::open(store.path()).unwrap();
    file.execute_batch(sql).unwrap();
    file.close().unwrap();
    store
}

fn check(store: &TempStore) -> CheckReport {
    store.share().check().unwrap()
}

/// That this, and nothing else, is wrong after a change by hand.
#[track_caller]
fn finds(sql: &str, problems: &[&str]) {
    let found = check(&damaged(sql)).problems;
    assert_eq!(found.listed, problems, "after {sql}");
    assert_eq!(found.count, problems.len() as u64);
}

/// Everything indexed, as the store does it by itself.
const INDEX_ALL: &str = "
    INSERT INTO search_documents (document, key) SELECT row_number() OVER (), key FROM messages;
    INSERT INTO search (rowid, text) SELECT document, content FROM search_documents JOIN messages USING (key);
    INSERT INTO search_documents (document, key) SELECT 1000 + key, -key FROM sessions;
    INSERT INTO search (rowid, text) SELECT 1000 + key, title FROM sessions;
    DELETE FROM search_outbox;";

#[test]
fn a_sound_store_has_no_problems_and_everything_was_looked_at() {
    let report = check(&sample());
    assert_eq!(report.problems.listed, [""; 0]);
    assert_eq!((report.sessions, report.messages, report.documents), (2, 12, 0));
    let report = check(&damaged(INDEX_ALL));
    assert_eq!(report.problems.listed, [""; 0]);
    assert_eq!((report.sessions, report.messages, report.documents), (2, 12, 14));
    assert!(report.pages > 20);
}

#[test]
fn a_store_in_memory_and_an_empty_one_are_checked() {
    for location in [":memory:", TempStore::new().path().to_str().unwrap()] {
        let store = Store::open(location, StoreOptions::default()).unwrap();
        let report = store.check().unwrap();
        assert_eq!((report.problems.count, report.sessions), (0, 0));
    }
}

#[test]
fn messages_that_are_missing_are_named() {
    finds(
        "DELETE FROM messages WHERE key = (1 << 32) + 3",
        &["session 'a': message 3 is missing"],
    );
    finds(
        "DELETE FROM messages WHERE key BETWEEN (2 << 32) + 1 AND (2 << 32) + 2",
        &["session 'b': messages 1 to 2 are missing"],
    );
    finds(
        "DELETE FROM messages WHERE key >= (2 << 32) + 5",
        &["session 'b': message 6 is missing", "session 'b': message 5 is missing"],
    );
    finds(
        "DELETE FROM messages WHERE key >> 32 = 2",
        &["session 'b': message 6 is missing"],
    );
}

#[test]
fn counters_that_are_wrong_are_named_with_what_they_should_be() {
    finds(
        "UPDATE sessions SET token_total = token_total + 1, turn_count = 9, bytes = 0 WHERE id = 'a'",
        &[
            "session 'a': it says that it has 34 tokens; its messages have 33",
            "session 'a': it says that it has 9 turns; its messages have 3",
            "session 'a': it says that it has 0 bytes; its messages have 72",
        ],
    );
    finds(
        "UPDATE messages SET turn = 7 WHERE key = (1 << 32) + 2",
        &[
            "session 'a': message 2 says that there are 7 turns up to it; there are 1",
            "session 'a': message 3 says that there are 2 turns up to it; there are 8",
        ],
    );
    finds(
        "UPDATE messages SET content = 'longer than it was' WHERE key = (1 << 32) + 6",
        &["session 'a': message 6 says that there are 72 bytes up to it; there are 84"],
    );
}

#[test]
fn segments_that_do_not_fit_together_are_named() {
    finds(
        "UPDATE sessions SET tail_first_seq = 3 WHERE id = 'a'",
        &["session 'a': its own messages begin at 3, and its segment at 1"],
    );
    finds(
        "INSERT INTO segments VALUES (1, 2, 1)",
        &["segment 1 goes on from message 0 of segment 2, which begins at 1"],
    );
}

#[test]
fn rows_that_belong_to_nobody_are_named() {
    finds(
        "UPDATE sessions SET head_seq = 4, token_total = (SELECT total_tokens FROM messages WHERE key = (1 << 32) + 4), \
         turn_count = 2, bytes = 48 WHERE id = 'a'; DELETE FROM receipts WHERE last_seq > 4",
        &["segment 1: messages 5 to 6 are kept, though no session has them"],
    );
    finds(
        "INSERT INTO tags VALUES (7, 'x'); INSERT INTO receipts VALUES (8, 'k', 1, 1, 1); \
         INSERT INTO segments VALUES (9, 1, 3); INSERT INTO receipts VALUES (1, 'k', 1, 7, 1); \
         UPDATE sessions SET parent = 5 WHERE id = 'b'",
        &[
            "segment 9 goes on from segment 1, though no session has it",
            "a tag belongs to session number 7, which does not exist",
            "a receipt belongs to session number 8, which does not exist",
            "session 'a': a receipt is for message 7, which it does not have",
            "session 'b': its parent, session number 5, does not exist",
            "the number 9 is in use, and would be given again: the highest that is noted is 2",
        ],
    );
}

#[test]
fn a_search_index_that_does_not_fit_is_named() {
    let after_indexing = |sql: &str| format!("{INDEX_ALL} {sql}");
    finds(
        &after_indexing("INSERT INTO search_documents VALUES (5000, (1 << 32) + 99), (5001, -9)"),
        &[
            "the search index has message 99 of segment 1, which does not exist",
            "the search index has session number 9, which does not exist",
            "the search index has no text of document 5000",
            "the search index has no text of document 5001",
        ],
    );
    finds(
        &after_indexing("DELETE FROM search_documents WHERE key IN ((1 << 32) + 2, (1 << 32) + 5, -2)"),
        &[
            "session 'b': its name, title and summary are neither in the search index nor waiting for it",
            "session 'a': 2 messages, the first of them 2, are neither in the search index nor waiting for it",
            "the search index has text of document 2, which is about nothing",
            "the search index has text of document 5, which is about nothing",
            "the search index has text of document 1002, which is about nothing",
        ],
    );
    finds(
        "INSERT INTO search_outbox VALUES (50, 1), (-60, 0)",
        &[
            "segment 50 waits to be indexed, and no session has it",
            "session number 60 waits to be indexed, and does not exist",
        ],
    );
}

#[test]
fn a_full_text_index_that_is_damaged_is_found_by_sqlite() {
    let store = damaged(&format!(
        "{INDEX_ALL} UPDATE search_data SET block = x'00' WHERE id > 10"
    ));
    let report = check(&store);
    assert!(
        report.problems.listed.iter().any(|problem| problem.contains("search")),
        "{report:?}"
    );
}

#[test]
fn settings_that_are_missing_are_named() {
    finds(
        "DELETE FROM meta WHERE name = 'store_id'",
        &["the setting 'store_id' is missing"],
    );
    finds(
        "UPDATE messages SET key = key + (5 << 32) WHERE key >> 32 = 2; \
         UPDATE sessions SET tail_segment = 7 WHERE id = 'b'; UPDATE search_outbox SET segment = 7 WHERE segment = 2",
        &["the number 7 is in use, and would be given again: the highest that is noted is 2"],
    );
}

#[test]
fn texts_that_cannot_be_read_are_named() {
    finds(
        "UPDATE messages SET content = CAST(x'C328' AS TEXT) WHERE key = (1 << 32) + 2; \
         UPDATE messages SET packed = x'28B52FFD', content = '' WHERE key = (2 << 32) + 3",
        &[
            "session 'a': message 2 cannot be read: its content is no text (invalid utf-8 sequence of 1 bytes from index 0)",
            "session 'b': message 3 cannot be read: its content cannot be unpacked (not a frame of zstd that was written \
             here)",
        ],
    );
    finds(
        "UPDATE messages SET role = 9 WHERE key = (1 << 32) + 2",
        &["session 'a': message 2 has the role 9"],
    );
}

#[test]
fn garbled_pages_are_found_and_nothing_more_is_written() {
    let store = sample();
    let file = Connection::open(store.path()).unwrap();
    let page: i64 = file
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'tags_by_tag'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(file);
    let mut bytes = std::fs::read(store.path()).unwrap();
    bytes[(page as usize - 1) * 4096..page as usize * 4096].fill(0x5A);
    std::fs::write(store.path(), bytes).unwrap();
    let opened = store.share();
    let report = opened.check().unwrap();
    assert!(report.problems.count > 0);
    assert!(report.problems.listed[0].starts_with("SQLite: "), "{report:?}");
    assert_eq!((report.sessions, report.messages), (2, 12), "what can be looked at is");
    let session = opened.open_session("a").unwrap();
    assert_eq!(session.last(9).unwrap().views().len(), 6, "what can be read is");
    let refused = session.append(vec![user("x")], AppendOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[test]
fn the_first_thousand_problems_are_listed_and_all_are_counted() {
    let store = damaged(
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
         INSERT INTO tags SELECT 100 + i, 'x' FROM n",
    );
    let problems = check(&store).problems;
    assert_eq!((problems.listed.len(), problems.count), (1000, 2500));
}

#[test]
fn statistics_keep_no_sample_of_any_text() {
    let store = TempStore::new();
    let name = |number: u32| NewSession {
        id: Some(format!("qzxvwk {number}")),
        user_id: format!("qzxvwk owner {number}"),
        name: Some(format!("qzxvwk name {number}")),
        tags: vec![format!("qzxvwk tag {number}")],
        ..NewSession::default()
    };
    for number in 0..100 {
        drop(store.create_session(name(number)).unwrap());
    }
    store.optimize().unwrap();
    let file = Connection::open(store.path()).unwrap();
    let count = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(count("SELECT count(*) FROM sqlite_stat1") > 5, "there are statistics");
    assert_eq!(count("SELECT count(*) FROM sqlite_stat1 WHERE stat GLOB '*qzxvwk*'"), 0);
    let samples = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat4'";
    if count(samples) > 0 {
        assert_eq!(count("SELECT count(*) FROM sqlite_stat4"), 0);
    }
    store.open_session("qzxvwk 7").unwrap();
    assert_eq!(store.list_sessions(&Default::default()).unwrap().sessions.len(), 50);
    assert_eq!(store.check().unwrap().problems.count, 0);
}
