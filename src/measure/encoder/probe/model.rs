//! A fitted linear probe: scaling, weights and the classes it knows.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::objective::{logits, softmax, unpack};
use super::scaling::{CHUNK, Scaling};
use crate::measure::MeasureError;
use crate::measure::samples::{Real, Samples, check_finite};

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
        let (weights, intercepts) = unpack(flat, scaling.dim());
        Self {
            weights: weights.to_owned(),
            intercepts: intercepts.to_owned(),
            classes: classes.to_vec(),
            scaling,
            c,
        }
    }

    /// A probe of known weights `[R, D]` on scaled features and intercepts `[R]`: one row for two `classes`, else one
    /// per class.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] below two classes, [`MeasureError::Shape`] for parts that do not fit,
    /// [`MeasureError::NotFinite`].
    pub fn from_parts(
        weights: Array2<f64>,
        intercepts: Array1<f64>,
        classes: Vec<usize>,
        scaling: Scaling,
        c: f64,
    ) -> Result<Self, MeasureError> {
        MeasureError::at_least("classes of the probe", 2, classes.len())?;
        let rows = if classes.len() == 2 { 1 } else { classes.len() };
        MeasureError::same("rows of the probe's weights", rows, weights.nrows())?;
        MeasureError::same(
            "columns of the probe's weights",
            scaling.dim(),
            weights.ncols(),
        )?;
        MeasureError::same("intercepts of the probe", rows, intercepts.len())?;
        check_finite("weights", weights.view())?;
        check_finite("intercepts", intercepts.view().insert_axis(Axis(0)))?;
        Ok(Self {
            weights,
            intercepts,
            classes,
            scaling,
            c,
        })
    }

    /// How features are shifted and scaled before the weights see them.
    pub fn scaling(&self) -> &Scaling {
        &self.scaling
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

    /// Logits `[N, classes().len()]`; of two classes the first one's are zero.
    ///
    /// # Errors
    /// As [`LinearProbe::probabilities`].
    pub fn logits<A: Real>(
        &self,
        features: ArrayView2<'_, A>,
    ) -> Result<Array2<f64>, MeasureError> {
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
