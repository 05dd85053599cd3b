//! Tables of a run, built row by row, held by polars, written as CSV and as Parquet.
//!
//! CSV is what figures, reports and `modalign runs diff` read, and what people open: names that a spreadsheet
//! would take for formulas are defused. The Parquet file beside it is for data frames: the same rows with typed
//! columns (whole numbers as `i64`, numbers as `f64`, flags as `bool`, text as it was), empty cells as nulls.
//! Both hold no time stamp; the same rows give the same bytes.

use super::error::RunError;
use super::folder::RunFolder;
pub(crate) use crate::files::defuse;
use polars::prelude::{
    Column, CsvWriter, DataFrame, ParquetCompression, ParquetWriter, PolarsError, SerWriter,
};
use std::path::Path;

/// Rows of a row group of the Parquet files.
const GROUP: usize = 1 << 16;

/// One value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number; `None`, and what is not finite, is written as an empty cell.
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

    /// Writes the table as `tables/NAME` of a run, and as Parquet beside it.
    pub fn write(&self, folder: &RunFolder, name: &str) -> Result<(), RunError> {
        folder.still_there()?;
        self.write_to(&folder.path("tables").join(name))
    }

    /// Writes the table as the CSV file `path` and as the Parquet file of the same name, each
    /// atomically.
    pub fn write_to(&self, path: &Path) -> Result<(), RunError> {
        let parquet = path.with_extension("parquet");
        put(&parquet, self.parquet().map_err(|e| wrong(&parquet, &e))?)?;
        put(path, self.csv().map_err(|e| wrong(path, &e))?)
    }

    fn csv(&self) -> Result<Vec<u8>, PolarsError> {
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes)
            .include_header(true)
            .finish(&mut self.frame(|text| defuse(text.into()))?)?;
        Ok(bytes)
    }

    fn parquet(&self) -> Result<Vec<u8>, PolarsError> {
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Zstd(None))
            .with_row_group_size(Some(GROUP))
            .finish(&mut self.frame(str::to_owned)?)?;
        Ok(bytes)
    }

    /// The table as polars holds it, every text as `say` has it.
    fn frame(&self, say: fn(&str) -> String) -> Result<DataFrame, PolarsError> {
        let columns = self.columns.iter().zip(&self.cells);
        let columns = columns.map(|(name, cells)| column(name, cells, say));
        DataFrame::new(self.len(), columns.collect())
    }
}

fn wrong(path: &Path, error: &PolarsError) -> RunError {
    RunError::Table {
        path: path.into(),
        found: error.to_string(),
    }
}

fn put(path: &Path, bytes: Vec<u8>) -> Result<(), RunError> {
    crate::files::atomic::write(path, &bytes).map_err(|source| RunError::Io {
        path: path.into(),
        source,
    })
}

/// A polars column of the type of its first cell.
fn column(name: &str, cells: &[Cell], say: fn(&str) -> String) -> Column {
    fn all<T>(cells: &[Cell], of: impl Fn(&Cell) -> T) -> Vec<T> {
        cells.iter().map(of).collect()
    }
    let name = name.into();
    match cells.first() {
        Some(Cell::Number(_)) => {
            let number = |c: &Cell| match c {
                Cell::Number(v) => v.filter(|v| v.is_finite()),
                _ => None,
            };
            Column::new(name, all(cells, number))
        }
        Some(Cell::Count(_)) => {
            let count = |c: &Cell| if let Cell::Count(v) = c { *v } else { None };
            let counts = all(cells, count);
            // A seed may be larger than any `i64`.
            let signed = |v: &Option<u64>| v.map(i64::try_from).transpose();
            match counts.iter().map(signed).collect::<Result<Vec<_>, _>>() {
                Ok(signed) => Column::new(name, signed),
                Err(_) => Column::new(name, counts),
            }
        }
        Some(Cell::Flag(_)) => Column::new(name, all(cells, |c| matches!(c, Cell::Flag(true)))),
        _ => {
            let text = |c: &Cell| {
                if let Cell::Text(t) = c {
                    say(t)
                } else {
                    String::new()
                }
            };
            Column::new(name, all(cells, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{AnyValue, DataType, ParquetReader, SerReader};

    fn table(seed: u64) -> Table {
        let mut table = Table::new(&["name", "error", "seed", "certified", "of"]);
        table.push(row!["=1+1", 0.1 + 0.2, seed, true, None::<u64>]);
        table.push(row!["", None::<f64>, 1u64, false, 7u64]);
        table.push(row![
            "a,\"b\"\nc\u{202e}",
            f64::NAN,
            2u64,
            true,
            None::<u64>
        ]);
        table
    }

    #[test]
    fn parquet_reads_back_as_it_was_and_csv_says_the_same() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("probe.csv");
        table(0).write_to(&path).unwrap();
        let csv = std::fs::read_to_string(&path).unwrap();
        let text =
            "name,error,seed,certified,of\n'=1+1,0.30000000000000004,0,true,\n\"\",,1,false,7\n";
        assert!(csv.starts_with(text), "{csv}");
        let path = path.with_extension("parquet");
        let file = std::fs::File::open(&path).unwrap();
        let frame = ParquetReader::new(file).finish().unwrap();
        let types: Vec<DataType> = frame.dtypes();
        let (int, text) = (DataType::Int64, DataType::String);
        assert_eq!(
            types,
            [text, DataType::Float64, int.clone(), DataType::Boolean, int]
        );
        let cell = |column: usize, row| frame.columns()[column].get(row).unwrap();
        assert_eq!(
            cell(0, 0),
            AnyValue::String("=1+1"),
            "no spreadsheet reads it"
        );
        assert_eq!(cell(0, 1), AnyValue::String(""));
        assert_eq!(cell(0, 2), AnyValue::String("a,\"b\"\nc\u{202e}"));
        assert_eq!(cell(1, 0), AnyValue::Float64(0.1 + 0.2), "to the last bit");
        assert_eq!(cell(1, 1), AnyValue::Null);
        assert_eq!(cell(1, 2), AnyValue::Null, "never NaN");
        assert_eq!(cell(2, 2), AnyValue::Int64(2));
        assert_eq!(cell(4, 0), AnyValue::Null);
        assert_eq!(cell(4, 1), AnyValue::Int64(7));
    }

    #[test]
    fn the_same_rows_give_the_same_bytes_and_large_seeds_survive() {
        let bytes = table(5).parquet().unwrap();
        assert_eq!(bytes, table(5).parquet().unwrap());
        assert_ne!(bytes, table(6).parquet().unwrap());
        let large = table(u64::MAX).parquet().unwrap();
        let frame = ParquetReader::new(std::io::Cursor::new(large))
            .finish()
            .unwrap();
        let seed = frame.columns()[2].get(0).unwrap();
        assert_eq!(seed, AnyValue::UInt64(u64::MAX));
    }
}
