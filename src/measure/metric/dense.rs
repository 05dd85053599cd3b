//! Metrics of fields and signals, sample by sample.

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::Metric;
use crate::measure::MeasureError;
use crate::measure::samples::Real;

/// Residues of a long-range pair are at least this far apart in sequence.
const SEPARATION: usize = 24;
/// A contact is at most this far apart in space, in ångström.
const CONTACT: f64 = 8.0;

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

/// ‖p − t‖₂ / ‖t‖₂; `None` for a target of zeros. Infinite if it exceeds double precision.
///
/// The numbers of both being equally many, this is also RMSE over root mean square.
fn relative_norm<A: Real, B: Real>(
    prediction: ArrayView1<'_, A>,
    target: ArrayView1<'_, B>,
) -> Option<f64> {
    let pairs = prediction.into_iter().zip(target);
    let (error, error_rest) = norm(pairs.map(|(&p, &t)| p.into() - t.into()));
    let (size, size_rest) = norm(target.into_iter().map(|&t| t.into()));
    (size > 0.0).then(|| (error / size) * (error_rest / size_rest))
}

/// The distances of a map `[L, L]` that decide about its contacts: indices i < j at least
/// [`SEPARATION`] apart.
fn long_range(length: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..length).flat_map(move |i| (i + SEPARATION..length).map(move |j| (i, j)))
}

/// Mean |p − t| over the long-range contacts of a map `[L · L]`, the predictions of both triangles
/// averaged; `None` without such a contact. Truth is read from the upper triangle.
fn contact_error<A: Real, B: Real>(
    row: usize,
    length: usize,
    prediction: ArrayView1<'_, A>,
    target: ArrayView1<'_, B>,
) -> Result<Option<f64>, MeasureError> {
    let (mut sum, mut count) = (0.0, 0usize);
    for (i, j) in long_range(length) {
        let truth: f64 = target[i * length + j].into();
        if truth <= 0.0 {
            let found = truth;
            return Err(MeasureError::Distance { row, i, j, found });
        }
        if truth <= CONTACT {
            let upper: f64 = prediction[i * length + j].into();
            let lower: f64 = prediction[j * length + i].into();
            sum += (0.5 * upper + 0.5 * lower - truth).abs();
            count += 1;
        }
    }
    Ok((count > 0).then(|| sum / count as f64))
}

/// The terms of a dense metric's mean, sample by sample; `None` for a map without contacts. Both
/// arrays are `[N, …]` of `shape`, flattened to two axes, finite and not empty.
///
/// # Errors
/// [`MeasureError::ZeroTarget`], [`MeasureError::Distance`], with the row in this batch.
pub fn terms<A: Real, B: Real>(
    metric: Metric,
    shape: &[usize],
    predictions: ArrayView2<'_, A>,
    targets: ArrayView2<'_, B>,
) -> Result<Vec<Option<f64>>, MeasureError> {
    let channels = match metric {
        Metric::Nrmse if shape.len() > 2 => shape[1],
        _ => 1,
    };
    let mut terms = Vec::with_capacity(shape[0] * channels);
    let samples = predictions.outer_iter().zip(targets.outer_iter());
    for (row, (p, t)) in samples.enumerate() {
        if metric == Metric::Mae8 {
            terms.push(contact_error(row, shape[1], p, t)?);
            continue;
        }
        let length = p.len() / channels;
        let parts = p.axis_chunks_iter(Axis(0), length);
        let parts = parts.zip(t.axis_chunks_iter(Axis(0), length));
        for (channel, (p, t)) in parts.enumerate() {
            let ratio = relative_norm(p, t);
            terms.push(Some(
                ratio.ok_or(MeasureError::ZeroTarget { row, channel })?,
            ));
        }
    }
    Ok(terms)
}
