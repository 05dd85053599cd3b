//! Fine-tuning over intermediate modalities (PaRe, Cai et al., ICML 2024). Beside the task loss of a target batch stands
//! that of a mixture, in which k of N embedded patches are a source sample's ([`super::patches`]):
//!
//! `L(x_t, y_t) + (1 − λ) L(mixed, y_t) + λ CE(h_s(f(mixed)), y_s)`, `λ = k/N`,
//!
//! h_s a linear predictor of the source's classes on the encoder's features, k falling from epoch to epoch. Gate and h_s
//! train beside the network, by an optimiser of their own, and go with the transfer.
//!
//! The encoder is passed twice a step, each time with its own tape down to the embedded tokens; what arrives there goes
//! on through replacement, gate and embedder in one further backward pass.

use super::beside::Beside;
use super::patches::{Replacement, relaxed_subset};
use super::task::Supervised;
use super::{Objective, Step};
use crate::dataset::loader::{Batch, gather};
use crate::dataset::{Dataset, TargetShape};
use crate::model::layers::Linear;
use crate::model::recompute::after_embedder;
use crate::model::state::{add_gradients, untracked};
use crate::model::{Dual, Embedder, Model, Network, Pass, Tokens};
use crate::random::{PATCH_GATE, PATCH_NOISE, SOURCE_PATCHES};
use crate::suite::training::{Augmentation, TrainSettings};
use crate::transfer::error::TransferError;
use crate::transfer::loss::cross_entropy;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::snapshot::NamedTensors;
use crate::transfer::step::{MicroBatch, micro_batches};
use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData, activation};
use rand::RngExt;
use std::sync::Arc;

/// How many patches are replaced, and how they are chosen.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// Share of the source's patches in the first epoch.
    pub start: f64,
    /// Share that an epoch after the last would have.
    pub end: f64,
    /// Share of the epochs in which the choice is drawn.
    pub sampled: f64,
    /// Temperature of what is drawn.
    pub temperature: f64,
    /// Number of epochs.
    pub epochs: usize,
    /// Number of steps of an epoch.
    pub per_epoch: usize,
}

impl Course {
    /// Share of the source's patches at a step, and whether they are drawn.
    fn at(&self, step: usize) -> (f64, bool) {
        let epoch = (step / self.per_epoch.max(1)) as f64;
        let epochs = self.epochs.max(1) as f64;
        let share = self.start + (self.end - self.start) * epoch / epochs;
        (share, epoch < self.sampled * epochs)
    }
}

/// What trains beside the network.
#[derive(Module, Debug)]
struct Heads {
    /// Tokens `[C]` to the logit of a score.
    gate: Linear,
    /// h_s: features `[D]` to the source's classes.
    predictor: Linear,
}

/// The objective.
pub struct Gradual<'a> {
    task: Supervised,
    source: Arc<dyn Dataset>,
    /// The source model's own embedder, which stays.
    embedder: &'a Embedder,
    course: Course,
    beside: Beside<Heads>,
    seed: u64,
    /// Gradients of `beside` that are not applied yet.
    pending: GradientsParams,
}

/// Where a part of a batch stands.
#[derive(Clone, Copy)]
struct Place {
    /// Share of the source's patches.
    share: f64,
    /// Whether they are drawn.
    drawn: bool,
    /// Number of the step.
    step: u64,
    /// The part's first sample in the batch.
    first: u64,
}

impl<'a> Gradual<'a> {
    /// Gate and source predictor start as PyTorch's linear layers, U(−1/√in, 1/√in).
    ///
    /// # Errors
    /// [`TransferError::Setting`] for a source set that is empty or has no single class a sample.
    pub fn new(
        task: Supervised,
        source: &'a Model,
        set: Arc<dyn Dataset>,
        course: Course,
        (train, rate): (&TrainSettings, f64),
        seed: u64,
    ) -> Result<Self, TransferError> {
        if set.is_empty() || set.target_shape() != TargetShape::Class {
            return Err(TransferError::Setting {
                setting: "method pare",
                expected: "a source set with samples of one class each".into(),
                found: format!("{} samples with {}", set.len(), set.target_shape().name()),
            });
        }
        let shape = source.config.shape();
        let place = source.place();
        let heads = Heads {
            gate: linear([1, shape.token_width()], &place, (seed, 0)),
            predictor: linear([set.classes().len(), shape.features()], &place, (seed, 1)),
        };
        Ok(Self {
            task,
            source: set,
            embedder: &source.network.embedder,
            course,
            beside: Beside::new(heads, "heads", train, rate),
            seed,
            pending: GradientsParams::new(),
        })
    }

    /// As many source samples as the target batch has, by seed and step alone.
    fn draw(&self, count: usize, step: usize) -> Result<Batch, TransferError> {
        let mut rng = SOURCE_PATCHES.rng(self.seed, &[step as u64]);
        let index: Vec<usize> = (0..count)
            .map(|_| rng.random_range(0..self.source.len()))
            .collect();
        let place = [self.seed, step as u64];
        let set = self.source.as_ref();
        Ok(gather(set, &index, &Augmentation::default(), place)?)
    }

    /// Scores of tokens `[B, N, C]` by the gate, in (0, 1); those of padding lie below. With `noise` they are drawn.
    fn scores(&self, tokens: &Tokens, gate: &Linear, noise: Option<(Place, u64)>) -> Tensor<2> {
        let [batch, count, _] = tokens.values.dims();
        let values = Dual::from(tokens.values.primal.clone());
        let logits = gate.forward(values, &Pass::eval()).primal;
        let mut scores = activation::sigmoid(logits.reshape([batch, count]));
        if let Some((place, side)) = noise {
            // A generator a sample: the parts of a batch draw what the whole would.
            let of_sample = |sample: u64| {
                let numbers = [place.step, place.first + sample, side];
                let mut rng = PATCH_NOISE.rng(self.seed, &numbers);
                let gumbel = move |_| {
                    let uniform: f64 = rng.random_range(f64::MIN_POSITIVE..1.0);
                    -(-uniform.ln()).ln()
                };
                (0..count).map(gumbel)
            };
            let noise: Vec<f64> = (0..batch as u64).flat_map(of_sample).collect();
            let noise = TensorData::new(noise, [batch, count]).convert_dtype(scores.dtype());
            let noise = Tensor::from_data(noise, (&scores.device(), scores.dtype()));
            scores = scores + noise;
        }
        match &tokens.keep {
            Some(keep) => scores + keep.clone().add_scalar(-1.0).mul_scalar(PADDING),
            None => scores,
        }
    }

    /// The tokens of a target part, on the tracked device, with patches of the source's `tokens`, on the plain device,
    /// in their places; and how many are.
    fn mixed(&self, target: &Tokens, source: &Tokens, place: Place) -> (Tensor<3>, usize) {
        let ([_, own, _], [_, other, _]) = (target.values.dims(), source.values.dims());
        let count = ((place.share * own as f64 + 1e-9) as usize)
            .min(own)
            .min(other);
        let primal = |tokens: &Tokens| tokens.values.primal.clone();
        let from = Tensor::from_inner(primal(source));
        if !place.drawn {
            let gate = self.beside.module.gate.valid();
            let of_target = self.scores(&plain(target), &gate, None);
            let of_source = self.scores(source, &gate, None);
            let replacement = Replacement::by_scores(of_target, of_source, count);
            return (replacement.apply(primal(target), from, None), count);
        }
        let source = Tokens {
            values: Dual::from(from.clone()),
            keep: source.keep.clone().map(Tensor::from_inner),
            ..source.clone()
        };
        let gate = &self.beside.module.gate;
        let warm = self.course.temperature;
        let of_target = self.scores(target, gate, Some((place, 0)));
        let of_source = self.scores(&source, gate, Some((place, 1)));
        let of_target = relaxed_subset(of_target, own - count, warm);
        let of_source = relaxed_subset(of_source, count, warm);
        let read = |drawn: &Tensor<2>| drawn.clone().inner();
        let replacement = Replacement::by_scores(read(&of_target), read(&of_source), count);
        let drawn = Some([of_target, of_source]);
        (replacement.apply(primal(target), from, drawn), count)
    }

    /// The task loss of a target part, weighted by its share of the batch, and the gradients of the whole objective at
    /// every tracked parameter of `network`. Those of gate and source predictor are added to `pending`.
    fn part(
        &mut self,
        network: &Network,
        target: &MicroBatch,
        source: &MicroBatch,
        place: Place,
        pass: &mut Pass,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let (task, recompute) = (self.task, self.task.memory.recompute);
        let x = Tensor::<4>::from_inner(target.samples.clone());
        let tokens = network.embedder.forward(x, pass);
        let other = self
            .embedder
            .forward(source.samples.clone(), &mut Pass::eval());
        let (mixed, count) = self.mixed(&tokens, &other, place);
        let lambda = count as f64 / tokens.values.dims()[1].max(1) as f64;

        let mean = |last: Tokens, pass: &Pass| {
            let loss = task.mean(network.predictor.forward(last, pass), &target.targets)?;
            Ok::<_, TransferError>(loss.primal.mul_scalar(target.share))
        };
        let enters = plain(&tokens);
        let own = behind_embedder(network, enters.clone(), pass, recompute, mean)?;
        let (value, mut grads, own) = own;

        let mut of_predictor = GradientsParams::new();
        let both = |last: Tokens, pass: &Pass| {
            let features = last.clone().pool().primal;
            let of_target = mean(last, pass)?.mul_scalar(1.0 - lambda);
            // The source predictor has a tape of its own; its slope at the features goes on as a constant.
            let leaf = Tensor::<2>::from_inner(features.clone().inner()).require_grad();
            let [samples, width] = leaf.dims();
            let rows = Dual::from(leaf.clone().reshape([1, samples, width]));
            let logits = self.beside.module.predictor.forward(rows, &Pass::eval());
            let classes = logits.dims()[2];
            let logits = logits.reshape([samples, classes]);
            let loss = cross_entropy(logits, &source.targets.labels, 0.0).primal;
            let mut of_loss = loss.mul_scalar(lambda * target.share).backward();
            let slope = leaf.grad(&of_loss);
            of_predictor =
                GradientsParams::from_module(&mut of_loss, &self.beside.module.predictor);
            Ok(match slope {
                Some(slope) => of_target + (features * Tensor::from_inner(slope)).sum(),
                None => of_target,
            })
        };
        let enters = enters.with(Dual::from(mixed.clone().inner()));
        let (_, more, other) = behind_embedder(network, enters, pass, recompute, both)?;
        add_gradients(&mut grads, more, network);
        add_gradients(
            &mut self.pending,
            of_predictor,
            &self.beside.module.predictor,
        );

        let along = |values: Tensor<3>, slope: Option<Tensor<3>>| {
            slope.map(|slope| (values * Tensor::from_inner(slope)).sum())
        };
        let rest = [along(tokens.values.primal, own), along(mixed, other)];
        if let Some(rest) = rest.into_iter().flatten().reduce(|a, b| a + b) {
            let mut rest = rest.backward();
            let part = GradientsParams::from_module(&mut rest, &network.embedder);
            add_gradients(&mut grads, part, &network.embedder);
            let part = GradientsParams::from_module(&mut rest, &self.beside.module.gate);
            add_gradients(&mut self.pending, part, &self.beside.module.gate);
        }
        Ok((value, grads))
    }
}

/// What lies below the scores of all tokens that are no padding.
const PADDING: f64 = 1e6;

/// Tokens on the plain device.
fn plain(tokens: &Tokens) -> Tokens {
    Tokens {
        values: Dual::from(untracked(tokens.values.primal.clone())),
        grid: tokens.grid,
        keep: tokens.keep.clone().map(untracked),
    }
}

/// A loss of the encoder's last tokens, its gradients at encoder and predictor, and at the `tokens` that enter, which
/// lie on the plain device; with the activations of a block at a time in memory, or of all.
fn behind_embedder(
    network: &Network,
    tokens: Tokens,
    pass: &mut Pass,
    recompute: bool,
    loss: impl FnOnce(Tokens, &Pass) -> Result<Tensor<1>, TransferError>,
) -> Result<(Tensor<1>, GradientsParams, Option<Tensor<3>>), TransferError> {
    if recompute {
        let (value, grads, slope) = after_embedder(network, tokens, pass, loss)?;
        return Ok((value, grads, slope.map(|slope| slope.primal)));
    }
    let leaf = Tensor::<3>::from_inner(tokens.values.primal).require_grad();
    let tracked = Tokens {
        values: Dual::from(leaf.clone()),
        grid: tokens.grid,
        keep: tokens.keep.map(Tensor::from_inner),
    };
    let last = network.encoder.encode(tracked, pass);
    let value = loss(last, pass)?;
    let result = value.clone().inner();
    let grads = value.backward();
    let slope = leaf.grad(&grads);
    Ok((result, GradientsParams::from_grads(grads, network), slope))
}

/// A linear layer with PyTorch's first values that asks for gradients, `[out, in]`.
fn linear(
    [outputs, inputs]: [usize; 2],
    (device, dtype): &(Device, DType),
    (seed, number): (u64, u64),
) -> Linear {
    let bound = 1.0 / (inputs.max(1) as f64).sqrt();
    let mut rng = PATCH_GATE.rng(seed, &[number]);
    let mut draw = |count: usize| -> Vec<f64> {
        let value = |_| rng.random_range(-bound..bound);
        (0..count).map(value).collect()
    };
    let weight = TensorData::new(draw(outputs * inputs), [outputs, inputs]).convert_dtype(*dtype);
    let bias = TensorData::new(draw(outputs), [outputs]).convert_dtype(*dtype);
    let weight = Tensor::<2>::from_data(weight, (device, *dtype));
    let bias = Tensor::<1>::from_data(bias, (device, *dtype));
    Linear {
        weight: Param::initialized(ParamId::new(), Tensor::from_inner(weight).require_grad()),
        bias: Some(Param::initialized(
            ParamId::new(),
            Tensor::from_inner(bias).require_grad(),
        )),
    }
}

impl Objective for Gradual<'_> {
    /// The reading is the task loss of the target batch alone.
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (device, dtype) = network.place();
        let (device, most) = (device.inner(), self.task.memory.micro_batch);
        let drawn = self.draw(batch.labels.len(), step.number)?;
        let targets = micro_batches(batch, most, &device, dtype);
        let sources = micro_batches(drawn, most, &device, dtype);
        let (share, drawn) = self.course.at(step.number);
        let mut whole: Option<(Tensor<1>, GradientsParams)> = None;
        let mut first = 0;
        for (target, source) in targets.iter().zip(&sources) {
            let place = Place {
                share,
                drawn,
                step: step.number as u64,
                first,
            };
            first += target.targets.labels.len() as u64;
            let pass = &mut if self.task.drops_paths {
                Pass::train(step.stream)
            } else {
                Pass::eval()
            };
            let (value, grads) = self.part(network, target, source, place, pass)?;
            whole = Some(match whole {
                None => (value, grads),
                Some((before, mut sum)) => {
                    add_gradients(&mut sum, grads, network);
                    (before + value, sum)
                }
            });
        }
        let (value, grads) = whole.ok_or_else(|| TransferError::Setting {
            setting: "batch",
            expected: "at least one sample".into(),
            found: "none".into(),
        })?;
        Ok((Reading::Device(Box::new(value)), grads))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        self.task.record(means, record);
    }

    fn after_step(&mut self, network: Network, rate: f64) -> Network {
        let grads = std::mem::replace(&mut self.pending, GradientsParams::new());
        self.beside.step(rate, grads);
        network
    }

    fn state(&self) -> NamedTensors {
        self.beside.state()
    }

    fn restore(&mut self, state: NamedTensors, network: &Network) -> Result<(), TransferError> {
        self.beside.restore(&state, network)
    }
}

#[cfg(test)]
#[path = "gradual_tests.rs"]
mod tests;
