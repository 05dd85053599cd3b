//! The inputs of a discrepancy and everything drawn from them: split, shuffled targets, resampled rows.
//!
//! Every random draw has its own stream of [`DISCREPANCY`] (0 the split, then one per shuffle and one per
//! resample), so that replicates can run in parallel and stay the same for any number of threads. Split,
//! shuffle and bootstrap draw whole [`Groups`].

use rand::RngExt;
use rayon::prelude::*;

use super::cost::Pass;
use super::search::{Assignment, fits};
use super::stream::Rows;
use super::target::{Draw, Target};
use super::{Candidates, ValidDiscrepancyParams};
use crate::measure::sampling::split;
use crate::measure::{Groups, MeasureError, stats};
use crate::random::DISCREPANCY;

/// The inputs, ready to be searched again and again.
pub(super) struct Problem<'t, 'p, R: Rows> {
    pub rows: &'p R,
    pub target: Target<'t>,
    /// Mass of each target class.
    pub mass: Vec<f64>,
    /// Target classes that have mass; the others take no part.
    pub present: Vec<usize>,
    /// Place of each class among them.
    pub index: Vec<usize>,
    pub params: &'p ValidDiscrepancyParams,
    /// Which samples belong together.
    pub groups: &'p Groups,
    /// Numbers that tell targets apart, where groups exchange them.
    patterns: Option<Vec<usize>>,
}

/// What a kind of divergence finds, over present classes.
pub(super) struct Outcome {
    /// For the samples it was chosen on, as means.
    pub found: Assignment,
    /// Mean over evaluated samples.
    pub value: f64,
    pub chance: f64,
    pub nulls: Vec<f64>,
    /// Loss of each evaluated sample.
    pub losses: Vec<f64>,
    /// A 97.5 % lower bound of the infimum, where one is known.
    pub least: Option<f64>,
    pub candidates: Option<Candidates>,
    pub nodes: usize,
}

impl<'t, 'p, R: Rows> Problem<'t, 'p, R> {
    /// Checks sizes and targets; the rows themselves are checked in the first pass over them.
    pub fn new(
        rows: &'p R,
        target: Target<'t>,
        groups: &'p Groups,
        params: &'p ValidDiscrepancyParams,
    ) -> Result<Self, MeasureError> {
        let (n, source) = rows.dim();
        let classes = target.classes();
        MeasureError::at_least("samples", 1, n)?;
        MeasureError::at_least("target classes", 1, classes)?;
        fits(classes, source)?;
        target.check(n)?;
        MeasureError::same("groups of samples", n, groups.len())?;
        let grouped = !groups.is_singletons();
        if grouped && params.holdout.is_some() && matches!(target, Target::Labels { .. }) {
            split::enough(&target.groups(groups))?;
        }
        let mass = target.totals(n);
        let present: Vec<usize> = (0..classes).filter(|&c| mass[c] > 0.0).collect();
        MeasureError::at_least("target classes with samples", 1, present.len())?;
        let mut index = vec![usize::MAX; classes];
        present.iter().enumerate().for_each(|(i, &c)| index[c] = i);
        Ok(Self {
            rows,
            target,
            mass,
            present,
            index,
            params,
            groups,
            patterns: grouped.then(|| target.patterns(n)).flatten(),
        })
    }

    pub fn pass(&self) -> Pass<'t, '_> {
        Pass {
            target: self.target,
            index: &self.index,
            present: self.present.len(),
            divergence: self.params.divergence,
        }
    }

    /// The observed targets, split.
    pub fn observed(&self) -> Result<Draw, MeasureError> {
        let order = (0..self.rows.dim().0).collect();
        let mut rng = DISCREPANCY.rng(self.params.seed, &[0]);
        let draw = self.target.draw(
            order,
            self.params.holdout,
            &self.mass,
            self.groups,
            &mut rng,
        );
        let evaluated = draw.evaluated();
        let found = if draw.units(&self.target, &evaluated) > 0.0 {
            evaluated.len()
        } else {
            0
        };
        MeasureError::at_least("samples to evaluate on", 1, found)?;
        Ok(draw)
    }

    /// Shuffled targets, split anew.
    pub fn shuffled(&self, replicate: usize) -> Draw {
        let mut rng = DISCREPANCY.rng(self.params.seed, &[1 + replicate as u64]);
        let order = match &self.patterns {
            Some(patterns) => self.groups.shuffled(|i| patterns[i], &mut rng),
            None => self.groups.rotated(&mut rng),
        };
        self.target.draw(
            order,
            self.params.holdout,
            &self.mass,
            self.groups,
            &mut rng,
        )
    }

    /// 95 % interval of the mean loss of evaluated samples, by resampled samples or groups.
    pub fn interval(&self, evaluated: &[usize], losses: &[f64], units: &[f64]) -> Option<[f64; 2]> {
        let (seed, first) = (self.params.seed, 1 + self.params.null as u64);
        if !self.groups.is_singletons() {
            let groups = self.groups.select(evaluated);
            let main = |&i: &usize| self.target.stratum(i, &self.mass);
            let strata = groups.classes(&evaluated.iter().map(main).collect::<Vec<_>>());
            let times = self.params.bootstrap;
            let means = groups.bootstrap(&strata, losses, units, times, (seed, first));
            return stats::expanded95(&means, groups.freedom(&strata));
        }
        let whole: Vec<f64> = (0..self.params.bootstrap as u64)
            .into_par_iter()
            .map(|r| {
                let mut rng = DISCREPANCY.rng(seed, &[first + r]);
                let (mut sum, mut weight) = (0.0, 0.0);
                for _ in losses {
                    let i = rng.random_range(0..losses.len());
                    sum += losses[i];
                    weight += units[i];
                }
                sum / weight
            })
            .collect();
        // Resamples of nothing but samples without a class say nothing.
        let means: Vec<f64> = whole.into_iter().filter(|mean| mean.is_finite()).collect();
        stats::interval95(&means)
    }

    /// Standard error of the mean loss of some samples, and how many groups it rests on.
    pub fn error(&self, samples: &[usize], losses: &[f64]) -> Option<(f64, usize)> {
        let units: Vec<f64> = samples.iter().map(|&i| self.target.units(i)).collect();
        let groups = self.groups.select(samples);
        Some((groups.mean(losses, &units).1?, groups.count()))
    }

    /// The half-width of a one-sided 97.5 % bound of such a mean.
    pub fn half(&self, (error, groups): (f64, usize)) -> f64 {
        error * stats::student_quantile(0.975, groups - 1)
    }
}
