//! Files that somebody made to harm whoever opens them: stores with triggers, views and other things that would run, other
//! programs' databases alike. They are refused, or read for what they hold; nothing in them runs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::path::{Path, PathBuf};
use std::time::Instant;
use support::{text, user};
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, NewSession};
use turnkeep::store::BackupOptions;
use turnkeep::{Store, StoreOptions};

/// What is done to a store that was in order, and what the library says of it.
const DOCTORED: [(&str, &str, Kind); 12] = [
    (
        "a trigger",
        "CREATE TRIGGER harm AFTER INSERT ON messages BEGIN DELETE FROM sessions; END",
        Kind::Mismatch,
    ),
    (
        "a trigger that raises",
        "CREATE TRIGGER harm BEFORE UPDATE ON sessions BEGIN SELECT raise(ROLLBACK, 'harm'); END",
        Kind::Mismatch,
    ),
    (
        "a view",
        "CREATE VIEW harm AS SELECT harm() FROM messages",
        Kind::Mismatch,
    ),
    (
        "a view in the place of a table",
        "ALTER TABLE tags RENAME TO labels; CREATE VIEW tags AS SELECT harm() AS session, 'x' AS tag",
        Kind::Mismatch,
    ),
    (
        "a virtual table",
        "CREATE VIRTUAL TABLE harm USING fts5 (text)",
        Kind::Mismatch,
    ),
    (
        "a virtual table in the place of a table",
        "DROP TABLE tags; CREATE VIRTUAL TABLE tags USING fts5 (session, tag)",
        Kind::Corrupt,
    ),
    (
        "a computed column",
        "ALTER TABLE messages ADD COLUMN harm TEXT AS (harm()) VIRTUAL",
        Kind::Corrupt,
    ),
    (
        "an index on an expression",
        "CREATE INDEX harm ON messages (harm())",
        Kind::Mismatch,
    ),
    (
        "a partial index",
        "CREATE INDEX harm ON messages (role) WHERE harm() IS NULL",
        Kind::Mismatch,
    ),
    (
        "a CHECK",
        "ALTER TABLE sessions ADD COLUMN harm TEXT CHECK (harm() IS NULL)",
        Kind::Corrupt,
    ),
    (
        "a default",
        "ALTER TABLE sessions ADD COLUMN harm TEXT DEFAULT 'harm'",
        Kind::Corrupt,
    ),
    ("a table that is missing", "DROP TABLE receipts", Kind::Corrupt),
];

struct Doctored {
    folder: tempfile::TempDir,
}

impl Doctored {
    fn new(sql: &str) -> Self {
        let doctored = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let store = Store::open(doctored.path().to_str().unwrap(), StoreOptions::default()).unwrap();
        let session = NewSession {
            id: Some("s".into()),
            tags: vec!["t".into()],
            ..NewSession::default()
        };
        let session = store.create_session(session).unwrap();
        session.append(vec![user("hello")], AppendOptions::default()).unwrap();
        drop(session);
        store.close().unwrap();
        let file = Connection::open(doctored.path()).unwrap();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        file.create_scalar_function("harm", 0, flags, |_| Ok(None::<String>))
            .unwrap();
        file.execute_batch(sql).unwrap();
        file.pragma_update(None, "journal_mode", "delete").unwrap();
        doctored
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("chat.db")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }
}

#[test]
fn a_store_with_something_that_would_run_is_refused_and_left_untouched() {
    for (name, sql, expected) in DOCTORED {
        let doctored = Doctored::new(sql);
        let before = doctored.bytes();
        for read_only in [false, true] {
            let options = StoreOptions {
                read_only,
                ..StoreOptions::default()
            };
            let refused = Store::open(doctored.path().to_str().unwrap(), options)
                .err()
                .expect(name);
            assert_eq!(refused.kind(), expected, "{name}: {refused}");
            assert!(refused.message().contains("salvage"), "{name}: {refused}");
        }
        assert!(doctored.bytes() == before, "{name}: the file was changed");
    }
}

#[test]
fn what_such_a_store_holds_is_salvaged_and_nothing_in_it_runs() {
    for (name, sql, _) in DOCTORED {
        let doctored = Doctored::new(sql);
        let before = doctored.bytes();
        let target = doctored.folder.path().join("salvaged.db");
        Store::salvage(doctored.path().to_str().unwrap(), target.to_str().unwrap()).expect(name);
        let store = Store::open(target.to_str().unwrap(), StoreOptions::default()).unwrap();
        let messages = store.open_session("s").unwrap().range(1, u64::MAX).unwrap();
        assert_eq!(messages.views().len(), 1, "{name}");
        assert_eq!(text(messages.views()[0].content), "hello", "{name}");
        assert_eq!(store.check().unwrap().problems.count, 0, "{name}");
        assert!(doctored.bytes() == before, "{name}: the file was changed");
    }
}

#[test]
fn a_backup_does_not_replace_such_a_store() {
    let doctored = Doctored::new(DOCTORED[0].1);
    let before = doctored.bytes();
    let other = doctored.folder.path().join("other.db");
    let store = Store::open(other.to_str().unwrap(), StoreOptions::default()).unwrap();
    let over = BackupOptions {
        overwrite: true,
        ..BackupOptions::default()
    };
    let refused = store.backup(doctored.path().to_str().unwrap(), over).unwrap_err();
    assert_eq!(refused.kind(), Kind::Mismatch, "{refused}");
    assert!(doctored.bytes() == before);
}

#[test]
fn statistics_that_somebody_gathered_are_no_reason_to_refuse_a_store() {
    let doctored = Doctored::new("ANALYZE");
    let store = Store::open(doctored.path().to_str().unwrap(), StoreOptions::default()).unwrap();
    assert!(store.session_exists("s").unwrap());
}

/// Rewrites what a file says of a table, as no statement would.
fn describe_anew(path: &Path, table: &str, sql: &str) {
    let file = Connection::open(path).unwrap();
    file.pragma_update(None, "writable_schema", true).unwrap();
    let changed = file.execute("UPDATE sqlite_schema SET sql = ?2 WHERE name = ?1", (table, sql));
    assert_eq!(changed, Ok(1));
}

#[test]
fn a_table_that_is_described_in_other_words_is_damage() {
    let doctored = Doctored::new("");
    let sql = "CREATE TABLE receipts (session INTEGER NOT NULL, idempotency_key TEXT NOT NULL, first_seq INTEGER NOT NULL, \
               last_seq INTEGER NOT NULL, revision INTEGER NOT NULL CHECK (randomblob(1000000000) IS NOT NULL), \
               PRIMARY KEY (session, idempotency_key)) STRICT, WITHOUT ROWID";
    describe_anew(&doctored.path(), "receipts", sql);
    let refused = Store::open(doctored.path().to_str().unwrap(), StoreOptions::default())
        .err()
        .unwrap();
    assert_eq!(refused.kind(), Kind::Corrupt, "{refused}");
    assert!(refused.message().contains("receipts"), "{refused}");
}

#[test]
fn a_schema_without_end_is_refused_in_no_time() {
    let doctored = Doctored::new("");
    let file = Connection::open(doctored.path()).unwrap();
    file.execute_batch("BEGIN").unwrap();
    for number in 0..1_000 {
        file.execute_batch(&format!("CREATE TABLE harm{number} (a, b, c)"))
            .unwrap();
    }
    file.execute_batch("COMMIT").unwrap();
    drop(file);
    let begin = Instant::now();
    let refused = Store::open(doctored.path().to_str().unwrap(), StoreOptions::default())
        .err()
        .unwrap();
    assert_eq!(refused.kind(), Kind::Mismatch, "{refused}");
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}
