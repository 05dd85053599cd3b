//! What a measure of an encoder is, and what it sees.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::ArrayView2;

use super::zero_shot::Texts;
use crate::measure::about::About;
use crate::measure::{MeasureError, Samples};

/// A measure of an encoder.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// What is said of it.
    pub about: About,
    /// Where its noise comes from.
    pub noise: Noise,
    /// How its cost grows.
    pub cost: Cost,
    /// The test samples that a run takes it of.
    pub in_run: Extent,
    /// Its value.
    ///
    /// # Errors
    /// [`MeasureError`] where it is not defined.
    pub value: fn(&Input<'_>) -> Result<f64, MeasureError>,
}

/// Where the noise of a measure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// It is a rate of a learner's predictions for test samples: intervals of rates, paired tests of predictions.
    Predictions(Learner, Rate),
    /// Folds of test samples left out in turn.
    Jackknife,
    /// None is given.
    None,
}

/// What predicts the classes of test samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learner {
    /// The linear probe.
    Probe,
    /// The nearest neighbours' vote.
    Neighbours,
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Wrong predictions, all samples weighing the same.
    Wrong,
    /// Wrong predictions, all classes weighing the same.
    WrongByClass,
    /// Right predictions.
    Right,
}

/// How the cost of a measure grows with N samples of D features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// N·D, beyond what a learner costs.
    Linear,
    /// All N² pairs: comparisons take it of a balanced sample.
    Pairs,
    /// A decomposition, N·D·min(N, D): of many features a jackknife is too dear.
    Decomposition,
}

/// The test samples that a measure sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All.
    All,
    /// A part that is balanced over classes.
    Balanced,
}

/// What an encoder is measured on. What several measures need is computed once ([`Input::once`]).
pub struct Input<'a> {
    train: Samples<'a>,
    test: Samples<'a>,
    neighbours: usize,
    mistakes: Option<&'a [bool]>,
    reference: Option<ArrayView2<'a, f32>>,
    texts: Option<&'a Texts>,
    known: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("train", &self.train.features().dim())
            .field("test", &self.test.features().dim())
            .finish_non_exhaustive()
    }
}

impl<'a> Input<'a> {
    /// Training features, which neighbours vote from, and the test features that are measured.
    pub fn new(train: Samples<'a>, test: Samples<'a>) -> Self {
        Self {
            train,
            test,
            neighbours: 10,
            mistakes: None,
            reference: None,
            texts: None,
            known: Mutex::default(),
        }
    }

    /// Number of neighbours that vote; 10 unless said.
    pub fn neighbours(mut self, k: usize) -> Self {
        self.neighbours = k;
        self
    }

    /// Whether a linear probe gets each test sample wrong.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] unless there is one mark for each.
    pub fn mistakes(mut self, wrong: &'a [bool]) -> Result<Self, MeasureError> {
        MeasureError::same("predictions for test samples", self.test.len(), wrong.len())?;
        self.mistakes = Some(wrong);
        Ok(self)
    }

    /// Features `[N, D']` of the same test samples under the encoder that agreement is with.
    pub fn reference(mut self, features: ArrayView2<'a, f32>) -> Self {
        self.reference = Some(features);
        self
    }

    /// Texts of the classes, in the space of the encoder's own CLIP.
    pub fn texts_of(mut self, texts: &'a Texts) -> Self {
        self.texts = Some(texts);
        self
    }

    /// The training samples.
    pub fn train(&self) -> &Samples<'a> {
        &self.train
    }

    /// The test samples.
    pub fn test(&self) -> &Samples<'a> {
        &self.test
    }

    /// How many neighbours vote.
    pub fn k(&self) -> usize {
        self.neighbours
    }

    /// Whether the probe is wrong, sample by sample.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without mistakes or without a test sample.
    pub fn probe_wrong(&self) -> Result<&'a [bool], MeasureError> {
        let found = given("fitted probes", self.mistakes)?;
        MeasureError::at_least("test samples", 1, found.len())?;
        Ok(found)
    }

    /// The reference's features.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without a reference.
    pub fn agreeing(&self) -> Result<ArrayView2<'a, f32>, MeasureError> {
        given("reference encoders", self.reference)
    }

    /// The texts of the classes.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without texts.
    pub fn texts(&self) -> Result<&'a Texts, MeasureError> {
        given("texts of the classes", self.texts)
    }

    /// Something that more than one measure needs, computed by the first that asks; told apart by its type.
    ///
    /// # Errors
    /// Those of the computation, to everyone who asks.
    pub fn once<T: Send + Sync + 'static>(
        &self,
        compute: impl FnOnce() -> Result<T, MeasureError>,
    ) -> Result<Arc<T>, MeasureError> {
        type Found<T> = Result<Arc<T>, MeasureError>;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(compute().map(Arc::new)))
            .clone();
        let found = found.downcast::<Found<T>>();
        found
            .expect("what is kept under a type is of it")
            .as_ref()
            .clone()
    }
}

/// Fails where an input is not given.
fn given<T>(what: &'static str, input: Option<T>) -> Result<T, MeasureError> {
    input.ok_or(MeasureError::TooFew {
        what,
        expected: 1,
        found: 0,
    })
}
