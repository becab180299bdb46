//! Kills and power cuts: processes that drive the C ABI are killed at random moments and at named points, and disks are made up
//! that a power cut may leave. What was acknowledged is there afterwards, in order and once, and nothing else.
//!
//! TURNKEEP_ROUNDS says how often, TURNKEEP_SEED from which seed on. On Linux, where the border between a process and the system
//! can be watched from within it (crash/calls.rs).

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what was done how often is told"
)]
#![allow(dead_code, reason = "the model's modules are shared with tests/reference.rs")]

#[path = "support/abi/mod.rs"]
mod abi;
#[path = "reference/apply.rs"]
mod apply;
#[path = "crash/calls.rs"]
mod calls;
#[path = "crash/child.rs"]
mod child;
#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/every_call.rs"]
mod every_call;
#[path = "reference/image.rs"]
mod image;
#[path = "crash/judge.rs"]
mod judge;
#[path = "crash/kills.rs"]
mod kills;
#[path = "reference/lines.rs"]
mod lines;
#[path = "reference/model.rs"]
mod model;
#[path = "crash/nobody.rs"]
mod nobody;
#[path = "reference/operations.rs"]
mod operations;
#[path = "crash/points.rs"]
mod points;
#[path = "crash/power.rs"]
mod power;
#[path = "support/random.rs"]
mod random;
#[path = "crash/script.rs"]
mod script;
#[path = "reference/seen.rs"]
mod seen;
#[path = "crash/structs.rs"]
mod structs;
#[path = "reference/subject.rs"]
mod subject;
mod support;
#[path = "crash/through_c.rs"]
mod through_c;
#[path = "reference/update.rs"]
mod update;
#[path = "crash/writers.rs"]
mod writers;

use random::Random;

/// How often something is tried: in `make soak` more often than in the tests.
fn rounds(usual: usize) -> usize {
    let asked = std::env::var("TURNKEEP_ROUNDS");
    asked.map_or(usual, |rounds| rounds.parse().unwrap())
}

/// The first seed: the same every time, unless another one is asked for.
fn first_seed() -> u64 {
    std::env::var("TURNKEEP_SEED").map_or(0, |seed| seed.parse().unwrap())
}
