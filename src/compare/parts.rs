//! The parts of the shared samples, the same rows for every encoder: where probe and neighbours learn,
//! where C is chosen, where everything is tested; and the folds that the jackknife leaves out. Samples that
//! belong together (a clip's chunks, a person's windows) stay together in all of them.

use super::align::Shared;
use super::settings::{MOST_MAPPED, VALID_SHARE, ValidSettings};
use crate::measure::MeasureError;
use crate::random::{FOLDS, SECOND_SPLIT, SPLIT};
use crate::strata;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of every part, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// To fit on while C is chosen.
    pub fit: Vec<usize>,
    /// To choose C on.
    pub valid: Vec<usize>,
    /// Both: what the reported probe is fitted on.
    pub train: Vec<usize>,
    /// To report on.
    pub test: Vec<usize>,
    /// Places in `test` for what is quadratic in samples, balanced over classes.
    pub sample: Vec<usize>,
    /// Those of them that are mapped.
    pub mapped: Vec<usize>,
}

impl Parts {
    /// Cuts the samples.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] where no class has a sample for every part.
    pub fn new(shared: &Shared, settings: &ValidSettings) -> Result<Self, MeasureError> {
        let labels = &shared.labels;
        let all: Vec<usize> = (0..labels.len()).collect();
        let (train, test) = match shared.given_train {
            Some(rows) => (all[..rows].to_vec(), all[rows..].to_vec()),
            None => {
                let tested = 1.0 - settings.train_share;
                whole(
                    labels,
                    shared.groups.as_deref(),
                    &all,
                    tested,
                    settings.seed,
                )
            }
        };
        let (of, seed) = (shared.groups.as_deref(), SECOND_SPLIT.seed(settings.seed));
        let (fit, valid) = whole(labels, of, &train, VALID_SHARE, seed);
        MeasureError::at_least("test samples", 1, test.len())?;
        MeasureError::at_least("samples of a class, to choose C on one", 1, valid.len())?;
        let tested: Vec<usize> = test.iter().map(|&row| labels[row]).collect();
        let points = match settings.sample {
            0 => test.len(),
            some => some,
        };
        Ok(Self {
            fit,
            valid,
            // Nested: of the same seed, fewer are a part of more.
            mapped: strata::balanced(&tested, points.min(MOST_MAPPED), settings.seed),
            sample: strata::balanced(&tested, points, settings.seed),
            train,
            test,
        })
    }
}

/// A share of `rows`, class by class, of whole groups where there are any: rows kept and rows taken.
fn whole(
    labels: &[usize],
    groups: Option<&[usize]>,
    rows: &[usize],
    taken: f64,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    let mut rng = SPLIT.rng(seed, &[]);
    let Some(groups) = groups else {
        return strata::split(labels, rows, taken, &mut rng);
    };
    let units = Units::new(labels, groups, rows);
    let places: Vec<usize> = (0..units.labels.len()).collect();
    let (kept, taken) = strata::split(&units.labels, &places, taken, &mut rng);
    let of = |units_of: &[usize]| {
        let mut rows: Vec<usize> = units_of
            .iter()
            .flat_map(|&u| units.rows[u].clone())
            .collect();
        rows.sort_unstable();
        rows
    };
    (of(&kept), of(&taken))
}

/// Groups as if each were one sample: its rows, and the class of most of them.
struct Units {
    rows: Vec<Vec<usize>>,
    labels: Vec<usize>,
}

impl Units {
    fn new(labels: &[usize], groups: &[usize], rows: &[usize]) -> Self {
        let mut members = BTreeMap::<usize, Vec<usize>>::new();
        for &row in rows {
            members.entry(groups[row]).or_default().push(row);
        }
        let rows: Vec<Vec<usize>> = members.into_values().collect();
        let most = |rows: &Vec<usize>| {
            let mut counts = BTreeMap::<usize, usize>::new();
            for &row in rows {
                *counts.entry(labels[row]).or_default() += 1;
            }
            let most = counts
                .iter()
                .max_by_key(|(label, count)| (**count, usize::MAX - **label));
            most.map_or(0, |(label, _)| *label)
        };
        Self {
            labels: rows.iter().map(most).collect(),
            rows,
        }
    }
}

/// Folds of samples for the jackknife, as equal in size and in classes as they can be, of whole groups
/// where there are any: the fold of every sample, below `count`.
pub fn folds(labels: &[usize], groups: Option<&[usize]>, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = FOLDS.rng(seed, &[]);
    let Some(groups) = groups else {
        return strata::folds(labels, count, &mut rng);
    };
    let rows: Vec<usize> = (0..labels.len()).collect();
    let units = Units::new(labels, groups, &rows);
    let of_unit = strata::folds(&units.labels, count, &mut rng);
    let mut of = vec![0; labels.len()];
    for (rows, fold) in units.rows.iter().zip(of_unit) {
        rows.iter().for_each(|&row| of[row] = fold);
    }
    of
}

/// How many groups some rows are of.
pub fn units(groups: Option<&[usize]>, rows: &[usize]) -> usize {
    match groups {
        None => rows.len(),
        Some(groups) => {
            let of: BTreeSet<usize> = rows.iter().map(|&row| groups[row]).collect();
            of.len()
        }
    }
}
