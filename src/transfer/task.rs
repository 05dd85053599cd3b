//! A target task as training sees it: the loss to minimise, the metric that judges, and both
//! matched with a sample's target.

use super::error::TransferError;
use super::grouped::Grouped;
use super::task_loss::Targets;
use crate::dataset::loader::{Batch, Order, batches};
use crate::dataset::{Dataset, TargetShape};
use crate::feature::samples_at_once;
use crate::measure::MeasureError;
use crate::measure::task::{Accumulator, Targets as MetricTargets};
use crate::model::{Network, Pass};
use crate::suite::dataset::DatasetSpec;
use crate::suite::parts::PredictorSpec;
use crate::suite::task::{Metric, TargetKind, TaskLoss};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{ArrayView2, ArrayViewD};
use std::sync::Arc;

/// What a target task asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// What training minimises.
    pub loss: TaskLoss,
    /// What judges the result; smaller is better.
    pub metric: Metric,
}

/// What a predictor gives for a sample of `set`; nothing for captions, which have no predictor but a second tower.
pub fn predictor(set: &dyn Dataset) -> PredictorSpec {
    let classes = set.classes().len();
    match set.target_shape() {
        TargetShape::Class | TargetShape::Captions => PredictorSpec::Classification { classes },
        TargetShape::MultiHot => PredictorSpec::MultiLabel { classes },
        TargetShape::Field([channels, height, width]) => PredictorSpec::Dense2d {
            channels,
            height,
            width,
            upscale: None,
            inner: 3,
        },
    }
}

/// The targets of a batch, as a loss takes them.
pub fn targets(truth: TargetShape, batch: &Batch) -> Targets<'_> {
    match truth {
        TargetShape::Class => match &batch.mixed {
            Some(mixed) => Targets::Mixed {
                labels: &batch.labels,
                partners: &mixed.partners,
                share: mixed.share,
            },
            None => Targets::Labels(&batch.labels),
        },
        TargetShape::MultiHot => Targets::MultiHot(&batch.targets),
        // Of captions there are no numbers: every loss refuses them.
        TargetShape::Field(_) | TargetShape::Captions => Targets::Dense(&batch.targets),
    }
}

impl Task {
    /// The task of a manifest entry on `set`; `smoothing` is the label smoothing of a training
    /// whose entry names no loss.
    ///
    /// # Errors
    /// [`TransferError::Setting`] for a loss or a metric that does not suit the target of
    /// the samples, and for captions, which no loss of one tower takes.
    pub fn of(
        spec: &DatasetSpec,
        set: &dyn Dataset,
        smoothing: f64,
    ) -> Result<Self, TransferError> {
        let truth = set.target_shape();
        let (loss, metric) = match truth {
            TargetShape::Class => (TaskLoss::CrossEntropy { smoothing }, Metric::Error),
            TargetShape::MultiHot => (
                TaskLoss::MultiLabel { pos_weight: 1.0 },
                Metric::OneMinusMeanAveragePrecision,
            ),
            TargetShape::Field(_) => (TaskLoss::RelativeL2 {}, Metric::RelativeL2),
            TargetShape::Captions => {
                return Err(TransferError::Setting {
                    setting: "target",
                    expected:
                        "classes, labels or fields (captions are trained by methods of two towers)"
                            .into(),
                    found: format!("{} in {}", truth.name(), spec.name),
                });
            }
        };
        let task = Self {
            loss: spec.loss.unwrap_or(loss),
            metric: spec.metric.unwrap_or(metric),
        };
        task.loss.check(&predictor(set))?;
        let suits = match (task.metric.needs(), truth) {
            (TargetKind::Labels, TargetShape::Class)
            | (TargetKind::MultiHot, TargetShape::MultiHot)
            | (TargetKind::Dense, TargetShape::Field(_)) => true,
            // a mask: every pixel is a sample of one label
            (TargetKind::MultiHot, TargetShape::Field(_)) => {
                matches!(task.loss, TaskLoss::BinaryCrossEntropy { .. })
            }
            _ => false,
        };
        if !suits {
            return Err(TransferError::Setting {
                setting: "metric",
                expected: format!("one for {}", truth.name()),
                found: task.metric.name().into(),
            });
        }
        Ok(task)
    }

    /// The metric of `network` on a whole set; 0 on an empty one. Of sets that are scored by group, the
    /// mean outputs of every group are judged.
    ///
    /// # Errors
    /// What reading and the metric refuse.
    pub fn evaluate(
        &self,
        network: &Network,
        set: Arc<dyn Dataset>,
        device: &Device,
    ) -> Result<f64, TransferError> {
        if set.is_empty() {
            return Ok(0.0);
        }
        let truth = set.target_shape();
        let mut score = Accumulator::new(self.metric);
        let mut grouped = set.scored_by_group().then(Grouped::default);
        let mut done = 0;
        let order = Order::sequential(samples_at_once(set.shape().iter().product()));
        let mut last = None;
        for batch in batches(set.clone(), order) {
            let mut batch = batch?;
            let (mut outputs, width) = outputs(network, &mut batch, device);
            last = Some((batch.shape, width));
            if let Some(grouped) = &mut grouped {
                let groups: Vec<usize> = (done..done + batch.shape[0])
                    .map(|i| set.group(i))
                    .collect();
                done += batch.shape[0];
                (batch, outputs) = grouped.push(&batch, &groups, &outputs, width);
            }
            self.push(&mut score, truth, &batch, &outputs, [batch.shape[0], width])?;
        }
        if let (Some(mut grouped), Some((shape, width))) = (grouped, last) {
            let (batch, outputs) = grouped.finish(shape);
            self.push(&mut score, truth, &batch, &outputs, [batch.shape[0], width])?;
        }
        Ok(score.finish()?.value)
    }

    /// Gives a batch to the metric, in the shape that it takes.
    fn push(
        &self,
        score: &mut Accumulator,
        truth: TargetShape,
        batch: &Batch,
        outputs: &[f32],
        [rows, width]: [usize; 2],
    ) -> Result<(), MeasureError> {
        if rows == 0 {
            return Ok(());
        }
        let shape = |found: usize| MeasureError::Shape {
            what: "outputs of the network",
            expected: rows * width,
            found,
        };
        let view = |values, shape_of: &[usize]| {
            ArrayViewD::from_shape(shape_of, values).map_err(|_| shape(outputs.len()))
        };
        match (truth, self.metric.needs()) {
            (TargetShape::Class, _) => score.push(
                view(outputs, &[rows, width])?,
                &MetricTargets::<f32>::Labels(&batch.labels),
            ),
            (TargetShape::MultiHot, _) | (TargetShape::Field(_), TargetKind::MultiHot) => {
                let sides = match truth {
                    TargetShape::MultiHot => [rows, width],
                    _ => [rows * width, 1],
                };
                let known = ArrayView2::from_shape(sides, &batch.targets)
                    .map_err(|_| shape(batch.targets.len()))?;
                score.push(view(outputs, &sides)?, &MetricTargets::MultiHot(known))
            }
            (TargetShape::Field([channels, height, columns]), _) => {
                let sides = match self.metric {
                    Metric::Mae8 if channels == 1 => vec![rows, height, columns],
                    _ => vec![rows, channels, height, columns],
                };
                let known = view(&batch.targets, &sides)?;
                score.push(view(outputs, &sides)?, &MetricTargets::Dense(known))
            }
            (TargetShape::Captions, _) => {
                let expected = "targets that one tower predicts";
                Err(MeasureError::parameter("target", expected, truth.name()))
            }
        }
    }
}

/// Outputs of a network on the values of a batch, which are used up: row-major, and how many a
/// sample has.
fn outputs(network: &Network, batch: &mut Batch, device: &Device) -> (Vec<f32>, usize) {
    let data = TensorData::new(std::mem::take(&mut batch.values), batch.shape);
    let y = network
        .forward(Tensor::<4>::from_data(data, device), &mut Pass::eval())
        .primal;
    let width = y.dims()[1];
    let values = y.into_data().convert::<f32>();
    let values = values.try_to_vec().expect("values were converted to f32");
    (values, width)
}

/// For every sample, in the order of the set, whether its largest logit is not its label's. Only
/// for sets of classes; equal logits: the first counts.
pub fn wrong_samples(
    network: &Network,
    set: Arc<dyn Dataset>,
    device: &Device,
) -> Result<Vec<bool>, TransferError> {
    let mut wrong = Vec::with_capacity(set.len());
    let order = Order::sequential(samples_at_once(set.shape().iter().product()));
    for batch in batches(set, order) {
        let mut batch = batch?;
        let (logits, classes) = outputs(network, &mut batch, device);
        for (row, &label) in logits.chunks_exact(classes.max(1)).zip(&batch.labels) {
            let best = row
                .iter()
                .enumerate()
                .fold(0, |b, (i, v)| if *v > row[b] { i } else { b });
            wrong.push(best != label);
        }
    }
    Ok(wrong)
}
