//! Measures: numbers about features and probabilities, never about models.
//!
//! | Measure | Question | Takes |
//! |---|---|---|
//! | [`probe`] | do hyperplanes separate the classes? | train, validation and test features |
//! | [`geometry`] | are classes tight and features spread (alignment, uniformity)? | features |
//! | [`knn`] | do neighbours share a class? | train and test features |
//! | [`tsne`] | what does the neighbourhood structure look like? | features |
//! | [`otdd`] | how far must the source be moved to become the target? | source and target features |
//! | [`discrepancy`] | how well do source classes stand in for target classes? | source probabilities, target labels |
//! | [`metric`] | how well does a model do the target task? | predictions and targets |
//! | [`paired`] | do two methods differ, beyond seeds and test samples? | errors of both |
//!
//! All follow one pattern: parameters → `check()` → valid parameters → compute, so that only
//! valid settings can run. Whatever the input (NaN, one class, one sample, no sample, more
//! features than samples, constants), the answer is a typed result or a [`MeasureError`]; one
//! conformance suite runs over every measure. Results depend on input and seed alone, not on the
//! number of threads, except where a result says so.

pub mod blas;
pub mod discrepancy;
pub mod error;
pub mod geometry;
pub mod knn;
pub mod metric;
pub mod otdd;
pub mod paired;
pub mod pca;
pub mod probe;
pub mod product;
pub mod samples;
pub mod stats;
pub mod tsne;

pub use error::MeasureError;
pub use samples::{Real, Samples};

#[cfg(test)]
mod conformance;
