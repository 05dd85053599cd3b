//! The report of a run: one HTML file that needs no network, readable on a phone and on paper, in
//! light and dark.
//!
//! This room computes nothing. It reads the tables a run left, has the figure room draw them, and
//! sets numbers and drawings into text; every number says which line of which table it is. What a
//! run did not do reads "not run". All values pass through templates that escape them.

pub mod answer;
mod chapters;
mod comparison;
mod cost;
mod data;
pub mod error;
mod finding;
mod maps;
mod matching;
mod notes;
mod number;
mod overview;
mod page;
pub mod record;
mod sheet;
pub mod sides;
mod text;
mod yardsticks;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use error::ReportError;

use crate::figure::write_whole;

/// Writes `report.html`, `report.md` and LaTeX tables into the run folder `run` and returns the path
/// of the page. Without `samples` it holds no
/// pictures of data, for reports that are passed on where the data may not be.
///
/// # Errors
/// [`ReportError`]: no run, a table that is broken, a page that cannot be written.
pub fn write(run: &Path, samples: bool) -> Result<PathBuf, ReportError> {
    let data = data::Data::read(run, samples)?;
    text::write(&data, run)?;
    let path = run.join("report.html");
    write_whole(&path, page::page(&data)?.as_bytes())?;
    Ok(path)
}
