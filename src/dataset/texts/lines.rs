//! Texts a line each.

use super::some;
use crate::dataset::DatasetError;
use std::path::Path;

/// The lines of a text file; blank ones behind the last text are left out and told.
pub(super) fn read(path: &Path, text: &str) -> Result<(Vec<String>, Vec<String>), DatasetError> {
    let mut lines: Vec<&str> = text.lines().collect();
    let all = lines.len();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let told = match all - lines.len() {
        0 => Vec::new(),
        blank => vec![format!(
            "{}: {blank} blank at its end, from line {}, left out",
            path.display(),
            lines.len() + 1
        )],
    };
    let line = |(at, line): (usize, &&str)| some(path, format!("line {}", at + 1), line);
    let texts = lines.iter().enumerate().map(line);
    Ok((texts.collect::<Result<_, _>>()?, told))
}
