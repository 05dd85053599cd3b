//! Simulated fine-tuning: what K steps from where stage 2 begins do to source features, for a few K, by both
//! kinds of inner steps that MoNA knows. Nothing is trained: this asks how well such steps foresee the
//! fine-tuning (docs/method.md, "Does a simulated step foresee the fine-tuning?").

use super::meta_step::{SourceBatch, outer_gradient};
use super::outer::Outer;
use super::source::SourceSampler;
use super::target::TargetSampler;
use super::task::Supervised;
use super::unrolled::{Inner, advanced};
use crate::dataset::Dataset;
use crate::dataset::loader::Batch;
use crate::model::parameters::{Flat, add, as_gradients, flat_gradients};
use crate::model::state::{constant, scalar};
use crate::model::{Embedder, Encoder, Network, Predictor};
use crate::random::SIMULATION;
use crate::suite::training::Augmentation;
use crate::transfer::error::TransferError;
use crate::transfer::methods::mona::{InnerOptimiser, InnerScope, OuterSign};
use crate::transfer::request::Request;
use crate::transfer::step::{Memory, MicroBatch, micro_batches};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Added to the root of a second moment, as AdamW does.
const EPSILON: f64 = 1e-8;

/// Batches that the steps take and that source features are measured on, and how far a step goes. Every draw
/// is a fine-tuning of its own: other target batches, another source batch.
pub struct Simulation<'a> {
    task: Supervised,
    target: TargetSampler,
    rate: f64,
    source: &'a SourceLosses<'a>,
}

/// What the steps of one kind led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// What a step followed.
    pub optimiser: InnerOptimiser,
    /// How many were taken.
    pub steps: usize,
    /// Alignment + uniformity of source features afterwards, one a draw.
    pub losses: Vec<f64>,
}

/// Alignment + uniformity of source features under an encoder, one a draw.
pub struct SourceLosses<'a> {
    set: SourceSampler,
    embedder: &'a Embedder,
    memory: Memory,
    seed: u64,
    draws: usize,
}

impl<'a> SourceLosses<'a> {
    /// Class-balanced batches of `set`, of the size that stage 1 has. Their choice follows from `seed` alone, so that
    /// numbers of several encoders can be compared.
    ///
    /// # Errors
    /// [`TransferError::Setting`] where the source set has too few classes or samples.
    pub fn new(
        request: &Request<'a>,
        set: Arc<dyn Dataset>,
        draws: usize,
        seed: u64,
    ) -> Result<Self, TransferError> {
        let stage1 = &request.settings.stage1;
        Ok(Self {
            set: SourceSampler::new(set, stage1.source_batch, stage1.source_classes)?,
            embedder: &request.source.network.embedder,
            memory: Memory::from(&request.settings.train),
            seed: SIMULATION.seed(seed),
            draws,
        })
    }

    /// Alignment + uniformity through the source embedder and `encoder`, one a draw.
    ///
    /// # Errors
    /// What the source set refuses to read.
    pub fn of(&self, encoder: &Encoder) -> Result<Vec<f64>, TransferError> {
        (0..self.draws)
            .map(|draw| self.one(encoder, draw))
            .collect()
    }

    fn one(&self, encoder: &Encoder, draw: usize) -> Result<f64, TransferError> {
        let still = Network {
            embedder: constant(self.embedder.clone()),
            encoder: constant(encoder.clone()),
            predictor: Predictor::absent(),
        };
        let (device, dtype) = still.place();
        let drawn = self.set.draw(self.seed, draw)?;
        let source = SourceBatch::of(drawn, &device.inner(), dtype);
        let outer = Outer::AlignUniform(OuterSign::WangIsola);
        let of = |features| outer.of(features, &source.labels);
        let ([_, _, loss], _) = outer_gradient(&still, source.samples, &of, false, self.memory)?;
        Ok(scalar(loss))
    }
}

impl<'a> Simulation<'a> {
    /// The simulation of the fine-tuning that `request` is about: its batch size and its largest learning rate.
    pub fn new(request: &Request, source: &'a SourceLosses<'a>) -> Self {
        let train = &request.settings.train;
        Self {
            task: request.supervised(false),
            target: TargetSampler {
                set: request.splits.train.clone(),
                batch: train.batch,
                augment: Augmentation::default(),
                seed: SIMULATION.seed(request.seed),
            },
            rate: train.learning_rate,
            source,
        }
    }

    /// The losses of source features after as many steps as each of `steps` says, from `network`, by each kind of
    /// step. The second moments that divide AdamW's steps are means over the first batches of all draws, a
    /// constant of the simulation.
    ///
    /// # Errors
    /// [`TransferError::Setting`] for zero steps, and what the target set refuses to read.
    pub fn run(&self, network: &Network, steps: &[usize]) -> Result<Vec<Simulated>, TransferError> {
        let tracked = network.clone().unfreeze().train();
        let moments = as_gradients(&tracked, &self.preconditioner(&tracked)?);
        let mut found = Vec::new();
        for (optimiser, precondition) in [
            (InnerOptimiser::Sgd, None),
            (InnerOptimiser::Adamw, Some(&moments)),
        ] {
            let inner = Inner {
                scope: InnerScope::All,
                alpha: self.rate,
                precondition,
            };
            let mut losses = vec![Vec::new(); steps.len()];
            for draw in 0..self.source.draws {
                self.walk(&tracked, inner, draw, steps, &mut losses)?;
            }
            let each = steps.iter().zip(losses);
            found.extend(each.map(|(&steps, losses)| Simulated {
                optimiser,
                steps,
                losses,
            }));
        }
        Ok(found)
    }

    /// One draw: its steps, and the loss wherever one is asked for.
    fn walk(
        &self,
        network: &Network,
        inner: Inner,
        draw: usize,
        steps: &[usize],
        losses: &mut [Vec<f64>],
    ) -> Result<(), TransferError> {
        let mut here = network.clone();
        for taken in 1..=steps.iter().copied().max().unwrap_or(0) {
            let (_, grads) = self.gradients(&here, draw, taken)?;
            let step = inner.preconditioned(network, &grads);
            here = advanced(here, inner.scope, &step, inner.alpha);
            let asked = steps.iter().zip(losses.iter_mut());
            for (_, losses) in asked.filter(|(steps, _)| **steps == taken) {
                losses.push(self.source.one(&here.encoder, draw)?);
            }
        }
        Ok(())
    }

    /// The task loss and its gradients on the batch of a step.
    fn gradients(
        &self,
        network: &Network,
        draw: usize,
        step: usize,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let batch = self.target.draw(draw, step)?;
        self.task
            .deterministic(network, &self.parts(network, batch))
    }

    fn parts(&self, network: &Network, batch: Batch) -> Vec<MicroBatch> {
        let (device, dtype) = network.place();
        micro_batches(batch, self.task.memory.micro_batch, &device.inner(), dtype)
    }

    /// 1 / (√(mean g²) + ε) over the first batches of all draws.
    fn preconditioner(&self, network: &Network) -> Result<Flat, TransferError> {
        let mut squares = Flat::new();
        let share = 1.0 / self.source.draws.max(1) as f64;
        for draw in 0..self.source.draws {
            let (_, grads) = self.gradients(network, draw, 1)?;
            let grads = flat_gradients(network, &grads).into_iter();
            let part = grads.map(|(path, grad)| (path, grad.square().mul_scalar(share)));
            add(&mut squares, part.collect());
        }
        let of = |value: Tensor<1>| value.sqrt().add_scalar(EPSILON).recip();
        Ok(squares.into_iter().map(|(path, v)| (path, of(v))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::training::Rule;
    use crate::transfer::method_tests::problem;
    use crate::transfer::optimiser::Optimiser;

    #[test]
    fn a_simulated_step_is_the_step_of_the_optimiser_that_it_stands_for() {
        let problem = problem();
        let request = problem.request();
        let start = request
            .source
            .for_target(request.target, 4)
            .unwrap()
            .network;
        // With a single draw the first second moment is the square of the first gradient, as AdamW's is.
        let losses = SourceLosses::new(&request, request.source_set.clone(), 1, 0).unwrap();
        let simulation = Simulation::new(&request, &losses);
        let found = simulation.run(&start, &[1, 3]).unwrap();
        let before = losses.of(&start.encoder).unwrap()[0];
        let rate = request.settings.train.learning_rate;
        for (optimiser, rule, lengths) in [
            (
                InnerOptimiser::Sgd,
                Rule::Sgd { momentum: 0.0 },
                [1, 3].as_slice(),
            ),
            (
                InnerOptimiser::Adamw,
                Rule::Adamw {
                    beta1: 0.0,
                    beta2: 0.999,
                    epsilon: EPSILON,
                },
                &[1],
            ),
        ] {
            let mut network = start.clone().unfreeze().train();
            let mut real = Optimiser::new(rule, 0.0, None);
            for step in 1..=lengths[lengths.len() - 1] {
                let (_, grads) = simulation.gradients(&network, 0, step).unwrap();
                network = real.step(rate, network, grads);
                if !lengths.contains(&step) {
                    continue;
                }
                let want = losses.of(&network.encoder).unwrap()[0];
                let same = |s: &&Simulated| s.optimiser == optimiser && s.steps == step;
                let loss = found.iter().find(same).unwrap().losses[0];
                assert!(
                    (loss - want).abs() < 1e-5,
                    "{optimiser:?} {step}: {loss} {want}"
                );
                assert!(
                    (loss - before).abs() > 1e-4,
                    "{optimiser:?} {step}: no effect"
                );
            }
        }
    }

    #[test]
    fn draws_differ_and_their_number_is_what_was_asked_for() {
        let problem = problem();
        let request = problem.request();
        let of = |seed| SourceLosses::new(&request, request.source_set.clone(), 3, seed).unwrap();
        let encoder = &request.source.network.encoder;
        let losses = of(0).of(encoder).unwrap();
        assert_eq!(losses, of(0).of(encoder).unwrap());
        assert!(losses != of(1).of(encoder).unwrap());
        assert!(losses.len() == 3 && losses[0] != losses[1]);
    }
}
