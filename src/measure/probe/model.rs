//! A fitted linear probe: scaling, weights and the classes it knows.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::objective::{logits, softmax, unpack};
use crate::measure::MeasureError;
use crate::measure::samples::{Real, Samples, check_finite};

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

/// Rows summed at a time; the parts are added in order.
const CHUNK: usize = 1024;

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

/// A fitted probe.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearProbe {
    weights: Array2<f64>,
    intercepts: Array1<f64>,
    classes: Vec<usize>,
    scaling: Scaling,
    c: f64,
}

impl LinearProbe {
    pub(super) fn new(flat: &Array1<f64>, classes: &[usize], scaling: Scaling, c: f64) -> Self {
        let (weights, intercepts) = unpack(flat, scaling.mean.len());
        Self {
            weights: weights.to_owned(),
            intercepts: intercepts.to_owned(),
            classes: classes.to_vec(),
            scaling,
            c,
        }
    }

    /// The inverse regularisation strength of the fit.
    pub fn c(&self) -> f64 {
        self.c
    }

    /// Weights `[R, D]` on the scaled features; one row for two classes, else one per class.
    pub fn weights(&self) -> ArrayView2<'_, f64> {
        self.weights.view()
    }

    /// Intercepts `[R]`.
    pub fn intercepts(&self) -> ArrayView1<'_, f64> {
        self.intercepts.view()
    }

    /// The classes that were fitted, ascending; columns of [`LinearProbe::probabilities`].
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// Class probabilities `[N, classes().len()]`.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] for another dimension, [`MeasureError::NotFinite`].
    pub fn probabilities<A: Real>(
        &self,
        features: ArrayView2<'_, A>,
    ) -> Result<Array2<f64>, MeasureError> {
        let mut p = self.logits(features)?;
        for mut row in p.outer_iter_mut() {
            if let Some(row) = row.as_slice_mut() {
                softmax(row);
            }
        }
        Ok(p)
    }

    /// The most probable class of each row; ties take the smaller class.
    ///
    /// # Errors
    /// As [`LinearProbe::probabilities`].
    pub fn predict<A: Real>(
        &self,
        features: ArrayView2<'_, A>,
    ) -> Result<Vec<usize>, MeasureError> {
        let z = self.logits(features)?;
        let best = |row: ArrayView1<'_, f64>| {
            let first = (0, f64::NEG_INFINITY);
            row.iter()
                .enumerate()
                .fold(first, |b, (i, &v)| if v > b.1 { (i, v) } else { b })
                .0
        };
        Ok(z.outer_iter().map(|row| self.classes[best(row)]).collect())
    }

    /// Share of wrong predictions.
    ///
    /// # Errors
    /// As [`LinearProbe::probabilities`].
    pub fn error<A: Real>(&self, samples: &Samples<'_, A>) -> Result<f64, MeasureError> {
        let predictions = self.predict(samples.features())?;
        let wrong = predictions
            .iter()
            .zip(samples.labels())
            .filter(|(a, b)| a != b)
            .count();
        Ok(wrong as f64 / samples.len().max(1) as f64)
    }

    fn logits<A: Real>(&self, features: ArrayView2<'_, A>) -> Result<Array2<f64>, MeasureError> {
        let expected = self.weights.ncols();
        if features.ncols() != expected {
            return Err(MeasureError::Shape {
                what: "features",
                expected,
                found: features.ncols(),
            });
        }
        check_finite("features", features)?;
        let mut out = Array2::zeros((features.nrows(), self.classes.len()));
        // In chunks, so that the double-precision copies stay small.
        out.axis_chunks_iter_mut(Axis(0), CHUNK)
            .into_par_iter()
            .zip(features.axis_chunks_iter(Axis(0), CHUNK).into_par_iter())
            .for_each(|(mut to, from)| {
                let x = self.scaling.apply(from);
                to.assign(&logits(
                    x.view(),
                    self.weights.view(),
                    self.intercepts.view(),
                    self.classes.len(),
                ));
            });
        Ok(out)
    }
}
