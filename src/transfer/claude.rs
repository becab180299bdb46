//! To be written.

pub(crate) fn read(_input: &super::input::Input, _taker: &mut super::taker::Taker<'_>) -> crate::error::Result<()> {
    Err(crate::error::Error::new(crate::error::Kind::Unsupported, "not yet"))
}
