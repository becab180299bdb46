//! To be written.

pub(crate) fn read(
    _input: &super::super::input::Input,
    _taker: &mut super::super::taker::Taker<'_>,
) -> crate::error::Result<()> {
    unimplemented!()
}
