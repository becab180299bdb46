//! salvage
use crate::error::{Error, Kind, Result};
use crate::model::SalvageReport;
pub(crate) fn salvage(_source: &str, _target: &str) -> Result<SalvageReport> {
    Err(Error::new(Kind::Unsupported, "not yet"))
}
