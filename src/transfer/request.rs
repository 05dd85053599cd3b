//! What a transfer is asked for, and what a method does in one of its stages: what it minimises and which
//! parameters train.

use super::epochs::Trains;
use super::error::TransferError;
use super::objectives::Objective;
use super::objectives::source::SourceSampler;
use super::objectives::task::Supervised;
use super::step::Memory;
use super::task::Task;
use crate::dataset::{Dataset, Splits};
use crate::model::{Model, Target};
use crate::suite::definition::Transfer;
use std::sync::Arc;

/// One transfer of a source model to a target.
pub struct Request<'a> {
    /// All settings.
    pub settings: &'a Transfer,
    /// The pretrained model.
    pub source: &'a Model,
    /// What the target model is built for.
    pub target: &'a Target,
    /// What is minimised, and what judges.
    pub task: Task,
    /// The target's data, at the model's input size.
    pub splits: &'a Splits,
    /// Samples that stand for the source in stage 1, at the model's input size.
    pub source_set: Arc<dyn Dataset>,
    /// Seed of everything random.
    pub seed: u64,
}

/// What a method does in one stage.
pub struct Training<'a> {
    /// What is minimised.
    pub objective: Box<dyn Objective + 'a>,
    /// Which parameters train.
    pub trains: Trains,
    /// Number of samples of a step.
    pub batch: usize,
}

/// Every parameter.
pub fn everything(_: &str) -> bool {
    true
}

/// The embedder's parameters.
pub fn embedder(path: &str) -> bool {
    path.starts_with("embedder.")
}

/// The encoder's parameters.
pub fn encoder(path: &str) -> bool {
    path.starts_with("encoder.")
}

/// All parameters but the encoder's.
pub fn outside_encoder(path: &str) -> bool {
    !path.starts_with("encoder.")
}

impl Request<'_> {
    /// The task loss, with stochastic depth and dropout or without.
    pub fn supervised(&self, drops_paths: bool) -> Supervised {
        Supervised {
            loss: self.task.loss,
            truth: self.splits.train.target_shape(),
            memory: Memory::from(&self.settings.train),
            drops_paths,
        }
    }

    /// Everything trains on `objective`, in batches of stage 2's size.
    pub fn training<'o>(&self, objective: impl Objective + 'o) -> Training<'o> {
        Training {
            objective: Box::new(objective),
            trains: everything,
            batch: self.settings.train.batch,
        }
    }

    /// Balanced source batches of stage 1.
    ///
    /// # Errors
    /// [`TransferError::Setting`] where the source set has too few classes or samples.
    pub fn source_batches(&self) -> Result<SourceSampler, TransferError> {
        let stage1 = &self.settings.stage1;
        let set = self.source_set.clone();
        SourceSampler::new(set, stage1.source_batch, stage1.source_classes)
    }
}
