//! To be written.

pub(crate) mod coda;
pub(crate) mod eink;
pub(crate) mod gemma;
pub(crate) mod qv;

/// Which of these a database is, by its tables.
pub(crate) fn detect(_path: &std::path::Path) -> crate::error::Result<Option<super::Format>> {
    Ok(None)
}
