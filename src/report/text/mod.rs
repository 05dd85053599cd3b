//! The report as text for other documents: GitHub-flavoured Markdown and LaTeX tables, of runs and of
//! comparisons. Both set the same blocks as the page; each escapes words in its own way, so that a name stays a
//! name.

mod latex;
mod markdown;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::data::Data;
use super::error::ReportError;
use super::page::Subject;
use super::section::{Block, Section};
use crate::figure::write_whole;

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

/// A whole report as text.
pub struct Text {
    markdown: String,
    /// Names and tables in LaTeX.
    latex: Vec<(&'static str, String)>,
}

/// Sets the report on `data`. Figures are links to what stands in the folder's `figures/`.
pub fn text<T: Subject>(
    data: &Data<T>,
    folder: &Path,
    sections: &[(&Section<T>, Vec<Block>)],
) -> Text {
    let grids = sections.iter().flat_map(|(_, blocks)| blocks);
    let tables = grids.filter_map(|block| match block {
        Block::Table(grid) => Some((grid.latex?, latex::tabular(grid))),
        _ => None,
    });
    Text {
        latex: tables.collect(),
        markdown: markdown::page(data, folder, sections),
    }
}

impl Text {
    /// Writes `NAME.md` and `tables/latex/*.tex` into `folder` and returns their paths.
    ///
    /// # Errors
    /// A file that cannot be written or removed.
    pub fn write(&self, folder: &Path, name: &str) -> Result<Vec<PathBuf>, ReportError> {
        let mut written = vec![folder.join(format!("{name}.md"))];
        write_whole(&written[0], self.markdown.as_bytes())?;
        for (name, table) in &self.latex {
            let path = folder.join("tables/latex").join(format!("{name}.tex"));
            write_whole(&path, table.as_bytes())?;
            written.push(path);
        }
        remove_others(&folder.join("tables/latex"), &written)?;
        Ok(written)
    }
}

/// Removes tables of an earlier state: files of ours that were not written now.
fn remove_others(folder: &Path, written: &[PathBuf]) -> Result<(), ReportError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Io { path, source }
    };
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(fault(folder))? {
        let path = entry.map_err(fault(folder))?.path();
        let tex = path.extension().is_some_and(|ending| ending == "tex");
        if tex && !written.contains(&path) {
            let bytes = std::fs::read(&path).map_err(fault(&path))?;
            let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
            if String::from_utf8_lossy(first).contains(latex::SIGNED) {
                std::fs::remove_file(&path).map_err(fault(&path))?;
            }
        }
    }
    Ok(())
}
