//! Texts as data: captions of samples from a file ([`read`]), and class names as prompts ([`Templates`]).
//!
//! Texts keep the order of the file, because they belong to samples by it: a blank one is refused with its number
//! and never left out.

mod clean;
mod lines;
mod prompts;
mod records;
#[cfg(test)]
mod tests;

pub use clean::cleaned;
pub use prompts::{Prompts, Templates};

use super::DatasetError;
use super::files::{io, malformed};
use crate::files::bounded::{self, Refused};
use std::path::Path;

/// Largest file that is read, in bytes.
const MOST: u64 = 1 << 30;

/// Texts of a file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The texts, none of them blank.
    pub texts: Vec<String>,
    /// What was inferred in reading and has to be told.
    pub told: Vec<String>,
}

/// A kind of file with texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One text a line.
    Lines,
    /// A table with a header.
    Table,
    /// A JSON value a line.
    JsonLines,
    /// A JSON list.
    Json,
}

/// Reads the texts of a file by its ending: `.txt` (one a line), `.csv` or `.tsv` (a column), `.jsonl` (a string or an
/// object a line), `.json` (a list of strings or objects). `column` names the column of a table or the key of the
/// objects; where a single one can be meant it need not be said, and is told.
///
/// # Errors
/// [`DatasetError`] with the path and the number of the line, row or entry (from 1): unreadable, another ending,
/// a blank text, no text at all, a column that is not there, several that could be meant.
pub fn read(path: &Path, column: Option<&str>) -> Result<Texts, DatasetError> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let kind = match ending.as_deref() {
        Some("txt") => Kind::Lines,
        Some("csv" | "tsv") => Kind::Table,
        Some("jsonl" | "ndjson") => Kind::JsonLines,
        Some("json") => Kind::Json,
        other => {
            let expected = "one that ends in .txt, .csv, .tsv, .jsonl or .json";
            let found = format!("{:?}", other.unwrap_or_default());
            return Err(malformed(path, "file name", expected, found));
        }
    };
    let bytes = whole(path)?;
    let (texts, told) = match kind {
        Kind::Lines => {
            if let Some(column) = column {
                let found = format!("lines of text, which have no {column:?}");
                return Err(malformed(path, "column", "a table or JSON", found));
            }
            lines::read(path, utf8(path, &bytes)?)?
        }
        Kind::Table => records::table(path, &bytes, column)?,
        Kind::JsonLines => records::json_lines(path, utf8(path, &bytes)?, column)?,
        Kind::Json => records::json(path, &bytes, column)?,
    };
    if texts.is_empty() {
        return Err(malformed(path, "texts", "at least one", "none"));
    }
    Ok(Texts { texts, told })
}

/// A name with its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the texts belong to.
    pub name: String,
    /// At least one, none of them blank.
    pub texts: Vec<String>,
    /// The word for the part that it is in, where that was asked for.
    pub part: Option<String>,
}

/// The rows of a table, or the objects of JSON, by the columns (keys) of names, of texts, and perhaps of parts; in JSON a name
/// may have a list of texts.
///
/// # Errors
/// As [`read`]; an object without one of the keys.
pub fn records(
    path: &Path,
    [name, text]: [&str; 2],
    part: Option<&str>,
) -> Result<Vec<Record>, DatasetError> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    if matches!(ending.as_deref(), Some("json" | "jsonl" | "ndjson")) {
        let bytes = whole(path)?;
        return records::objects(path, utf8(path, &bytes)?, [name, text], part);
    }
    let names = read(path, Some(name))?.texts;
    let texts = read(path, Some(text))?.texts;
    let parts = match part {
        Some(part) => read(path, Some(part))?
            .texts
            .into_iter()
            .map(Some)
            .collect(),
        None => vec![None; names.len()],
    };
    let row = |((name, text), part)| Record {
        name,
        texts: vec![text],
        part,
    };
    Ok(names.into_iter().zip(texts).zip(parts).map(row).collect())
}

/// What the columns of a table, or the keys of objects, are called; none where a file has texts alone.
///
/// # Errors
/// [`DatasetError`] with the path: unreadable, or no table and no JSON.
pub fn columns(path: &Path) -> Result<Vec<String>, DatasetError> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let bytes = whole(path)?;
    match ending.as_deref() {
        Some("csv" | "tsv") => {
            let table = super::table::Table::parse(path, &bytes)?;
            Ok(table.columns().into_iter().map(String::from).collect())
        }
        Some("json" | "jsonl" | "ndjson") => records::keys(path, utf8(path, &bytes)?),
        _ => Ok(Vec::new()),
    }
}

/// The bytes of a file, if it is one and not too large.
pub(super) fn whole(path: &Path) -> Result<Vec<u8>, DatasetError> {
    match bounded::read(path, MOST) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(io(path)(std::io::ErrorKind::NotFound.into())),
        Err(Refused::Io { path, source }) => Err(io(&path)(source)),
        Err(Refused::Malformed {
            path,
            expected,
            found,
        }) => Err(malformed(&path, "file", expected, found)),
    }
}

/// The bytes of a file as text.
pub(super) fn utf8<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, DatasetError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| malformed(path, "contents", "text in UTF-8", e.to_string()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The text, or the error of a blank one at `place` ("line 3").
pub(super) fn some(
    path: &Path,
    place: impl Into<String>,
    text: &str,
) -> Result<String, DatasetError> {
    let text = text.trim();
    if text.is_empty() {
        let expected = "a text: what is left out here would move all that follow";
        return Err(malformed(path, place.into(), expected, "a blank"));
    }
    Ok(text.to_owned())
}
