//! Between the pretrained and the trained encoder: `θ(α) = (1 − α) θ⁰ + α θ¹` (WiSE-FT, Wortsman et al., CVPR 2022), as
//! the result of an objective and, for every α, of a network that is trained already.

use super::{Objective, Step};
use crate::dataset::loader::Batch;
use crate::model::state::blended;
use crate::model::{Encoder, Network};
use crate::transfer::error::TransferError;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::snapshot::NamedTensors;
use burn::optim::GradientsParams;

/// The network with the encoder `(1 − share) θ⁰ + share θ`, θ its own and θ⁰ the `pretrained` one; embedder and
/// predictor stay. A share of 0 and of 1 gives either encoder to the bit.
pub fn interpolated(mut network: Network, pretrained: &Encoder, share: f64) -> Network {
    network.encoder = blended(network.encoder, pretrained, 1.0 - share);
    network
}

/// Trains by `objective`; measured and kept is the encoder `(1 − share) θ⁰ + share θ`.
pub struct Interpolated<'a, O> {
    /// What is minimised.
    pub objective: O,
    /// θ⁰.
    pub pretrained: &'a Encoder,
    /// Share of the trained encoder, in [0, 1].
    pub share: f64,
}

impl<O: Objective> Objective for Interpolated<'_, O> {
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        self.objective.gradients(network, batch, step)
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        self.objective.record(means, record);
    }

    fn after_step(&mut self, network: Network, rate: f64) -> Network {
        self.objective.after_step(network, rate)
    }

    fn measured(&self, network: Network) -> Network {
        interpolated(network, self.pretrained, self.share)
    }

    fn state(&self) -> NamedTensors {
        self.objective.state()
    }

    fn restore(&mut self, state: NamedTensors, network: &Network) -> Result<(), TransferError> {
        self.objective.restore(state, network)
    }
}
