//! The same objective in single precision, for the bulk of the iterations.
//!
//! The features are scaled in double precision, rounded once and kept as `[N, width]`: the
//! features, a one for the intercept, zeros up to a multiple of sixteen. That is half of the
//! memory, and of the time that reading it takes. What rounding does to the optimum is undone by
//! a few steps on the exact objective, from which alone values are reported. Blocks and tasks are
//! as fixed as there.

use super::kernel;
use super::objective::{Evaluation, Total, tasks, unpack};
use super::scaling::Scaling;
use crate::measure::samples::Real;
use ndarray::{Array1, ArrayView2, Axis};
use rayon::prelude::*;

/// Numbers in a block of rows: half of a core's second cache.
const BLOCK: usize = 1 << 18;

/// Rounded features with their labels in `0..classes`.
pub struct Single<'a> {
    features: Vec<f32>,
    width: usize,
    dim: usize,
    labels: &'a [usize],
    classes: usize,
}

impl<'a> Single<'a> {
    /// Rounds `features` `[N, D]` once they are scaled.
    pub fn new<A: Real>(
        features: ArrayView2<'_, A>,
        scaling: &Scaling,
        labels: &'a [usize],
        classes: usize,
    ) -> Self {
        let dim = features.ncols();
        let width = (dim + 1).next_multiple_of(16);
        let mut rounded = vec![0.0; features.nrows() * width];
        rounded
            .par_chunks_mut(width)
            .zip(features.axis_iter(Axis(0)).into_par_iter())
            .for_each(|(to, from)| {
                scaling.row(from, to.iter_mut(), |v| v as f32);
                to[dim] = 1.0;
            });
        Self {
            features: rounded,
            width,
            dim,
            labels,
            classes,
        }
    }

    /// Value and gradient at a point, for the inverse regularisation strength `c`; not finite
    /// where single precision overflows.
    pub fn evaluate(&self, flat: &Array1<f64>, c: f64) -> Evaluation {
        let (weights, intercepts) = unpack(flat, self.dim);
        let (rows, width) = (weights.nrows(), self.width);
        let mut packed = vec![0.0f32; rows * width];
        for (k, to) in packed.chunks_exact_mut(width).enumerate() {
            for (to, &v) in to.iter_mut().zip(weights.row(k)) {
                *to = v as f32;
            }
            to[self.dim] = intercepts[k] as f32;
        }
        let height = (BLOCK / width).clamp(16, 512);
        let parts: Vec<_> = tasks(self.labels.len(), height)
            .into_par_iter()
            .map(|task| {
                let mut gradient = vec![0.0; rows * width];
                let (mut loss, mut squares) = (0.0, 0.0);
                let mut z = vec![0.0; height * self.classes];
                for start in task.clone().step_by(height) {
                    let end = (start + height).min(task.end);
                    let z = &mut z[..(end - start) * self.classes];
                    let x = &self.features[start * width..end * width];
                    kernel::logits(x, width, &packed, self.classes, z);
                    let (l, s) = residuals(z, self.classes, &self.labels[start..end]);
                    loss += l;
                    squares += s;
                    kernel::gradient(x, width, z, self.classes, &mut gradient);
                }
                (loss, squares, gradient)
            })
            .collect();
        let mut total = Total::new(flat, self.dim, c);
        for (loss, squares, gradient) in parts {
            total.value += loss;
            total.squares += squares;
            for (k, from) in gradient.chunks_exact(width).enumerate() {
                total.add(k, rows, from.iter().copied());
            }
        }
        total.finish(self.labels.len(), self.classes)
    }
}

/// Turns logits `[n, classes]` into P − Y; the sums of the losses and of the squared probabilities.
/// With two classes, the first column is set to zero before.
fn residuals(z: &mut [f32], classes: usize, labels: &[usize]) -> (f64, f64) {
    let (mut loss, mut squares) = (0.0, 0.0f64);
    for (row, &label) in z.chunks_exact_mut(classes).zip(labels) {
        if classes == 2 {
            row[0] = 0.0;
        }
        let max = row.iter().fold(f32::NEG_INFINITY, |m, &v| m.max(v));
        loss += f64::from(max) - f64::from(row[label]);
        row.iter_mut().for_each(|v| *v -= max);
    }
    kernel::exponentials(z);
    for (row, &label) in z.chunks_exact_mut(classes).zip(labels) {
        let sum: f32 = row.iter().sum();
        loss += f64::from(sum).ln();
        let scale = 1.0 / sum;
        let mut square = 0.0;
        for v in row.iter_mut() {
            *v *= scale;
            square += *v * *v;
        }
        squares += f64::from(square);
        row[label] -= 1.0;
    }
    (loss, squares)
}
