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
//! | [`cka`] | do two representations agree (biased and debiased)? | two features of the same samples |
//! | [`logme`] | how probable are labels under linear models? | features |
//! | [`hscore`] | how much of the features' variance is between classes? | features |
//! | [`leep`] | how probable are labels through source classes? | source probabilities, target labels |
//! | [`nce`] | how far do source labels determine target labels? | labels of both |
//! | [`modality_gap`] | how far apart are two sets on the sphere, in mean? | two sets of features |
//! | [`silhouette`] | is a sample nearer to its class than to the next? | features |
//! | [`paired`] | do two methods differ, beyond seeds and test samples? | errors of both |
//! | [`verdict`] | which of a page's differences are shown? | their p and intervals |
//!
//! Samples that belong together (windows of a clip, repetitions of a person) are told by [`Groups`]: splits,
//! shuffles, bootstraps and intervals then draw whole groups.
//!
//! All follow one pattern: parameters → `check()` → valid parameters → compute, so that only
//! valid settings can run. Whatever the input (NaN, one class, one sample, no sample, more
//! features than samples, constants), the answer is a typed result or a [`MeasureError`]; one
//! conformance suite runs over every measure. Results depend on input and seed alone, not on the
//! number of threads, except where a result says so.

pub mod blas;
pub mod cka;
pub mod discrepancy;
pub mod error;
pub mod flips;
pub mod geometry;
pub mod groups;
pub mod hscore;
pub mod knn;
pub mod leep;
pub mod logme;
pub mod metric;
pub mod modality_gap;
pub mod nce;
pub mod otdd;
pub mod paired;
pub mod pca;
pub mod probe;
pub mod product;
mod rows;
pub mod samples;
pub mod silhouette;
mod spectrum;
pub mod stats;
pub mod tail;
pub mod tsne;
pub mod verdict;
pub mod votes;

pub use error::MeasureError;
pub use groups::Groups;
pub use samples::{Real, Samples};

#[cfg(test)]
pub(crate) mod calibrate;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod yardsticks;
