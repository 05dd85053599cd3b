//! Runs: a suite carried out in a folder, cell by cell, resumable, down to tables.

pub mod answer;
pub mod bounded;
pub mod cell;
pub mod checkpoint;
pub mod compare;
pub mod diff;
pub mod distance;
pub mod error;
pub mod failure;
pub mod folder;
pub mod lock;
pub mod look;
pub mod measures;
mod memory;
pub mod origin;
pub mod pipeline;
pub mod prepare;
mod raw_table;
pub mod record;
pub mod samples;
pub mod settings;
pub mod sides;
pub mod survey;
pub mod table;
pub mod table_diff;
#[cfg(test)]
mod table_diff_tests;
pub mod tables;
pub mod verdicts;
pub mod watch;
pub mod yardsticks;

pub use error::RunError;
pub use folder::RunFolder;
