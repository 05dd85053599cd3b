//! Data manifests and suites: the TOML files that name datasets, models and experiments, and the
//! vocabulary they are written in.

pub mod data;
pub mod dataset;
pub mod definition;
mod embedded;
pub mod error;
pub mod pairs;
pub mod parts;
pub mod preprocess;
pub mod pretraining;
pub mod stage1;
pub mod task;
pub mod training;
pub mod tuning;

pub use error::ManifestError;
