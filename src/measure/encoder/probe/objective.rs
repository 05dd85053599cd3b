//! The objective of the linear probe, exactly scikit-learn's, with its gradient.
//!
//! f(W, b) = Σᵢ −log softmax(W xᵢ + b)_{yᵢ} + ‖W‖² / (2C), the intercepts b unpenalised. With two
//! classes scikit-learn fits one weight vector (logistic regression, class 0 at logit 0), which
//! is a different penalty from two vectors; so do we. Everything is in double precision, scaled on
//! the way from the features as they are; the log-sum-exp subtracts the maximum of each row. Blocks of rows run in parallel and their
//! partial sums are added in order, so that the number of threads changes no bit.

use super::scaling::Scaling;
use crate::measure::linalg::product::product;
use crate::measure::samples::Real;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;
use std::ops::Range;

/// Parallel tasks at most, whatever the number of threads; each keeps one partial gradient.
const TASKS: usize = 32;

/// Numbers of a block of rows: it is read twice, for logits and for the gradient, and should
/// still be in the core's cache the second time.
const BLOCK: usize = 1 << 17;

/// The objective at one point.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// f(W, b).
    pub value: f64,
    /// Its gradient, laid out as the parameters.
    pub gradient: Array1<f64>,
    /// Mean of p(1 − p) over samples and classes: the size of the curvature.
    pub weight: f64,
}

/// Sums of an evaluation; begins with the penalty.
pub(super) struct Total {
    pub value: f64,
    /// Sum of p².
    pub squares: f64,
    pub gradient: Array1<f64>,
}

impl Total {
    pub fn new(flat: &Array1<f64>, dim: usize, c: f64) -> Self {
        let (weights, _) = unpack(flat, dim);
        let mut gradient = Array1::zeros(flat.len());
        let split = weights.len();
        gradient
            .slice_mut(s![..split])
            .assign(&(&flat.slice(s![..split]) / c));
        Self {
            value: 0.5 / c * weights.iter().map(|w| w * w).sum::<f64>(),
            squares: 0.0,
            gradient,
        }
    }

    /// Adds a row of a gradient with its intercept at the end: that of weights row `k` of `rows`.
    pub fn add(&mut self, k: usize, rows: usize, from: impl Iterator<Item = f64>) {
        let dim = self.gradient.len() / rows - 1;
        for (d, v) in from.take(dim + 1).enumerate() {
            self.gradient[if d < dim { k * dim + d } else { rows * dim + k }] += v;
        }
    }

    /// Of so many samples.
    pub fn finish(self, samples: usize, classes: usize) -> Evaluation {
        let samples = samples as f64;
        Evaluation {
            value: self.value,
            gradient: self.gradient,
            weight: (samples - self.squares).max(0.0) / (samples * classes as f64),
        }
    }
}

/// The rows of each parallel task, whole blocks of `height` but for the last.
pub(super) fn tasks(samples: usize, height: usize) -> Vec<Range<usize>> {
    let task = samples.div_ceil(TASKS).next_multiple_of(height);
    (0..samples)
        .step_by(task.max(1))
        .map(|i| i..(i + task).min(samples))
        .collect()
}

/// The data of one fit: features `[N, D]`, how they are scaled, and labels in `0..classes`, each
/// class present.
pub struct Objective<'a, A: Real> {
    features: ArrayView2<'a, A>,
    scaling: &'a Scaling,
    labels: &'a [usize],
    classes: usize,
}

/// Weights `[R, D]` and intercepts `[R]` inside one flat vector; `R` is 1 for two classes.
pub fn unpack(flat: &Array1<f64>, dim: usize) -> (ArrayView2<'_, f64>, ArrayView1<'_, f64>) {
    let rows = flat.len() / (dim + 1);
    let (weights, intercepts) = flat.view().split_at(Axis(0), rows * dim);
    match weights.into_shape_with_order((rows, dim)) {
        Ok(weights) => (weights, intercepts),
        Err(_) => unreachable!("a contiguous vector of rows·dim numbers"),
    }
}

/// Logits `[n, classes]` of a block of rows.
pub fn logits(
    features: ArrayView2<'_, f64>,
    weights: ArrayView2<'_, f64>,
    intercepts: ArrayView1<'_, f64>,
    classes: usize,
) -> Array2<f64> {
    let mut z = Array2::zeros((features.nrows(), classes));
    let free = classes - weights.nrows();
    let mut part = z.slice_mut(s![.., free..]);
    product(features, weights.t(), false, part.view_mut());
    part += &intercepts;
    z
}

/// Turns a row of logits into probabilities and returns its log-sum-exp.
pub fn softmax(row: &mut [f64]) -> f64 {
    let max = row.iter().fold(f64::NEG_INFINITY, |m, &v| m.max(v));
    let mut sum = 0.0;
    for v in row.iter_mut() {
        *v = (*v - max).exp();
        sum += *v;
    }
    row.iter_mut().for_each(|v| *v /= sum);
    max + sum.ln()
}

impl<'a, A: Real> Objective<'a, A> {
    /// `labels` must lie in `0..classes`, `classes` be at least 2.
    pub fn new(
        features: ArrayView2<'a, A>,
        scaling: &'a Scaling,
        labels: &'a [usize],
        classes: usize,
    ) -> Self {
        Self {
            features,
            scaling,
            labels,
            classes,
        }
    }

    /// Rows of weights: one for two classes, else one per class.
    pub fn rows(&self) -> usize {
        if self.classes == 2 { 1 } else { self.classes }
    }

    /// Length of the flat parameter vector.
    pub fn parameters(&self) -> usize {
        self.rows() * (self.features.ncols() + 1)
    }

    /// Value and gradient at a point, for the inverse regularisation strength `c`.
    pub fn evaluate(&self, flat: &Array1<f64>, c: f64) -> Evaluation {
        let dim = self.features.ncols();
        let (weights, intercepts) = unpack(flat, dim);
        let (samples, height) = (self.labels.len(), (BLOCK / dim.max(1)).clamp(16, 512));
        let parts: Vec<(f64, f64, Array1<f64>)> = tasks(samples, height)
            .into_par_iter()
            .map(|task| {
                let mut part = (0.0, 0.0, Array1::zeros(flat.len()));
                for start in task.clone().step_by(height) {
                    let rows = start..(start + height).min(task.end);
                    let (loss, squares) = self.block(rows, weights, intercepts, &mut part.2);
                    part.0 += loss;
                    part.1 += squares;
                }
                part
            })
            .collect();
        let mut total = Total::new(flat, dim, c);
        for (loss, squares, gradient) in parts {
            total.value += loss;
            total.squares += squares;
            total.gradient += &gradient;
        }
        total.finish(samples, self.classes)
    }

    /// Adds a block of rows to `gradient` and returns its loss and its sum of p².
    fn block(
        &self,
        range: Range<usize>,
        weights: ArrayView2<'_, f64>,
        intercepts: ArrayView1<'_, f64>,
        gradient: &mut Array1<f64>,
    ) -> (f64, f64) {
        let (rows, dim) = weights.dim();
        let x = self
            .scaling
            .apply(self.features.slice(s![range.clone(), ..]));
        let mut p = logits(x.view(), weights, intercepts, self.classes);
        let (mut loss, mut squares) = (0.0, 0.0);
        // p becomes P − Y.
        for (mut row, &label) in p.outer_iter_mut().zip(&self.labels[range]) {
            let Some(row) = row.as_slice_mut() else {
                unreachable!("fresh row-major matrix")
            };
            let logit = row[label];
            loss += softmax(row) - logit;
            squares += row.iter().map(|p| p * p).sum::<f64>();
            row[label] -= 1.0;
        }
        let residual = p.slice(s![.., self.classes - rows..]);
        let (weight_part, mut intercept_part) = gradient.view_mut().split_at(Axis(0), rows * dim);
        if let Ok(weight_part) = weight_part.into_shape_with_order((rows, dim)) {
            product(residual.t(), x.view(), true, weight_part);
        }
        intercept_part += &residual.sum_axis(Axis(0));
        (loss, squares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_derivative_of_the_value() {
        for classes in [2, 4] {
            let x = Array2::from_shape_fn((30, 3), |(i, j)| ((i * 7 + j * 3) as f64).sin());
            let y: Vec<usize> = (0..30).map(|i| (i * i + i / 3) % classes).collect();
            let scaling = Scaling::of(x.view(), true);
            let f = Objective::new(x.view(), &scaling, &y, classes);
            let at = Array1::from_shape_fn(f.parameters(), |i| (i as f64).cos());
            let gradient = f.evaluate(&at, 0.7).gradient;
            let value = |at: &Array1<f64>| f.evaluate(at, 0.7).value;
            for i in 0..at.len() {
                let mut moved = [at.clone(), at.clone()];
                moved[0][i] += 1e-5;
                moved[1][i] -= 1e-5;
                let slope = (value(&moved[0]) - value(&moved[1])) / 2e-5;
                assert!(
                    (slope - gradient[i]).abs() < 1e-7,
                    "{classes} classes, parameter {i}"
                );
            }
        }
    }

    #[test]
    fn huge_logits_neither_overflow_nor_vanish() {
        let mut row = [1e300, -1e300, 1e300];
        assert_eq!(softmax(&mut row), 1e300);
        assert_eq!(row, [0.5, 0.0, 0.5]);
    }
}
