//! A quadratic penalty on how far parameters go from where they started:
//! `½ Σ wᵢ (θᵢ − θ⁰ᵢ)²`, on top of another objective. With one weight for all it is L2-SP, with the Fisher
//! information it is EWC.

use super::{Objective, Step};
use crate::dataset::loader::Batch;
use crate::model::Network;
use crate::model::parameters::{Flat, add_to_gradients};
use crate::transfer::error::TransferError;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::snapshot::NamedTensors;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Weights of the penalty.
pub enum Weights {
    /// The same for every entry.
    Same(f64),
    /// One for every entry, times a factor.
    Each(Flat, f64),
}

/// An objective with a quadratic penalty. The reading is the objective's own, without the penalty.
pub struct Anchored<O> {
    /// What is minimised beside.
    pub objective: O,
    /// θ⁰ by path; other parameters are free.
    pub anchor: Flat,
    /// w.
    pub weights: Weights,
}

impl<O: Objective> Objective for Anchored<O> {
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (reading, mut grads) = self.objective.gradients(network, batch, step)?;
        let term = |path: &str, value: Tensor<1>| {
            let apart = value - self.anchor.get(path)?.clone();
            match &self.weights {
                Weights::Same(weight) => Some(apart.mul_scalar(*weight)),
                Weights::Each(all, factor) => {
                    Some((apart * all.get(path)?.clone()).mul_scalar(*factor))
                }
            }
        };
        add_to_gradients(network, &mut grads, &term);
        Ok((reading, grads))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        self.objective.record(means, record);
    }

    fn after_step(&mut self, network: Network, rate: f64) -> Network {
        self.objective.after_step(network, rate)
    }

    fn measured(&self, network: Network) -> Network {
        self.objective.measured(network)
    }

    fn state(&self) -> NamedTensors {
        self.objective.state()
    }

    fn restore(&mut self, state: NamedTensors, network: &Network) -> Result<(), TransferError> {
        self.objective.restore(state, network)
    }
}
