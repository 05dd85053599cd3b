//! `modalign probe`, `tsne` and `discrepancy`: the measures of a report on anyone's own files. Each
//! file here reads what its verb was given, calls the measure, and words the result; the JSON
//! fields are a contract with scripts.

pub mod discrepancy;
pub(super) mod labelled;
mod pairs;
mod probabilities;
pub mod probe;
pub mod tsne;

use super::error::CliError;
use super::words::{columns, span};
use crate::feature::FeatureError;
use crate::feature::file::array;
use crate::measure::Groups;
use std::path::Path;

/// The groups of samples in a file: a whole number or a name for each.
fn groups(path: &Path, samples: usize) -> Result<Groups, CliError> {
    let (numbers, _) = array::labels(path)?;
    if numbers.len() != samples {
        let expected = format!("{samples} numbers, one a sample");
        return Err(FeatureError::malformed(path, "groups", expected, numbers.len()).into());
    }
    Ok(Groups::of(&numbers))
}

/// A headline, then facts by name, then the time it took.
pub(super) fn page(headline: &str, facts: &[(&str, String)], seconds: f64) -> String {
    let time = ("time", span(seconds));
    let row = |(name, value): &(&str, String)| vec![(*name).to_string(), value.clone()];
    let rows: Vec<_> = facts.iter().chain([&time]).map(row).collect();
    format!("{headline}\n\n{}", columns(&rows, &[], "  "))
}

/// A share as percent, with the digits that its 95 % interval bears.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A count with its noun.
pub(super) fn count(number: usize, noun: &str) -> String {
    let ending = match (number, noun.ends_with("class")) {
        (1, _) => "",
        (_, true) => "es",
        _ => "s",
    };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_noun() {
        assert_eq!(count(1, "class"), "1 class");
        assert_eq!(count(2, "class"), "2 classes");
        assert_eq!(count(0, "sample"), "0 samples");
    }
}
