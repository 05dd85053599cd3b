//! Runs.
pub mod error;
pub mod folder;
pub mod table;
pub use error::RunError;
