//! Labelled rows of one encoder's features.

use crate::measure::{MeasureError, Samples};
use ndarray::{Array2, Axis};

/// Labelled rows of an encoder.
pub struct Rows {
    /// `[N, D]`.
    pub features: Array2<f32>,
    /// Class of every row.
    pub labels: Vec<usize>,
}

impl Rows {
    /// Some rows of an encoder.
    pub fn of(features: &Array2<f32>, labels: &[usize], rows: &[usize]) -> Self {
        Self {
            features: features.select(Axis(0), rows),
            labels: rows.iter().map(|&row| labels[row]).collect(),
        }
    }

    /// The rows outside of a fold.
    pub fn without(&self, folds: &[usize], fold: usize) -> Self {
        let kept: Vec<usize> = (0..self.labels.len())
            .filter(|&row| folds[row] != fold)
            .collect();
        Self::of(&self.features, &self.labels, &kept)
    }

    /// As measures take them.
    ///
    /// # Errors
    /// [`MeasureError`] for numbers that are not finite, labels that are no class.
    pub fn samples(&self, classes: usize) -> Result<Samples<'_>, MeasureError> {
        Samples::new(self.features.view(), &self.labels, classes)
    }
}
