//! Runs: a suite carried out in a folder, cell by cell, resumable, down to tables. Without the cargo feature
//! `train` there are the folder, its lock and its errors, which comparisons of encoders use.

#[cfg(feature = "train")]
pub mod captions;
#[cfg(feature = "train")]
pub mod cell;
#[cfg(feature = "train")]
pub mod checkpoint;
#[cfg(feature = "train")]
pub mod choice;
#[cfg(feature = "train")]
mod classes;
#[cfg(feature = "train")]
pub mod compare;
#[cfg(feature = "train")]
mod confusions;
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
pub mod grown;
mod holder;
#[cfg(feature = "train")]
pub mod interpolation;
#[cfg(feature = "train")]
pub mod job;
#[cfg(feature = "train")]
mod joint;
#[cfg(feature = "train")]
pub mod kept;
pub mod lock;
#[cfg(feature = "train")]
pub mod measures;
#[cfg(feature = "train")]
mod memory;
#[cfg(feature = "train")]
pub mod merge;
#[cfg(feature = "train")]
pub mod orderings;
#[cfg(feature = "train")]
pub mod origin;
#[cfg(feature = "train")]
pub mod pipeline;
#[cfg(feature = "train")]
pub mod plan;
#[cfg(feature = "train")]
pub mod prepare;
pub mod progress;
#[cfg(feature = "train")]
pub mod prune;
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
pub mod sweep;
#[cfg(feature = "train")]
pub mod tables;
#[cfg(feature = "train")]
mod tasks;
#[cfg(feature = "train")]
mod texts;
#[cfg(feature = "train")]
mod towers;
#[cfg(feature = "train")]
pub mod tracked;
#[cfg(feature = "train")]
pub mod tradeoff;
#[cfg(feature = "train")]
pub mod tuning;
#[cfg(feature = "train")]
pub mod verdicts;

pub use error::RunError;
pub use folder::RunFolder;
