//! The one reader of CSV tables: bounded, strict, and every cell as text, so that a wrong one is reported with
//! its line and its own characters instead of a parser's guess.
//!
//! polars reads the cells. It fills short rows with nulls, renames columns that share a name and counts no
//! lines, so the structure of the file is checked first: every record has as many cells as the header, every
//! quote ends, every name stands once.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use polars::prelude::{CsvReadOptions, DataType, Field, Schema, SerReader};

use super::error::TableError;
use crate::files::bounded;

/// Largest file that is read, in bytes.
pub const LARGEST: u64 = 256 << 20;

/// More columns than any table has.
const MOST_COLUMNS: usize = 1000;

/// A table whose cells are still text.
#[derive(Debug, Clone)]
pub struct CsvTable {
    /// The file.
    pub path: PathBuf,
    /// Names of the columns, in file order.
    pub header: Vec<String>,
    /// Cells of every column, as many as there are rows; an absent value is the empty text.
    pub columns: Vec<Vec<String>>,
    /// Line of every row in its file, the header being line 1.
    pub lines: Vec<usize>,
}

impl CsvTable {
    /// Reads `path`; `None` if there is no such file.
    ///
    /// # Errors
    /// [`TableError::Bounded`], [`TableError::Unreadable`].
    pub fn read(path: &Path) -> Result<Option<Self>, TableError> {
        let wrong = |found: String| TableError::Unreadable {
            path: path.to_owned(),
            found,
        };
        let bytes = bounded::read(path, LARGEST)?;
        bytes
            .map(|bytes| Self::parse(path, bytes).map_err(wrong))
            .transpose()
    }

    fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, String> {
        let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
        // What a spreadsheet writes before the first name.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = structure(text)?;
        let Some((header_at, lines)) = lines.split_first() else {
            return Err("an empty file".into());
        };
        let mut columns = cells(text, header_at.cells)?;
        if columns.iter().any(|column| column.len() != lines.len() + 1) {
            return Err("quotes within cells, or empty lines".into());
        }
        let header: Vec<String> = columns.iter_mut().map(|column| column.remove(0)).collect();
        let names: HashSet<&String> = header.iter().collect();
        if names.len() < header.len() {
            // Nobody can say which of two a name means.
            let (count, names) = (header.len(), names.len());
            return Err(format!("{count} columns with {names} names"));
        }
        Ok(Self {
            path: path.to_owned(),
            header,
            columns,
            lines: lines.iter().map(|record| record.line).collect(),
        })
    }

    /// Number of rows below the header.
    pub fn height(&self) -> usize {
        self.lines.len()
    }

    /// Where the column of that name is.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }
}

/// A record of a CSV file.
struct Record {
    /// The line on which it begins.
    line: usize,
    /// Number of its cells.
    cells: usize,
}

/// The records of a file, all with as many cells as the first.
fn structure(text: &str) -> Result<Vec<Record>, String> {
    let mut records: Vec<Record> = Vec::new();
    let (mut line, mut begun, mut cells) = (1, 1, 1);
    let mut quoted = None;
    let mut at_cell = true;
    let mut bytes = text.bytes().peekable();
    let mut end = |line: usize, cells: usize| {
        let width = records.first().map_or(cells, |first| first.cells);
        if cells > MOST_COLUMNS {
            return Err(format!(
                "line {line}: {cells} cells, more than {MOST_COLUMNS}"
            ));
        }
        if cells != width {
            return Err(format!(
                "line {line}: {cells} cells under a header of {width}"
            ));
        }
        records.push(Record { line, cells });
        Ok(())
    };
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted.is_some() => {
                if bytes.peek() == Some(&b'"') {
                    bytes.next();
                } else {
                    quoted = None;
                }
            }
            b'"' if at_cell => quoted = Some(line),
            b',' if quoted.is_none() => cells += 1,
            b'\n' => {
                line += 1;
                if quoted.is_none() {
                    end(begun, cells)?;
                    (begun, cells) = (line, 1);
                }
            }
            _ => {}
        }
        at_cell = quoted.is_none() && matches!(byte, b',' | b'\n');
    }
    if let Some(line) = quoted {
        return Err(format!("line {line}: a quote that does not end"));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        end(begun, cells)?;
    }
    Ok(records)
}

/// All cells as polars reads them, those of the header first in each of the `width` columns.
fn cells(text: &str, width: usize) -> Result<Vec<Vec<String>>, String> {
    // No type inference: a class called "1" stays a name.
    let field = |place: usize| Field::new(place.to_string().into(), DataType::String);
    let schema = Schema::from_iter((0..width).map(field));
    let frame = CsvReadOptions::default()
        .with_has_header(false)
        .with_schema(Some(schema.into()))
        .into_reader_with_file_handle(std::io::Cursor::new(text.as_bytes()))
        .finish()
        .map_err(|error| error.to_string())?;
    let text = |cell: Option<&str>| cell.map_or_else(String::new, str::to_owned);
    let column = |column: &polars::prelude::Column| {
        let cells = column.str().map_err(|error| error.to_string())?;
        Ok(cells.iter().map(text).collect())
    };
    frame.columns().iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CsvTable, String> {
        CsvTable::parse(Path::new("t.csv"), text.into())
    }

    #[test]
    fn cells_are_text_with_their_lines() {
        let found = read("\u{feff}a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n,\"\"\n03,NaN").unwrap();
        assert_eq!(found.header, ["a", "b"]);
        assert_eq!(found.columns[0], ["1", "", "03"]);
        assert_eq!(found.columns[1], ["x, \"y\"\nz", "", "NaN"]);
        assert_eq!(
            (found.lines.as_slice(), found.height()),
            (&[2, 4, 5][..], 3)
        );
        assert_eq!((found.place("b"), found.place("c")), (Some(1), None));
        let empty = read("a,b\n").unwrap();
        assert_eq!((empty.height(), empty.columns.len()), (0, 2));
        assert_eq!(read("a\n\"\"\n1\n").unwrap().columns[0], ["", "1"]);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let wide = "a,".repeat(2000) + "b";
        for (text, said) in [
            ("", "empty file"),
            ("a,b\n1\n", "line 2: 1 cells under a header of 2"),
            ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells"),
            ("a,b\n1,2\n\n", "line 3: 1 cells"),
            ("a,b\n1,\"2\n", "line 2: a quote that does not end"),
            ("a,b,a\n1,2,3\n", "3 columns with 2 names"),
            (&wide, "more than 1000"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
        assert!(CsvTable::parse(Path::new("t.csv"), vec![b'a', b'\n', 0xff]).is_err());
        for strange in [
            "\n",
            "\n\n",
            "\"\n",
            ",\n\"a\"b\n",
            "a\nb\"c\n\"d\n",
            "a\n\n1\n",
        ] {
            // No panic, and never a row more or less than the file has.
            if let Ok(found) = read(strange) {
                assert!(
                    found.columns.iter().all(|c| c.len() == found.height()),
                    "{strange:?}"
                );
            }
        }
    }
}
