//! Runs: a suite carried out in a folder, cell by cell, resumable, down to tables.

pub mod bounded;
pub mod cell;
pub mod checkpoint;
pub mod compare;
pub mod distance;
pub mod error;
mod exact;
pub mod folder;
pub mod look;
pub mod measures;
pub mod pipeline;
pub mod prepare;
pub mod record;
pub mod settings;
pub mod table;
pub mod tables;
pub mod watch;

pub use error::RunError;
pub use folder::RunFolder;
