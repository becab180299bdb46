//! Files in every state: in use, left by a crash, damaged, not what they should be. None of them is changed.

use crate::fixture::*;
use rusqlite::Connection;
use std::fs;
use std::process::Command;
use turnkeep::error::Kind;
use turnkeep::store::ImportOptions;
use turnkeep::transfer::Format;
use turnkeep::{Store, StoreOptions};

const ONE: &str = "CREATE TABLE conversations (id TEXT PRIMARY KEY, title TEXT, created_at TEXT, updated_at TEXT, metadata TEXT); \
     CREATE TABLE messages (id TEXT PRIMARY KEY, conversation_id TEXT, role TEXT, content TEXT, created_at TEXT, metadata TEXT); \
     INSERT INTO conversations VALUES ('one', 'One', '2024-01-01', '2024-01-01', '{}'); \
     INSERT INTO messages VALUES ('m1', 'one', 'user', 'in the file', '2024-01-01', '{}');";
const SECOND: &str = "INSERT INTO messages VALUES ('m2', 'one', 'user', 'in the log', '2024-01-01', '{}');";

fn in_wal_mode() -> (Source, Connection) {
    let source = Source::empty();
    let connection = Connection::open(&source.path).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch(ONE).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    (source, connection)
}

#[test]
fn a_log_that_is_in_use_is_read_and_left_alone() {
    let (source, connection) = in_wal_mode();
    connection.execute_batch(SECOND).unwrap();
    assert_eq!(source.files().len(), 3);
    let store = memory();
    source.import(&store).unwrap();
    assert_eq!(contents(&store, "one"), ["in the file", "in the log"]);
}

#[test]
fn a_log_that_a_crash_left_is_read_and_left_alone() {
    let (source, connection) = in_wal_mode();
    connection.execute_batch(SECOND).unwrap();
    let crashed = Source::empty();
    for end in ["", "-wal"] {
        let name = |source: &Source| format!("{}{end}", source.path());
        fs::copy(name(&source), name(&crashed)).unwrap();
    }
    let store = memory();
    crashed.import(&store).unwrap();
    assert_eq!(contents(&store, "one"), ["in the file", "in the log"]);
}

#[test]
fn a_closed_database_with_a_log_gets_no_files_beside_it() {
    let (source, connection) = in_wal_mode();
    connection.close().unwrap();
    assert_eq!(source.files().len(), 1);
    let store = memory();
    source.import(&store).unwrap();
    assert_eq!(contents(&store, "one"), ["in the file"]);
}

#[cfg(unix)]
#[test]
fn a_database_in_a_folder_that_may_not_be_written_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let (source, connection) = in_wal_mode();
    connection.execute_batch(SECOND).unwrap();
    fs::set_permissions(&source.path, fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(source.folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let store = memory();
    source.import(&store).unwrap();
    fs::set_permissions(source.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(contents(&store, "one"), ["in the file", "in the log"]);
}

#[test]
fn a_journal_that_a_crash_left_is_rolled_back_in_a_copy() {
    let source = made_of(ONE);
    let connection = Connection::open(&source.path).unwrap();
    // A cache this small writes pages to the file before the transaction ends.
    connection
        .execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE;")
        .unwrap();
    for number in 0..2000 {
        let sql = "INSERT INTO messages VALUES (?1, 'one', 'user', hex(zeroblob(100)), '2024-01-01', '{}')";
        connection.execute(sql, [format!("n{number}")]).unwrap();
    }
    let crashed = Source::empty();
    for end in ["", "-journal"] {
        let name = |source: &Source| format!("{}{end}", source.path());
        fs::copy(name(&source), name(&crashed)).unwrap();
    }
    assert!(fs::metadata(&crashed.path).unwrap().len() > 8 * 4096);
    let store = memory();
    crashed.import(&store).unwrap();
    assert_eq!(contents(&store, "one"), ["in the file"]);
}

#[test]
fn a_database_that_somebody_has_locked_is_busy() {
    let source = made_of(ONE);
    let connection = Connection::open(&source.path).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = source
        .import_with(&memory(), as_format(Format::QvDatabase))
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Busy, "{error}");
    connection.execute_batch("ROLLBACK").unwrap();
    source.import(&memory()).unwrap();
}

#[test]
fn a_damaged_database_is_corrupt_and_nothing_of_it_is_kept() {
    let source = made_of(ONE);
    let connection = Connection::open(&source.path).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for number in 0..2000 {
        let sql = "INSERT INTO messages VALUES (?1, 'one', 'user', 'a message of some length', '2024-01-01', '{}')";
        connection.execute(sql, [format!("n{number}")]).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    connection.close().unwrap();
    let whole = fs::read(&source.path).unwrap();
    let torn: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| {
            let middle = bytes.len() / 8192 * 4096;
            bytes[middle..middle + 4096 * 20].fill(0);
        },
        |bytes| bytes[4096..8192].fill(0xA5),
    ];
    for (number, tear) in torn.iter().enumerate() {
        let mut bytes = whole.clone();
        tear(&mut bytes);
        fs::write(&source.path, bytes).unwrap();
        let store = memory();
        let error = source.import_with(&store, as_format(Format::QvDatabase)).unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt, "{number}: {error}");
        assert!(ids(&store).is_empty());
        store.create_session(turnkeep::model::NewSession::default()).unwrap();
    }
}

#[test]
fn a_turnkeep_store_is_told_from_an_ancestor_also_while_it_is_open() {
    let source = Source::empty();
    let own = Store::open(source.path(), StoreOptions::default()).unwrap();
    own.create_session(turnkeep::model::NewSession::default()).unwrap();
    for format in [
        Format::QvDatabase,
        Format::CodaDatabase,
        Format::GemmaDatabase,
        Format::EinkDatabase,
    ] {
        let error = memory().import(source.path(), as_format(format)).unwrap_err();
        assert_eq!(error.kind(), Kind::Mismatch);
        assert!(
            error
                .message()
                .contains("is a Turnkeep store; back it up, or export it"),
            "{error}"
        );
    }
    let error = own.import(source.path(), ImportOptions::default()).unwrap_err();
    assert!(error.message().contains("is a Turnkeep store"), "{error}");
    own.create_session(turnkeep::model::NewSession::default()).unwrap();
}

#[test]
fn what_is_no_database_or_an_encrypted_one_is_said() {
    let source = Source::empty();
    for bytes in [&b""[..], b"{}", &[0xC3; 8192]] {
        fs::write(&source.path, bytes).unwrap();
        let error = source
            .import_with(&memory(), as_format(Format::EinkDatabase))
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Mismatch);
        assert!(
            error
                .message()
                .contains("is not an SQLite database, or an encrypted one"),
            "{error}"
        );
    }
}

#[test]
fn another_programs_database_is_a_mismatch_that_says_what_it_lacks() {
    let source = made_of("CREATE TABLE sessions (id TEXT, name TEXT); CREATE TABLE bookmarks (url TEXT);");
    let error = source.import(&memory()).unwrap_err();
    assert_eq!(error.kind(), Kind::Mismatch, "{error}");
    assert!(error.message().contains("database of another program"), "{error}");
    let error = source
        .import_with(&memory(), as_format(Format::CodaDatabase))
        .unwrap_err();
    assert!(
        error
            .message()
            .contains("is no coda-db: it lacks sessions(id, name) and messages("),
        "{error}"
    );
}

/// Writes two messages in each of many transactions, and lets the log begin anew as often as it can.
const WRITER: &str = "
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db.execute('PRAGMA journal_mode = ' + sys.argv[2])
db.execute('PRAGMA wal_autocheckpoint = 5')
db.execute('PRAGMA synchronous = OFF')
for number in range(0, 40000, 2):
    db.execute('BEGIN IMMEDIATE')
    for n in (number, number + 1):
        db.execute('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)', (f'n{n}', 'one', 'user', 'x' * 900, '2024-01-01', '{}'))
    db.execute('COMMIT')
    time.sleep(0.0005)
";

/// A program that does not outlive the test.
struct Writer(std::process::Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn a_database_that_is_written_to_meanwhile_is_read_as_of_one_moment() {
    for mode in ["wal", "delete"] {
        let source = made_of(ONE);
        let arguments = ["-c", WRITER, source.path(), mode];
        let _writer = Writer(Command::new("python3").args(arguments).spawn().unwrap());
        let mut counts = Vec::new();
        let begin = std::time::Instant::now();
        while counts.len() < 12 {
            assert!(
                begin.elapsed().as_secs() < 60,
                "{mode}: after a minute there are only {counts:?}"
            );
            match memory().import(source.path(), ImportOptions::default()) {
                // It has not begun to write.
                Ok(report) if report.messages == 1 => {}
                Ok(report) => counts.push(report.messages),
                Err(error) => assert_eq!(error.kind(), Kind::Busy, "{mode}: {error}"),
            }
        }
        // One was there before, and then pairs came.
        assert!(counts.iter().all(|count| count % 2 == 1), "{mode}: {counts:?}");
        assert!(
            counts.is_sorted() && counts.last() > counts.first(),
            "{mode}: {counts:?}"
        );
        println!("{mode} {counts:?}");
    }
}
