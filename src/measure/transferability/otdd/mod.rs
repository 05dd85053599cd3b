//! Optimal Transport Dataset Distance: how far must one labelled set be moved to become another?
//!
//! Source: Alvarez-Melis & Fusi, *Geometric dataset distances via optimal transport*, NeurIPS 2020.
//! Samples carry their label as the distribution of its class: moving (x, y) to (x', y') costs
//! ½‖x − x'‖² + ½W²(y, y'), where W² is the **squared** 2-Wasserstein distance between the two
//! classes ([`Inner`]). This is the cost of the authors' code at p = 2, which is half of the
//! paper's d_X² + W₂²; the value reported here is likewise a cost, not its root, and √(2·value)
//! is the paper's distance. The value is a debiased Sinkhorn divergence,
//! OT_ε(α, β) − ½OT_ε(α, α) − ½OT_ε(β, β), with uniform weights: zero from a set to itself,
//! symmetric, and it says whether it converged.
//!
//! ORCA (Shen et al., ICML 2023) lowers it over the target's embedder: [`Source`] keeps what
//! never changes, [`Source::distance_and_gradient`] differentiates. ORCA goes through the target
//! class by class; a target with one class is a valid target, and gradients add up.
//!
//! For large sets [`OtddParams::max_per_class`] draws a sample of each class. The cost of N
//! against M samples is O(N·M) memory and O(N·M) an update, after one O(N·M·D) product; label
//! distances are O(min(n, D)²·D) for each pair of classes.

mod bures;
mod groups;
mod kernel;
mod labels;
mod points;
mod relaxation;
mod score;
mod sinkhorn;
mod source;

pub use score::OTDD;
pub use source::Source;

use serde::Serialize;

use crate::measure::MeasureError;
use sinkhorn::Settings;

/// What stands for a class, and so how far two classes are apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Inner {
    /// Its mean and covariance Σ (over n − 1): W² of Gaussians. Σ is shrunk to
    /// (1 − s)Σ + s (tr Σ/D) I; ranks do not matter, a class of one sample is a point.
    Gaussian {
        /// s in `[0, 1]`.
        shrinkage: f64,
    },
    /// Its points: W² is twice the debiased Sinkhorn divergence of cost ½‖x − x'‖² at ε = blur².
    /// The authors' code has cost ‖x − x'‖² and ε = 0.1, which is blur² = 0.05 here.
    Exact {
        /// √ε in units of the features.
        blur: f64,
    },
}

/// Settings of the distance, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct OtddParams(ValidOtddParams);

/// Checked settings; only these can run.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidOtddParams {
    inner: Inner,
    outer: Settings,
    label_gradient: bool,
    max_per_class: Option<usize>,
    seed: u64,
}

impl Default for OtddParams {
    fn default() -> Self {
        Self::new()
    }
}

impl OtddParams {
    /// Gaussian classes without shrinkage; ε = 0.1 as in ORCA, annealed by a scaling of 0.5, up to
    /// 1,000 further iterations to a marginal violation of 1e-6; gradients through label distances;
    /// all samples; seed 0.
    pub fn new() -> Self {
        Self(ValidOtddParams {
            inner: Inner::Gaussian { shrinkage: 0.0 },
            outer: Settings {
                blur: 0.1f64.sqrt(),
                scaling: 0.5,
                tolerance: 1e-6,
                iterations: 1000,
            },
            label_gradient: true,
            max_per_class: None,
            seed: 0,
        })
    }

    /// The distance between classes.
    pub fn inner(mut self, inner: Inner) -> Self {
        self.0.inner = inner;
        self
    }

    /// √ε of the transport between samples, in units of the features. Distances below it are
    /// blurred; the smaller it is against the distances, the more iterations are needed.
    pub fn blur(mut self, blur: f64) -> Self {
        self.0.outer.blur = blur;
        self
    }

    /// Ratio of successive √ε while annealing, for inner and outer transport; nearer to one is
    /// slower and starts the last ε better.
    pub fn scaling(mut self, scaling: f64) -> Self {
        self.0.outer.scaling = scaling;
        self
    }

    /// Largest L1 violation of a plan's marginals (of mass one) that counts as converged, for
    /// inner and outer transport.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.outer.tolerance = tolerance;
        self
    }

    /// Most iterations at the last ε after annealing, for inner and outer transport; with 0,
    /// plainly geomloss's, which anneals and stops.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.0.outer.iterations = iterations;
        self
    }

    /// Whether gradients go through the label distances too, or take them as constants.
    pub fn label_gradient(mut self, through: bool) -> Self {
        self.0.label_gradient = through;
        self
    }

    /// Draws at most so many samples of each class, without replacement and by the seed, on both
    /// sides; weights are uniform over what was drawn. The same samples draw the same, so that
    /// the distance of a set to itself stays zero.
    pub fn max_per_class(mut self, most: impl Into<Option<usize>>) -> Self {
        self.0.max_per_class = most.into();
        self
    }

    /// Seed of the draw.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for a blur outside of `[1e-100, 1e100]`, a scaling outside of
    /// `[0.01, 0.99]`, a tolerance that is not positive, a shrinkage outside of `[0, 1]`, or a draw
    /// of no sample.
    pub fn check(self) -> Result<ValidOtddParams, MeasureError> {
        let p = &self.0;
        let length = "a length between 1e-100 and 1e100";
        if !(1e-100..=1e100).contains(&p.outer.blur) {
            return Err(MeasureError::parameter("blur", length, p.outer.blur));
        }
        if !(0.01..=0.99).contains(&p.outer.scaling) {
            let expected = "a ratio between 0.01 and 0.99";
            return Err(MeasureError::parameter(
                "scaling",
                expected,
                p.outer.scaling,
            ));
        }
        if !(p.outer.tolerance > 0.0 && p.outer.tolerance.is_finite()) {
            let expected = "a positive number";
            return Err(MeasureError::parameter(
                "tolerance",
                expected,
                p.outer.tolerance,
            ));
        }
        match p.inner {
            Inner::Gaussian { shrinkage } if !(0.0..=1.0).contains(&shrinkage) => {
                let expected = "a share between 0 and 1";
                return Err(MeasureError::parameter("shrinkage", expected, shrinkage));
            }
            Inner::Exact { blur } if !(1e-100..=1e100).contains(&blur) => {
                return Err(MeasureError::parameter("inner blur", length, blur));
            }
            _ => {}
        }
        if p.max_per_class == Some(0) {
            return Err(MeasureError::parameter("max_per_class", "at least 1", 0));
        }
        Ok(self.0)
    }
}

/// The distance and how sure we are of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Otdd {
    /// OT_ε(α, β) − ½OT_ε(α, α) − ½OT_ε(β, β), in squared units of the features.
    pub value: f64,
    /// OT_ε(α, β): the entropic cost between the sets.
    pub transport: f64,
    /// OT_ε(α, α): of the source to itself.
    pub source_self: f64,
    /// OT_ε(β, β): of the target to itself.
    pub target_self: f64,
    /// Iterations of the slowest of the three problems, annealing among them.
    pub iterations: usize,
    /// Largest L1 violation of a marginal in the three plans (masses are one).
    pub marginal_violation: f64,
    /// The same over the transports between classes; zero for Gaussians.
    pub label_violation: f64,
    /// Whether every violation is within the tolerance. If not, the value is the dual's reading at
    /// potentials that are not optimal.
    pub converged: bool,
    /// Samples taken of source and target.
    pub samples: [usize; 2],
    /// Classes present in source and target.
    pub classes: [usize; 2],
    /// Wall-clock seconds of this distance, without the source's preparation.
    pub seconds: f64,
}

#[cfg(test)]
mod tests;
