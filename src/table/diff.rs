//! How a table of one run differs from the same table of another, row by row.
//!
//! Rows are the same row if their keys are: the columns of text (but not titles, which a suite may
//! reword), `seed` and `epoch`, and `epochs` where a table has several rows for the rest. Rows that
//! share a key (the points of a map) are taken in order. All other columns are values and are
//! compared as numbers, except wall-clock `seconds`, which are never the same.

use super::csv::CsvTable;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// What became of a table.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Compared {
    /// Both runs have it.
    Both(Rows),
    /// Only the first run has it.
    OnlyA,
    /// Only the second run has it.
    OnlyB,
    /// One of the two is no table.
    Unreadable {
        /// Why.
        error: String,
    },
}

/// Rows of two tables, counted, and where they differ.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Rows {
    /// Rows with the same values.
    pub equal: usize,
    /// Rows with other values.
    pub differing: usize,
    /// Rows that the second lacks.
    pub only_a: usize,
    /// Rows that the first lacks.
    pub only_b: usize,
    /// Columns that the second lacks.
    pub columns_only_a: Vec<String>,
    /// Columns that the first lacks.
    pub columns_only_b: Vec<String>,
    /// Columns with other values, in the order of the first table.
    pub columns: Vec<Column>,
}

/// A column in which two tables differ.
#[derive(Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its name.
    pub column: String,
    /// Rows with another value.
    pub rows: usize,
    /// Largest absolute difference; `None` if a value is no number.
    pub largest: Option<f64>,
    /// Key of the row where it is.
    pub at: String,
    /// Line of that row in the first file.
    pub line: usize,
    /// The value there.
    pub a: String,
    /// The value in the second file.
    pub b: String,
}

impl Compared {
    /// Compares the tables at two paths; `None` if neither is there.
    pub fn of(a: &Path, b: &Path) -> Option<Self> {
        Some(match (CsvTable::read(a), CsvTable::read(b)) {
            (Err(e), _) | (_, Err(e)) => Self::Unreadable {
                error: e.to_string(),
            },
            (Ok(None), Ok(None)) => return None,
            (Ok(Some(_)), Ok(None)) => Self::OnlyA,
            (Ok(None), Ok(Some(_))) => Self::OnlyB,
            (Ok(Some(a)), Ok(Some(b))) => Self::Both(compare(&a, &b)),
        })
    }

    /// Whether both runs have it with the same rows.
    pub fn is_same(&self) -> bool {
        let Self::Both(rows) = self else { return false };
        let Rows { equal, .. } = *rows;
        *rows
            == Rows {
                equal,
                ..Rows::default()
            }
    }
}

fn number(cell: &str) -> bool {
    cell.is_empty() || cell.parse::<f64>().is_ok()
}

fn flag(cell: &str) -> bool {
    ["", "true", "false"].contains(&cell)
}

/// How far two cells are from each other: nothing if they are equal, NaN if they cannot be
/// subtracted.
fn distance(a: &str, b: &str) -> Option<f64> {
    if a == b {
        return None;
    }
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) if a == b => None,
        (Ok(a), Ok(b)) => Some((a - b).abs()),
        _ => Some(f64::NAN),
    }
}

fn key<'a>(table: &'a CsvTable, row: usize, columns: &[usize]) -> Vec<&'a str> {
    let cells = columns.iter().map(|&c| table.columns[c][row].as_str());
    cells.collect()
}

/// Rows by key and by how many rows before have the same.
fn by_key<'a>(table: &'a CsvTable, columns: &[usize]) -> HashMap<(Vec<&'a str>, usize), usize> {
    let mut seen: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut found = HashMap::new();
    for row in 0..table.height() {
        let key = key(table, row, columns);
        let before = seen.entry(key.clone()).or_default();
        found.insert((key, *before), row);
        *before += 1;
    }
    found
}

/// Whether no two rows have the same cells in these columns.
fn is_unique(table: &CsvTable, columns: &[usize]) -> bool {
    let mut seen = HashSet::new();
    (0..table.height()).all(|row| seen.insert(key(table, row, columns)))
}

/// A column that both tables have: its name and its places in both.
type Shared<'a> = (&'a str, usize, usize);

/// The columns that both tables have: those that say which row it is, and its values.
fn keys_and_values<'a>(a: &'a CsvTable, b: &CsvTable) -> (Vec<Shared<'a>>, Vec<Shared<'a>>) {
    let names = a.header.iter().enumerate();
    let shared = names.filter_map(|(i, name)| Some((name.as_str(), i, b.place(name)?)));
    let is_key = |(name, i, j): &Shared| {
        let all = |is: fn(&str) -> bool| {
            a.columns[*i].iter().all(|c| is(c)) && b.columns[*j].iter().all(|c| is(c))
        };
        ["seed", "epoch"].contains(name) || !(name.ends_with("_title") || all(number) || all(flag))
    };
    let (mut keys, mut values): (Vec<_>, Vec<_>) = shared.partition(is_key);
    let (of_a, of_b) = places(&keys);
    if !(is_unique(a, &of_a) && is_unique(b, &of_b))
        && let Some(at) = values.iter().position(|(name, ..)| *name == "epochs")
    {
        keys.push(values.remove(at));
    }
    values.retain(|(name, ..)| *name != "seconds");
    (keys, values)
}

/// Places of columns in the first table and in the second.
fn places(columns: &[Shared]) -> (Vec<usize>, Vec<usize>) {
    columns.iter().map(|&(_, i, j)| (i, j)).unzip()
}

fn compare(a: &CsvTable, b: &CsvTable) -> Rows {
    let (keys, values) = keys_and_values(a, b);
    let (of_a, of_b) = places(&keys);
    let (rows_a, rows_b) = (by_key(a, &of_a), by_key(b, &of_b));
    let mut pairs: Vec<(usize, usize)> = rows_a
        .iter()
        .filter_map(|(key, &row)| Some((row, *rows_b.get(key)?)))
        .collect();
    pairs.sort_unstable();
    let lacks = |one: &CsvTable, other: &CsvTable| -> Vec<String> {
        let names = one.header.iter();
        let missing = names.filter(|name| other.place(name).is_none());
        missing.cloned().collect()
    };
    let mut found = Rows {
        only_a: a.height() - pairs.len(),
        only_b: b.height() - pairs.len(),
        columns_only_a: lacks(a, b),
        columns_only_b: lacks(b, a),
        ..Rows::default()
    };
    let named = naming(a, &keys);
    let mut columns: BTreeMap<usize, Column> = BTreeMap::new();
    for (row_a, row_b) in pairs {
        let mut same = true;
        for &(name, i, j) in &values {
            let (x, y) = (&a.columns[i][row_a], &b.columns[j][row_b]);
            let Some(by) = distance(x, y) else { continue };
            same = false;
            let here = |rows| Column {
                column: name.into(),
                rows,
                largest: by.is_finite().then_some(by),
                at: label(&named, a, row_a),
                line: a.lines[row_a],
                a: x.clone(),
                b: y.clone(),
            };
            let column = columns.entry(i).or_insert_with(|| here(0));
            // What is no number counts as further away than any.
            if (column.largest).is_some_and(|largest| by.is_nan() || by > largest) {
                *column = here(column.rows);
            }
            column.rows += 1;
        }
        if same {
            found.equal += 1;
        } else {
            found.differing += 1;
        }
    }
    found.columns = columns.into_values().collect();
    found
}

/// The keys that name a row: without words at the end that no row needs to be told by.
fn naming<'a>(table: &CsvTable, keys: &[Shared<'a>]) -> Vec<Shared<'a>> {
    let mut named = keys.to_vec();
    while let Some(((name, ..), rest)) = named.split_last()
        && !["seed", "epoch", "epochs"].contains(name)
        && is_unique(table, &places(rest).0)
    {
        named.pop();
    }
    named
}

/// The key of a row for people: words as they are, numbers with their names.
fn label(keys: &[Shared], table: &CsvTable, row: usize) -> String {
    let word = |(name, i, _): &Shared| {
        let cell = &table.columns[*i][row];
        let said = if number(cell) {
            format!("{name} {cell}")
        } else {
            cell.clone()
        };
        (!cell.is_empty()).then_some(said)
    };
    let words: Vec<String> = keys.iter().filter_map(word).collect();
    words.join(" · ")
}
