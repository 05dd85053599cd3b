//! Runs: a suite carried out in a folder, cell by cell, resumable, down to tables. Without the cargo feature
//! `train` there are the folder, its lock and its errors, which comparisons of encoders use.

#[cfg(feature = "train")]
pub mod cell;
#[cfg(feature = "train")]
pub mod checkpoint;
#[cfg(feature = "train")]
pub mod compare;
#[cfg(feature = "train")]
pub mod diff;
#[cfg(feature = "train")]
pub mod distance;
pub mod error;
#[cfg(feature = "train")]
pub mod evaluation;
#[cfg(feature = "train")]
pub mod failure;
pub mod folder;
#[cfg(feature = "train")]
pub mod kept;
pub mod lock;
#[cfg(feature = "train")]
pub mod measures;
#[cfg(feature = "train")]
mod memory;
#[cfg(feature = "train")]
pub mod origin;
#[cfg(feature = "train")]
pub mod pipeline;
#[cfg(feature = "train")]
pub mod prepare;
pub mod progress;
#[cfg(feature = "train")]
pub mod record;
#[cfg(feature = "train")]
pub mod results;
#[cfg(feature = "train")]
pub mod samples;
#[cfg(feature = "train")]
pub mod scores;
pub mod settings;
#[cfg(feature = "train")]
pub mod simulation;
#[cfg(feature = "train")]
pub mod stale;
#[cfg(feature = "train")]
pub mod survey;
#[cfg(feature = "train")]
pub mod tables;
#[cfg(feature = "train")]
pub mod verdicts;

pub use error::RunError;
pub use folder::RunFolder;
