//! The probe and the neighbours of one encoder, once as they are reported and once more without each fold.
//!
//! A difference of two encoders' probe errors is also one of the training samples that the probes happened to
//! see, and of the C that a few validation samples chose. With small training parts that is most of it: two equal
//! encoders, each with ten samples a class to learn from, differ "significantly" on the same test samples in
//! every third comparison. So every fold is left out of all parts at once: its training samples are not fitted
//! on, its validation samples have no say in C, its test samples are not counted.

use super::parts::{Parts, folds, units};
use super::rows::Rows;
use super::settings::{FEW_TRAINING, GROUPS, NEIGHBOURS, ValidSettings};
use crate::measure::knn::knn;
use crate::measure::probe::{ProbeParams, SweepPoint};
use crate::measure::votes::votes_without;
use crate::measure::{MeasureError, Samples};
use rayon::prelude::*;

/// Gradient of the mean loss at which a refit stops. Small beside what a fold takes away, also where the
/// training part is separated and all gradients are small: a refit that stopped where it starts would have no noise.
const REFIT_TOLERANCE: f64 = 1e-6;
/// Iterations of a refit at most.
const REFIT_ITERATIONS: usize = 300;

/// The folds of every part, the same for all encoders.
#[derive(Debug, Clone, PartialEq)]
pub struct Folds {
    /// How many.
    pub count: usize,
    /// The fold of every training sample.
    pub train: Vec<usize>,
    /// Of every validation sample, as of the same sample in the training part.
    pub valid: Vec<usize>,
    /// Of every test sample.
    pub test: Vec<usize>,
}

impl Folds {
    /// Deals out the samples of all parts: into [`GROUPS`] folds; half as many where the training part is
    /// small, so that every fold takes enough of it to be felt; no more than there are groups of samples.
    pub fn new(
        labels: &[usize],
        groups: Option<&[usize]>,
        parts: &Parts,
        settings: &ValidSettings,
    ) -> Self {
        let few = parts.train.len() < FEW_TRAINING;
        let most = if few { GROUPS / 2 } else { GROUPS };
        let count = most
            .min(units(groups, &parts.test))
            .min(units(groups, &parts.train));
        let of = |rows: &[usize]| {
            let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
            let groups: Option<Vec<usize>> =
                groups.map(|groups| rows.iter().map(|&row| groups[row]).collect());
            folds(&labels, groups.as_deref(), count, settings.seed)
        };
        let train = of(&parts.train);
        // Both are ascending, and every validation sample is a training sample.
        let place = |row: &usize| parts.train.partition_point(|other| other < row);
        let valid = parts.valid.iter().map(|row| train[place(row)]).collect();
        Self {
            count,
            train,
            valid,
            test: of(&parts.test),
        }
    }
}

/// Which test samples are predicted wrongly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mistakes {
    /// As reported.
    pub wrong: Vec<bool>,
    /// Learnt without each fold; empty where that is not defined.
    pub without: Vec<Vec<bool>>,
}

impl Mistakes {
    /// The same of some of the test samples.
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = |wrong: &Vec<bool>| rows.iter().map(|&row| wrong[row]).collect();
        Self {
            wrong: of(&self.wrong),
            without: self.without.iter().map(of).collect(),
        }
    }
}

/// The probe of an encoder.
#[derive(Debug, Clone)]
pub struct Probed {
    /// Its C.
    pub c: f64,
    /// Whether it met a stopping rule.
    pub converged: bool,
    /// Its prediction for every test sample.
    pub predictions: Vec<usize>,
    /// Whether it is wrong.
    pub mistakes: Mistakes,
}

/// Samples of an encoder in parts.
pub struct SplitRows<'a> {
    /// To fit on while C is chosen.
    pub fit: &'a Rows,
    /// To choose C on.
    pub valid: &'a Rows,
    /// Both.
    pub train: &'a Rows,
    /// To report on.
    pub test: &'a Rows,
    /// How many classes there are.
    pub classes: usize,
}

/// Fits the probe, and again without every fold.
///
/// # Errors
/// [`MeasureError`] where the probe is not defined; a fold without which it is not leaves no replicates.
pub fn probed(
    parts: &SplitRows,
    folds: &Folds,
    settings: &ValidSettings,
) -> Result<Probed, MeasureError> {
    let (fit, valid) = (
        parts.fit.samples(parts.classes)?,
        parts.valid.samples(parts.classes)?,
    );
    let (train, test) = (
        parts.train.samples(parts.classes)?,
        parts.test.samples(parts.classes)?,
    );
    let (chosen, _, sweep) = settings.probe()?.fit(&fit, Some(&valid))?;
    let params = |c: f64| {
        ProbeParams::new()
            .c(c)
            .iterations(settings.probe_iterations)
    };
    let c = chosen.c();
    let (found, minimum, _) = params(c).check()?.fit(&train, None::<&Samples<'_, f32>>)?;
    let predictions = found.predict(test.features())?;
    let curvature = params(c).check()?.curvature(&train);
    let without = |fold: usize| -> Result<Vec<bool>, MeasureError> {
        let kept = parts.train.without(&folds.train, fold);
        let c = chosen_without(&sweep, &folds.valid, fold).unwrap_or(c);
        let steps = settings.probe_iterations.min(REFIT_ITERATIONS);
        let again = params(c).tolerance(REFIT_TOLERANCE).iterations(steps);
        let again = again.check()?;
        let again = again.refit(
            &kept.samples(parts.classes)?,
            &minimum.point,
            curvature.as_ref(),
        )?;
        Ok(wrong(&again.predict(test.features())?, test.labels()))
    };
    let all: Result<Vec<Vec<bool>>, MeasureError> =
        (0..folds.count).into_par_iter().map(without).collect();
    Ok(Probed {
        c,
        converged: minimum.converged,
        mistakes: Mistakes {
            wrong: wrong(&predictions, test.labels()),
            without: all.unwrap_or_default(),
        },
        predictions,
    })
}

/// The C that the validation samples outside of a fold choose, as the sweep does: the smallest of the best.
fn chosen_without(sweep: &[SweepPoint], folds: &[usize], fold: usize) -> Option<f64> {
    if folds.iter().all(|own| *own == fold) {
        return None;
    }
    let errors = |point: &&SweepPoint| {
        let marks = point.valid_wrong.iter().zip(folds);
        marks
            .filter(|(wrong, own)| **wrong && **own != fold)
            .count()
    };
    sweep.iter().min_by_key(errors).map(|point| point.c)
}

fn wrong(predictions: &[usize], labels: &[usize]) -> Vec<bool> {
    let pairs = predictions.iter().zip(labels);
    pairs.map(|(found, truth)| found != truth).collect()
}

/// Asks the neighbours, and again without every fold.
///
/// # Errors
/// [`MeasureError`] where there are no neighbours to ask.
pub fn voted(parts: &SplitRows, folds: &Folds) -> Result<Mistakes, MeasureError> {
    let (train, test) = (
        parts.train.samples(parts.classes)?,
        parts.test.samples(parts.classes)?,
    );
    let k = NEIGHBOURS.min(train.len());
    let vote = knn(&train, &test, k)?;
    let not = |right: &[bool]| -> Vec<bool> { right.iter().map(|right| !right).collect() };
    // A small training part may not have k neighbours left.
    let without = votes_without(&train, &test, k, &folds.train, folds.count).unwrap_or_default();
    Ok(Mistakes {
        wrong: not(&vote.correct),
        without: without.iter().map(|right| not(right)).collect(),
    })
}
