//! Runs: a suite carried out in a folder, cell by cell, resumable, down to tables. Without the cargo feature
//! `train` there are comparisons of encoders alone.

#[cfg(feature = "train")]
pub mod answer;
pub mod bounded;
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
pub mod failure;
pub mod folder;
pub mod lock;
#[cfg(feature = "train")]
pub mod look;
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
#[cfg(feature = "train")]
mod raw_table;
#[cfg(feature = "train")]
pub mod record;
#[cfg(feature = "train")]
pub mod samples;
pub mod settings;
pub mod sides;
#[cfg(feature = "train")]
pub mod survey;
pub mod table;
#[cfg(feature = "train")]
pub mod table_diff;
#[cfg(all(test, feature = "train"))]
mod table_diff_tests;
#[cfg(feature = "train")]
pub mod tables;
#[cfg(feature = "train")]
pub mod verdicts;
pub mod watch;
#[cfg(feature = "train")]
pub mod yardsticks;

pub use error::RunError;
pub use folder::RunFolder;
