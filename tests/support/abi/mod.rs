//! `turnkeep.h` as Rust sees it, once for all tests that call the library as a host in C does.

#![allow(dead_code, reason = "each test uses a part, as a module of its own")]

mod functions;
mod types;

pub(crate) use functions::*;
pub(crate) use types::*;
