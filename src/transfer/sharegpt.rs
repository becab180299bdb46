//! To be written.

use super::export::{Exported, Out};
use crate::error::Result;
use crate::model::MessageRef;

#[derive(Default)]
pub(crate) struct Exporter;

impl super::export::Exporter for Exporter {
    fn session(&mut self, _out: &mut Out<'_>, _session: &Exported<'_>) -> Result<()> {
        Err(crate::error::Error::new(crate::error::Kind::Unsupported, "not yet"))
    }

    fn message(&mut self, _out: &mut Out<'_>, _message: &MessageRef<'_>) -> Result<()> {
        Err(crate::error::Error::new(crate::error::Kind::Unsupported, "not yet"))
    }
}

pub(crate) fn read(_input: &super::input::Input, _taker: &mut super::taker::Taker<'_>) -> crate::error::Result<()> {
    Err(crate::error::Error::new(crate::error::Kind::Unsupported, "not yet"))
}
