//! Shift and scale of features, from the training set.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::measure::MeasureError;
use crate::measure::samples::{Real, check_finite};

/// Shift and scale of every feature, from the training set.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    mean: Array1<f64>,
    scale: Array1<f64>,
}

impl Scaling {
    /// Mean and population deviation (constant features keep scale 1, as in scikit-learn), or
    /// the identity.
    pub fn of<A: Real>(features: ArrayView2<'_, A>, standardize: bool) -> Self {
        let (n, d) = features.dim();
        let mut mean = Array1::zeros(d);
        let mut scale = Array1::ones(d);
        if standardize && n > 0 {
            mean = sums(features, |sum, v, _| *sum += v, &mean) / n as f64;
            let squares = sums(features, |sum, v, m| *sum += (v - m).powi(2), &mean);
            ndarray::Zip::from(&mut scale)
                .and(&squares)
                .and(&mean)
                .for_each(|s, &q, &m| {
                    let deviation = (q / n as f64).sqrt();
                    // Rounding alone gives a constant feature a deviation of about ε·|mean|.
                    if deviation > 10.0 * f64::EPSILON * m.abs() {
                        *s = deviation;
                    }
                });
        }
        Self { mean, scale }
    }

    /// Of known means and scales, feature by feature.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] for as many scales as there are no means, [`MeasureError::NotFinite`].
    pub fn from_parts(mean: Array1<f64>, scale: Array1<f64>) -> Result<Self, MeasureError> {
        MeasureError::same("scales of features", mean.len(), scale.len())?;
        for (what, values) in [("means", &mean), ("scales", &scale)] {
            check_finite(what, values.view().insert_axis(Axis(0)))?;
        }
        Ok(Self { mean, scale })
    }

    /// What is taken from every feature before it is divided.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// What every feature is divided by.
    pub fn scale(&self) -> ArrayView1<'_, f64> {
        self.scale.view()
    }

    /// Number of features.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// The scaled features in double precision.
    pub fn apply<A: Real>(&self, features: ArrayView2<'_, A>) -> Array2<f64> {
        let mut out = Array2::zeros(features.dim());
        for (mut to, from) in out.outer_iter_mut().zip(features.outer_iter()) {
            self.row(from, to.iter_mut(), |v| v);
        }
        out
    }

    /// One scaled row, in the precision that `round` gives it.
    pub(super) fn row<'t, A: Real, T: 't>(
        &self,
        from: ArrayView1<'_, A>,
        to: impl Iterator<Item = &'t mut T>,
        round: impl Fn(f64) -> T,
    ) {
        let scaling = self.mean.iter().zip(&self.scale);
        for ((to, &v), (m, s)) in to.zip(from).zip(scaling) {
            *to = round((v.into() - m) / s);
        }
    }
}

/// Rows worked on at a time; sums of parts are added in order.
pub(super) const CHUNK: usize = 1024;

/// Sums over rows, feature by feature, of what `add` makes of a value and its feature's `mean`.
fn sums<A: Real>(
    features: ArrayView2<'_, A>,
    add: impl Fn(&mut f64, f64, f64) + Sync,
    mean: &Array1<f64>,
) -> Array1<f64> {
    let parts: Vec<Array1<f64>> = features
        .axis_chunks_iter(Axis(0), CHUNK)
        .into_par_iter()
        .map(|chunk| {
            let mut sum = Array1::zeros(mean.len());
            for row in chunk.outer_iter() {
                ndarray::Zip::from(&mut sum)
                    .and(&row)
                    .and(mean)
                    .for_each(|s, &v, &m| add(s, v.into(), m));
            }
            sum
        })
        .collect();
    parts
        .into_iter()
        .fold(Array1::zeros(mean.len()), |sum, part| sum + part)
}
