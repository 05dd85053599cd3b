//! Datasets: from files or a seed to samples `C × H × W` with class labels.
//!
//! Everything downstream sees the [`Dataset`] trait alone: a sample is read by index into a
//! caller's buffer, so training and extraction stream and no copy of a whole set is made. A
//! reader (CIFAR, EMG, sounds, the procedural demo domain) turns a manifest entry into three
//! [`Splits`].

pub mod error;
pub mod loader;

pub use error::DatasetError;

use std::sync::Arc;

/// A labelled set of fixed-shape samples, read by index.
pub trait Dataset: Send + Sync {
    /// Shape of every sample: channels, height, width.
    fn shape(&self) -> [usize; 3];

    /// Class names; labels index this list.
    fn classes(&self) -> &[String];

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether the set holds no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Label of sample `index`, in `0..classes().len()`.
    fn label(&self, index: usize) -> usize;

    /// Writes sample `index` into `out` (length `C·H·W`, row-major), already normalised.
    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError>;
}

/// The three parts of a dataset. No sample stands in two of them.
#[derive(Clone)]
pub struct Splits {
    /// For fitting.
    pub train: Arc<dyn Dataset>,
    /// For every choice (epochs, C, early stopping).
    pub valid: Arc<dyn Dataset>,
    /// For reported numbers alone.
    pub test: Arc<dyn Dataset>,
}
