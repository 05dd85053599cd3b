//! Features: what a frozen encoder says about samples, as one matrix with labels.
//!
//! [`FeatureSet`] is the only thing that passes from models to measures: a checked `[N, D]`
//! matrix, a class label for every row and the names of the classes. [`mod@file`] exchanges such
//! sets as `.safetensors` and `.npz`, so that features made elsewhere can be measured here.

pub mod error;
#[cfg(feature = "train")]
pub mod extract;
pub mod file;
pub mod layers;
#[cfg(feature = "train")]
pub mod outputs;
pub mod projector;
pub mod set;
pub mod texts;
#[cfg(feature = "train")]
pub mod towers;

pub use error::FeatureError;
#[cfg(feature = "train")]
pub use extract::samples_at_once;
pub use set::FeatureSet;
pub use texts::{TextFeatures, TextsOf};
