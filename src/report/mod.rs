//! The report of a run or of a comparison of encoders: one HTML file that needs no network, readable on a phone
//! and on paper, in light and dark, with Markdown and LaTeX tables of the same.
//!
//! This room computes nothing. It reads the tables that were left, has the figure room draw them, and
//! sets numbers and drawings into text; every number says which line of which table it is. What was not done
//! reads "not run". All values pass through templates that escape them. What a report consists of is told by
//! [`sections`] alone: one file a section, and a list for runs and for comparisons, from which the page, the
//! texts and the figures' numbers are made.

pub mod compared;
pub mod data;
pub mod error;
mod figures;
pub mod grid;
mod number;
mod page;
pub mod record;
pub mod section;
pub mod sections;
mod sheet;
mod text;
mod verdict;
pub mod words;

#[cfg(test)]
mod compared_tests;
#[cfg(test)]
mod figures_tests;
#[cfg(test)]
mod print_tests;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use error::ReportError;
pub use figures::{Drawn, draw, draw_for, figure};

use crate::figure::write_whole;
use compared::Compared;
use data::{Data, Run};
use page::Subject;

/// Writes `report.html`, `report.md` and LaTeX tables into the run folder `run` and returns the path
/// of the page. Without `samples` it holds no
/// pictures of data, for reports that are passed on where the data may not be.
///
/// # Errors
/// [`ReportError`]: no run, a table that is broken, a page that cannot be written.
pub fn write(run: &Path, samples: bool) -> Result<PathBuf, ReportError> {
    report(&Data::<Run>::read(run, samples)?, run)
}

/// Writes `comparison.html`, `comparison.md` and LaTeX tables into the folder of a comparison and returns the
/// path of the page.
///
/// # Errors
/// [`ReportError`]: no comparison, a table that is broken or missing, a page that cannot be written.
pub fn write_comparison(folder: &Path) -> Result<PathBuf, ReportError> {
    report(&Data::<Compared>::open(folder)?, folder)
}

/// Everything is set before anything is written: nothing half-done is left.
fn report<T: Subject>(data: &Data<T>, folder: &Path) -> Result<PathBuf, ReportError> {
    let mut sections = Vec::new();
    for section in T::SECTIONS {
        let blocks = (section.blocks)(data)?;
        if !blocks.is_empty() {
            sections.push((section, blocks));
        }
    }
    let page = page::page(data, &sections)?;
    text::text(data, folder, &sections).write(folder, T::NAME)?;
    let path = folder.join(format!("{}.html", T::NAME));
    write_whole(&path, page.as_bytes())?;
    Ok(path)
}

/// The verdict on the run in `run`, in plain sentences: those that its page begins with.
///
/// # Errors
/// [`ReportError`]: no run, or a table that is broken.
pub fn summary(run: &Path) -> Result<Vec<String>, ReportError> {
    let said = sections::sentences(&Data::<Run>::read(run, false)?)?;
    Ok(said.iter().map(words::Words::plain).collect())
}
