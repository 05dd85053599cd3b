//! Modality knowledge discrepancy: how well do source classes stand in for target classes?
//!
//! D(Ms, Mt) = inf over π, B of d(P(Y^s_{π,B} | X̂), P(Y^t | X̂)) (Ma et al., ICML 2024, definition
//! of the discrepancy): samples x̂ of the shared input space are classified by the source model,
//! and the best injective assignment a of target to source classes is sought. For the default
//! divergence the value is mean over i of 1 − p_{a(yᵢ)}(x̂ᵢ). The paper approximates the infimum.
//!
//! | divergence d | the infimum | modules |
//! |---|---|---|
//! | additive ([`Divergence`]) | exact, by one linear assignment problem, proven by its duals | [`search`], [`lap`] |
//! | renormalised over B, the literal definition | local search, then branch and bound: value, lower bound, gap, certified or not | `coupled`, `bound`, `branch` |
//!
//! Rows of probabilities come block by block ([`Rows`]): [`discrepancy`] takes a matrix in memory,
//! [`discrepancy_of`] anything that can be read in blocks, such as a file of 21,841 columns that is never
//! held whole. Both are the same path. Held-out value, bootstrap interval, null by shuffled targets and
//! chance level come with it, for targets of one class, of several, or of distributions ([`Target`]).

mod additive;
mod bound;
mod branch;
mod cost;
mod couple;
mod coupled;
pub mod divergence;
pub mod lap;
mod problem;
mod run;
pub mod search;
mod simd;
pub mod stream;
mod target;

pub use divergence::Divergence;
pub use search::{Assignment, Search, assign};
pub use stream::{Rows, Sums};
pub use target::Target;

use ndarray::{Array2, ArrayView2};
use serde::Serialize;

/// Source classes that are shown beside the matched ones.
const OTHERS: usize = 8;

/// The source classes beside which a matching is shown, given their mean probabilities `[Kt, Ks]` over the
/// samples of each target class: the matched ones in the order of target classes, then the strongest others.
pub fn strongest(means: &Array2<f64>, assignment: &[Option<usize>]) -> Vec<usize> {
    let mut shown: Vec<usize> = assignment.iter().flatten().copied().collect();
    let highest = |k: &usize| means.column(*k).fold(0.0f64, |a, &b| a.max(b));
    let mut others: Vec<usize> = (0..means.ncols()).filter(|k| !shown.contains(k)).collect();
    others.sort_by(|a, b| highest(b).total_cmp(&highest(a)).then(a.cmp(b)));
    others.truncate(OTHERS);
    shown.extend(others);
    shown
}

use super::samples::Real;
use super::{Groups, MeasureError};

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
    sums: Sums,
    memory: usize,
    nodes: Option<usize>,
}

impl Default for DiscrepancyParams {
    fn default() -> Self {
        Self::new()
    }
}

impl DiscrepancyParams {
    /// Expected error, exact search, fitted and evaluated on all samples, 200 shuffles for the
    /// null, 1,000 bootstrap resamples, seed 0; rows may sum to less than one; 192 MiB for sums.
    pub fn new() -> Self {
        Self(ValidDiscrepancyParams {
            divergence: Divergence::Error,
            search: Search::Exact,
            holdout: None,
            null: 200,
            bootstrap: 1000,
            seed: 0,
            sums: Sums::AtMostOne,
            memory: 192 << 20,
            nodes: None,
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

    /// Bootstrap resamples for the interval; 0 for none, and none without a held-out part.
    pub fn bootstrap(mut self, resamples: usize) -> Self {
        self.0.bootstrap = resamples;
        self
    }

    /// Seed of split, shuffles and resamples.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// What rows of source probabilities must sum to.
    pub fn sums(mut self, sums: Sums) -> Self {
        self.0.sums = sums;
        self
    }

    /// Bytes for what grows with the number of source classes: sums of shuffled targets, or the columns
    /// that a renormalised divergence looks at. With additive divergences it changes the time and
    /// never the result.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.0.memory = bytes;
        self
    }

    /// Nodes of branch and bound before it gives up (renormalised divergences, exact search); by
    /// default as many as the size of the problem suggests, and all where there are few subsets
    /// (six of twenty classes).
    pub fn nodes(mut self, nodes: impl Into<Option<usize>>) -> Self {
        self.0.nodes = nodes.into();
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
    /// Proven lower bound of `fit_value` over all assignments (to a relative 1e-9).
    pub lower_bound: f64,
    /// `fit_value − lower_bound`.
    pub gap: f64,
    /// Whether the assignment is proven optimal on the samples it was chosen on.
    pub certified: bool,
    /// The source class of each target class; `None` for a target class without a sample, which
    /// is left out of the search.
    pub assignment: Vec<Option<usize>>,
    /// Mean of `value` over shuffled targets, each searched and evaluated anew (renormalised
    /// divergences: by the local search, also where the observed targets are searched exactly).
    pub null_mean: Option<f64>,
    /// 2.5 % and 97.5 % quantiles of the same.
    pub null_interval: Option<[f64; 2]>,
    /// Expected cost of an assignment drawn at random, on the evaluated samples; 1 − 1/Ks for the
    /// expected error. For a renormalised divergence the cost of holding all target classes for
    /// equally probable, log K for the likelihood.
    pub chance: f64,
    /// `value / null_mean`: 1 if the source knows nothing of the target, 0 for a perfect fit.
    pub normalized: Option<f64>,
    /// 95 % bootstrap interval of what the assignment found costs on new samples, over evaluated
    /// samples or groups. That cost is an upper bound of D on average, so this is no interval of
    /// the infimum. `None` without a held-out part: the samples that an assignment was chosen on say
    /// too little of its cost on others (with 200 source classes such an interval covers it in
    /// 1 % of cases).
    pub interval: Option<[f64; 2]>,
    /// 95 % interval of the infimum itself, conservative: below, the least mean cost of all samples
    /// less 97.5 % noise (a minimum of means is low on average); above, `value` with 97.5 % noise
    /// (the cost of a given assignment on samples that it was not chosen on). `None` without a
    /// held-out part or a bootstrap, and for renormalised divergences.
    pub infimum_interval: Option<[f64; 2]>,
    /// The divergence.
    pub divergence: Divergence,
    /// The search.
    pub search: Search,
    /// The held-out share, if any.
    pub holdout: Option<f64>,
    /// How many samples `value` is a mean over: pairs of a sample and a class of
    /// [`Target::MultiHot`].
    pub samples: usize,
    /// Groups of all samples; as many as samples where each is a group of its own.
    pub groups: usize,
    /// Groups of the class that has fewest. Where it is small, few groups carry the result.
    pub groups_per_class: usize,
    /// Source classes that were looked at, where that is not all of them.
    pub candidates: Option<Candidates>,
    /// Nodes of branch and bound.
    pub nodes: usize,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// A choice of source classes that a renormalised divergence was searched among.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Candidates {
    /// How many.
    pub classes: usize,
    /// Proven lower bound of `fit_value` over assignments to these alone.
    pub lower_bound: f64,
}

/// The discrepancy of source probabilities `[N, Ks]` in memory from the target. Results depend on the
/// seed alone.
///
/// ```
/// use modalign::measure::discrepancy::{DiscrepancyParams, Target, discrepancy};
/// use ndarray::array;
///
/// // What a source model of three classes says of four samples of two target classes.
/// let p = array![[0.7, 0.2, 0.1], [0.8, 0.1, 0.1], [0.1, 0.3, 0.6], [0.2, 0.2, 0.6]];
/// let target = Target::Labels { labels: &[0, 0, 1, 1], classes: 2 };
/// let params = DiscrepancyParams::new().null(0).check()?;
/// let found = discrepancy(p.view(), target, &params)?;
/// // Source classes 0 and 2 stand in for the two, at errors of 0.25 and 0.4.
/// assert_eq!(found.assignment, [Some(0), Some(2)]);
/// assert!((found.value - 0.325).abs() < 1e-12 && found.certified);
/// # Ok::<(), modalign::measure::MeasureError>(())
/// ```
///
/// # Errors
/// [`MeasureError::TooMany`] for more target than source classes, [`MeasureError::TooFew`] without
/// a sample (or without one to hold out), [`MeasureError::Shape`], [`MeasureError::Label`],
/// [`MeasureError::Binary`], [`MeasureError::NotFinite`], [`MeasureError::Unit`] and
/// [`MeasureError::Sum`] for faulty inputs.
pub fn discrepancy<A: Real>(
    probabilities: ArrayView2<'_, A>,
    target: Target<'_>,
    params: &ValidDiscrepancyParams,
) -> Result<Discrepancy, MeasureError> {
    discrepancy_of(&probabilities, target, params)
}

/// The same for rows that are read in blocks: once for an additive divergence and its null as far
/// as the memory allows, again for more of the null, and single numbers for the bootstrap.
///
/// # Errors
/// As [`discrepancy`], and [`MeasureError::Read`].
pub fn discrepancy_of<R: Rows>(
    probabilities: &R,
    target: Target<'_>,
    params: &ValidDiscrepancyParams,
) -> Result<Discrepancy, MeasureError> {
    let groups = Groups::singletons(probabilities.dim().0);
    run::run(probabilities, target, &groups, params)
}

/// The same for samples that belong together, such as the windows of a clip: the held-out part is
/// whole groups of every class, the null exchanges labels between whole groups
/// ([`Groups::shuffled`]), the bootstrap draws groups. By windows the same clip would choose and test
/// the assignment, and D would be less than its null where labels say nothing.
///
/// # Errors
/// As [`discrepancy_of`]; [`MeasureError::Shape`] for as many groups' samples as there are not, and
/// [`MeasureError::Groups`] for a class of [`Target::Labels`] that has a single group, where some
/// are to be held out. A class of [`Target::MultiHot`] with one group is fitted and not evaluated;
/// [`Discrepancy::groups_per_class`] is then one.
pub fn discrepancy_by<R: Rows>(
    probabilities: &R,
    target: Target<'_>,
    groups: &Groups,
    params: &ValidDiscrepancyParams,
) -> Result<Discrepancy, MeasureError> {
    run::run(probabilities, target, groups, params)
}

/// Probabilities of logits `[N, Ks]`: the softmax of each row, in place.
pub fn softmax(mut logits: Array2<f64>) -> Array2<f64> {
    for mut row in logits.outer_iter_mut() {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.mapv_inplace(|v| (v - most).exp());
        let sum = row.sum();
        row.mapv_inplace(|v| v / sum);
    }
    logits
}

/// Mean source probabilities of each target class's samples `[Kt, Ks]`, over all samples; zero for a
/// class without any.
///
/// # Errors
/// As [`discrepancy_of`].
pub fn mean_probabilities<R: Rows>(
    probabilities: &R,
    target: Target<'_>,
    params: &ValidDiscrepancyParams,
) -> Result<Array2<f64>, MeasureError> {
    run::means(probabilities, target, params)
}

#[cfg(test)]
mod grouped;
#[cfg(test)]
mod renormalized;
#[cfg(test)]
mod tests;
