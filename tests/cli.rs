//! The program `turnkeep`, run as a user runs it: real processes, real files, a real terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "cli/changing.rs"]
mod changing;
#[path = "cli/harmless.rs"]
mod harmless;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/moving.rs"]
mod moving;
#[path = "cli/reading.rs"]
mod reading;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/shapes.rs"]
mod shapes;
#[path = "cli/talking.rs"]
mod talking;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/upkeep.rs"]
mod upkeep;
#[path = "cli/user.rs"]
mod user;
