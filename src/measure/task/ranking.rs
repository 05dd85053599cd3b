//! Metrics of how well scores rank the samples of one label: exact, by sorting.
//!
//! Counts are integers until the last division, so the order of the samples does not matter.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::measure::MeasureError;
use crate::measure::samples::{Real, check_finite};

/// Positives and negatives among samples of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tie {
    positives: u64,
    negatives: u64,
}

/// The samples of one label, grouped by equal scores, the largest first. Scores are finite.
#[derive(Debug)]
pub struct Ranking {
    ties: Vec<Tie>,
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// Sorts pairs of score and "is positive".
    pub fn new(mut samples: Vec<(f64, bool)>) -> Self {
        samples.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut ties: Vec<Tie> = Vec::new();
        // total order puts −0 below 0; both are one threshold
        for equal in samples.chunk_by(|a, b| a.0 == b.0) {
            let positives = equal.iter().filter(|s| s.1).count() as u64;
            ties.push(Tie {
                positives,
                negatives: equal.len() as u64 - positives,
            });
        }
        Self {
            positives: ties.iter().map(|t| t.positives).sum(),
            negatives: ties.iter().map(|t| t.negatives).sum(),
            ties,
        }
    }

    /// Σ (Rₙ − Rₙ₋₁) Pₙ over thresholds; `None` without a positive.
    pub fn average_precision(&self) -> Option<f64> {
        let (mut hits, mut retrieved, mut sum) = (0, 0, 0.0);
        for tie in &self.ties {
            hits += tie.positives;
            retrieved += tie.positives + tie.negatives;
            sum += tie.positives as f64 * (hits as f64 / retrieved as f64);
        }
        (self.positives > 0).then(|| sum / self.positives as f64)
    }

    /// Share of pairs of a positive and a negative in the right order, equal scores counting half;
    /// `None` without such a pair.
    pub fn auroc(&self) -> Option<f64> {
        let (mut above, mut twice) = (0u128, 0u128);
        for tie in &self.ties {
            let positives = u128::from(tie.positives);
            twice += u128::from(tie.negatives) * (2 * above + positives);
            above += positives;
        }
        let pairs = u128::from(self.positives) * u128::from(self.negatives);
        (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
    }
}

/// Zeros and ones `[N, K]` as truth, row by row.
pub fn binary<B: Real>(targets: ArrayView2<'_, B>) -> Result<Vec<bool>, MeasureError> {
    check_finite("targets", targets)?;
    let one = |((row, column), &value): ((usize, usize), &B)| {
        let found: f64 = value.into();
        match found {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => Err(MeasureError::Binary {
                what: "targets",
                row,
                column,
                found,
            }),
        }
    };
    targets.indexed_iter().map(one).collect()
}

/// A value of every label of row-major scores `[N, width]`.
pub fn per_label<T: Send>(
    width: usize,
    scores: &[f64],
    positive: &[bool],
    of: fn(&Ranking) -> T,
) -> Vec<T> {
    let column = |label: usize| {
        let samples = (label..scores.len()).step_by(width);
        Ranking::new(samples.map(|i| (scores[i], positive[i])).collect())
    };
    let labels = (0..width).into_par_iter();
    labels.map(|label| of(&column(label))).collect()
}
