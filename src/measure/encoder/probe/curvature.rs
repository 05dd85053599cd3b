//! What is known of the Hessian beforehand: a preconditioner for the probe's L-BFGS.
//!
//! The Hessian of the log losses is Σᵢ (diag pᵢ − pᵢpᵢᵀ) ⊗ xᵢxᵢᵀ. Böhning (*Multinomial logistic
//! regression algorithm*, 1992) bounds it by ½(I − 11ᵀ/K) ⊗ XᵀX. The bound's shape is right where
//! features are correlated, its size is not: so H₀⁻¹ = I ⊗ (w XᵀX + I/C), with w the mean of
//! p(1 − p) where the search is, factored anew when w has changed by half. That 11ᵀ is left out
//! does no harm: every gradient is orthogonal to it but for the penalty. XᵀX, with the intercept's
//! column of ones, comes from evenly spaced rows; it only steers.

use super::scaling::Scaling;
use crate::measure::blas;
use crate::measure::linalg::product::product;
use crate::measure::samples::Real;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use ndarray_linalg::InverseCInto;
use rayon::prelude::*;

/// Rows that XᵀX is estimated from, as a multiple of the features.
const ROWS: usize = 16;
/// Columns of a product that one task computes.
const TILE: usize = 128;

/// (w XᵀX + I/C)⁻¹ for one C and a changing w.
#[derive(Clone)]
pub struct Curvature {
    gram: Array2<f64>,
    c: f64,
    inverse: Option<(f64, Array2<f64>)>,
}

impl Curvature {
    /// From features `[N, D]`; `None` where the factorisation would cost more than the iterations
    /// that it saves (about a hundred), or where numbers are too large for single precision.
    pub fn new<A: Real>(
        features: ArrayView2<'_, A>,
        scaling: &Scaling,
        weight_rows: usize,
    ) -> Option<Self> {
        let (n, d) = features.dim();
        let used = n.min(ROWS * (d + 1));
        // In multiplications: XᵀX and an inverse, against a hundred evaluations.
        if d * (used + 6 * d) > 400 * n * weight_rows {
            return None;
        }
        let mut x = Array2::<f32>::ones((used, d + 1));
        x.outer_iter_mut()
            .into_par_iter()
            .enumerate()
            .for_each(|(i, mut to)| {
                scaling.row(features.row(i * n / used), to.iter_mut(), |v| v as f32);
            });
        let mut gram = Array2::<f32>::zeros((d + 1, d + 1));
        gram.axis_chunks_iter_mut(Axis(0), TILE)
            .into_par_iter()
            .enumerate()
            .for_each(|(tile, mut part)| {
                let from = tile * TILE;
                let left = x.slice(s![.., from..from + part.nrows()]);
                let part = part.slice_mut(s![.., from..]);
                product(left.t(), x.slice(s![.., from..]), false, part);
            });
        let scale = n as f64 / used as f64;
        let gram = Array2::from_shape_fn(gram.dim(), |(i, j)| {
            scale * f64::from(gram[[i.min(j), i.max(j)]])
        });
        let finite = gram.iter().all(|v| v.is_finite());
        finite.then_some(Self {
            gram,
            c: 1.0,
            inverse: None,
        })
    }

    /// Sets C, for a new minimisation.
    pub fn set(&mut self, c: f64) {
        self.c = c;
        self.inverse = None;
    }

    /// H₀ times `flat` (weights, then intercepts) where the mean of p(1 − p) is `weight`; `None`
    /// if the matrix could not be inverted.
    pub fn apply(&mut self, weight: f64, flat: &Array1<f64>) -> Option<Array1<f64>> {
        let old = self.inverse.as_ref().map_or(f64::NAN, |i| i.0);
        let stale = !(0.5 * old..=2.0 * old).contains(&weight);
        if stale && weight > 0.0 {
            self.inverse = self.invert(weight).map(|inverse| (weight, inverse));
        }
        let inverse = &self.inverse.as_ref()?.1;
        let d = inverse.nrows() - 1;
        let rows = flat.len() / (d + 1);
        let q = Array2::from_shape_fn((rows, d + 1), |(k, j)| {
            flat[if j < d { k * d + j } else { rows * d + k }]
        });
        let mut out = Array2::zeros((rows, d + 1));
        out.axis_chunks_iter_mut(Axis(1), TILE)
            .into_par_iter()
            .zip(inverse.axis_chunks_iter(Axis(1), TILE).into_par_iter())
            .for_each(|(to, inverse)| product(q.view(), inverse, false, to));
        Some(Array1::from_iter(
            (0..rows)
                .flat_map(|k| (0..d).map(move |j| (k, j)))
                .chain((0..rows).map(|k| (k, d)))
                .map(|at| out[at]),
        ))
    }

    fn invert(&self, weight: f64) -> Option<Array2<f64>> {
        blas::single_threaded();
        let mut matrix = &self.gram * weight;
        let d = matrix.nrows() - 1;
        for i in 0..d {
            // The sum keeps rounding from making a matrix of low rank indefinite.
            matrix[[i, i]] += 1.0 / self.c + 1e-7 * matrix[[i, i]];
        }
        matrix[[d, d]] *= 1.0 + 1e-7;
        let inverse = matrix.invc_into().ok()?;
        inverse.iter().all(|v| v.is_finite()).then_some(inverse)
    }
}
