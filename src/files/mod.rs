//! File containers: what other programs write, read from bytes that are already bounded or from a
//! stream with a cap. Nothing here knows what a dataset is.
//!
//! Every reader holds to the same rules. What a header promises is checked against the bytes that
//! exist before anything is allocated; a compressed stream ends at a cap; archives are never
//! extracted, members are asked for by their exact name; and a pickle is never executed. What is
//! wrong is a [`Fault`]: the property, what was expected and what was found. The caller adds the
//! path.

pub mod array;
pub(crate) mod atomic;
pub mod bounded;
pub mod checksum;
pub(crate) mod column;
pub mod element;
pub mod events;
pub mod fetch;
#[cfg(test)]
pub(crate) mod fuzz;
pub mod gzip;
pub mod hdf5;
pub mod jpeg;
pub mod mat;
pub mod npy;
pub mod pickle;
pub mod tar;
pub mod ts;
pub mod wav;
pub mod zip;

pub use array::{Array, Layout, Stored};

use std::io::Read;

/// What is wrong with a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
pub struct Fault {
    /// Which property.
    pub what: String,
    /// What the format demands.
    pub expected: String,
    /// What the bytes say.
    pub found: String,
}

impl Fault {
    /// From anything that can be shown; long texts are cut, since nothing in a file is trusted.
    pub fn new(what: impl ToString, expected: impl ToString, found: impl ToString) -> Self {
        let line = |text: String| match text.char_indices().nth(120) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        Self {
            what: line(what.to_string()),
            expected: line(expected.to_string()),
            found: line(found.to_string()),
        }
    }

    /// The same fault, said of a part of the file.
    #[must_use]
    pub fn of(self, part: &str) -> Self {
        Self::new(format!("{part}: {}", self.what), self.expected, self.found)
    }
}

/// A [`Fault`] as an error result.
pub(crate) fn fault<T>(
    what: impl ToString,
    expected: impl ToString,
    found: impl ToString,
) -> Result<T, Fault> {
    Err(Fault::new(what, expected, found))
}

/// The operating system's error in words, without its number.
pub(crate) fn said(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Names that stand one a line, by position: line 0 names class 0. A blank line names nothing and is
/// empty; blank lines at the end count for nothing.
pub(crate) fn lines_by_position(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

/// Everything a stream holds, up to `cap` bytes; more is a fault and not an allocation.
///
/// # Errors
/// A damaged stream, or one that is longer than `cap`.
pub fn read_capped(stream: impl Read, cap: u64, what: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    stream
        .take(cap.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| Fault::new(what, "intact data", system(&e)))?;
    if bytes.len() as u64 > cap {
        return fault(what, format!("at most {cap} bytes"), "more");
    }
    Ok(bytes)
}

/// What the operating system says, without its number.
pub(crate) fn system(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no file of that name".into(),
        ErrorKind::PermissionDenied => "no permission to read it".into(),
        ErrorKind::IsADirectory => "a folder, not a file".into(),
        ErrorKind::NotADirectory => "a file where a folder should be".into(),
        ErrorKind::UnexpectedEof => "an end before the last byte".into(),
        ErrorKind::StorageFull => "no room on the disk".into(),
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            text[..end].to_string()
        }
    }
}

/// Text for a cell of a table that people open: a spreadsheet must not take a name for a formula.
pub(crate) fn defuse(text: String) -> String {
    let formula = text.len() > 1 && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_no_number_and_names_their_line() {
        let error = std::fs::File::open("/nowhere/at/all").expect_err("absent");
        assert_eq!(said(&error), "No such file or directory");
        assert_eq!(said(&std::io::Error::other("plain")), "plain");
        let names = lines_by_position("\u{feff}a\r\n\n  c \n\n \n");
        assert_eq!(names, ["a", "", "c"]);
        assert!(lines_by_position("\n").is_empty());
    }

    #[test]
    fn formulas_are_defused_and_dashes_kept() {
        assert_eq!(defuse("=1+1".into()), "'=1+1");
        assert_eq!(defuse("@cmd".into()), "'@cmd");
        assert_eq!(defuse("-".into()), "-");
        assert_eq!(defuse("cat".into()), "cat");
    }
}
