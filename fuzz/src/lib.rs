//! The targets of the fuzzer. What they do with the bytes is in `tests/support/fuzzing`, where the tests have it from, too.

#[path = "../../tests/support/fuzzing/mod.rs"]
mod fuzzing;

use fuzzing::{Importer, TARGETS};
use std::cell::OnceCell;

thread_local! {
    static IMPORTER: OnceCell<Importer> = const { OnceCell::new() };
}

/// Feeds bytes to a target.
pub fn run(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    found.expect("a target with this name").1(bytes);
}

/// Feeds bytes to the importer of a format: the same one in every call.
pub fn import(format: &str, bytes: &[u8]) {
    IMPORTER.with(|importer| importer.get_or_init(|| Importer::new(format)).feed(bytes));
}

/// A target of the fuzzer.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::run($name, bytes));
    };
}

/// A target of the fuzzer for a format that is imported.
#[macro_export]
macro_rules! importer {
    ($format:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::import($format, bytes));
    };
}
