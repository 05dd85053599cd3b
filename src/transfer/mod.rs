//! Transfer: the methods that carry a source model to a target, what they minimise, and the one training
//! loop. Without the cargo feature `train` the descriptors of methods alone: figures and reports name them.
//!
//! ```text
//! methods ──► stages ──► epochs ──► objectives ──► step
//! which       one        the one    what is        gradients of
//! method      transfer   loop       minimised      a batch
//! ```

#[cfg(feature = "train")]
mod average;
#[cfg(feature = "train")]
mod check;
#[cfg(feature = "train")]
pub mod epochs;
pub mod error;
#[cfg(feature = "train")]
mod grouped;
#[cfg(feature = "train")]
pub mod loss;
pub mod methods;
#[cfg(feature = "train")]
pub mod objectives;
#[cfg(feature = "train")]
pub mod optimiser;
#[cfg(feature = "train")]
pub mod readings;
#[cfg(feature = "train")]
pub mod records;
#[cfg(feature = "train")]
pub mod request;
#[cfg(feature = "train")]
pub mod schedule;
#[cfg(feature = "train")]
pub mod selftest;
#[cfg(feature = "train")]
pub mod snapshot;
#[cfg(feature = "train")]
pub mod stages;
#[cfg(feature = "train")]
pub mod step;
#[cfg(feature = "train")]
pub mod task;
pub mod task_groups;
#[cfg(feature = "train")]
pub mod task_loss;
#[cfg(feature = "train")]
pub mod towers;

pub use error::TransferError;
#[cfg(feature = "train")]
pub use task::Task;
#[cfg(feature = "train")]
pub use task_loss::{Targets, TaskLoss};

#[cfg(all(test, feature = "train"))]
mod keeping_tests;
#[cfg(all(test, feature = "train"))]
mod method_tests;
