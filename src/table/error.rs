//! What can go wrong between a file and the rows of a table. Every variant names the file (and the
//! column, where there is one), what was expected and what was found.

use std::path::PathBuf;

/// An error of the table room.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The table was never written: the step that makes it did not run.
    #[error("{path}: table not found; expected it from the step that writes {table}")]
    NotRun {
        /// Where the table was looked for.
        path: PathBuf,
        /// Its file name.
        table: &'static str,
    },
    /// The file is no plain file, too large, or the system refuses it.
    #[error(transparent)]
    Bounded(#[from] crate::files::bounded::Refused),
    /// The file is there but is not a table.
    #[error("{path}: expected a CSV table with a header line, found {found}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// The table lacks a column.
    #[error("{path}: column `{column}`: expected in the header, found columns {found}")]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The absent column.
        column: &'static str,
        /// The header as it stands.
        found: String,
    },
    /// A cell does not hold what its column promises.
    #[error("{path}: line {line}, column `{column}`: expected {expected}, found `{found}`")]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line in the file, the header being line 1.
        line: usize,
        /// The column.
        column: &'static str,
        /// What the column holds.
        expected: &'static str,
        /// What the cell holds.
        found: String,
    },
    /// The table could not be built.
    #[error("{path}: table: {found}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What polars says.
        found: String,
    },
    /// The file cannot be written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
