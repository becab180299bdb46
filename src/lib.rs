//! Turnkeep keeps conversations for programs that run language models: every message durable, the next prompt's window cut
//! in microseconds. The C API is in `include/turnkeep/turnkeep.h`; a Rust program begins with [`Store`].
//!
//! Imports run one way: `ffi` -> `store` -> `commit`, `cache`, `events` -> `metrics`, `storage` -> `model`, and
//! `context` -> `model` (docs/design.md, "The house").

#![cfg_attr(
    loom,
    allow(dead_code, unused_imports, unreachable_pub, reason = "only a part is built")
)]

mod commit;
pub mod context;
pub mod error;
mod fork;
pub mod model;
mod panics;
mod sync;

#[cfg(not(loom))]
mod cache;
#[cfg(not(loom))]
mod events;
#[cfg(not(loom))]
mod ffi;
#[cfg(not(loom))]
mod files;
#[cfg(not(loom))]
pub mod metrics;
#[cfg(not(loom))]
mod storage;
#[cfg(not(loom))]
pub mod store;
#[cfg(not(loom))]
pub mod transfer;

#[cfg(not(loom))]
pub use cache::view;
#[cfg(not(loom))]
pub use store::{Session, Store, StoreOptions};

/// Under loom only what is proven there is built.
#[cfg(loom)]
mod cache {
    mod body;
    pub(crate) mod view;
}
