//! Settings of t-SNE: which engine, and how far and how finely it goes.

use serde::{Deserialize, Serialize};

use crate::measure::MeasureError;

/// What moves the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Engine {
    /// [`Engine::Exact`] up to [`EXACT_LIMIT`] samples, then [`Engine::Fft`].
    #[default]
    Auto,
    /// All pairs; time and memory O(N²).
    Exact,
    /// Near neighbours attract, cells of a quadtree repel: O(N log N) an iteration.
    BarnesHut,
    /// Near neighbours attract, repulsion is interpolated on a grid: O(N) an iteration. Below
    /// [`GRID_LEAST`] samples [`Engine::BarnesHut`] runs in its place.
    Fft,
    /// Barnes–Hut of `linfa-tsne`, started at random: a reference.
    Linfa,
}

/// The most samples for which [`Engine::Auto`] computes all pairs.
pub const EXACT_LIMIT: usize = 1000;

/// Fewer samples than these may lie so wide apart that a grid is not worth its nodes.
pub const GRID_LEAST: usize = 500;

/// Settings of t-SNE, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct TsneParams(ValidTsneParams);

/// Checked settings; only these can run.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidTsneParams {
    pub(super) perplexity: f64,
    pub(super) iterations: usize,
    pub(super) seed: u64,
    pub(super) theta: f64,
    pub(super) pca: Option<usize>,
    pub(super) engine: Engine,
}

impl Default for TsneParams {
    fn default() -> Self {
        Self::new()
    }
}

impl TsneParams {
    /// Perplexity 30, 1,000 iterations, seed 0, θ = 0.5, PCA to 50 dimensions, engine by size.
    pub fn new() -> Self {
        Self(ValidTsneParams {
            perplexity: 30.0,
            iterations: 1000,
            seed: 0,
            theta: 0.5,
            pca: Some(50),
            engine: Engine::Auto,
        })
    }

    /// The effective number of neighbours; lowered where there are too few samples for it
    /// ([`ValidTsneParams::perplexity_of`]).
    pub fn perplexity(mut self, perplexity: f64) -> Self {
        self.0.perplexity = perplexity;
        self
    }

    /// Steps of gradient descent.
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.0.iterations = iterations;
        self
    }

    /// Seed of the noise in the first positions, a hundredth of them; with [`Engine::Linfa`], of all.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Barnes–Hut's accuracy, for [`Engine::BarnesHut`] and [`Engine::Linfa`]; 0 is exact and slow.
    pub fn theta(mut self, theta: f64) -> Self {
        self.0.theta = theta;
        self
    }

    /// Reduces features to so many principal components first; `None` keeps them.
    pub fn pca(mut self, dims: impl Into<Option<usize>>) -> Self {
        self.0.pca = dims.into();
        self
    }

    /// What moves the points.
    pub fn engine(mut self, engine: Engine) -> Self {
        self.0.engine = engine;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for a perplexity below 1, no iteration, θ outside of [0, 1] or
    /// fewer than two principal components.
    pub fn check(self) -> Result<ValidTsneParams, MeasureError> {
        let p = &self.0;
        if !(p.perplexity.is_finite() && p.perplexity >= 1.0) {
            return Err(MeasureError::parameter(
                "perplexity",
                "a number from 1",
                p.perplexity,
            ));
        }
        if p.iterations == 0 {
            return Err(MeasureError::parameter("iterations", "at least 1", 0));
        }
        if !(0.0..=1.0).contains(&p.theta) {
            return Err(MeasureError::parameter(
                "theta",
                "a number in [0, 1]",
                p.theta,
            ));
        }
        match p.pca {
            Some(dims) if dims < 2 => Err(MeasureError::parameter("pca", "at least 2", dims)),
            _ => Ok(self.0),
        }
    }
}
