//! Compressed contents: read by every handle, never unpacked where only tokens matter, and an error where damaged.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use rusqlite::Connection;
use support::{TempStore, contents, user};
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, NewSession, Tokens};
use turnkeep::{Store, StoreOptions};

fn compressing() -> StoreOptions {
    StoreOptions {
        compress_min_bytes: 1000,
        ..StoreOptions::default()
    }
}

fn query(store: &TempStore, sql: &str) -> i64 {
    let file = Connection::open(store.path()).unwrap();
    file.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn long_contents_are_packed_and_every_handle_reads_them() {
    let store = TempStore::with(compressing());
    let session = store.create();
    let long = "the same words again ".repeat(500);
    let incompressible: String = (0..1200u32)
        .map(|n| char::from_u32(0x4E00 + n.wrapping_mul(2_654_435_761) % 20_000).unwrap())
        .collect();
    let said = [long.as_str(), "short", &long[..999], &incompressible, ""];
    session.append(said.map(user).into(), AppendOptions::default()).unwrap();
    assert_eq!(contents(&session), said);
    assert_eq!(query(&store, "SELECT count(packed) FROM messages"), 2);
    assert_eq!(
        query(
            &store,
            "SELECT count(*) FROM messages WHERE packed IS NOT NULL AND content <> ''"
        ),
        0
    );
    let bytes: usize = said.iter().map(|text| text.len()).sum();
    assert_eq!(
        session.describe().unwrap().bytes,
        bytes as u64,
        "a session's bytes are those of its texts"
    );

    let plain = store.share();
    let reopened = plain.open_session(session.id()).unwrap();
    assert_eq!(contents(&reopened), said);
    reopened.append(vec![user(&long)], AppendOptions::default()).unwrap();
    assert_eq!(
        query(&store, "SELECT count(packed) FROM messages"),
        2,
        "this handle does not pack"
    );
    assert_eq!(contents(&session).last(), Some(&long));
    assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
}

#[test]
fn a_damaged_content_is_corrupt_and_a_plan_does_not_look_at_it() {
    let store = TempStore::with(compressing());
    let session = store.create();
    for number in 0..40 {
        let mut message = user(&format!("{number} ").repeat(1000));
        message.tokens = Tokens::Given(100);
        session.append(vec![message], AppendOptions::default()).unwrap();
    }
    let id = session.id().to_owned();
    store.close().unwrap();
    let file = Connection::open(store.path()).unwrap();
    let first = "UPDATE messages SET packed = x'28B52FFDA000E9A435010000' WHERE key & 4294967295 = 1";
    assert_eq!(file.execute(first, []), Ok(1));
    drop(file);

    let store = store.share();
    let session = store.open_session(&id).unwrap();
    // The cut is found by weighing every message from the first on.
    let window = session
        .window(&WindowOptions {
            max_tokens: 1000,
            ..Default::default()
        })
        .unwrap();
    assert!(window.report().cut_seq > 20);
    let damaged = session.range(1, 2).err().unwrap();
    assert_eq!(damaged.kind(), Kind::Corrupt, "{damaged}");
    let refused = session.append(vec![user("x")], AppendOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Corrupt);
}

#[test]
fn a_level_that_zstd_does_not_have_is_refused() {
    for level in [0, -5, 23] {
        let options = StoreOptions {
            compression_level: level,
            ..StoreOptions::default()
        };
        let refused = Store::open(":memory:", options).err().unwrap();
        assert_eq!(refused.kind(), Kind::Invalid, "{refused}");
    }
}

#[test]
fn a_backup_and_a_salvage_keep_what_is_packed() {
    let store = TempStore::with(compressing());
    let session = store
        .create_session(NewSession {
            id: Some("s".into()),
            ..NewSession::default()
        })
        .unwrap();
    let long = "again and again ".repeat(300);
    session.append(vec![user(&long)], AppendOptions::default()).unwrap();
    let [copy, salvaged] = ["copy.db", "salvaged.db"].map(|name| store.path().with_file_name(name));
    store.backup(copy.to_str().unwrap(), Default::default()).unwrap();
    Store::salvage(copy.to_str().unwrap(), salvaged.to_str().unwrap()).unwrap();
    for path in [copy, salvaged] {
        let file = Connection::open(&path).unwrap();
        let packed = file.query_row("SELECT count(packed) FROM messages", [], |row| row.get::<_, i64>(0));
        assert_eq!(packed, Ok(1));
        drop(file);
        let store = Store::open(path.to_str().unwrap(), StoreOptions::default()).unwrap();
        assert_eq!(contents(&store.open_session("s").unwrap()), [long.as_str()]);
        assert_eq!(store.check().unwrap().problems.listed, [""; 0]);
    }
}
