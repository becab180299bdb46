//! To be written.

pub(crate) fn read(
    _input: &super::super::input::Input,
    _taker: &mut super::super::taker::Taker<'_>,
) -> crate::error::Result<()> {
    Err(crate::error::Error::new(crate::error::Kind::Unsupported, "not yet"))
}
