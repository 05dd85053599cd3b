//! Metrics of single labels, from counts that add up over batches.

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

/// Share of samples that were decided wrongly; there is a sample.
pub fn error(counts: &[Counts]) -> f64 {
    let samples: usize = counts.iter().map(|c| c.truths).sum();
    let hits: usize = counts.iter().map(|c| c.hits).sum();
    (samples - hits) as f64 / samples as f64
}

/// F1 of every class that occurs, 2·hits / (truths + decisions).
pub fn f1(counts: &[Counts]) -> Vec<f64> {
    let occurring = counts.iter().filter(|c| c.truths + c.decisions > 0);
    occurring
        .map(|c| 2.0 * c.hits as f64 / (c.truths + c.decisions) as f64)
        .collect()
}
