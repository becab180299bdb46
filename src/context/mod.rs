//! Pure functions: how many tokens a text has, and which messages go into the next prompt.
//!
//! No I/O, no clock, no locks.

mod pins;
pub mod policy;
pub mod tokens;
pub mod window;

pub use policy::{LeaveOut, Policy, WindowOptions};
pub use tokens::{Estimate, Tokenizer};
pub use window::{Entry, Memo, Planner, Usage};
