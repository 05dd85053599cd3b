//! The discrepancy of samples in memory: split, search, evaluate, and the same for shuffled
//! targets and resampled rows.
//!
//! Every random draw has its own ChaCha stream (0 the split, then one per shuffle and one per
//! resample), so that replicates can run in parallel and stay the same for any number of threads.

use std::time::Instant;

use ndarray::{Array2, ArrayView2, Axis};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::cost::{check_probabilities, unit};
use super::search::{Assignment, assign};
use super::{Discrepancy, ValidDiscrepancyParams};
use crate::measure::samples::{Real, check_labels};
use crate::measure::{MeasureError, stats};

/// What the samples are in the target modality.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// One class per sample.
    Labels {
        /// The classes, `[N]`, in `0..classes`.
        labels: &'a [usize],
        /// Number of target classes.
        classes: usize,
    },
    /// P(Y^t | x̂), `[N, Kt]`.
    Conditionals(ArrayView2<'a, f32>),
}

impl Target<'_> {
    fn classes(&self) -> usize {
        match self {
            Self::Labels { classes, .. } => *classes,
            Self::Conditionals(t) => t.ncols(),
        }
    }

    fn check(&self, rows: usize) -> Result<(), MeasureError> {
        match self {
            Self::Labels { labels, classes } => {
                check_labels("target labels", labels, rows, *classes)
            }
            Self::Conditionals(t) if t.nrows() != rows => Err(MeasureError::Shape {
                what: "target conditionals",
                expected: rows,
                found: t.nrows(),
            }),
            Self::Conditionals(t) => check_probabilities("target conditionals", *t, 0),
        }
    }

    /// Calls `each(class, weight)` for the classes that sample `i` has mass in.
    fn mass(&self, i: usize, mut each: impl FnMut(usize, f64)) {
        match self {
            Self::Labels { labels, .. } => each(labels[i], 1.0),
            Self::Conditionals(t) => t.row(i).iter().enumerate().for_each(|(c, &w)| {
                if w > 0.0 {
                    each(c, unit(w));
                }
            }),
        }
    }

    /// The class that stands for sample `i` when the split is made class by class.
    fn stratum(&self, i: usize) -> usize {
        let mut best = (0, f64::NEG_INFINITY);
        self.mass(i, |class, weight| {
            if weight > best.1 {
                best = (class, weight);
            }
        });
        best.0
    }
}

/// Samples to choose the assignment on and samples to evaluate it on.
struct Split {
    fit: Vec<usize>,
    evaluate: Vec<usize>,
}

/// The inputs, ready to be searched again and again.
struct Problem<'t, 'p> {
    costs: Array2<f64>,
    target: Target<'t>,
    /// Target classes that have mass; the others take no part.
    present: Vec<usize>,
    params: &'p ValidDiscrepancyParams,
}

fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

impl Problem<'_, '_> {
    /// Splits class by class under `order`, where sample `i` has the target of sample `order[i]`.
    fn split(&self, order: &[usize], rng: &mut ChaCha8Rng) -> Split {
        let all: Vec<usize> = (0..order.len()).collect();
        let Some(share) = self.params.holdout else {
            return Split {
                fit: all.clone(),
                evaluate: all,
            };
        };
        let mut strata = vec![Vec::new(); self.target.classes()];
        all.into_iter()
            .for_each(|i| strata[self.target.stratum(order[i])].push(i));
        let (mut fit, mut evaluate) = (Vec::new(), Vec::new());
        for mut stratum in strata {
            stratum.shuffle(rng);
            // A class with a single sample cannot be evaluated, only fitted.
            let most = stratum.len().saturating_sub(1);
            let held = ((stratum.len() as f64 * share).round() as usize).min(most);
            evaluate.extend(stratum.drain(..held));
            fit.extend(stratum);
        }
        fit.sort_unstable();
        evaluate.sort_unstable();
        Split { fit, evaluate }
    }

    /// Mean costs `[present target classes, Ks]` over some samples.
    fn matrix(&self, rows: &[usize], order: &[usize]) -> Array2<f64> {
        let mut index = vec![usize::MAX; self.target.classes()];
        self.present
            .iter()
            .enumerate()
            .for_each(|(i, &c)| index[c] = i);
        let mut sums = Array2::zeros((self.present.len(), self.costs.ncols()));
        for &i in rows {
            self.target.mass(order[i], |class, weight| {
                sums.row_mut(index[class])
                    .scaled_add(weight, &self.costs.row(i));
            });
        }
        sums / rows.len().max(1) as f64
    }

    fn search(
        &self,
        split: &Split,
        order: &[usize],
    ) -> Result<(Assignment, Array2<f64>), MeasureError> {
        MeasureError::at_least("samples to evaluate on", 1, split.evaluate.len())?;
        let fit = self.matrix(&split.fit, order);
        let assignment = assign(fit.view(), self.params.search)?;
        let evaluated = if self.params.holdout.is_some() {
            self.matrix(&split.evaluate, order)
        } else {
            fit
        };
        Ok((assignment, evaluated))
    }

    /// The value under shuffled targets: what a source that knows nothing would reach.
    fn null(&self) -> Result<Vec<f64>, MeasureError> {
        let n = self.costs.nrows();
        (0..self.params.null as u64)
            .into_par_iter()
            .map(|r| {
                let mut rng = stream(self.params.seed, 1 + r);
                let mut order: Vec<usize> = (0..n).collect();
                order.shuffle(&mut rng);
                let split = self.split(&order, &mut rng);
                let (assignment, evaluated) = self.search(&split, &order)?;
                Ok(assignment.total_in(evaluated.view()).unwrap_or(f64::NAN))
            })
            .collect()
    }

    /// Means of resampled rows' costs under a fixed assignment.
    fn bootstrap(&self, assignment: &[Option<usize>], rows: &[usize]) -> Vec<f64> {
        let cost = |&i: &usize| {
            let mut sum = 0.0;
            self.target.mass(i, |class, weight| {
                if let Some(k) = assignment[class] {
                    sum += weight * self.costs[[i, k]];
                }
            });
            sum
        };
        let costs: Vec<f64> = rows.iter().map(cost).collect();
        let first = 1 + self.params.null as u64;
        (0..self.params.bootstrap as u64)
            .into_par_iter()
            .map(|r| {
                let mut rng = stream(self.params.seed, first + r);
                let sum: f64 = costs
                    .iter()
                    .map(|_| costs[rng.random_range(0..costs.len())])
                    .sum();
                sum / costs.len() as f64
            })
            .collect()
    }
}

pub(super) fn run<A: Real>(
    probabilities: ArrayView2<'_, A>,
    target: Target<'_>,
    params: &ValidDiscrepancyParams,
) -> Result<Discrepancy, MeasureError> {
    let start = Instant::now();
    let (n, source) = probabilities.dim();
    let classes = target.classes();
    MeasureError::at_least("samples", 1, n)?;
    MeasureError::at_least("target classes", 1, classes)?;
    if classes > source {
        return Err(MeasureError::TooMany {
            what: "target classes",
            expected: source,
            found: classes,
        });
    }
    check_probabilities("source probabilities", probabilities, 0)?;
    target.check(n)?;
    let mut mass = vec![0.0; classes];
    (0..n).for_each(|i| target.mass(i, |class, weight| mass[class] += weight));
    let present: Vec<usize> = (0..classes).filter(|&c| mass[c] > 0.0).collect();
    MeasureError::at_least("target classes with samples", 1, present.len())?;
    let costs = probabilities.mapv(|p| params.divergence.cost(unit(p)));
    let problem = Problem {
        costs,
        target,
        present,
        params,
    };

    let order: Vec<usize> = (0..n).collect();
    let split = problem.split(&order, &mut stream(params.seed, 0));
    let (found, evaluated) = problem.search(&split, &order)?;
    let value = found.total_in(evaluated.view()).unwrap_or(f64::NAN);
    let mut assignment = vec![None; classes];
    problem
        .present
        .iter()
        .zip(&found.columns)
        .for_each(|(&c, &k)| assignment[c] = Some(k));

    let nulls = problem.null()?;
    let null_mean = (!nulls.is_empty()).then(|| nulls.iter().sum::<f64>() / nulls.len() as f64);
    let means = problem.bootstrap(&assignment, &split.evaluate);
    Ok(Discrepancy {
        value,
        fit_value: found.total,
        lower_bound: found.lower_bound,
        gap: found.total - found.lower_bound,
        certified: found.certified(),
        null_mean,
        null_interval: stats::interval95(&nulls),
        chance: evaluated.sum_axis(Axis(0)).sum() / source as f64,
        normalized: null_mean.filter(|&m| m > 0.0).map(|m| value / m),
        interval: stats::interval95(&means),
        assignment,
        divergence: params.divergence,
        search: params.search,
        holdout: params.holdout,
        samples: split.evaluate.len(),
        seconds: start.elapsed().as_secs_f64(),
    })
}
