//! Runs: a suite carried out in a folder, cell by cell, resumable, down to tables.

pub mod cell;
pub mod checkpoint;
pub mod error;
pub mod folder;
pub mod measures;
pub mod pipeline;
pub mod record;
pub mod table;
pub mod watch;

pub use error::RunError;
pub use folder::RunFolder;
