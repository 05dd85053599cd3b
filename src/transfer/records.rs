//! What an epoch of either stage records. The same structs stand in snapshots, in `cell.json` and in
//! `metrics.jsonl`.

use serde::{Deserialize, Serialize};

/// One epoch of stage 1: means over its steps. `None` where the method does not compute a value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage1Record {
    /// From 1.
    pub epoch: usize,
    /// Task loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<f64>,
    /// Alignment of source features after the simulated step, in [0, 4].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub align: Option<f64>,
    /// Uniformity of the same features, in [−8, 0].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uniform: Option<f64>,
    /// Norm of the outer loss's part of the embedder's gradient, divided by the norm of the task
    /// loss's part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer_share: Option<f64>,
    /// Weight of the outer loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda: Option<f64>,
    /// Optimal transport dataset distance between embedded source and embedded target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otdd: Option<f64>,
    /// Share of those distances that converged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converged: Option<f64>,
    /// Distance between embedded source and embedded target by a method that takes another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// The outer loss after the simulated steps, without its weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<f64>,
    /// Seconds since stage 1 began.
    pub seconds: f64,
}

/// One epoch of stage 2, or of pretraining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1; 0 is the state before training.
    pub epoch: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// The task's metric on the validation part.
    #[serde(alias = "valid_error")]
    pub valid: f64,
    /// The task's metric on the test part, only where the test part selects the epoch.
    #[serde(alias = "test_error", default, skip_serializing_if = "Option::is_none")]
    pub test: Option<f64>,
    /// Seconds since stage 2 began.
    pub seconds: f64,
}
