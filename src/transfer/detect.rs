//! To be written.

pub(crate) fn detect(_input: &super::input::Input) -> crate::error::Result<super::Format> {
    Ok(super::Format::Turnkeep)
}
