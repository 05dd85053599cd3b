//! Lists of pictures as DomainNet has them: a line "path label" a picture, the class the second folder of the path.
//!
//! A number means one class in all lists of a set, and a class has one number: anything else is refused with its line.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::dataset::DatasetError;
use crate::dataset::files::malformed;
use crate::dataset::texts::{utf8, whole};

/// A line of a list.
pub struct Row {
    /// Its number in the file, from 1.
    pub line: usize,
    /// The picture, below the folder of all domains.
    pub path: String,
    /// The class that its folder says.
    pub class: String,
    /// The class's number.
    pub number: usize,
}

/// A list.
pub struct List {
    /// The file.
    pub file: PathBuf,
    /// Its lines but for blank ones.
    pub rows: Vec<Row>,
}

impl List {
    /// Reads a list of pictures of `domain`.
    ///
    /// # Errors
    /// Those of reading; `Malformed` with the line for one that is no path and label, or a picture of another domain.
    pub fn read(file: &Path, domain: &str) -> Result<Self, DatasetError> {
        let bytes = whole(file)?;
        let text = utf8(file, &bytes)?;
        let mut rows = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let (line, number) = (line.trim(), at + 1);
            if !line.is_empty() {
                rows.push(row(file, domain, line, number)?);
            }
        }
        if rows.is_empty() {
            return Err(malformed(file, "list", "at least one picture", "none"));
        }
        Ok(Self {
            file: file.into(),
            rows,
        })
    }
}

fn row(file: &Path, domain: &str, text: &str, line: usize) -> Result<Row, DatasetError> {
    let wrong = || {
        let expected = format!("“{domain}/CLASS/PICTURE LABEL”, the label a whole number from 0");
        malformed(file, format!("line {line}"), expected, format!("{text:?}"))
    };
    let (path, label) = text.rsplit_once(char::is_whitespace).ok_or_else(wrong)?;
    let path = path.trim_end();
    let number: usize = label.parse().map_err(|_| wrong())?;
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains('\\');
    match parts.as_slice() {
        [of, class, _, ..] if *of == domain && parts.iter().all(plain) => Ok(Row {
            line,
            path: path.into(),
            class: (*class).into(),
            number,
        }),
        _ => Err(wrong()),
    }
}

/// Which number means which class.
#[derive(Default)]
pub struct Numbers {
    names: BTreeMap<usize, String>,
    numbers: HashMap<String, usize>,
}

impl Numbers {
    /// Learns the classes of a list.
    ///
    /// # Errors
    /// `Malformed` with the line where number and class contradict an earlier line.
    pub fn learn(&mut self, list: &List) -> Result<(), DatasetError> {
        for row in &list.rows {
            let Row { class, number, .. } = row;
            let known = self.names.entry(*number).or_insert_with(|| class.clone());
            let own = self.numbers.entry(class.clone()).or_insert(*number);
            if known == class && own == number {
                continue;
            }
            let expected = if known == class {
                format!("label {own} of class {class:?}, as lines before have it")
            } else {
                format!("a picture of class {known:?}, which lines before give label {number}")
            };
            let found = format!("label {number} of a picture in the folder of {class:?}");
            let what = format!("line {}", row.line);
            return Err(malformed(&list.file, what, expected, found));
        }
        Ok(())
    }

    /// All classes in the order of their numbers.
    pub fn classes(&self) -> Vec<String> {
        self.names.values().cloned().collect()
    }

    /// Whether numbers are 0, 1, 2… without a gap.
    pub fn are_dense(&self) -> bool {
        self.names
            .keys()
            .enumerate()
            .all(|(at, number)| at == *number)
    }
}
