//! Stage 1: the embedder's own training, before everything is fine-tuned. `emb` follows the task
//! loss, `mona` the meta-gradient, `orca` the distance of embedded datasets; the loop is one.

use super::error::TransferError;
use super::mona::{self, Memory, Meta, Part, SourceBatch};
use super::optimiser::Optimiser;
use super::orca::Distance;
use super::readings::{Reading, Readings};
use super::snapshot::{Keeper, Snapshot};
use super::source::SourceSampler;
use super::task::{Task, targets};
use super::train::Event;
use crate::dataset::Splits;
use crate::dataset::loader::{Batch, Order, batches};
use crate::model::state::{constant, moved, scaled, state, with_state};
use crate::model::{Dual, Embedder, Model, Network};
use crate::random::STAGE1;
use crate::suite::method::{Budget, InnerScope, MonaSettings, Stage1};
use crate::suite::training::TrainSettings;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// One epoch of stage 1, means over its steps. What a method does not compute is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage1Record {
    /// From 1.
    pub epoch: usize,
    /// Task loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<f64>,
    /// Alignment of source features after the simulated step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub align: Option<f64>,
    /// Their uniformity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uniform: Option<f64>,
    /// The outer loss's part of the embedder's gradient, relative to the task loss's
    /// ([`Found::measured`](mona::Found::measured)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer_share: Option<f64>,
    /// Distance of the embedded datasets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otdd: Option<f64>,
    /// Share of those distances that converged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converged: Option<f64>,
    /// Seconds since stage 1 began.
    pub seconds: f64,
}

/// What moves the embedder.
pub enum Objective<'a> {
    /// The task loss alone.
    Task,
    /// The distance between embedded source and embedded target.
    Orca(Box<Distance>),
    /// The task loss and, through a simulated step, source knowledge.
    Mona {
        /// MoNA's settings.
        settings: &'a MonaSettings,
        /// Source batches.
        source: SourceSampler,
        /// The source model's embedder.
        embedder: &'a Embedder,
    },
}

/// Trains the embedder (and, if asked, the predictor) of `model`, going on from `from`.
#[allow(clippy::too_many_arguments)] // one caller, all of them distinct
pub fn run(
    model: Model,
    splits: &Splits,
    settings: &Stage1,
    train: &TrainSettings,
    task: &Task,
    objective: Objective,
    seed: u64,
    from: Option<Snapshot>,
    keeper: &mut dyn Keeper,
    watch: &mut dyn FnMut(Event) -> bool,
) -> Result<(Model, Vec<Stage1Record>), TransferError> {
    train.check(splits.train.as_ref())?;
    let Model { config, network } = model;
    let (device, dtype) = network.place();
    let device = device.inner();
    let clip = (settings.clip > 0.0).then_some(settings.clip);
    let mut optimiser = Optimiser::new(train.optimiser, train.weight_decay, clip);
    let lr = match settings.learning_rate {
        0.0 => 10.0 * train.learning_rate,
        given => given,
    };
    let mut network = network.unfreeze().train();
    let (mut records, mut done) = (Vec::new(), 0);
    if let Some(from) = from {
        let placed = with_state(network.valid(), from.network, dtype, "snapshot".as_ref())?;
        network = placed.unfreeze().train();
        optimiser.restore(&from.moments, from.steps, &device);
        (records, done) = (from.first, from.epoch);
    }
    let earlier = records.last().map_or(0.0, |r: &Stage1Record| r.seconds);
    let started = Instant::now();
    // a stream of its own: stage 2 shuffles anew
    let batch = match &objective {
        Objective::Orca(distance) => distance.batch.clamp(1, splits.train.len()),
        _ => train.batch,
    };
    let order = |pass| Order {
        batch,
        shuffle: Some((STAGE1.seed(seed), pass)),
        drop_last: true,
        augment: train.augment,
    };
    let per_pass = order(1).batches(splits.train.len()).max(1);
    let per_epoch = match settings.budget {
        Budget::Passes => per_pass,
        Budget::Steps => Order {
            batch: train.batch,
            ..order(1)
        }
        .batches(splits.train.len()),
    };
    let passes = per_epoch.div_ceil(per_pass);
    let memory = Memory {
        source_part: train.micro_batch,
        recompute: train.recompute,
    };
    for epoch in done + 1..=settings.epochs {
        let mut readings = Readings::new(&device, epoch);
        let all = (0..passes).flat_map(|pass| {
            let pass = (epoch - 1) * passes + pass + 1;
            batches(splits.train.clone(), order(pass))
        });
        for (i, batch) in all.take(per_epoch).enumerate() {
            let batch = batch?;
            let pieces = pieces(batch, train.micro_batch, &device, dtype);
            let truth = splits.train.truth();
            let losses: Vec<_> = pieces
                .iter()
                .map(|(_, known, _)| {
                    move |outputs: Dual<2>| task.loss.loss(outputs, &targets(truth, known))
                })
                .collect();
            let parts: Vec<Part> = pieces
                .iter()
                .zip(&losses)
                .map(|((samples, _, share), loss)| Part {
                    samples: samples.clone(),
                    loss,
                    share: *share,
                })
                .collect();
            let step = (epoch - 1) * per_epoch + i;
            let mut moves = None;
            let (measured, grads) = match &objective {
                Objective::Task => emb(&network, &parts, memory, settings.train_predictor)?,
                Objective::Orca(distance) => {
                    // the distance is one of all samples of the batch
                    let x = pieces.iter().map(|(samples, ..)| samples.clone());
                    let labels = pieces.iter().flat_map(|(_, known, _)| &known.labels);
                    let labels: Vec<usize> = labels.copied().collect();
                    distance.step(&network.embedder, Tensor::cat(x.collect(), 0), &labels)?
                }
                Objective::Mona {
                    settings: mona,
                    source,
                    embedder,
                } => {
                    let meta = meta(mona, train);
                    let drawn = source.draw(seed, step)?;
                    let data = TensorData::new(drawn.values, drawn.shape).convert_dtype(dtype);
                    let source = SourceBatch {
                        samples: Tensor::from_data(data, (&device, dtype)),
                        labels: drawn.labels,
                    };
                    let found =
                        mona::step_in_parts(&network, &parts, embedder, source, meta, memory)?;
                    let keeps = (!mona.reset_encoder).then_some(mona.inner_scope);
                    moves = keeps.map(|scope| (scope, found.step, meta.alpha));
                    let grads = match settings.train_predictor {
                        true => found.grads,
                        false => scaled(&network.embedder, &found.grads, 1.0),
                    };
                    (Reading::There(Box::new(found.measured)), grads)
                }
            };
            readings.push(measured)?;
            network = optimiser.step(lr, network, grads);
            if let Some((scope, step, alpha)) = moves {
                network.encoder = moved(network.encoder, &step, -alpha);
                if scope != InnerScope::Encoder {
                    network.predictor = moved(network.predictor, &step, -alpha);
                }
                if scope == InnerScope::All {
                    network.embedder = moved(network.embedder, &step, -alpha);
                }
            }
            if !watch(Event::Step(step + 1, per_epoch * settings.epochs)) {
                return Err(TransferError::Interrupted);
            }
        }
        let mean = readings.sums()?.map(|s| s / per_epoch.max(1) as f64);
        let outer = matches!(objective, Objective::Mona { .. });
        let orca = matches!(objective, Objective::Orca(_));
        records.push(Stage1Record {
            epoch,
            inner: (!orca).then_some(mean[0]),
            align: outer.then_some(mean[1]),
            uniform: outer.then_some(mean[2]),
            outer_share: outer.then_some(mean[3]),
            otdd: orca.then_some(mean[0]),
            converged: orca.then_some(mean[1]),
            seconds: earlier + started.elapsed().as_secs_f64(),
        });
        keeper.save(&Snapshot {
            stage: 1,
            epoch,
            network: state(&network.valid()),
            moments: optimiser.moments(),
            steps: optimiser.steps(),
            best: None,
            selected: 0,
            first: records.clone(),
            course: Vec::new(),
        })?;
    }
    let network = network.valid();
    Ok((Model { config, network }, records))
}

/// A batch in parts of at most `most` samples (0: whole): samples on the device, what is known about
/// them, and their share of the batch.
fn pieces(
    batch: Batch,
    most: usize,
    device: &Device,
    dtype: DType,
) -> Vec<(Tensor<4>, Batch, f64)> {
    let [total, channels, height, width] = batch.shape;
    let most = match most {
        0 => total,
        some => some.min(total),
    };
    let (mut all, mut rest) = (Vec::new(), batch);
    while !rest.labels.is_empty() {
        let count = most.clamp(1, rest.labels.len());
        let mut now = rest;
        rest = now.split_off(count);
        let values = std::mem::take(&mut now.values);
        let data = TensorData::new(values, [count, channels, height, width]).convert_dtype(dtype);
        let share = count as f64 / total as f64;
        all.push((Tensor::from_data(data, (device, dtype)), now, share));
    }
    all
}

/// A step on the task loss: the encoder takes no gradient.
fn emb(
    network: &Network,
    parts: &[Part],
    memory: Memory,
    predictor: bool,
) -> Result<(Reading, GradientsParams), TransferError> {
    let still = Network {
        embedder: network.embedder.clone(),
        encoder: constant(network.encoder.clone()),
        predictor: match predictor {
            true => network.predictor.clone(),
            false => constant(network.predictor.clone()),
        },
    };
    let (inner, grads) = mona::summed(&still, parts, memory, None, &|dual| dual.primal)?;
    Ok((Reading::There(Box::new(inner)), grads))
}

/// MoNA's settings with the values that follow from stage 2's.
fn meta(mona: &MonaSettings, train: &TrainSettings) -> Meta {
    Meta {
        lambda: mona.lambda,
        alpha: match mona.alpha {
            0.0 => train.learning_rate,
            given => given,
        },
        sign: mona.outer_sign,
        how: mona.meta_gradient,
        difference_step: mona.difference_step,
    }
}
