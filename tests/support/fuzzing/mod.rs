//! What the fuzzer calls with bytes: one function for each target. `fuzz/` runs them under libFuzzer, `tests/fuzzing.rs` with
//! what was found and with a few hundred inputs of its own, so that they are tried where there is no nightly Rust, too.
//!
//! A target draws from its bytes what it does ([`draw::Draw`]), does it, and panics where a promise is broken.

#![allow(dead_code, reason = "each user takes a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target fails loudly"
)]

mod abi;
mod damage;
mod draw;
mod filter;
mod import;
#[path = "../naive_window.rs"]
mod naive_window;
#[path = "../nasty.rs"]
mod nasty;
mod samples;
mod search;
mod settings;
mod store_file;
mod texts;
mod use_store;
mod window_options;

pub(crate) use import::Importer;

/// What takes the bytes.
pub(crate) type Target = fn(&[u8]);

/// Every target that is no importer, by its name.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("abi", abi::run),
    ("store_file", store_file::run_file),
    ("store_wal", store_file::run_wal),
    ("search", search::run),
    ("filter", filter::run),
    ("window_options", window_options::run),
    ("settings", settings::run),
    ("texts", texts::run),
];

/// The formats that are imported.
pub(crate) const FORMATS: &[&str] = &[
    "turnkeep",
    "openai",
    "sharegpt",
    "csv",
    "gemma-sessions",
    "llama-cpp",
    "chatgpt",
    "claude",
    "qv-db",
    "coda-db",
    "gemma-sessions-db",
    "eink-db",
];

/// A folder that goes with the run: in memory, where there is such a file system.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// The result, if the failure is one that a caller can be told.
#[track_caller]
pub(crate) fn told<T>(result: turnkeep::error::Result<T>) -> Result<T, turnkeep::error::Kind> {
    result.map_err(|error| {
        assert!(error.kind() != turnkeep::error::Kind::Panic, "{error}");
        assert!(!error.message().is_empty());
        error.kind()
    })
}
