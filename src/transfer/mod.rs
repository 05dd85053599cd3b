//! Transfer: the methods that carry a source model to a target, what they minimise, and the one training
//! loop.
//!
//! ```text
//! methods ──► stages ──► epochs ──► objectives ──► step
//! which       one        the one    what is        gradients of
//! method      transfer   loop       minimised      a batch
//! ```

mod average;
mod check;
pub mod epochs;
pub mod error;
mod grouped;
pub mod loss;
pub mod methods;
pub mod objectives;
pub mod optimiser;
pub mod readings;
pub mod records;
pub mod schedule;
pub mod selftest;
pub mod snapshot;
pub mod stages;
pub mod step;
pub mod task;
pub mod task_loss;

pub use error::TransferError;
pub use task::Task;
pub use task_loss::{Targets, TaskLoss};

#[cfg(test)]
mod method_tests;
