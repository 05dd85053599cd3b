//! From batches of predictions to the score of a set.
//!
//! What is kept between batches is what cutting cannot change: counts of classes, sums over single
//! samples in their order, and for ranking metrics every score (9 bytes each).

use ndarray::{ArrayView2, ArrayViewD, Axis};
use serde::Serialize;

use super::counts::{self, Counts};
use super::descriptor::{How, complement};
use super::{Metric, TargetKind, ranking};
use crate::measure::MeasureError;
use crate::measure::samples::{Real, check_finite, check_labels};

/// The truth about a batch of N samples.
#[derive(Debug, Clone)]
pub enum Targets<'a, B: Real = f32> {
    /// One class a sample, `[N]`.
    Labels(&'a [usize]),
    /// Zeros and ones `[N, K]`.
    MultiHot(ArrayView2<'a, B>),
    /// Numbers in the shape of the predictions, `[N, …]`.
    Dense(ArrayViewD<'a, B>),
}

impl<B: Real> Targets<'_, B> {
    /// What kind of targets these are.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Labels(_) => TargetKind::Labels,
            Self::MultiHot(_) => TargetKind::MultiHot,
            Self::Dense(_) => TargetKind::Dense,
        }
    }
}

/// A metric's value on a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Which metric.
    pub metric: Metric,
    /// Its value, smaller is better.
    pub value: f64,
    /// Samples in the set.
    pub samples: usize,
    /// Terms of the mean: samples, classes, labels, channels of samples, or maps.
    pub counted: usize,
    /// Classes, labels or maps for which the metric is not defined; they are not in the mean.
    pub left_out: usize,
}

#[derive(Debug, Clone)]
enum State {
    Classes(Vec<Counts>),
    Ranks {
        scores: Vec<f64>,
        positive: Vec<bool>,
    },
    Mean {
        sum: f64,
        counted: usize,
        left_out: usize,
    },
    /// Of a metric that takes no batches.
    Nothing,
}

/// Collects a metric over batches. Rows in errors count from the first sample of the set, columns
/// within a sample.
#[derive(Debug, Clone)]
pub struct Accumulator {
    metric: Metric,
    samples: usize,
    /// Lengths of a sample's axes, known from the first batch on; maps may differ in length.
    shape: Option<Vec<usize>>,
    state: State,
}

impl Metric {
    /// The score of a set that is one batch.
    ///
    /// # Errors
    /// Those of [`Accumulator::push`] and [`Accumulator::finish`].
    pub fn score<A: Real, B: Real>(
        self,
        predictions: ArrayViewD<'_, A>,
        targets: &Targets<'_, B>,
    ) -> Result<Score, MeasureError> {
        let mut all = Accumulator::new(self);
        all.push(predictions, targets)?;
        all.finish()
    }
}

impl Accumulator {
    /// Nothing seen yet.
    pub fn new(metric: Metric) -> Self {
        let state = match metric.descriptor().how {
            How::Counts(_) => State::Classes(Vec::new()),
            How::Ranks { .. } => State::Ranks {
                scores: Vec::new(),
                positive: Vec::new(),
            },
            How::Terms { .. } => State::Mean {
                sum: 0.0,
                counted: 0,
                left_out: 0,
            },
            How::Whole => State::Nothing,
        };
        Self {
            metric,
            samples: 0,
            shape: None,
            state,
        }
    }

    /// Takes a batch: predictions `[N, K]` for labels and multi-hot targets (any scores: logits or
    /// probabilities), `[N, …]` as [`Metric`] says for dense ones. A refused batch leaves nothing
    /// behind.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for another kind of targets, and for a metric of pairs, which takes no batches; [`MeasureError::Shape`] for axes
    /// that disagree with the targets or earlier batches; [`MeasureError::TooFew`] for fewer than
    /// two classes or no output; [`MeasureError::NotFinite`], [`MeasureError::Label`],
    /// [`MeasureError::Binary`], [`MeasureError::ZeroTarget`] and [`MeasureError::Distance`] with
    /// the row.
    pub fn push<A: Real, B: Real>(
        &mut self,
        predictions: ArrayViewD<'_, A>,
        targets: &Targets<'_, B>,
    ) -> Result<(), MeasureError> {
        let needs = self.metric.needs();
        if needs == TargetKind::Pairs {
            return Err(self.whole());
        }
        if targets.kind() != needs {
            let expected = format!("{} for {}", needs.name(), self.metric.name());
            let found = targets.kind().name();
            return Err(MeasureError::parameter("targets", expected, found));
        }
        self.check_shape(predictions.shape())?;
        let shape = predictions.shape().to_vec();
        let (rows, width) = (shape[0], shape[1..].iter().product());
        let p = predictions.to_shape((rows, width)).expect("same count");
        let (p, before) = (p.view(), self.samples);
        let later = |e: MeasureError| e.rows_later(before);
        check_finite("predictions", p).map_err(later)?;
        match targets {
            Targets::Labels(truths) => {
                check_labels("labels", truths, rows, width).map_err(later)?;
                self.count(p, truths);
            }
            Targets::MultiHot(truths) => {
                MeasureError::same("rows of targets", rows, truths.nrows())?;
                MeasureError::same("columns of targets", width, truths.ncols())?;
                let positive = ranking::binary(*truths).map_err(later)?;
                self.keep(p, positive);
            }
            Targets::Dense(truths) => {
                MeasureError::same("axes of targets", shape.len(), truths.ndim())?;
                for (&expected, &found) in shape.iter().zip(truths.shape()) {
                    MeasureError::same("lengths of targets", expected, found)?;
                }
                let t = truths.to_shape((rows, width)).expect("same count");
                check_finite("targets", t.view()).map_err(later)?;
                let terms = self.terms(&shape, p, t.view()).map_err(later)?;
                self.average(&terms);
            }
        }
        self.samples += rows;
        self.shape = Some(shape[1..].to_vec());
        Ok(())
    }

    /// The score of everything pushed.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for a metric of pairs; [`MeasureError::TooFew`] without a sample, or if the metric is defined for none of the
    /// labels or maps; [`MeasureError::Numerical`] if the value exceeds double precision.
    pub fn finish(self) -> Result<Score, MeasureError> {
        if self.metric.needs() == TargetKind::Pairs {
            return Err(self.whole());
        }
        MeasureError::at_least("samples", 1, self.samples)?;
        let (value, counted, left_out) = match (&self.state, self.metric.descriptor().how) {
            (State::Classes(counts), How::Counts(of)) => of(counts, self.samples),
            (State::Ranks { scores, positive }, How::Ranks { needs, of }) => {
                let width = scores.len() / self.samples;
                let all = ranking::per_label(width, scores, positive, of);
                let values: Vec<f64> = all.into_iter().flatten().collect();
                MeasureError::at_least(needs, 1, values.len())?;
                (complement(&values), values.len(), width - values.len())
            }
            (
                &State::Mean {
                    sum,
                    counted,
                    left_out,
                },
                How::Terms { needs, .. },
            ) => {
                MeasureError::at_least(needs, 1, counted)?;
                (sum / counted as f64, counted, left_out)
            }
            _ => unreachable!("the state is that of the metric"),
        };
        if !value.is_finite() {
            return Err(MeasureError::Numerical {
                what: self.metric.name(),
                found: "a value beyond double precision".into(),
            });
        }
        Ok(Score {
            metric: self.metric,
            value,
            samples: self.samples,
            counted,
            left_out,
        })
    }

    /// The error of a metric that is taken of a whole set.
    fn whole(&self) -> MeasureError {
        let expected = "a metric that batches add up to (retrieval is scored by \
                        measure::task::mean_recall, of all images and captions at once)";
        MeasureError::parameter("metric", expected, self.metric.name())
    }

    fn check_shape(&self, shape: &[usize]) -> Result<(), MeasureError> {
        let axes = "axes of predictions";
        let maps = match self.metric.descriptor().how {
            How::Terms { maps: true, .. } => {
                MeasureError::same(axes, 3, shape.len())?;
                MeasureError::same("columns of maps", shape[1], shape[2])?;
                true
            }
            How::Terms { .. } => {
                MeasureError::at_least(axes, 2, shape.len())?;
                false
            }
            _ => {
                MeasureError::same(axes, 2, shape.len())?;
                false
            }
        };
        let (what, least) = match self.metric.needs() {
            TargetKind::Labels => ("classes", 2),
            _ => ("outputs", 1),
        };
        MeasureError::at_least(what, least, shape[1..].iter().product())?;
        if let (Some(known), false) = (&self.shape, maps) {
            MeasureError::same("axes of a later batch", known.len() + 1, shape.len())?;
            for (&expected, &found) in known.iter().zip(&shape[1..]) {
                MeasureError::same("lengths of a later batch", expected, found)?;
            }
        }
        Ok(())
    }

    fn count<A: Real>(&mut self, scores: ArrayView2<'_, A>, truths: &[usize]) {
        let State::Classes(counts) = &mut self.state else {
            return;
        };
        counts.resize(scores.ncols(), Counts::default());
        for (row, &truth) in scores.axis_iter(Axis(0)).zip(truths) {
            let decision = counts::decide(row);
            counts[truth].truths += 1;
            counts[decision].decisions += 1;
            counts[truth].hits += usize::from(truth == decision);
        }
    }

    fn keep<A: Real>(&mut self, batch: ArrayView2<'_, A>, truths: Vec<bool>) {
        if let State::Ranks { scores, positive } = &mut self.state {
            scores.extend(batch.iter().map(|&v| v.into()));
            positive.extend(truths);
        }
    }

    /// The terms of a batch of dense targets, both sides flattened to `[N, n]`.
    fn terms<A: Real, B: Real>(
        &self,
        shape: &[usize],
        predictions: ArrayView2<'_, A>,
        targets: ArrayView2<'_, B>,
    ) -> Result<Vec<Option<f64>>, MeasureError> {
        let How::Terms { of, .. } = self.metric.descriptor().how else {
            unreachable!("only such metrics take dense targets")
        };
        let mut terms = Vec::with_capacity(shape[0]);
        let samples = predictions.outer_iter().zip(targets.outer_iter());
        for (row, (p, t)) in samples.enumerate() {
            let p: Vec<f64> = p.iter().map(|&v| v.into()).collect();
            let t: Vec<f64> = t.iter().map(|&v| v.into()).collect();
            of(row, shape, &p, &t, &mut terms)?;
        }
        Ok(terms)
    }

    fn average(&mut self, terms: &[Option<f64>]) {
        if let State::Mean {
            sum,
            counted,
            left_out,
        } = &mut self.state
        {
            for term in terms {
                match term {
                    Some(value) => (*sum, *counted) = (*sum + value, *counted + 1),
                    None => *left_out += 1,
                }
            }
        }
    }
}
