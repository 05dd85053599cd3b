//! What can go wrong while a report is written. Missing results are no error: they read "not run".

use std::path::PathBuf;

use crate::figure::FigureError;

/// An error of the report room.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder is not a run.
    #[error("{path}: expected a run folder with run.json, found none")]
    NotARun {
        /// Where `run.json` was looked for.
        path: PathBuf,
    },
    /// `run.json` is not what a run writes.
    #[error("{path}: expected the JSON record of a run, found: {found}")]
    Record {
        /// The file.
        path: PathBuf,
        /// The parser's own words.
        found: String,
    },
    /// A table is broken, or a figure could not be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// The operating system refused to read or write.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
