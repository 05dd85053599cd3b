//! Fine-tuning over intermediate modalities (PaRe, Cai et al., ICML 2024). Beside the task loss of a target batch stands
//! that of a mixture, in which k of N embedded patches are a source sample's ([`super::gate`]):
//!
//! `L(x_t, y_t) + (1 − λ) L(mixed, y_t) + λ CE(h_s(f(mixed)), y_s)`, `λ = k/N`,
//!
//! h_s a linear predictor of the source's classes on the encoder's features, k falling from epoch to epoch. Gate and h_s
//! train beside the network, by an optimiser of their own, and go with the transfer.
//!
//! The encoder is passed twice a step, each time with its own tape down to the embedded tokens; what arrives there goes
//! on through replacement, gate and embedder in one further backward pass.

use super::beside::Beside;
use super::gate::{Heads, Place, mixed, plain};
use super::task::Supervised;
use super::{Objective, Step};
use crate::dataset::loader::{Batch, gather};
use crate::dataset::{Dataset, TargetShape};
use crate::model::recompute::after_embedder;
use crate::model::state::add_gradients;
use crate::model::{Dual, Embedder, Model, Network, Pass, Tokens};
use crate::random::SOURCE_PATCHES;
use crate::suite::training::{Augmentation, TrainSettings};
use crate::transfer::error::TransferError;
use crate::transfer::loss::cross_entropy;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::snapshot::NamedTensors;
use crate::transfer::step::{MicroBatch, micro_batches, summed};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
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
    /// Share of the source's patches at a step, and the temperature at which they are drawn, if they are.
    fn at(&self, step: usize) -> (f64, Option<f64>) {
        let epoch = (step / self.per_epoch.max(1)) as f64;
        let epochs = self.epochs.max(1) as f64;
        let share = self.start + (self.end - self.start) * epoch / epochs;
        let drawn = epoch < self.sampled * epochs;
        (share, drawn.then_some(self.temperature))
    }
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

impl<'a> Gradual<'a> {
    /// With a fresh gate and a fresh source predictor, which train at `rate` times the network's learning rate.
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
        let heads = Heads::new(source, set.classes().len(), seed);
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
        let (mixed, count) = mixed(&self.beside.module.gate, &tokens, &other, place);
        let patches = tokens.values.dims()[1].saturating_sub(tokens.before);
        let lambda = count as f64 / patches.max(1) as f64;

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
    let leaf = Tensor::<3>::from_inner(tokens.values.primal.clone()).require_grad();
    let tracked = tokens.moved(|_| Dual::from(leaf.clone()), Tensor::from_inner);
    let last = network.encoder.encode(tracked, pass);
    let value = loss(last, pass)?;
    let result = value.clone().inner();
    let grads = value.backward();
    let slope = leaf.grad(&grads);
    Ok((result, GradientsParams::from_grads(grads, network), slope))
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
        let mut first = 0;
        let parts = targets.iter().zip(&sources);
        let (value, grads) = summed(network, parts, |(target, source)| {
            let place = Place {
                share,
                drawn,
                seed: self.seed,
                step: step.number as u64,
                first,
            };
            first += target.targets.labels.len() as u64;
            let pass = &mut if self.task.drops_paths {
                Pass::train(step.stream)
            } else {
                Pass::eval()
            };
            self.part(network, target, source, place, pass)
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
