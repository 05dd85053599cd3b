//! What the stages of a transfer minimise: the task loss ([`task`]), the meta-objective of MoNA
//! ([`meta_step`], its outer losses in [`outer`] and [`probe`], source batches in [`source`]), the distances of
//! embedded datasets of ORCA ([`transport`], [`embedding`]), the intermediate modalities of PaRe ([`gradual`],
//! [`gate`], [`patches`]), what keeps knowledge by construction, the losses of image–text pairs ([`pairs`]), and their gradients
//! with one part of a batch in memory ([`cached`]).

pub mod beside;
pub mod cached;
pub mod distance;
pub mod embedding;
pub mod fisher;
pub mod gate;
pub mod gradual;
pub mod interpolation;
pub mod low_rank;
pub mod meta_step;
pub mod outer;
pub mod pairs;
pub mod patches;
pub mod penalty;
pub mod probe;
pub mod simulated;
pub mod source;
pub mod target;
pub mod task;
pub mod transport;
pub mod unrolled;

use super::error::TransferError;
use super::readings::{MOST, Reading};
use super::records::Stage1Record;
use super::snapshot::NamedTensors;
use crate::dataset::loader::Batch;
use crate::model::Network;
use burn::optim::GradientsParams;
use rand_chacha::ChaCha8Rng;

/// Where in its stage a step stands.
pub struct Step<'a> {
    /// Number of steps of the stage before it.
    pub number: usize,
    /// Learning rate of the step.
    pub rate: f64,
    /// Random stream of the epoch: dropped paths.
    pub stream: &'a mut ChaCha8Rng,
}

/// What a stage minimises over batches `B` by the parameters of a module `M`. A method that adds a term to another
/// objective wraps it and adds to its gradients.
pub trait Objective<M = Network, B = Batch> {
    /// What the step measured, the loss first, and the gradients at the parameters that it moves.
    /// `network` is tracked, and only the parameters that the stage trains ask for gradients.
    fn gradients(
        &mut self,
        network: &M,
        batch: B,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError>;

    /// Writes the means of an epoch's readings into its record of stage 1.
    fn record(&self, means: [f64; MOST], record: &mut Stage1Record);

    /// Changes the network after the optimiser's step, which had the learning rate `rate`.
    fn after_step(&mut self, network: M, rate: f64) -> M {
        let _ = rate;
        network
    }

    /// The network that is measured and kept, of the network that trains.
    fn measured(&self, network: M) -> M {
        network
    }

    /// What the objective keeps between steps, for a snapshot.
    fn state(&self) -> NamedTensors {
        NamedTensors::new()
    }

    /// Resumes from what [`state`](Self::state) gave; `network` is the network of the snapshot.
    ///
    /// # Errors
    /// State that does not fit the network.
    fn restore(&mut self, state: NamedTensors, network: &M) -> Result<(), TransferError> {
        let _ = (state, network);
        Ok(())
    }
}
