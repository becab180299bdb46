//! Turnkeep keeps conversations for programs that run language models: every message durable, the next prompt's window cut
//! in microseconds. The C API is in `include/turnkeep/turnkeep.h`; a Rust program begins with [`Store`].
//!
//! Imports run one way: `ffi` -> `store` -> `commit`, `cache` -> `storage` -> `model`, and `context` -> `model`
//! (docs/design.md, "The house").

mod cache;
mod commit;
pub mod context;
pub mod error;
mod ffi;
pub mod model;
mod storage;
pub mod store;
mod sync;

pub use cache::view;
pub use store::{Conversation, Store, StoreOptions};
