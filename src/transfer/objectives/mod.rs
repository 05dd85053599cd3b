//! What the stages of a transfer minimise: the task loss ([`task`]), the meta-objective of MoNA
//! ([`meta_step`], its outer loss in [`outer`], source batches in [`source`]) and the distance of
//! embedded datasets of ORCA ([`transport`]).

pub mod meta_step;
pub mod outer;
pub mod source;
pub mod task;
pub mod transport;

use super::error::TransferError;
use super::readings::{MOST, Reading};
use super::records::Stage1Record;
use crate::dataset::loader::Batch;
use crate::model::Network;
use burn::optim::GradientsParams;
use rand_chacha::ChaCha8Rng;

/// Where in its stage a step stands.
pub struct Step<'a> {
    /// Number of steps of the stage before it.
    pub number: usize,
    /// Random stream of the epoch: dropped paths.
    pub stream: &'a mut ChaCha8Rng,
}

/// What a stage minimises. A method that adds a term to another objective wraps it and adds to its
/// gradients.
pub trait Objective {
    /// What the step measured, the loss first, and the gradients at the parameters that it moves.
    /// `network` is tracked, and only the parameters that the stage trains ask for gradients.
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError>;

    /// Writes the means of an epoch's readings into its record of stage 1.
    fn record(&self, means: [f64; MOST], record: &mut Stage1Record);

    /// Changes the network after the optimiser's step.
    fn after_step(&mut self, network: Network) -> Network {
        network
    }
}
