//! What can go wrong between a folder of tables and a drawn figure. Every variant names the
//! file (and the column, where there is one), what was expected and what was found.

use crate::table::TableError;
use std::path::PathBuf;

/// An error of the figure room.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// A table could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The table is there and well formed but gives nothing to draw, or too much.
    #[error("{table}: expected {expected}, found {found}")]
    Content {
        /// Its file name.
        table: &'static str,
        /// What the figure needs.
        expected: String,
        /// What the table has.
        found: String,
    },
    /// The table is there, but the run did not measure what the figure is about.
    #[error("figure {figure}: expected {expected}, found {found}")]
    NotMeasured {
        /// Name of the figure.
        figure: &'static str,
        /// What it needs.
        expected: &'static str,
        /// What the run has.
        found: String,
    },
    /// A figure that the folder's kind of report does not have.
    #[error("figure {found}: expected a number or name of {expected}")]
    UnknownFigure {
        /// The numbers and names that there are.
        expected: String,
        /// What was asked for.
        found: String,
    },
    /// A width that no page has.
    #[error("figure width: expected {low} to {high} millimetres, found {found}")]
    Width {
        /// The narrowest, in millimetres.
        low: f64,
        /// The widest, in millimetres.
        high: f64,
        /// What was asked for.
        found: String,
    },
    /// The drawing backend refused.
    #[error("figure could not be rendered as {format}: {found}")]
    Render {
        /// `svg` or `png`.
        format: &'static str,
        /// The backend's own words.
        found: String,
    },
    /// The operating system refused to read or write.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
