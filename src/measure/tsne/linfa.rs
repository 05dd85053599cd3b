//! The Barnes–Hut engine: crate `linfa-tsne`, behind guards.
//!
//! It takes contiguous input only, divides by the largest entry, underflows on no rows and panics
//! on too large a perplexity: all of that is excluded before the call, and a panic that is left is
//! turned into an error. Its neighbour tree draws from the thread's own random numbers, so only
//! θ = 0 (no tree) gives the same map twice.

use linfa::traits::Transformer;
use linfa_tsne::TSneParams;
use ndarray::Array2;
use rand_08::{SeedableRng, rngs::SmallRng};

use crate::measure::MeasureError;

/// Embeds contiguous points `[N, D]`, not all of them equal.
pub fn embed(
    points: Array2<f64>,
    perplexity: f64,
    theta: f64,
    iterations: usize,
    seed: u64,
) -> Result<Array2<f64>, MeasureError> {
    let failed = |found: String| MeasureError::Numerical {
        what: "linfa-tsne",
        found,
    };
    // The engine wants at least as many features as the map has.
    let points = if points.ncols() < 2 {
        let zeros = Array2::zeros((points.nrows(), 2 - points.ncols()));
        ndarray::concatenate(ndarray::Axis(1), &[points.view(), zeros.view()])
            .map_err(|e| failed(e.to_string()))?
    } else {
        points
    };
    let points = points.as_standard_layout().into_owned();
    let params = TSneParams::embedding_size_with_rng(2, SmallRng::seed_from_u64(seed))
        .perplexity(perplexity)
        .approx_threshold(theta)
        .max_iter(iterations);
    let map = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| params.transform(points)))
        .map_err(|_| failed("a panic".into()))?
        .map_err(|e| failed(e.to_string()))?;
    if map.iter().any(|v| !v.is_finite()) {
        return Err(failed("positions that are not finite".into()));
    }
    Ok(map)
}
