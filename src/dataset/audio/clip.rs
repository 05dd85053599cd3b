//! A clip in an uncompressed tar, as the index beside it names it. The archive is never extracted: the index says where
//! a clip lies, and the tar's own header is checked before its bytes are read.

use std::path::Path;

use crate::dataset::DatasetError;
use crate::dataset::files::{malformed, refused};
use crate::dataset::table::Table;
use crate::files::tar;

/// Where a clip lies, and its class.
pub struct Clip {
    /// Its name in the archive.
    pub member: String,
    /// Its class.
    pub label: usize,
    offset: usize,
    length: usize,
}

impl Clip {
    /// The clip of data row `row` of the index at `path`: columns `member`, `tar_offset`, `n_bytes` and `label`, which
    /// is below `classes`.
    ///
    /// # Errors
    /// `Malformed`, naming row and column.
    pub fn of(
        table: &Table,
        row: usize,
        path: &Path,
        classes: usize,
    ) -> Result<Self, DatasetError> {
        let label: usize = table.get(row, "label")?;
        if label >= classes {
            let (what, expected) = (
                format!("label in row {row}"),
                format!("0..={}", classes - 1),
            );
            return Err(malformed(path, what, expected, label.to_string()));
        }
        Ok(Self {
            member: table.get(row, "member")?,
            label,
            offset: table.get(row, "tar_offset")?,
            length: table.get(row, "n_bytes")?,
        })
    }

    /// Its bytes in `archive`, the tar at `path`.
    ///
    /// # Errors
    /// `Malformed` where the tar has another member there.
    pub fn bytes<'a>(&self, archive: &'a [u8], path: &Path) -> Result<&'a [u8], DatasetError> {
        tar::member_at(archive, &self.member, self.offset, self.length).map_err(refused(path))
    }
}
