//! Every operation of a store with a fault at every place: the n-th read, write, flush, truncation, lock or call for shared
//! memory fails, for n = 1, 2, 3 ... until the operation passes without reaching n.
//!
//! Whatever fails: the status says so and fits, the store holds what it held before or what it should hold after, and the
//! handle works on. TURNKEEP_ROUNDS=10000 tries every place of the long operations, too.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the counts are for docs/reliability.md"
)]

#[path = "faults/dump.rs"]
mod dump;
#[path = "faults/flush.rs"]
mod flush;
#[path = "faults/harness.rs"]
mod harness;
#[path = "faults/injector.rs"]
mod injector;
#[path = "faults/operations/mod.rs"]
mod operations;
mod support;
#[path = "support/vfs.rs"]
mod vfs;
#[path = "faults/world.rs"]
mod world;

use harness::{Injector, Mode, Operation, try_all};
use injector::Files;
use std::collections::BTreeSet;
use std::path::Path;
use turnkeep::Store;
use world::{Setting, World};

fn try_with_files(group: &'static str, operations: &[Operation]) {
    try_all(group, operations, |world: &World| Files::below(world.folder()));
}

#[test]
fn opening_and_closing_survive_every_fault() {
    try_with_files("open, migrate, close", &operations::opening());
}

#[test]
fn appends_survive_every_fault() {
    try_with_files("append, flush", &operations::appending());
}

#[test]
fn what_is_deferred_survives_every_fault_or_is_told_to_be_lost() {
    try_with_files("deferred", &operations::deferring());
}

#[test]
fn changes_survive_every_fault() {
    try_with_files("create, update, delete", &operations::changing());
}

#[test]
fn branches_survive_every_fault() {
    try_with_files("fork, rewind, replace", &operations::branching());
}

#[test]
fn reading_survives_every_fault() {
    try_with_files("read", &operations::reading());
}

#[test]
fn finding_survives_every_fault() {
    try_with_files("list, search, events", &operations::finding());
}

#[test]
fn copies_survive_every_fault() {
    try_with_files("backup, salvage, export, import", &operations::copying());
}

#[test]
fn upkeep_survives_every_fault() {
    try_with_files("check, vacuum, erase", &operations::upkeep());
}

/// In three ways; what came of it is told, and the source stays as it is.
#[test]
fn a_salvage_that_meets_faults_says_what_it_could_not_read() {
    let salvage = |world: &World, name: &str| Store::salvage(&world.place("chat.db"), &world.place(name));
    let world = World::new(Setting::Killed);
    let whole = salvage(&world, "whole.db").unwrap();
    let (source, log) = (
        std::fs::read(world.path()).unwrap(),
        std::fs::read(world.place("chat.db-wal")).unwrap(),
    );
    let mut faults = 0;
    for mode in [Mode::Once, Mode::FromThereOnAlike, Mode::FromThereOn] {
        let mut n = 1;
        loop {
            let injector = Files::below(world.folder());
            injector.arm(n, mode);
            let target = format!("{mode:?} {n}.db");
            let salvaged = salvage(&world, &target);
            if injector.disarm().is_none() {
                assert_eq!(salvaged.unwrap(), whole);
                break;
            }
            faults += 1;
            n = Files::steps(mode).after(n);
            match salvaged {
                Ok(report) => assert!(report == whole || report.problems.count > 0, "{mode:?} {n}: {report:?}"),
                Err(error) => {
                    assert!(error.message().starts_with("salvage store '"), "{error}");
                    assert!(!world.files().contains(&target), "{mode:?} {n}: {error}");
                }
            }
        }
    }
    println!("salvage | {faults} faults");
    assert_eq!(std::fs::read(world.path()).unwrap(), source);
    assert_eq!(std::fs::read(world.place("chat.db-wal")).unwrap(), log);
    assert_eq!(salvage(&world, "again.db").unwrap(), whole);
}

/// The names after `pub fn` in what is implemented for stores and sessions.
fn functions_in(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_ours = false;
    for line in source.lines() {
        if line.starts_with("impl") {
            is_ours = ["impl Store {", "impl Session {"].contains(&line);
        }
        if let Some(rest) = line.strip_prefix("    pub fn ").filter(|_| is_ours) {
            names.push(rest.split(['(', '<']).next().unwrap().to_owned());
        }
    }
    names
}

fn mutations_in(source: &str) -> Vec<String> {
    let (_, body) = source.split_once("pub(crate) enum Mutation {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let variants = body.lines().filter_map(|line| line.trim().split_once('('));
    variants.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_function_of_a_store_and_every_mutation_is_tried_with_faults() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let mut all = mutations_in(&read(&source.join("storage/mutation.rs")));
    assert!(all.len() >= 12, "{all:?}");
    all.extend(functions_in(&read(&source.join("store.rs"))));
    for entry in std::fs::read_dir(source.join("store")).unwrap() {
        all.extend(functions_in(&read(&entry.unwrap().path())));
    }
    let groups = [
        operations::opening(),
        operations::appending(),
        operations::deferring(),
        operations::changing(),
        operations::branching(),
        operations::reading(),
        operations::finding(),
        operations::copying(),
        operations::upkeep(),
    ];
    let tried = groups.iter().flatten().flat_map(|operation| operation.covers);
    let known: BTreeSet<&str> = tried
        .chain(operations::WITHOUT_FILES)
        .chain([&operations::SALVAGE])
        .copied()
        .collect();
    let forgotten: Vec<&String> = all.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(forgotten.is_empty(), "not tried with faults: {forgotten:?}");
    let gone: Vec<&&str> = known
        .iter()
        .filter(|name| !all.iter().any(|there| there == *name))
        .collect();
    assert!(gone.is_empty(), "these are no functions: {gone:?}");
}
