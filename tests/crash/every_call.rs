//! Short work that is killed before each of its calls in turn: the making of a store, and its migration.

use crate::child::{Ended, Order, Started, Work};
use crate::image::Image;
use crate::judge::look;
use crate::script::store_in;
use std::path::Path;

/// Opens the store of a folder in a child that is killed before its n-th call. Says whether it was, and whether the
/// opening was acknowledged before.
fn open_and_kill(folder: &Path, kill: u32) -> (Ended, bool) {
    let order = Order {
        folder: folder.to_owned(),
        work: Work::Open { kill },
    };
    let mut child = Started::with(&order);
    let mut opened = false;
    while let Some(line) = child.heard() {
        opened |= line == "open";
    }
    (child.ended(&order), opened)
}

/// Kills before every call there is, and has each state that this leaves looked at. Says how many there were.
fn killed_before_every_call(prepare: impl Fn(&Path), judge: impl Fn(&Path, bool)) -> u32 {
    for kill in 1.. {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let (ended, opened) = open_and_kill(folder.path(), kill);
        judge(folder.path(), opened);
        if ended == Ended::Done {
            return kill - 1;
        }
    }
    unreachable!("there is no end")
}

#[test]
fn a_store_whose_making_was_killed_at_any_call_can_be_opened() {
    let calls = killed_before_every_call(
        |_| {},
        |folder, opened| {
            let store = store_in(folder);
            assert!(store.exists() || !opened);
            assert_eq!(look(&store), Image::default());
            assert_eq!(look(&store), Image::default(), "a second time");
        },
    );
    println!("{calls:7} kills: in the making of a store");
    assert!(calls > 20, "{calls} calls");
}

#[test]
fn a_store_whose_migration_was_killed_at_any_call_is_migrated_by_the_next_opening() {
    // The second is the newest: opening it must change next to nothing.
    for (schema, least) in [(1, 30), (2, 1)] {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema_{schema}.db"));
        let copy = |folder: &Path| assert!(std::fs::copy(&fixture, store_in(folder)).is_ok());
        let undisturbed = tempfile::tempdir().unwrap();
        copy(undisturbed.path());
        let expected = look(&store_in(undisturbed.path()));
        assert!(!expected.sessions.is_empty());
        let calls = killed_before_every_call(copy, |folder, _| {
            assert_eq!(look(&store_in(folder)), expected);
            assert_eq!(look(&store_in(folder)), expected, "a second time");
        });
        println!("{calls:7} kills: in opening and closing a store of schema {schema}");
        assert!(calls >= least, "{calls} calls");
    }
}
