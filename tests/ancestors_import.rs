//! The databases of the four ancestors, written by tests/fixtures/ancestors/ and imported as they are: compared field by field,
//! and the files as they were.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

#[path = "ancestors_import/coda.rs"]
mod coda;
#[path = "ancestors_import/eink.rs"]
mod eink;
#[path = "ancestors_import/fixture.rs"]
mod fixture;
#[path = "ancestors_import/gemma.rs"]
mod gemma;
#[path = "ancestors_import/hostile.rs"]
mod hostile;
#[path = "ancestors_import/opening.rs"]
mod opening;
#[path = "ancestors_import/policies.rs"]
mod policies;
#[path = "ancestors_import/qv.rs"]
mod qv;
#[path = "support/random.rs"]
mod random;
