//! Transfer: training loops, optimisers, and the methods that carry a source model to a target.

pub mod error;
mod grouped;
pub mod loss;
pub mod method;
pub mod mona;
pub mod optimiser;
pub mod orca;
pub mod outer;
mod readings;
pub mod schedule;
pub mod selftest;
pub mod snapshot;
pub mod source;
pub mod stage1;
pub mod step;
pub mod task;
pub mod task_loss;
pub mod train;

pub use error::TransferError;
pub use task::Task;
pub use task_loss::{Targets, TaskLoss};

#[cfg(test)]
mod method_tests;
