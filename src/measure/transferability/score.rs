//! What a transferability score is, and what it sees.

use ndarray::ArrayView2;

use super::otdd::ValidOtddParams;
use crate::measure::about::About;
use crate::measure::{MeasureError, Samples};

/// A transferability score.
#[derive(Debug, Clone, Copy)]
pub struct Score {
    /// What is said of it.
    pub about: About,
    /// What a target and a source model must have for it.
    pub needs: &'static [Need],
    /// Its value.
    ///
    /// # Errors
    /// [`MeasureError`] where it is not defined.
    pub value: fn(&Input<'_>) -> Result<Value, MeasureError>,
}

/// What a score needs beside the target's features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// One class a target sample.
    Labels,
    /// A source model with a classifier.
    Classifier,
    /// Features of source samples.
    Source,
    /// Embedded samples of source and target.
    Embedded,
}

/// A value, and whether what computed it came to rest, where that can fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The number.
    pub value: f64,
    /// Whether an iteration converged; `None` where there is none.
    pub converged: Option<bool>,
    /// Samples of source and target, where others were scored than the target samples of the input.
    pub samples: Option<[usize; 2]>,
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self {
            value,
            converged: None,
            samples: None,
        }
    }
}

/// What is known of a target through the source model. All rows are the same target samples but where said.
#[derive(Debug, Clone, Default)]
pub struct Input<'a> {
    /// Features `[N, D]` and labels, where the target has one class a sample.
    pub labelled: Option<Samples<'a>>,
    /// Features `[N, D]` through the source encoder.
    pub features: Option<ArrayView2<'a, f32>>,
    /// Features `[M, D]` of source samples.
    pub source: Option<ArrayView2<'a, f32>>,
    /// Source probabilities `[N, Ks]`.
    pub probabilities: Option<ArrayView2<'a, f32>>,
    /// Embedded samples of the source and of the target, any number of each.
    pub embedded: Option<[Samples<'a, f64>; 2]>,
    /// Settings of the OTDD.
    pub otdd: Option<ValidOtddParams>,
}

impl<'a> Input<'a> {
    pub(super) fn labelled(&self) -> Result<&Samples<'a>, MeasureError> {
        given("target samples with one class each", self.labelled.as_ref())
    }

    pub(super) fn probabilities(&self) -> Result<ArrayView2<'a, f32>, MeasureError> {
        given("matrices of source probabilities", self.probabilities)
    }
}

/// Fails where an input is not given.
pub(super) fn given<T>(what: &'static str, input: Option<T>) -> Result<T, MeasureError> {
    input.ok_or(MeasureError::TooFew {
        what,
        expected: 1,
        found: 0,
    })
}
