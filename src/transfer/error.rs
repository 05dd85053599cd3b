//! What can go wrong while a model is trained.

use crate::dataset::DatasetError;
#[cfg(feature = "train")]
use crate::feature::FeatureError;
use crate::measure::MeasureError;
#[cfg(feature = "train")]
use crate::model::ModelError;

/// An error of the transfer room.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Data could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A model could not be built, read or written.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Vectors of a set could not be made.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// A measure that training follows, or that judges it, refused its input.
    #[error("measuring while training: {0}")]
    Measure(#[from] MeasureError),
    /// A setting that training cannot run with.
    #[error("training setting {setting}: expected {expected}, found {found}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// What is possible.
        expected: String,
        /// What was asked.
        found: String,
    },
    /// The method is not defined for such a target.
    #[error("method {method} is not defined for this target: {why}")]
    Undefined {
        /// The method's name.
        method: &'static str,
        /// Why.
        why: String,
    },
    /// The targets of a batch suit neither the loss nor the outputs.
    #[error("targets of {loss}: expected {expected}, found {found}")]
    Targets {
        /// The loss's name.
        loss: &'static str,
        /// What it takes.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The loss stopped being a number; parameters of that step are not kept.
    #[error(
        "the loss became {loss} in epoch {epoch}, step {step}; lower the learning rate or set a gradient clip"
    )]
    Diverged {
        /// Epoch from 1.
        epoch: usize,
        /// Step within the epoch, from 1.
        step: usize,
        /// The value found.
        loss: f64,
    },
    /// A snapshot could not be kept.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: std::path::PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}
