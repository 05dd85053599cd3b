//! CSV files as columns of text, read by polars. Every cell arrives as written, so that a wrong
//! one can be reported with its line and its own characters instead of a parser's guess.

use std::path::Path;

use polars::prelude::{CsvReadOptions, DataFrame, SerReader};

use super::error::TableError;

/// A table whose cells are still text.
pub(super) struct RawTable(DataFrame);

impl RawTable {
    /// Reads `path`; a file that does not exist is [`TableError::NotRun`].
    pub(super) fn read(path: &Path, table: &'static str) -> Result<Self, TableError> {
        if !path.exists() {
            return Err(TableError::NotRun {
                path: path.to_owned(),
                table,
            });
        }
        let unreadable = |error: polars::error::PolarsError| TableError::Unreadable {
            path: path.to_owned(),
            found: error.to_string(),
        };
        CsvReadOptions::default()
            .with_has_header(true)
            // No type inference: a class called "1" stays a name.
            .with_infer_schema_length(Some(0))
            .try_into_reader_with_file_path(Some(path.to_owned()))
            .map_err(unreadable)?
            .finish()
            .map(Self)
            .map_err(unreadable)
    }

    /// Column names, in file order.
    pub(super) fn columns(&self) -> Vec<String> {
        self.0
            .get_column_names()
            .iter()
            .map(|name| name.to_string())
            .collect()
    }

    /// Number of rows below the header.
    pub(super) fn height(&self) -> usize {
        self.0.height()
    }

    /// The cells of one column, an absent value as the empty string; `None` without that column.
    pub(super) fn column(&self, name: &str) -> Option<Vec<String>> {
        let column = self.0.column(name).ok()?;
        let cells = column.str().ok()?;
        Some(
            cells
                .iter()
                .map(|cell| cell.unwrap_or_default().to_owned())
                .collect(),
        )
    }
}
