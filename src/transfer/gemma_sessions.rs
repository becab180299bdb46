//! To be written.

use super::export::{Exported, Out};
use crate::error::Result;
use crate::model::MessageRef;

#[derive(Default)]
pub(crate) struct Exporter;

impl super::export::Exporter for Exporter {
    fn session(&mut self, _out: &mut Out<'_>, _session: &Exported<'_>) -> Result<()> {
        unimplemented!()
    }

    fn message(&mut self, _out: &mut Out<'_>, _message: &MessageRef<'_>) -> Result<()> {
        unimplemented!()
    }
}

pub(crate) fn read(_input: &super::input::Input, _taker: &mut super::taker::Taker<'_>) -> crate::error::Result<()> {
    unimplemented!()
}
