//! Snapshots: the whole state of a transfer between two epochs. Random streams and the order of
//! samples follow from seed, stage and epoch, so parameters, moments and counts are enough: a
//! transfer that resumes from a snapshot ends in the same bits as one that was never interrupted.

use super::error::TransferError;
use super::records::{EpochRecord, Stage1Record};
use crate::model::Network;
use burn::tensor::TensorData;
use std::collections::BTreeMap;

/// Parameters (or moments of an optimiser) by path.
pub type NamedTensors = BTreeMap<String, TensorData>;

/// The tensors whose names begin with `prefix`, without it.
pub fn under(tensors: &NamedTensors, prefix: &str) -> NamedTensors {
    let named = |(name, data): (&String, &TensorData)| {
        Some((name.strip_prefix(prefix)?.to_string(), data.clone()))
    };
    tensors.iter().filter_map(named).collect()
}

/// The first entry of the tensor called `name`.
pub fn number(tensors: &NamedTensors, name: &str) -> Option<f64> {
    tensors.get(name)?.iter::<f64>().next()
}

/// The state of a transfer between two epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// 1 or 2.
    pub stage: u8,
    /// Number of epochs of that stage that are done.
    pub epoch: usize,
    /// Parameters of the module that trains.
    pub network: NamedTensors,
    /// Their moving average, where one is kept.
    pub average: Option<NamedTensors>,
    /// What the objective keeps between steps.
    pub objective: NamedTensors,
    /// Moments of the optimiser.
    pub moments: NamedTensors,
    /// Number of steps that the optimiser has taken.
    pub steps: i32,
    /// Parameters of the selected epoch so far, if it is not the last.
    pub best: Option<NamedTensors>,
    /// The selected epoch so far; 0 in stage 1.
    pub selected: usize,
    /// Every epoch of stage 1.
    pub first: Vec<Stage1Record>,
    /// Every epoch of stage 2.
    pub course: Vec<EpochRecord>,
}

/// Saves and loads snapshots of the training of a module.
pub trait Checkpointer<M = Network> {
    /// The newest complete snapshot of this transfer, if there is one.
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError>;

    /// Saves a snapshot in place of older ones.
    fn save(&mut self, snapshot: &Snapshot) -> Result<(), TransferError>;

    /// Receives the module after every epoch of stage 2, and before the first (epoch 0).
    fn epoch(&mut self, epoch: usize, module: &M) -> Result<(), TransferError>;
}

/// Saves nothing.
pub struct NoCheckpoints;

impl<M> Checkpointer<M> for NoCheckpoints {
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError> {
        Ok(None)
    }

    fn save(&mut self, _: &Snapshot) -> Result<(), TransferError> {
        Ok(())
    }

    fn epoch(&mut self, _: usize, _: &M) -> Result<(), TransferError> {
        Ok(())
    }
}
