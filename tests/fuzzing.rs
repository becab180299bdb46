//! The targets of the fuzzer without it: with everything that it found once, which lies in tests/fixtures/fuzz in a folder for
//! each target, and with a few hundred inputs from a generator, so that no target falls asleep where there is no nightly Rust.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "support/fuzzing/mod.rs"]
mod fuzzing;
#[path = "support/random.rs"]
mod random;

use fuzzing::{FORMATS, Importer, TARGETS, Target};
use random::Random;
use std::fs;
use std::path::Path;

fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no target '{name}'")).1
}

/// `TURNKEEP_ROUNDS` asks for another number of inputs.
fn runs_what_is_generated(name: &str, inputs: u64, longest: u64) {
    let target = target(name);
    let asked = std::env::var("TURNKEEP_ROUNDS").ok();
    let inputs = asked.map_or(inputs, |rounds| rounds.parse().unwrap());
    for seed in 0..inputs {
        let input = Random::new(seed).bytes(longest);
        let failed = std::panic::catch_unwind(|| target(&input)).is_err();
        assert!(!failed, "{name} fails with input {seed} of the generator");
    }
}

#[test]
fn what_the_fuzzer_found_once_is_no_fault_any_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fuzz");
    let mut count = 0;
    for folder in root.read_dir().unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let importer = FORMATS.contains(&name.as_str()).then(|| Importer::new(&name));
        for file in folder.read_dir().unwrap() {
            let path = file.unwrap().path();
            let input = fs::read(&path).unwrap();
            let feed = || match &importer {
                Some(importer) => importer.feed(&input),
                None => target(&name)(&input),
            };
            let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(feed)).is_err();
            assert!(!failed, "{} fails", path.display());
            count += 1;
        }
    }
    assert!(count > 0, "there is nothing in {}", root.display());
}

#[test]
fn calls_of_the_c_abi_in_any_order_break_nothing() {
    runs_what_is_generated("abi", 200, 3_000);
}

#[test]
fn a_damaged_store_file_is_told_and_not_written_to() {
    runs_what_is_generated("store_file", 200, 300);
}

#[test]
fn a_log_that_is_not_the_stores_own_breaks_nothing() {
    runs_what_is_generated("store_wal", 200, 300);
}

#[test]
fn every_text_can_be_searched_for() {
    runs_what_is_generated("search", 200, 2_000);
}

#[test]
fn any_filter_counts_what_it_lists() {
    runs_what_is_generated("filter", 300, 600);
}

#[test]
fn any_window_options_give_the_window_of_the_naive_reference() {
    runs_what_is_generated("window_options", 300, 400);
}

#[test]
fn any_settings_are_read_or_refused() {
    runs_what_is_generated("settings", 1_000, 300);
}

#[test]
fn texts_with_a_syntax_are_taken_or_refused() {
    runs_what_is_generated("texts", 1_000, 200);
}
