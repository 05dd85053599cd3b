//! Settings of stage 1, in which a method prepares the target model (most methods: its embedder) before
//! stage 2 fine-tunes it. They are the same for every method that has a stage 1.

use serde::{Deserialize, Serialize};

/// Stage 1: the embedder's own training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stage1 {
    /// Passes over the training part.
    pub epochs: usize,
    /// What an epoch is for a method whose batches have another size than stage 2's (`orca`).
    pub budget: Budget,
    /// Learning rate, constant. 0 = ten times stage 2's (ORCA's choice).
    pub learning_rate: f64,
    /// Bound on the global gradient norm; 0 = none.
    pub clip: f64,
    /// Whether the predictor trains along with the embedder, on the task loss (`emb`, `mona`).
    pub train_predictor: bool,
    /// Which samples stand for the source (`orca`, `mona`).
    pub source: SourceData,
    /// Samples of a source batch.
    pub source_batch: usize,
    /// Classes of a source batch; every one has equally many samples, so that pairs of one class
    /// exist. 0 = all.
    pub source_classes: usize,
}

impl Default for Stage1 {
    fn default() -> Self {
        Self {
            epochs: 3,
            budget: Budget::Steps,
            learning_rate: 0.0,
            clip: 1.0,
            train_predictor: true,
            source: SourceData::Surrogate,
            source_batch: 64,
            source_classes: 0,
        }
    }
}

/// What an epoch of stage 1 is for a method whose batches have another size than stage 2's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// As many steps as the other methods take, over as many passes as these need.
    #[default]
    Steps,
    /// One pass, of whole batches: fewer steps, and in small sets samples that no step of the epoch
    /// sees.
    Passes,
}

/// Which samples stand for the source in stage 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceData {
    /// The training part of the surrogate, as the papers do; its test part measures.
    #[default]
    Surrogate,
    /// The training part of what the source model was pretrained on.
    Pretraining,
}
