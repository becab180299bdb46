//! Conversations on their way in and out: one file for each format, and what all of them need.
//!
//! An importer reads a source and hands what it finds to a [`taker::Taker`], which checks it like what is appended. An
//! exporter is shown sessions and messages in order and writes them to an [`export::Out`]. Neither knows the store: how a
//! format looks, and what it cannot carry, is all that stands in its file (docs/formats.md).

mod carried;
mod chatgpt;
mod claude;
mod conversation;
mod csv;
mod databases;
mod detect;
mod draft;
mod existing;
pub(crate) mod export;
mod fields;
mod file;
mod format;
mod gemma_sessions;
mod html;
pub(crate) mod import;
pub(crate) mod input;
mod json;
mod llama_cpp;
mod markdown;
mod mend;
mod openai;
mod own;
mod reading;
mod report;
mod sharegpt;
pub(crate) mod taker;
mod text;
mod tree;

pub use format::Format;
pub use report::{ExportReport, ImportReport, Loss, Problem, ProblemKind};

pub use existing::Existing;

pub(crate) use file::write_beside;
