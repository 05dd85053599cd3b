//! Modality knowledge discrepancy: how well do source classes stand in for target classes?
//!
//! D(Ms, Mt) = inf over π, B of d(P(Y^s_{π,B} | X̂), P(Y^t | X̂)) (Ma et al., ICML 2024, definition
//! of the discrepancy): samples x̂ of the shared input space are classified by the source model,
//! and the best injective assignment a of target to source classes is sought. For the default
//! divergence the value is mean over i of 1 − p_{a(yᵢ)}(x̂ᵢ). The paper approximates the infimum;
//! for additive divergences ([`Divergence`]) it is found exactly here ([`search`]).
//!
//! Two ways in: [`discrepancy`] holds the probabilities (thousands of samples, hundreds of source
//! classes) and adds statistics that need to see samples twice: a held-out value, a bootstrap
//! interval and a null by shuffled targets. [`CostAccumulator`] takes a stream of any length and
//! width and keeps only the cost matrix.

pub mod cost;
pub mod divergence;
mod resample;
pub mod search;

pub use cost::CostAccumulator;
pub use divergence::Divergence;
pub use resample::Target;
pub use search::{Assignment, Search, assign};

use ndarray::ArrayView2;
use serde::Serialize;

use super::MeasureError;
use super::samples::Real;

/// Settings of the discrepancy, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscrepancyParams(ValidDiscrepancyParams);

/// Checked settings; only these can run.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidDiscrepancyParams {
    divergence: Divergence,
    search: Search,
    holdout: Option<f64>,
    null: usize,
    bootstrap: usize,
    seed: u64,
}

impl Default for DiscrepancyParams {
    fn default() -> Self {
        Self::new()
    }
}

impl DiscrepancyParams {
    /// Expected error, exact search, fitted and evaluated on all samples, 200 shuffles for the
    /// null, 1,000 bootstrap resamples, seed 0.
    pub fn new() -> Self {
        Self(ValidDiscrepancyParams {
            divergence: Divergence::Error,
            search: Search::Exact,
            holdout: None,
            null: 200,
            bootstrap: 1000,
            seed: 0,
        })
    }

    /// The divergence between conditionals.
    pub fn divergence(mut self, divergence: Divergence) -> Self {
        self.0.divergence = divergence;
        self
    }

    /// How the assignment is searched.
    pub fn search(mut self, search: Search) -> Self {
        self.0.search = search;
        self
    }

    /// Chooses the assignment on one part of the samples and evaluates it on the held-out share
    /// (0.5 in our pipeline), class by class. Choosing among many source classes and evaluating
    /// on the same samples is optimistic.
    pub fn holdout(mut self, share: impl Into<Option<f64>>) -> Self {
        self.0.holdout = share.into();
        self
    }

    /// Shuffles of the targets for the null; 0 for none.
    pub fn null(mut self, shuffles: usize) -> Self {
        self.0.null = shuffles;
        self
    }

    /// Bootstrap resamples for the interval; 0 for none.
    pub fn bootstrap(mut self, resamples: usize) -> Self {
        self.0.bootstrap = resamples;
        self
    }

    /// Seed of split, shuffles and resamples.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for a held-out share outside of (0, 1).
    pub fn check(self) -> Result<ValidDiscrepancyParams, MeasureError> {
        match self.0.holdout {
            Some(share) if !(share > 0.0 && share < 1.0) => Err(MeasureError::parameter(
                "holdout",
                "a share between 0 and 1",
                share,
            )),
            _ => Ok(self.0),
        }
    }
}

/// The discrepancy and how sure we are of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Discrepancy {
    /// Mean cost of the assignment on the evaluated samples.
    pub value: f64,
    /// Mean cost of the assignment on the samples it was chosen on; `value` without a held-out part.
    pub fit_value: f64,
    /// Proven lower bound of `fit_value` over all assignments.
    pub lower_bound: f64,
    /// `fit_value − lower_bound`.
    pub gap: f64,
    /// Whether the assignment is proven optimal on the samples it was chosen on.
    pub certified: bool,
    /// The source class of each target class; `None` for a target class without a sample, which
    /// is left out of the search.
    pub assignment: Vec<Option<usize>>,
    /// Mean of `value` over shuffled targets, each searched and evaluated anew.
    pub null_mean: Option<f64>,
    /// 2.5 % and 97.5 % quantiles of the same.
    pub null_interval: Option<[f64; 2]>,
    /// Expected cost of an assignment drawn at random, on the evaluated samples; 1 − 1/Ks for the
    /// expected error.
    pub chance: f64,
    /// `value / null_mean`: 1 if the source knows nothing of the target, 0 for a perfect fit.
    pub normalized: Option<f64>,
    /// 95 % bootstrap interval of `value`, over evaluated samples, for the assignment found.
    pub interval: Option<[f64; 2]>,
    /// The divergence.
    pub divergence: Divergence,
    /// The search.
    pub search: Search,
    /// The held-out share, if any.
    pub holdout: Option<f64>,
    /// How many samples `value` is a mean over.
    pub samples: usize,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// The discrepancy of source probabilities `[N, Ks]` from the target, with labels `[N]` in
/// `0..classes` or conditionals `[N, Kt]`. Memory O(N·Ks); results depend on the seed alone.
///
/// # Errors
/// [`MeasureError::TooMany`] for more target than source classes, [`MeasureError::TooFew`] without
/// a sample (or without one to hold out), [`MeasureError::Shape`], [`MeasureError::Label`],
/// [`MeasureError::NotFinite`] and [`MeasureError::Probability`] for faulty inputs.
pub fn discrepancy<A: Real>(
    probabilities: ArrayView2<'_, A>,
    target: Target<'_>,
    params: &ValidDiscrepancyParams,
) -> Result<Discrepancy, MeasureError> {
    resample::run(probabilities, target, params)
}

#[cfg(test)]
mod tests;
