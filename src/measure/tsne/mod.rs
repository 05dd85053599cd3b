//! t-SNE: a two-dimensional map of features that keeps neighbourhoods.
//!
//! Source: van der Maaten & Hinton, *Visualizing data using t-SNE*, JMLR 2008; the paper's
//! figure 2 shows such maps of five encoders. Features are reduced by PCA, affinities calibrated
//! ([`affinity`]), the map found by an engine ([`Engine`]) and judged exactly ([`quality`]).
//! Small sets use the exact engine, which is reproducible to the byte on one machine for any
//! number of threads; large sets use Barnes–Hut, which is not. [`Tsne::reproducible`] says which.

pub mod affinity;
mod exact;
mod linfa;
pub mod quality;

use std::time::Instant;

use ndarray::{Array2, ArrayView2, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::samples::{Real, check_finite};
use super::{MeasureError, pca::pca};
use affinity::Affinities;

/// What moves the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Engine {
    /// [`Engine::Exact`] up to [`EXACT_LIMIT`] samples, then [`Engine::Linfa`].
    #[default]
    Auto,
    /// All pairs, started from principal components; time and memory O(N²).
    Exact,
    /// Barnes–Hut of `linfa-tsne`, started at random.
    Linfa,
}

/// The most samples for which [`Engine::Auto`] computes all pairs.
pub const EXACT_LIMIT: usize = 3000;

/// The most samples for which a map is judged (KL divergence, trustworthiness): O(N²·D) time.
pub const QUALITY_LIMIT: usize = 10_000;

/// Neighbours of the trustworthiness.
pub const TRUST_NEIGHBOURS: usize = 12;

/// Settings of t-SNE, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct TsneParams(ValidTsneParams);

/// Checked settings; only these can run.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidTsneParams {
    perplexity: f64,
    iterations: usize,
    seed: u64,
    theta: f64,
    pca: Option<usize>,
    engine: Engine,
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

    /// The effective number of neighbours; 3 · perplexity must stay below N − 1.
    pub fn perplexity(mut self, perplexity: f64) -> Self {
        self.0.perplexity = perplexity;
        self
    }

    /// Steps of gradient descent.
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.0.iterations = iterations;
        self
    }

    /// Seed of the first positions (for [`Engine::Exact`], of the hundredth part that is noise).
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Barnes–Hut's accuracy, for [`Engine::Linfa`]; 0 is exact, slow and reproducible.
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

/// A map and how good it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Tsne {
    /// Positions `[N, 2]`.
    pub embedding: Array2<f64>,
    /// KL divergence of the map, exact over exact affinities of the (PCA-reduced) features;
    /// `None` above [`QUALITY_LIMIT`] samples.
    pub kl: Option<f64>,
    /// Share of map neighbourhoods that are true, in `[0, 1]`, with 12 neighbours; `None` above
    /// [`QUALITY_LIMIT`] samples or below 25.
    pub trustworthiness: Option<f64>,
    /// The engine that ran; never [`Engine::Auto`].
    pub engine: Engine,
    /// Whether the same input and seed give the same bytes on this machine.
    pub reproducible: bool,
    /// Dimensions after PCA.
    pub dims: usize,
    /// Wall-clock seconds of everything, judging included.
    pub seconds: f64,
}

impl ValidTsneParams {
    /// Maps features `[N, D]` to the plane.
    ///
    /// # Errors
    /// [`MeasureError::NotFinite`] with row and column, [`MeasureError::TooFew`] for too few
    /// samples for the perplexity (or no feature; or, with [`Engine::Linfa`], no two different
    /// samples), [`MeasureError::Numerical`] if LAPACK or the engine fails.
    pub fn run<A: Real>(&self, features: ArrayView2<'_, A>) -> Result<Tsne, MeasureError> {
        self.run_from(features, None)
    }

    /// The same from first positions `[N, 2]` of any size and place, in place of the features' own
    /// two principal components: [`common_start`] makes maps of the same samples comparable.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`MeasureError::Shape`] and [`MeasureError::NotFinite`] for the
    /// positions, [`MeasureError::Parameter`] with [`Engine::Linfa`], which draws its own.
    pub fn run_from<A: Real>(
        &self,
        features: ArrayView2<'_, A>,
        start: Option<ArrayView2<'_, f64>>,
    ) -> Result<Tsne, MeasureError> {
        let clock = Instant::now();
        let n = features.nrows();
        check_finite("features", features)?;
        if let Some(start) = start {
            MeasureError::same("rows of the first positions", n, start.nrows())?;
            MeasureError::same("columns of the first positions", 2, start.ncols())?;
            check_finite("first positions", start)?;
            if self.engine == Engine::Linfa {
                let expected = "one that takes first positions";
                return Err(MeasureError::parameter("engine", expected, "linfa"));
            }
        }
        MeasureError::at_least("features", 1, features.ncols())?;
        // 3 · perplexity < N − 1
        let needed = (3.0 * self.perplexity).floor().min(1e15) as usize + 2;
        MeasureError::at_least("samples for this perplexity", needed, n)?;
        let mut points = scaled(features);
        let varied = points.iter().any(|&v| v != 0.0);
        if let Some(dims) = self.pca.filter(|&dims| dims < points.ncols()) {
            points = pca(points.view(), dims)?;
        }
        let dims = points.ncols();
        let engine = match self.engine {
            Engine::Auto if n <= EXACT_LIMIT => Engine::Exact,
            Engine::Auto => Engine::Linfa,
            other => other,
        };
        if engine == Engine::Linfa && !varied {
            return Err(MeasureError::TooFew {
                what: "different samples",
                expected: 2,
                found: 1,
            });
        }
        let judged = n <= QUALITY_LIMIT;
        let affinities = (judged || engine == Engine::Exact)
            .then(|| Affinities::new(points.clone(), self.perplexity));
        let embedding = match &affinities {
            Some(affinities) if engine == Engine::Exact => exact::embed(
                &affinities.dense(),
                self.first_positions(match start {
                    Some(start) => scaled(start),
                    None => pca(points.view(), 2)?,
                }),
                self.iterations,
            ),
            _ => linfa::embed(
                points,
                self.perplexity,
                self.theta,
                self.iterations,
                self.seed,
            )?,
        };
        let judge = affinities.as_ref().filter(|_| judged);
        Ok(Tsne {
            kl: judge.map(|a| quality::kl(a, &embedding)),
            trustworthiness: judge
                .and_then(|a| quality::trustworthiness(a, &embedding, TRUST_NEIGHBOURS)),
            embedding,
            engine,
            reproducible: engine == Engine::Exact || self.theta == 0.0,
            dims,
            seconds: clock.elapsed().as_secs_f64(),
        })
    }

    /// Positions with deviation 1e-4 along the first axis, as in openTSNE, and noise of a hundredth
    /// of that, so that coincident points can part.
    fn first_positions(&self, scores: Array2<f64>) -> Array2<f64> {
        const DEVIATION: f64 = 1e-4;
        let scale = scores.column(0).std(0.0);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        Array2::from_shape_fn((scores.nrows(), 2), |(i, axis)| {
            let score = scores
                .get((i, axis))
                .filter(|_| scale > 0.0)
                .map_or(0.0, |s| s / scale * DEVIATION);
            let noise: f64 = StandardNormal.sample(&mut rng);
            score + DEVIATION / 100.0 * noise
        })
    }
}

/// First positions `[N, 2]` for maps of the same samples by several encoders: the two leading
/// principal components of the features `[N, D]` of one of them, the reference.
///
/// # Errors
/// [`MeasureError::NotFinite`] with row and column, [`MeasureError::TooFew`] without samples or
/// features, [`MeasureError::Numerical`] if LAPACK does not converge.
pub fn common_start<A: Real>(reference: ArrayView2<'_, A>) -> Result<Array2<f64>, MeasureError> {
    check_finite("features", reference)?;
    MeasureError::at_least("samples", 1, reference.nrows())?;
    let scores = pca(scaled(reference).view(), 2)?;
    // One sample or one feature has one component.
    Ok(Array2::from_shape_fn((scores.nrows(), 2), |at| {
        scores.get(at).copied().unwrap_or(0.0)
    }))
}

/// Centred features, the largest entry 1: distances then neither under- nor overflow, and t-SNE
/// does not depend on scale.
fn scaled<A: Real>(features: ArrayView2<'_, A>) -> Array2<f64> {
    let mut points = features.mapv(Into::into);
    let shrink = |points: &mut Array2<f64>| {
        let largest = points.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if largest > 0.0 {
            points.mapv_inplace(|v| v / largest);
        }
    };
    // Before the mean as well, whose sum could overflow.
    shrink(&mut points);
    // Equal rows must stay equal to zero and not to the rounding of their mean.
    if let Some(first) = points.outer_iter().next().map(|row| row.to_owned()) {
        points -= &first;
    }
    if let Some(mean) = points.mean_axis(Axis(0)) {
        points -= &mean;
    }
    shrink(&mut points);
    points
}

#[cfg(test)]
mod tests;
