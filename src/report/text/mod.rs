//! The report as text for other documents: `report.md` (GitHub-flavoured Markdown) and LaTeX tables. Both
//! set the same grids of words; each escapes them in its own way, so that a name stays a name.

mod grids;
mod latex;
mod markdown;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::answer::Said;
use super::data::Data;
use super::error::ReportError;
use super::sheet::Column;
use crate::figure::write_whole;

/// A table of words.
struct Grid {
    /// What it shows.
    title: String,
    /// What stands above each column, and whether that holds numbers.
    heads: Vec<(String, bool)>,
    /// Rows, a cell a column.
    rows: Vec<Vec<Said>>,
}

impl Grid {
    /// Rows of a run's table by the columns of pages.
    fn of<'a, R: 'a>(
        title: &str,
        rows: impl IntoIterator<Item = &'a R>,
        columns: &[Column<R>],
    ) -> Self {
        let row = |row: &R| columns.iter().map(|c| (c.cell)(row).into()).collect();
        Self {
            title: title.into(),
            heads: columns.iter().map(|c| (c.head.into(), c.number)).collect(),
            rows: rows.into_iter().map(row).collect(),
        }
    }
}

/// What no line of text may hold: characters that end it, hide, or reorder what is around them.
fn visible(text: &str) -> String {
    let unruly = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
            || matches!(c, '\u{061C}' | '\u{FEFF}')
    };
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if unruly(c) => '\u{FFFD}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Writes `report.md` and `tables/latex/*.tex` into the run folder `run` and returns their paths.
/// Figures are links to what stands in `figures/`.
///
/// # Errors
/// A file that cannot be written or removed.
pub fn write(data: &Data, run: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = vec![run.join("report.md")];
    write_whole(&written[0], markdown::page(data, run).as_bytes())?;
    let grids = [
        ("answer", grids::answer(data)),
        ("probe", grids::probe(data)),
        ("discrepancy", grids::discrepancy(data)),
    ];
    for (name, grid) in grids {
        let path = run.join("tables/latex").join(format!("{name}.tex"));
        match grid {
            Some(grid) => {
                write_whole(&path, latex::tabular(&grid).as_bytes())?;
                written.push(path);
            }
            // Nothing of an earlier state may stand there.
            None => match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ReportError::Io { path, source });
                }
                _ => {}
            },
        }
    }
    Ok(written)
}
