//! What metrics of single labels are made of: counts of every class, which add up over batches.

use ndarray::ArrayView1;

use crate::measure::samples::Real;

/// What happened to a class.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Samples of the class that were decided as it.
    pub hits: usize,
    /// Samples of the class.
    pub truths: usize,
    /// Samples decided as the class.
    pub decisions: usize,
}

/// The class of the largest score, the first of equal ones. Scores are finite and at least one.
pub fn decide<A: Real>(scores: ArrayView1<'_, A>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (class, &score) in scores.iter().enumerate() {
        let score: f64 = score.into();
        if score > best.1 {
            best = (class, score);
        }
    }
    best.0
}
