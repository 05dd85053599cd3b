//! A comparison of encoders as its report sees it. A comparison writes all of its tables but the maps, so one
//! that lacks another is broken.

use std::path::Path;

use super::data::{Data, Tables};
use super::error::ReportError;
use super::record;
use crate::figure::picture::Pictures;
use crate::table::record::{COMPARISON, ComparisonRecord};

/// The record of a comparison.
pub type Compared = ComparisonRecord;

impl Data<Compared> {
    /// Opens the comparison in `folder`.
    ///
    /// # Errors
    /// [`ReportError`]: no comparison, or a record that is broken.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            record: record::read(folder, COMPARISON)?,
            tables: Tables::of(&folder.join("tables")),
            pictures: Pictures::default(),
        })
    }
}
