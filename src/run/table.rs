//! Tables of a run, built row by row, held by polars, written as CSV.

use super::error::RunError;
use super::folder::RunFolder;
use polars::prelude::{Column, CsvWriter, DataFrame, SerWriter};
use std::path::Path;

/// One value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number; `None` is written as an empty cell.
    Number(Option<f64>),
    /// A whole number; `None` is written as an empty cell.
    Count(Option<u64>),
    /// True or false.
    Flag(bool),
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}
impl From<&String> for Cell {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(Some(value))
    }
}
impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        Self::Number(value)
    }
}
impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Self::Count(Some(value as u64))
    }
}
impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self::Count(Some(value))
    }
}
impl From<Option<u64>> for Cell {
    fn from(value: Option<u64>) -> Self {
        Self::Count(value)
    }
}
impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

/// A table under construction.
pub struct Table {
    columns: &'static [&'static str],
    cells: Vec<Vec<Cell>>,
}

/// A row of anything that is a cell.
macro_rules! row {
    ($($value:expr),+ $(,)?) => { [$($crate::run::table::Cell::from($value)),+] };
}
pub(crate) use row;

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            cells: vec![Vec::new(); columns.len()],
        }
    }

    /// Names of the columns.
    pub fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cells.first().map_or(0, Vec::len)
    }

    /// Appends a row; one cell a column.
    pub fn push<const N: usize>(&mut self, row: [Cell; N]) {
        debug_assert_eq!(
            N,
            self.columns.len(),
            "one cell for each of {:?}",
            self.columns
        );
        for (column, cell) in self.cells.iter_mut().zip(row) {
            column.push(cell);
        }
    }

    /// Writes the table as `tables/NAME` of a run.
    pub fn write(&self, folder: &RunFolder, name: &str) -> Result<(), RunError> {
        self.write_to(&folder.path("tables").join(name))
    }

    /// Writes the table as a file, atomically.
    pub fn write_to(&self, path: &Path) -> Result<(), RunError> {
        let wrong = |e: polars::prelude::PolarsError| RunError::Table {
            path: path.into(),
            found: e.to_string(),
        };
        let height = self.len();
        let columns = self
            .columns
            .iter()
            .zip(&self.cells)
            .map(|(name, cells)| column(name, cells))
            .collect();
        let mut frame = DataFrame::new(height, columns).map_err(wrong)?;
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes)
            .include_header(true)
            .finish(&mut frame)
            .map_err(wrong)?;
        crate::atomic::write(path, &bytes).map_err(|source| RunError::Io {
            path: path.into(),
            source,
        })
    }
}

/// A polars column of the type of its first cell.
fn column(name: &str, cells: &[Cell]) -> Column {
    let name = name.into();
    match cells.first() {
        Some(Cell::Number(_)) => Column::new(
            name,
            cells
                .iter()
                .map(|c| if let Cell::Number(v) = c { *v } else { None })
                .collect::<Vec<_>>(),
        ),
        Some(Cell::Count(_)) => Column::new(
            name,
            cells
                .iter()
                .map(|c| if let Cell::Count(v) = c { *v } else { None })
                .collect::<Vec<_>>(),
        ),
        Some(Cell::Flag(_)) => Column::new(
            name,
            cells
                .iter()
                .map(|c| matches!(c, Cell::Flag(true)))
                .collect::<Vec<_>>(),
        ),
        _ => Column::new(
            name,
            cells
                .iter()
                .map(|c| {
                    if let Cell::Text(t) = c {
                        defuse(t.clone())
                    } else {
                        String::new()
                    }
                })
                .collect::<Vec<_>>(),
        ),
    }
}

/// A spreadsheet must not take a name for a formula.
pub(crate) fn defuse(text: String) -> String {
    let formula = text.len() > 1 && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_dashes_kept() {
        assert_eq!(defuse("=1+1".into()), "'=1+1");
        assert_eq!(defuse("@cmd".into()), "'@cmd");
        assert_eq!(defuse("-".into()), "-");
        assert_eq!(defuse("cat".into()), "cat");
    }
}
