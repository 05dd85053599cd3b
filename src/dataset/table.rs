//! CSV tables read by column name: indices of small sets, as programs and as spreadsheets write them
//! (a byte-order mark in front, semicolons or tabs, CRLF, spaces). Errors name row and column.

use std::path::{Path, PathBuf};

use super::DatasetError;
use super::files::{io, malformed};

/// A CSV table read by column name, with typed errors that name row and column.
pub(crate) struct Table {
    path: PathBuf,
    header: csv::StringRecord,
    /// Data rows.
    pub rows: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads the whole table (indices of small sets).
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        Self::parse(path, &std::fs::read(path).map_err(io(path))?)
    }

    /// Reads a table from its bytes; `path` is where they come from.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, DatasetError> {
        let wrong =
            |e: csv::Error| malformed(path, "table", "CSV with a header row", e.to_string());
        // spreadsheets put a mark in front, and semicolons or tabs where commas are decimal
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let head = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        let by = |delimiter: &u8| head.contains(delimiter);
        let delimiter = [b',', b';', b'\t'].into_iter().find(by).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let header = reader.headers().map_err(wrong)?.clone();
        let rows = reader
            .records()
            .collect::<Result<Vec<_>, _>>()
            .map_err(wrong)?;
        if let Some(row) = rows.iter().position(|row| row.len() != header.len()) {
            let expected = format!("{} values", header.len());
            let found = rows[row].len().to_string();
            let what = format!("row {} below the header", row + 1);
            return Err(malformed(path, what, expected, found));
        }
        let twice =
            |(at, name): &(usize, &str)| header.iter().take(*at).any(|other| other == *name);
        if let Some((_, name)) = header.iter().enumerate().find(twice) {
            let found = format!("“{name}” twice");
            return Err(malformed(path, "columns", "every name once", found));
        }
        Ok(Self {
            path: path.to_path_buf(),
            header,
            rows,
        })
    }

    /// The names of the columns.
    pub fn columns(&self) -> Vec<&str> {
        self.header.iter().collect()
    }

    /// The value of `column` in data row `row`, parsed.
    pub fn get<T: std::str::FromStr>(&self, row: usize, column: &str) -> Result<T, DatasetError> {
        let position = self
            .header
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| {
                let found = self.header.iter().collect::<Vec<_>>().join(", ");
                malformed(&self.path, "columns", format!("a column “{column}”"), found)
            })?;
        let text = self
            .rows
            .get(row)
            .and_then(|r| r.get(position))
            .unwrap_or_default();
        text.parse().map_err(|_| {
            let expected = match std::any::type_name::<T>() {
                "f32" | "f64" => "a number",
                "i8" | "i16" | "i32" | "i64" => "a whole number",
                _ => "a whole number, 0 or more",
            };
            malformed(
                &self.path,
                format!("row {row}, column “{column}”"),
                expected,
                text,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_spreadsheets_leave_them() {
        let plain = "name,label\na,1\n\"b,c\",2\n";
        let semicolons = "\u{feff}label;name\r\n1;a\r\n 2 ; b,c\r\n";
        for text in [plain, semicolons, "name\t label\r\na\t1\r\nb,c\t2"] {
            let table = Table::parse(Path::new("t.csv"), text.as_bytes()).unwrap();
            assert_eq!(table.rows.len(), 2);
            let row = |row| -> (String, usize) {
                (
                    table.get(row, "name").unwrap(),
                    table.get(row, "label").unwrap(),
                )
            };
            assert_eq!(
                (row(0), row(1)),
                (("a".into(), 1), ("b,c".into(), 2)),
                "{text}"
            );
        }
        let said = |text: &str| {
            let table = Table::parse(Path::new("t.csv"), text.as_bytes());
            let value = table.and_then(|table| table.get::<usize>(0, "label"));
            value.unwrap_err().to_string()
        };
        assert!(
            said("name,label\na,-1\n").contains("expected a whole number, 0 or more, found -1")
        );
        assert!(said("name,labels\na,1\n").contains("a column “label”, found name, labels"));
        assert!(said("label,label\n1,2\n").contains("“label” twice"));
        assert!(
            said("name,label\na\n").contains("row 1 below the header: expected 2 values, found 1")
        );
    }
}
