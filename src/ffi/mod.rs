//! The C API: converts, calls [`crate::store`], converts back.
//!
//! One file for each section of `include/turnkeep/turnkeep.h`, but for section 8, whose filter has a file of its own;
//! the header is generated from them (`tests/header.rs`), so every comment on an exported item is written for the
//! reader of the header. Nothing is decided here: if a function grows, what grew belongs below.
//!
//! The exported functions are not `unsafe` in their bodies: raw pointers go through [`pointer`], [`options`] and
//! [`text`], which hold the `unsafe` blocks and say which rule of the header each of them trusts.

#![allow(missing_docs, reason = "the header's comments are written for C")]
#![allow(
    unreachable_pub,
    reason = "cbindgen writes what is pub, and nothing in Rust reaches it"
)]

mod basics;
mod branch;
mod events;
mod filter;
mod guard;
mod list;
mod maintenance;
mod message;
mod metrics;
mod options;
mod pointer;
mod search;
mod session;
mod store;
mod text;
mod transfer;
mod turn;
mod window;
