//! To be written.

pub(crate) fn read(_input: &super::input::Input, _taker: &mut super::taker::Taker<'_>) -> crate::error::Result<()> {
    unimplemented!()
}
