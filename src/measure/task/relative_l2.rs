//! Relative L2 error of fields and signals, sample by sample.

use super::descriptor::{How, TaskMetric};
use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::suite::task::Metric;

/// Mean over samples of ‖p − t‖₂ / ‖t‖₂.
pub const RELATIVE_L2: TaskMetric = TaskMetric {
    about: About {
        name: "relative-l2",
        older: &[],
        title: "relative L2",
        unit: Unit::Number(4),
        better: Better::Lower,
        range: [0.0, f64::INFINITY],
        values: "from 0",
        what: "Mean over samples of the error's norm in units of the target's.",
        computed: "‖p − t‖₂ / ‖t‖₂ over all numbers of a sample, then the mean over samples.",
        limits: "Samples with a small target weigh as much as those with a large one.",
        citation: "Li et al., Fourier neural operator, ICLR 2021; Tu et al., NAS-Bench-360, 2022",
    },
    metric: Metric::RelativeL2,
    chance: "1 for predictions of zero",
    how: How::Terms {
        maps: false,
        needs: "samples",
        of: |row, _, p, t, terms| {
            let ratio = relative_norm(p, t);
            terms.push(Some(
                ratio.ok_or(MeasureError::ZeroTarget { row, channel: 0 })?,
            ));
            Ok(())
        },
    },
};

/// ‖p − t‖₂ / ‖t‖₂; `None` for a target of zeros. Infinite if it exceeds double precision.
///
/// The numbers of both being equally many, this is also RMSE over root mean square.
pub fn relative_norm(prediction: &[f64], target: &[f64]) -> Option<f64> {
    let pairs = prediction.iter().zip(target);
    let (error, error_rest) = norm(pairs.map(|(p, t)| p - t));
    let (size, size_rest) = norm(target.iter().copied());
    (size > 0.0).then(|| (error / size) * (error_rest / size_rest))
}

/// A Euclidean norm in two factors, largest entry and the rest, so that squares neither over- nor
/// underflow.
fn norm(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let largest = values.clone().fold(0.0f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return (largest, 1.0);
    }
    let squares: f64 = values.map(|v| (v / largest) * (v / largest)).sum();
    (largest, squares.sqrt())
}
