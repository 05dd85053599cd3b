//! Two methods over seeds and samples: the mean difference, an interval over both kinds of noise, and p.
//!
//! Both methods are trained from the same seeds and tested on the same samples, so differences are taken
//! seed by seed and sample by sample before anything is averaged. Two things then vary. Over *seeds*, the
//! mean has Student's standard error s/√S at S − 1 degrees of freedom; one seed says nothing of others, so
//! there is no p. Over *samples*, the per-sample means over seeds are summed by group (a clip's chunks, a
//! person's windows) and have the standard error of a ratio of sums over groups. The half-width of the
//! interval joins both ([`tail`](super::tail)), and is never below what one sample predicted
//! otherwise by either side would make of it: nothing has a width of zero because nothing happened to
//! differ. It also covers the percentile interval of a paired bootstrap over groups. p is where that
//! interval would end at zero, and no less than the exact sign-flip test over groups
//! ([`flips`](super::flips)) gives.

use super::flips::{by_group, sign_flip};
use super::tail::{Source, half_width, p_of};
use super::verdict::{Claim, LEVEL};
use super::{interval95, wilson};
use crate::measure::MeasureError;
use crate::random::PAIRED;
use rand::RngExt;
use rayon::prelude::*;

/// A mean over seeds: of a paired difference, method minus baseline, or of one method.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Mean over seeds (and samples).
    pub mean: f64,
    /// Its 95 % interval over seeds and samples, over samples alone for one seed; `None` where nothing
    /// varies.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p of a mean of zero; `None` for one seed, or where nothing varies.
    pub p: Option<f64>,
    /// Pairs of seeds.
    pub seeds: usize,
    /// Samples of each seed; 1 where only one value a seed is known.
    pub samples: usize,
    /// Groups that these belong to, as many as samples where each is its own.
    pub groups: usize,
}

impl Difference {
    /// It, as the rule of verdicts takes it.
    pub fn claim(&self) -> Claim {
        Claim {
            value: self.mean,
            interval: self.interval,
            p: self.p,
        }
    }
}

/// How samples are drawn again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Draws<'a> {
    /// The group of every sample, drawn as a whole; without, every sample is its own.
    pub groups: Option<&'a [usize]>,
    /// Bootstrap replicates.
    pub replicates: usize,
    /// Seed of them.
    pub seed: u64,
}

/// Difference of two error rates: `method[s][i]` says whether sample `i` was predicted wrongly
/// after training with seed `s`; `baseline` has the same seeds and samples.
///
/// # Errors
/// [`MeasureError::TooFew`] without a seed, a sample or a replicate; [`MeasureError::Shape`] if
/// seeds, samples or groups do not pair up.
pub fn error_rates(
    method: &[Vec<bool>],
    baseline: &[Vec<bool>],
    draws: &Draws,
) -> Result<Difference, MeasureError> {
    let number = |seed: &Vec<bool>| seed.iter().map(|mark| f64::from(u8::from(*mark))).collect();
    let numbers = |seeds: &[Vec<bool>]| seeds.iter().map(number).collect::<Vec<Vec<f64>>>();
    shares(&numbers(method), &numbers(baseline), draws)
}

/// The same of samples that are wrong in part, from 0 to 1: a picture whose captions are found in part.
///
/// # Errors
/// As [`error_rates`].
pub fn shares(
    method: &[Vec<f64>],
    baseline: &[Vec<f64>],
    draws: &Draws,
) -> Result<Difference, MeasureError> {
    shape("seeds of the baseline", method.len(), baseline.len())?;
    let mut apart = Vec::with_capacity(method.len());
    for (a, b) in method.iter().zip(baseline) {
        shape("samples of the baseline", a.len(), b.len())?;
        let one = |(a, b): (&f64, &f64)| a - b;
        apart.push(a.iter().zip(b).map(one).collect::<Vec<f64>>());
    }
    let found = Sampled::new(&apart, draws)?;
    let mean = found.mean();
    let n = found.n as f64;
    // One more sample for either side, as Bonett and Price (Psychological Methods 2012) add.
    let least = 2f64.sqrt() / (n + 2.0);
    let flips = sign_flip(&found.whole(draws.groups));
    Ok(found.joined(mean, least, Some(flips), [-1.0, 1.0]))
}

/// Difference of two numbers known once a seed: by Student's t over seeds, the choice of samples not in it.
///
/// # Errors
/// As [`error_rates`].
pub fn values(method: &[f64], baseline: &[f64]) -> Result<Difference, MeasureError> {
    MeasureError::at_least("pairs of seeds", 1, method.len())?;
    shape("seeds of the baseline", method.len(), baseline.len())?;
    let apart: Vec<f64> = method.iter().zip(baseline).map(|(a, b)| a - b).collect();
    Ok(over_seeds(&apart))
}

/// Mean over seeds of one method's error rate, with its interval.
///
/// # Errors
/// As [`error_rates`].
pub fn mean_rate(marks: &[Vec<bool>], draws: &Draws) -> Result<Difference, MeasureError> {
    let number = |seed: &Vec<bool>| -> Vec<f64> {
        let of = |mark: &bool| f64::from(u8::from(*mark));
        seed.iter().map(of).collect()
    };
    let rows: Vec<Vec<f64>> = marks.iter().map(number).collect();
    let found = Sampled::new(&rows, draws)?;
    let (mean, n) = (found.mean(), found.n as f64);
    if let ([one], None) = (marks, draws.groups) {
        let hits = one.iter().filter(|mark| **mark).count();
        return Ok(Difference {
            interval: Some(wilson(hits, one.len())),
            ..found.joined(mean, 0.0, None, [0.0, 1.0])
        });
    }
    // Agresti and Coull (The American Statistician 1998): two more samples of either kind.
    let share = (mean * n + 2.0) / (n + 4.0);
    let least = (share * (1.0 - share) / (n + 4.0)).sqrt();
    Ok(found.joined(mean, least, None, [0.0, 1.0]))
}

/// Mean over seeds of what one method gets wrong, of samples that are wrong in part.
///
/// # Errors
/// As [`error_rates`].
pub fn mean_share(shares: &[Vec<f64>], draws: &Draws) -> Result<Difference, MeasureError> {
    let found = Sampled::new(shares, draws)?;
    let (mean, n) = (found.mean(), found.n as f64);
    // As of rates: a sample wrong in part varies no more than one that is right or wrong.
    let share = (mean * n + 2.0) / (n + 4.0);
    let least = (share * (1.0 - share) / (n + 4.0)).max(0.0).sqrt();
    Ok(found.joined(mean, least, None, [0.0, 1.0]))
}

/// Mean over seeds of one method's numbers.
///
/// # Errors
/// [`MeasureError::TooFew`] without a seed.
pub fn mean_value(numbers: &[f64]) -> Result<Difference, MeasureError> {
    MeasureError::at_least("seeds", 1, numbers.len())?;
    Ok(Difference {
        p: None,
        ..over_seeds(numbers)
    })
}

/// Mean and Student's standard error.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n - 1.0).max(1.0) / n).sqrt())
}

fn over_seeds(numbers: &[f64]) -> Difference {
    let (mean, error) = moments(numbers);
    let seeds = numbers.len();
    // Equal numbers differ by rounding at most.
    let scale = numbers.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let varies = seeds > 1 && error > 1e-12 * scale;
    let source = Source {
        error,
        df: seeds.saturating_sub(1),
    };
    let half = half_width(&[source], LEVEL);
    Difference {
        mean,
        interval: varies.then_some([mean - half, mean + half]),
        p: match mean == 0.0 && seeds > 1 {
            true => Some(1.0),
            false if varies => p_of(mean, &[source]),
            false => None,
        },
        seeds,
        samples: 1,
        groups: 1,
    }
}

pub(super) fn shape(what: &'static str, expected: usize, found: usize) -> Result<(), MeasureError> {
    match expected == found {
        true => Ok(()),
        false => Err(MeasureError::Shape {
            what,
            expected,
            found,
        }),
    }
}

/// Numbers of every seed and sample, on the way to a mean with its noise.
pub(super) struct Sampled {
    /// Mean of every seed.
    pub(super) of_seeds: Vec<f64>,
    /// Sum over seeds of every sample.
    of_samples: Vec<f64>,
    /// Samples of a seed.
    pub(super) n: usize,
    /// Mean over seeds, summed over every group, and the group's samples.
    pub(super) groups: Vec<(f64, f64)>,
    /// Percentile interval of the bootstrap over groups.
    pub(super) bootstrap: Option<[f64; 2]>,
}

impl Sampled {
    pub(super) fn new(rows: &[Vec<f64>], draws: &Draws) -> Result<Self, MeasureError> {
        MeasureError::at_least("pairs of seeds", 1, rows.len())?;
        MeasureError::at_least("bootstrap replicates", 1, draws.replicates)?;
        let n = rows[0].len();
        MeasureError::at_least("samples of a seed", 1, n)?;
        for row in rows {
            shape("samples of a seed", n, row.len())?;
        }
        if let Some(groups) = draws.groups {
            shape("groups of the samples", n, groups.len())?;
        }
        let mut of_samples = vec![0.0; n];
        for row in rows {
            of_samples.iter_mut().zip(row).for_each(|(s, v)| *s += v);
        }
        let seeds = rows.len() as f64;
        let sums = by_group(&of_samples, draws.groups);
        let sizes = by_group(&vec![1.0; n], draws.groups);
        let groups: Vec<(f64, f64)> = sums.iter().map(|s| s / seeds).zip(sizes).collect();
        Ok(Self {
            of_seeds: rows
                .iter()
                .map(|r| r.iter().sum::<f64>() / n as f64)
                .collect(),
            bootstrap: bootstrap(&groups, draws),
            of_samples,
            n,
            groups,
        })
    }

    pub(super) fn mean(&self) -> f64 {
        self.of_seeds.iter().sum::<f64>() / self.of_seeds.len() as f64
    }

    /// Sums over seeds, and over groups where there are any: of marks, whole numbers of wrong results.
    pub(super) fn whole(&self, groups: Option<&[usize]>) -> Vec<f64> {
        by_group(&self.of_samples, groups)
    }

    /// The noise of the choice of samples: the standard error of a ratio of sums over groups, at least `least`.
    pub(super) fn of_sampling(&self, least: f64) -> Source {
        let (n, count, mean) = (self.n as f64, self.groups.len(), self.mean());
        let squares = self
            .groups
            .iter()
            .map(|(sum, size)| (sum - mean * size).powi(2));
        let spread = count as f64 / (count as f64 - 1.0).max(1.0) * squares.sum::<f64>();
        Source {
            error: (spread.sqrt() / n).max(least),
            df: count.saturating_sub(1).max(1),
        }
    }

    /// Interval and p of the mean: both sources joined, the samples' error at least `least`, the ends
    /// inside `range`.
    fn joined(&self, mean: f64, least: f64, flips: Option<f64>, range: [f64; 2]) -> Difference {
        let count = self.groups.len();
        let mut sources = vec![self.of_sampling(least)];
        sources.extend(of_training(&self.of_seeds, self.n));
        let half = half_width(&sources, LEVEL);
        let [low, high] = self.bootstrap.unwrap_or([mean; 2]);
        let ends = [(mean - half).min(low), (mean + half).max(high)];
        let seeds = self.of_seeds.len();
        let mixed = p_of(mean, &sources).filter(|_| seeds > 1 && count > 1);
        Difference {
            mean,
            // One group says nothing of others.
            interval: (count > 1).then(|| ends.map(|end| end.clamp(range[0], range[1]))),
            p: mixed.zip(flips).map(|(mixed, flips)| mixed.max(flips)),
            seeds,
            samples: self.n,
            groups: count,
        }
    }
}

/// The noise of trainings that differ in their seeds, each known from `n` samples; `None` of one seed.
pub(super) fn of_training(of_seeds: &[f64], n: usize) -> Option<Source> {
    let seeds = of_seeds.len();
    // Seeds that agree to the sample are as far apart as one sample could not show.
    let least = 1.0 / n as f64 / (2.0 * seeds as f64).sqrt();
    (seeds > 1).then(|| Source {
        error: moments(of_seeds).1.max(least),
        df: seeds - 1,
    })
}

/// Percentile interval of the mean over groups drawn again.
fn bootstrap(groups: &[(f64, f64)], draws: &Draws) -> Option<[f64; 2]> {
    // A stream a replicate: the same interval on any number of threads.
    let replicate = |r: usize| {
        let mut rng = PAIRED.rng(draws.seed, &[r as u64]);
        let (mut sum, mut size) = (0.0, 0.0);
        for _ in 0..groups.len() {
            let (s, n) = groups[rng.random_range(0..groups.len())];
            sum += s;
            size += n;
        }
        sum / size
    };
    let means: Vec<f64> = (0..draws.replicates)
        .into_par_iter()
        .map(replicate)
        .collect();
    interval95(&means)
}

#[cfg(test)]
#[path = "paired_tests.rs"]
mod tests;
