//! To be written.

pub(crate) mod coda;
pub(crate) mod eink;
pub(crate) mod gemma;
pub(crate) mod qv;
