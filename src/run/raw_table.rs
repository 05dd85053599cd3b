//! A table of a run as text, with its rows found by key: what comparing two needs of each.

use super::bounded;
use super::error::RunError;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// More columns than any table has.
const MOST_COLUMNS: usize = 1000;

/// A table as text.
pub struct RawTable {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells, as many in every row as there are columns.
    pub rows: Vec<Vec<String>>,
    /// Line of every row in its file.
    pub lines: Vec<u64>,
}

impl RawTable {
    /// Reads a CSV file; `None` if there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, RunError> {
        let Some(bytes) = bounded::read(path, bounded::TABLE)? else {
            return Ok(None);
        };
        let wrong = |found: String| RunError::Malformed {
            path: path.into(),
            expected: "a CSV table with a header line".into(),
            found,
        };
        if bytes.is_empty() {
            return Err(wrong("an empty file".into()));
        }
        let words = |record: &csv::StringRecord| record.iter().map(String::from).collect();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().map_err(|e| wrong(e.to_string()))?;
        // Each named once: else nobody can say which of two a name means.
        let (count, names) = (header.len(), header.iter().collect::<HashSet<_>>());
        if names.len() < count || count > MOST_COLUMNS {
            return Err(wrong(format!("{count} columns, {} names", names.len())));
        }
        let mut table = Self {
            header: words(header),
            rows: Vec::new(),
            lines: Vec::new(),
        };
        for record in reader.records() {
            let record = record.map_err(|e| wrong(e.to_string()))?;
            table.lines.push(record.position().map_or(0, |p| p.line()));
            table.rows.push(words(&record));
        }
        Ok(Some(table))
    }

    /// Where the column of that name is.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    /// Whether every cell of a column satisfies `is`.
    pub fn all(&self, column: usize, is: impl Fn(&str) -> bool) -> bool {
        self.rows.iter().all(|row| is(&row[column]))
    }

    fn key<'a>(&'a self, row: usize, columns: &[usize]) -> Vec<&'a str> {
        columns
            .iter()
            .map(|&c| self.rows[row][c].as_str())
            .collect()
    }

    /// Rows by key and by how many rows before have the same.
    pub fn by_key(&self, columns: &[usize]) -> HashMap<(Vec<&str>, usize), usize> {
        let mut seen: HashMap<Vec<&str>, usize> = HashMap::new();
        let mut found = HashMap::new();
        for row in 0..self.rows.len() {
            let key = self.key(row, columns);
            let before = seen.entry(key.clone()).or_default();
            found.insert((key, *before), row);
            *before += 1;
        }
        found
    }

    /// Whether no two rows have the same cells in these columns.
    pub fn is_unique(&self, columns: &[usize]) -> bool {
        let mut seen = HashSet::new();
        (0..self.rows.len()).all(|row| seen.insert(self.key(row, columns)))
    }
}
