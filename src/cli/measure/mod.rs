//! `modalign probe`, `tsne`, `discrepancy`, `cka`, `otdd` and `transferability`: the measures of a report on anyone's own files. Each
//! file here reads what its verb was given, calls the measure, and words the result; the JSON
//! fields are a contract with scripts.

pub mod cka;
pub mod discrepancy;
pub(super) mod labelled;
pub mod otdd;
mod pairs;
mod probabilities;
pub mod probe;
pub mod transferability;
pub mod tsne;

use super::args::NoiseArgs;
use super::error::CliError;
use super::words::{columns, span};
use crate::compare::parts;
use crate::evaluate::Estimate;
use crate::feature::FeatureError;
use crate::feature::file::array;
use crate::measure::Groups;
use crate::measure::about::About;
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

/// The fold of every sample that a jackknife leaves it out with, whole groups where there are any; one fold, which gives no
/// interval, where none is asked for.
fn folds(labels: &[usize], groups: Option<&[usize]>, noise: NoiseArgs) -> Vec<usize> {
    let rows: Vec<usize> = (0..labels.len()).collect();
    match noise.folds.min(parts::units(groups, &rows)) {
        0 => vec![0; labels.len()],
        count => parts::folds(labels, groups, count, noise.seed),
    }
}

/// How many folds there are; 0 where none were asked for.
fn fold_count(folds: &[usize], noise: NoiseArgs) -> usize {
    let count = folds.iter().max().map_or(0, |most| most + 1);
    count.min(noise.folds)
}

/// A value with its interval, as people read it.
fn shown(about: &About, found: &Estimate) -> String {
    let value = about.unit.show(found.value);
    match found.interval {
        Some(ends) => {
            let [low, high] = ends.map(|end| about.unit.show(end));
            format!("{value} ({low} to {high})")
        }
        None => value,
    }
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
