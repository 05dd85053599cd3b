//! Where a transfer stands after an epoch: everything that the rest of it depends on. Random
//! streams and the order of samples follow from seed, stage and epoch, so parameters, moments and
//! counts are all; a transfer that goes on from a snapshot ends in the same bits as one that was
//! never interrupted.

use super::error::TransferError;
use super::stage1::Stage1Record;
use super::train::EpochRecord;
use crate::model::Network;
use burn::tensor::TensorData;
use std::collections::BTreeMap;

/// Parameters (or moments) by path.
pub type State = BTreeMap<String, TensorData>;

/// The state of a transfer between two epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// 1 while the embedder trains, 2 in the fine-tuning.
    pub stage: u8,
    /// Epochs of that stage that are done.
    pub epoch: usize,
    /// Parameters of the network.
    pub network: State,
    /// Moments of the optimiser.
    pub moments: State,
    /// Steps that the optimiser has taken.
    pub steps: i32,
    /// Parameters of the selected epoch so far, if it is not the last.
    pub best: Option<State>,
    /// Which epoch is selected so far.
    pub selected: usize,
    /// Every epoch of stage 1.
    pub first: Vec<Stage1Record>,
    /// Every epoch of stage 2.
    pub course: Vec<EpochRecord>,
}

/// Keeps snapshots somewhere.
pub trait Keeper {
    /// The newest complete snapshot of this transfer, if there is one.
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError>;

    /// Keeps a snapshot in place of older ones.
    fn save(&mut self, snapshot: &Snapshot) -> Result<(), TransferError>;

    /// Hears of the network after an epoch of stage 2, and of the one before the first (epoch 0).
    fn epoch(&mut self, epoch: usize, network: &Network) -> Result<(), TransferError>;
}

/// Keeps nothing.
pub struct Forgetful;

impl Keeper for Forgetful {
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError> {
        Ok(None)
    }

    fn save(&mut self, _: &Snapshot) -> Result<(), TransferError> {
        Ok(())
    }

    fn epoch(&mut self, _: usize, _: &Network) -> Result<(), TransferError> {
        Ok(())
    }
}
