//! Databases made to harm whoever reads them.

use crate::fixture::*;
use crate::random::Random;
use turnkeep::error::Kind;
use turnkeep::transfer::{Format, ProblemKind};

const CONVERSATIONS: &str =
    "CREATE TABLE conversations (id TEXT PRIMARY KEY, title TEXT); INSERT INTO conversations VALUES ('one', 'One');";

#[test]
fn what_is_only_named_like_a_table_is_not_read() {
    for messages in [
        "CREATE VIEW messages AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
         SELECT i AS id, 'one' AS conversation_id, 'user' AS role, 'x' AS content FROM n",
        "CREATE TABLE messages (conversation_id TEXT, role TEXT, \
         content TEXT AS (printf('%.*c', 50000000, 'x')) VIRTUAL); INSERT INTO messages VALUES ('one', 'user')",
        "CREATE VIRTUAL TABLE messages USING fts5 (conversation_id, role, content)",
        "CREATE TABLE messages (conversation_id TEXT, role TEXT, content TEXT, PRIMARY KEY (conversation_id)) WITHOUT ROWID",
        "CREATE TABLE messages (conversation_id TEXT, role TEXT, content TEXT, rowid TEXT)",
    ] {
        let source = made_of(&format!("{CONVERSATIONS} {messages};"));
        for options in [as_format(Format::QvDatabase), Default::default()] {
            let error = source.import_with(&memory(), options).unwrap_err();
            assert_eq!(error.kind(), Kind::Mismatch, "{messages}: {error}");
        }
    }
}

#[test]
fn triggers_views_and_odd_columns_beside_the_tables_do_nothing() {
    let source = made_of(&format!(
        "{CONVERSATIONS} CREATE TABLE messages (conversation_id TEXT, role TEXT, content TEXT, \
         metadata TEXT AS (printf('%.*c', 50000000, 'x')) VIRTUAL, id TEXT); \
         INSERT INTO messages VALUES ('one', 'user', 'Hello', NULL); \
         CREATE TABLE seen (n); CREATE VIEW pragma_table_xinfo AS SELECT 1; CREATE TABLE places (owner, nth, place); \
         CREATE TRIGGER t AFTER INSERT ON messages BEGIN INSERT INTO seen VALUES (1); END;"
    ));
    let store = memory();
    source.import(&store).unwrap();
    assert_eq!(
        messages(&store, "one"),
        [said(USER, "Hello", messages(&store, "one")[0].created)]
    );
}

#[test]
fn a_row_that_is_larger_than_memory_should_be_fails_its_conversation_alone() {
    let source = made_of(&format!(
        "{CONVERSATIONS} INSERT INTO conversations VALUES ('two', 'Two'); \
         CREATE TABLE messages (conversation_id TEXT, role TEXT, content TEXT); \
         INSERT INTO messages VALUES ('one', 'user', CAST(zeroblob(70000000) AS TEXT)); \
         INSERT INTO messages VALUES ('two', 'user', 'small');"
    ));
    let store = memory();
    let report = source.import(&store).unwrap();
    assert_eq!(ids(&store), ["two"]);
    assert_told(
        &report,
        ProblemKind::Failed,
        "one",
        "row 1 of conversations",
        "holds more than 50331648 bytes in one row",
    );
}

#[test]
fn numbers_and_bytes_where_texts_belong_fail_their_conversation_alone() {
    let source = made_of(
        "CREATE TABLE conversations (id, title, metadata); \
         INSERT INTO conversations VALUES (7, 'a number for an id', NULL), ('t', 1.5, NULL), (x'00', 'x', NULL), \
         ('m', 'x', 5), (NULL, 'none', NULL); \
         CREATE TABLE messages (conversation_id, role, content, created_at); \
         INSERT INTO messages VALUES (7, 'user', 'Hello', 9e99);",
    );
    let store = memory();
    let report = source.import(&store).unwrap();
    assert_eq!((report.sessions, report.failed), (2, 3), "{:#?}", report.problems);
    assert_eq!(contents(&store, "7"), ["Hello"]);
    assert_told(
        &report,
        ProblemKind::Changed,
        "7",
        "row 1 of messages",
        "which is no time",
    );
    assert_told(
        &report,
        ProblemKind::Failed,
        "t",
        "row 2 of conversations",
        "title holds a number where a text belongs",
    );
    assert_told(
        &report,
        ProblemKind::Failed,
        "",
        "row 3 of conversations",
        "id holds bytes where a text belongs",
    );
    assert_told(
        &report,
        ProblemKind::Failed,
        "m",
        "row 4 of conversations",
        "metadata holds a number",
    );
}

#[test]
fn metadata_of_a_million_levels_is_kept_as_text_without_a_crash() {
    let source = made_of(&format!(
        "{CONVERSATIONS} CREATE TABLE messages (conversation_id TEXT, role TEXT, content TEXT, metadata TEXT); \
         INSERT INTO messages VALUES ('one', 'user', 'Hello', '{{\"a\":{}{}}}');",
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    ));
    let store = memory();
    let report = source.import(&store).unwrap();
    assert_told(
        &report,
        ProblemKind::Changed,
        "one",
        "row 1 of messages",
        "kept as the text 'metadata'",
    );
    assert!(messages(&store, "one")[0].metadata.len() > 2_000_000);
}

#[test]
fn metadata_that_pretends_to_be_the_librarys_is_kept_as_text() {
    let source = made_of(&format!(
        "{CONVERSATIONS} CREATE TABLE messages (conversation_id TEXT, role TEXT, content TEXT, metadata TEXT); \
         INSERT INTO messages VALUES ('one', 'user', 'Hello', '{{\"turnkeep:exchange\":{{\"name\":\"a\"}}}}');"
    ));
    let store = memory();
    let report = source.import(&store).unwrap();
    assert_told(
        &report,
        ProblemKind::Changed,
        "one",
        "row 1 of messages",
        "these are the library's",
    );
    assert_eq!(
        store.open_session("one").unwrap().turns(1, 1).unwrap()[0].input_name,
        ""
    );
}

#[test]
fn a_database_with_any_byte_changed_is_read_or_refused_and_left_as_it_is() {
    for script in ["make_qv.py", "make_coda.py", "make_eink.py"] {
        let source = written_by(script, &[]);
        let whole = std::fs::read(&source.path).unwrap();
        let store = memory();
        let mut random = Random::new(0);
        let mut below = |most: usize| random.below(most as u64) as usize;
        for round in 0..rounds() {
            let mut bytes = whole.clone();
            for _ in 0..=below(8) {
                // Headers of pages are where it hurts most.
                let page = below(bytes.len() / 4096) * 4096;
                let at = page + below(if round % 2 == 0 { 64 } else { 4096 });
                bytes[at] = below(256) as u8;
            }
            std::fs::write(&source.path, &bytes).unwrap();
            let options = turnkeep::store::ImportOptions {
                dry_run: true,
                ..Default::default()
            };
            if let Err(error) = store.import(source.path(), options) {
                let kinds = match bytes.starts_with(b"SQLite format 3\0") {
                    true => vec![Kind::Corrupt, Kind::Mismatch, Kind::TooLarge, Kind::Storage],
                    false => vec![Kind::Invalid],
                };
                assert!(
                    kinds.contains(&error.kind()),
                    "{script}, round {round}: {:?} {error}",
                    error.kind()
                );
            }
            assert!(std::fs::read(&source.path).unwrap() == bytes, "{script}, round {round}");
            assert_eq!(source.files().len(), 1, "{script}, round {round}");
        }
        assert!(ids(&store).is_empty());
    }
}

fn rounds() -> usize {
    std::env::var("TURNKEEP_ROUNDS").map_or(60, |rounds| rounds.parse().unwrap())
}
