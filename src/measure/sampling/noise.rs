//! What a number of grouped samples is worth: bootstrap, jackknife and intervals over groups.
//!
//! * **Means** ([`Groups::mean_interval`]): the variance of group totals, Student's t at G − 1 degrees of
//!   freedom.
//! * **Error rates** ([`Groups::error_interval`]): Wilson's interval of n/deff samples with Student's t in
//!   place of z, deff the design effect (Kish 1965; Korn & Graubard, *Confidence intervals for
//!   proportions with small expected number of positive counts estimated from survey data*, Survey
//!   Methodology 1998). The estimate of deff says little where few groups have an error, so it is
//!   drawn towards the mean group size (weighted by size), its value where groups are all right or
//!   all wrong. Simulated coverage at 20 groups of 8: 94–99 % for rates of 2–50 % and every likeness
//!   within groups.
//! * **Balanced errors** ([`Groups::balanced_interval`]): [`stats::mean_of_shares`] of the classes, each with
//!   what its groups are worth.
//! * **Anything else**: [`Groups::weights`] draws groups for a bootstrap, [`Groups::without`] leaves one
//!   out, [`jackknife_error`] turns what is found without each into a standard error.

use rand::{Rng, RngExt};
use rayon::prelude::*;

use super::Groups;
use crate::measure::stats;
use crate::random::DISCREPANCY;
use crate::strata::by_class;

impl Groups {
    /// Sums of something over the samples of each group.
    pub fn totals(&self, values: &[f64]) -> Vec<f64> {
        let mut totals = vec![0.0; self.count()];
        for (i, &value) in values.iter().enumerate() {
            totals[self.group(i)] += value;
        }
        totals
    }

    /// Number of samples of each group.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.count()];
        (0..self.len()).for_each(|i| sizes[self.group(i)] += 1);
        sizes
    }

    /// How often each group counts in one bootstrap replicate, drawn within strata (a class number a
    /// group, [`Groups::classes`]): of the n groups of a stratum n − 1 are drawn with replacement and
    /// count n/(n − 1) each (Rao & Wu, *Resampling inference with complex survey data*, JASA 1988), so
    /// that the variance is right also for two groups a class. Strata of one group are one stratum.
    pub fn weights(&self, strata: &[usize], rng: &mut impl Rng) -> Vec<f64> {
        let mut weights = vec![0.0; self.count()];
        for groups in pooled(strata) {
            let times = groups.len() - 1;
            if times == 0 {
                weights[groups[0]] = 1.0;
            }
            let each = groups.len() as f64 / times as f64;
            for _ in 0..times {
                weights[groups[rng.random_range(0..groups.len())]] += each;
            }
        }
        weights
    }

    /// Degrees of freedom of such replicates: groups less strata.
    pub fn freedom(&self, strata: &[usize]) -> usize {
        pooled(strata).iter().map(|groups| groups.len() - 1).sum()
    }

    /// Means of bootstrap replicates of groups: value i is the mean under the weights that
    /// stream `first + i` of the seed draws, the same for any number of threads. `units` is what each
    /// sample counts in the mean; replicates of nothing but samples without units are left out.
    pub fn bootstrap(
        &self,
        strata: &[usize],
        values: &[f64],
        units: &[f64],
        replicates: usize,
        (seed, first): (u64, u64),
    ) -> Vec<f64> {
        let (totals, units) = (self.totals(values), self.totals(units));
        let means: Vec<f64> = (0..replicates as u64)
            .into_par_iter()
            .map(|replicate| {
                let mut rng = DISCREPANCY.rng(seed, &[first + replicate]);
                let weights = self.weights(strata, &mut rng);
                let sum = |of: &[f64]| -> f64 { weights.iter().zip(of).map(|(w, v)| w * v).sum() };
                sum(&totals) / sum(&units)
            })
            .collect();
        means.into_iter().filter(|mean| mean.is_finite()).collect()
    }

    /// Mean of the values and its standard error from the groups' totals; no error for one group.
    /// `units` is what each sample counts in the mean.
    pub fn mean(&self, values: &[f64], units: &[f64]) -> (f64, Option<f64>) {
        let (totals, units) = (self.totals(values), self.totals(units));
        let (sum, weight) = (totals.iter().sum::<f64>(), units.iter().sum::<f64>());
        let mean = sum / weight;
        let g = self.count() as f64;
        let squares: f64 = totals
            .iter()
            .zip(&units)
            .map(|(total, units)| (total - mean * units).powi(2))
            .sum();
        let error = (g / (g - 1.0) * squares).sqrt() / weight;
        (mean, (self.count() > 1).then_some(error))
    }

    /// 95 % interval of the mean of the values; `None` for fewer than two groups.
    pub fn mean_interval(&self, values: &[f64], units: &[f64]) -> Option<[f64; 2]> {
        let (mean, error) = self.mean(values, units);
        let half = error? * stats::student_quantile(0.975, self.count() - 1);
        Some([mean - half, mean + half])
    }

    /// The design effect of a mean: its variance over that of as many independent samples. `None`
    /// where it is not defined (one group, or equal values).
    pub fn design_effect(&self, values: &[f64]) -> Option<f64> {
        let n = values.len() as f64;
        let (mean, error) = self.mean(values, &vec![1.0; values.len()]);
        let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n;
        Some(error?.powi(2) / spread).filter(|effect| effect.is_finite())
    }

    /// 95 % interval of a share of wrong predictions; Wilson's without groups, all of `[0, 1]` for one.
    pub fn error_interval(&self, wrong: &[bool]) -> [f64; 2] {
        let hits = wrong.iter().filter(|w| **w).count();
        if self.is_singletons() {
            return stats::wilson(hits, wrong.len());
        }
        if self.count() < 2 {
            return [0.0, 1.0];
        }
        let t = stats::student_quantile(0.975, self.count() - 1);
        stats::wilson_at(hits as f64 / wrong.len() as f64, self.worth(wrong), t)
    }

    /// As how many independent predictions these count: n over their design effect, which is drawn
    /// towards the mean group size where few groups are partly or wholly wrong (or right).
    fn worth(&self, wrong: &[bool]) -> f64 {
        let n = wrong.len() as f64;
        if self.is_singletons() {
            return n;
        }
        let numbers: Vec<f64> = wrong.iter().map(|&w| f64::from(u8::from(w))).collect();
        let sizes = self.sizes();
        let alike = sizes.iter().map(|&m| (m * m) as f64).sum::<f64>() / n;
        let (share, error) = self.mean(&numbers, &vec![1.0; wrong.len()]);
        let found = error.map_or(alike, |error| error * error * n / (share * (1.0 - share)));
        let found = if found.is_finite() { found } else { alike }.max(1.0);
        let totals = self.totals(&numbers);
        let some = totals.iter().filter(|t| **t > 0.0).count();
        let pairs = totals.iter().zip(&sizes);
        let right = pairs.filter(|&(t, &m)| *t < m as f64).count();
        let doubt = 2.0 / (some.min(right) + 2) as f64;
        n / ((1.0 - doubt) * found + doubt * found.max(alike))
    }

    /// 95 % interval of the mean over classes of their shares of wrong predictions
    /// ([`stats::mean_of_shares`]); where groups have samples of several classes, no narrower than
    /// Student's interval of the jackknife over groups. `None` without a sample.
    pub fn balanced_interval(&self, labels: &[usize], wrong: &[bool]) -> Option<[f64; 2]> {
        let classes = labels.iter().max()? + 1;
        let mut rows = by_class(labels);
        if self.is_singletons() {
            let hits = |rows: &Vec<usize>| rows.iter().filter(|&&row| wrong[row]).count();
            return stats::balanced_interval(rows.iter().map(|rows| (hits(rows), rows.len())));
        }
        rows.retain(|rows| !rows.is_empty());
        let parts = self.per_class(labels, classes).iter().sum::<usize>();
        let class = |rows: &Vec<usize>| {
            let (own, wrong) = (self.select(rows), rows.iter().map(|&row| wrong[row]));
            let wrong: Vec<bool> = wrong.collect();
            let hits = wrong.iter().filter(|w| **w).count();
            stats::Share {
                value: hits as f64 / wrong.len() as f64,
                samples: own.worth(&wrong),
                interval: own.error_interval(&wrong),
            }
        };
        let shares: Vec<stats::Share> = rows.iter().map(class).collect();
        let freedom = parts.saturating_sub(shares.len()).max(1);
        let t = stats::student_quantile(0.975, freedom);
        let [low, high] = stats::mean_of_shares(&shares, t)?;
        if parts == self.count() || self.count() < 2 {
            return Some([low, high]);
        }
        let value = balanced(labels, wrong, |_| true)?;
        let without = (0..self.count())
            .map(|group| balanced(labels, wrong, |i| self.group(i) != group))
            .collect::<Option<Vec<f64>>>();
        let error = without.as_deref().and_then(jackknife_error).unwrap_or(0.0);
        let half = error * stats::student_quantile(0.975, self.count() - 1);
        Some([
            low.min((value - half).max(0.0)),
            high.max((value + half).min(1.0)),
        ])
    }
}

/// The groups of every stratum that has some, those of strata of one group together, a single one
/// with another stratum.
fn pooled(strata: &[usize]) -> Vec<Vec<usize>> {
    let (mut pooled, alone): (Vec<_>, Vec<_>) = by_class(strata)
        .into_iter()
        .partition(|groups: &Vec<usize>| groups.len() != 1);
    pooled.retain(|groups| !groups.is_empty());
    let alone = alone.concat();
    let smallest = (0..pooled.len()).min_by_key(|&at| pooled[at].len());
    match (alone.len(), smallest) {
        (0, _) => {}
        // A group alone has no spread of its own: it is drawn with the smallest stratum.
        (1, Some(at)) => pooled[at].extend(alone),
        _ => pooled.push(alone),
    }
    pooled
}

/// Mean over the classes that occur among some samples of their shares of wrong predictions.
pub fn balanced(labels: &[usize], wrong: &[bool], some: impl Fn(usize) -> bool) -> Option<f64> {
    let classes = labels.iter().max()? + 1;
    let mut counts = vec![(0usize, 0usize); classes];
    for (i, (&label, &wrong)) in labels.iter().zip(wrong).enumerate() {
        if some(i) {
            counts[label].0 += 1;
            counts[label].1 += usize::from(wrong);
        }
    }
    counts.retain(|(all, _)| *all > 0);
    let sum: f64 = counts.iter().map(|&(n, w)| w as f64 / n as f64).sum();
    (!counts.is_empty()).then(|| sum / counts.len() as f64)
}

/// Standard error of a measure from its values without each group: SE² = (G − 1)/G Σ (θ₍ₐ₎ − θ̄)².
/// `None` for fewer than two groups.
pub fn jackknife_error(without: &[f64]) -> Option<f64> {
    let g = without.len() as f64;
    let mean = without.iter().sum::<f64>() / g;
    let squares = without.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let error = ((g - 1.0) / g * squares).sqrt();
    (without.len() > 1 && error.is_finite()).then_some(error)
}

#[cfg(test)]
mod tests;
