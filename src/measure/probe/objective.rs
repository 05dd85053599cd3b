//! The objective of the linear probe, exactly scikit-learn's, with its gradient.
//!
//! f(W, b) = Σᵢ −log softmax(W xᵢ + b)_{yᵢ} + ‖W‖² / (2C), the intercepts b unpenalised. With two
//! classes scikit-learn fits one weight vector (logistic regression, class 0 at logit 0), which
//! is a different penalty from two vectors; so do we. Everything is in double precision; the
//! log-sum-exp subtracts the maximum of each row. Blocks of rows run in parallel and their
//! partial sums are added in order, so that the number of threads changes no bit.

use crate::measure::product::product;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

/// Parallel tasks at most, whatever the number of threads; each keeps one partial gradient.
const TASKS: usize = 16;

/// Numbers of a block of rows: it is read twice, for logits and for the gradient, and should
/// still be in the core's cache the second time.
const BLOCK: usize = 1 << 17;

/// The data of one fit: features `[N, D]` and labels in `0..classes`, each class present.
pub struct Objective<'a> {
    features: ArrayView2<'a, f64>,
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

impl<'a> Objective<'a> {
    /// `labels` must lie in `0..classes`, `classes` be at least 2.
    pub fn new(features: ArrayView2<'a, f64>, labels: &'a [usize], classes: usize) -> Self {
        Self {
            features,
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
    pub fn evaluate(&self, flat: &Array1<f64>, c: f64) -> (f64, Array1<f64>) {
        let dim = self.features.ncols();
        let (weights, intercepts) = unpack(flat, dim);
        let (samples, height) = (self.labels.len(), (BLOCK / dim.max(1)).clamp(16, 512));
        let task = samples.div_ceil(TASKS).next_multiple_of(height);
        let blocks: Vec<(f64, Array1<f64>)> = (0..samples.div_ceil(task.max(1)))
            .into_par_iter()
            .map(|i| {
                let (mut loss, mut gradient) = (0.0, Array1::zeros(flat.len()));
                let end = ((i + 1) * task).min(samples);
                for start in (i * task..end).step_by(height) {
                    let rows = start..(start + height).min(end);
                    loss += self.block(rows, weights, intercepts, &mut gradient);
                }
                (loss, gradient)
            })
            .collect();
        let mut value = 0.5 / c * weights.iter().map(|w| w * w).sum::<f64>();
        let mut gradient = Array1::zeros(flat.len());
        let split = weights.len();
        gradient
            .slice_mut(s![..split])
            .assign(&(&flat.slice(s![..split]) / c));
        for (loss, part) in blocks {
            value += loss;
            gradient += &part;
        }
        (value, gradient)
    }

    /// Adds a block of rows to `gradient` and returns its loss.
    fn block(
        &self,
        range: std::ops::Range<usize>,
        weights: ArrayView2<'_, f64>,
        intercepts: ArrayView1<'_, f64>,
        gradient: &mut Array1<f64>,
    ) -> f64 {
        let (rows, dim) = weights.dim();
        let x = self.features.slice(s![range.clone(), ..]);
        let mut p = logits(x, weights, intercepts, self.classes);
        let mut loss = 0.0;
        // p becomes P − Y.
        for (mut row, &label) in p.outer_iter_mut().zip(&self.labels[range]) {
            let Some(row) = row.as_slice_mut() else {
                unreachable!("fresh row-major matrix")
            };
            let logit = row[label];
            loss += softmax(row) - logit;
            row[label] -= 1.0;
        }
        let residual = p.slice(s![.., self.classes - rows..]);
        let (weight_part, mut intercept_part) = gradient.view_mut().split_at(Axis(0), rows * dim);
        if let Ok(weight_part) = weight_part.into_shape_with_order((rows, dim)) {
            product(residual.t(), x, true, weight_part);
        }
        intercept_part += &residual.sum_axis(Axis(0));
        loss
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
            let f = Objective::new(x.view(), &y, classes);
            let at = Array1::from_shape_fn(f.parameters(), |i| (i as f64).cos());
            let (_, gradient) = f.evaluate(&at, 0.7);
            for i in 0..at.len() {
                let mut moved = [at.clone(), at.clone()];
                moved[0][i] += 1e-5;
                moved[1][i] -= 1e-5;
                let slope = (f.evaluate(&moved[0], 0.7).0 - f.evaluate(&moved[1], 0.7).0) / 2e-5;
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
