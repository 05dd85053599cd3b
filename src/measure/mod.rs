//! Measures: numbers about features and probabilities, never about models.
//!
//! | room | what | its list |
//! |---|---|---|
//! | [`encoder`] | measures of an encoder, from its features of labelled samples | [`encoder::ALL`] |
//! | [`transferability`] | scores of a target before any training | [`transferability::ALL`] |
//! | [`discrepancy`] | D: how well source classes stand in for target classes | |
//! | [`task`] | how well a model does the target task | [`task::ALL`] |
//! | [`towers`] | between an image tower and a text tower: gap, alignment, uniformity, zero-shot | [`towers::ALL`] |
//! | [`retrieval`] | images and their captions: recall at K, mR, ties | [`retrieval::ALL`] |
//! | [`tsne`] | maps of features | |
//! | [`stats`] | intervals, paired differences, verdicts | |
//! | [`sampling`] | samples that belong together: splits, shuffles, bootstraps of whole groups | |
//!
//! What is said of a number wherever it stands (name, title, unit, direction, range, citation) is its
//! descriptor's [`About`](about::About).
//!
//! Samples that belong together (windows of a clip, repetitions of a person) are told by [`Groups`]: splits,
//! shuffles, bootstraps and intervals then draw whole groups.
//!
//! All follow one pattern: parameters → `check()` → valid parameters → compute, so that only
//! valid settings can run. Whatever the input (NaN, one class, one sample, no sample, more
//! features than samples, constants), the answer is a typed result or a [`MeasureError`]; one
//! conformance suite runs over every measure. Results depend on input and seed alone, not on the
//! number of threads, except where a result says so.

pub mod about;
pub mod discrepancy;
pub mod encoder;
pub mod error;
pub mod interrupt;
mod linalg;
pub mod retrieval;
pub mod samples;
pub mod sampling;
pub mod stats;
pub mod task;
pub mod towers;
pub mod transferability;
pub mod tsne;

pub use encoder::{cka, geometry, hscore, knn, logme, probe, silhouette, votes};
pub use error::MeasureError;
pub use linalg::{blas, pca, product};
pub use samples::{Real, Samples};
pub use sampling::Groups;
pub use stats::{equal_target, flips, hypervolume, paired, tail, verdict};
pub use transferability::{leep, modality_gap, nce, otdd};

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod references;
#[cfg(test)]
mod scale;
#[cfg(test)]
pub(crate) use stats::calibrate;
