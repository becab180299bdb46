//! Turnkeep keeps conversations for programs that run language models.

pub mod context;
pub mod error;
pub mod model;
