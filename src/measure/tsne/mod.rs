//! t-SNE: a two-dimensional map of features that keeps neighbourhoods.
//!
//! Source: van der Maaten & Hinton, *Visualizing data using t-SNE*, JMLR 2008; the paper's
//! figure 2 shows such maps of five encoders. Features are reduced by PCA, affinities calibrated
//! ([`affinity`]), the map found by an engine ([`Engine`]) and judged exactly ([`quality`]).
//! Small sets use the exact engine, large ones near neighbours and a grid ([`Engine::Fft`]); both
//! give the same bytes on one machine for any number of threads. [`Tsne::reproducible`] says if not.
//!
//! | file | what |
//! |---|---|
//! | [`settings`] | engine, perplexity, iterations |
//! | [`affinity`], `neighbours`, `sparse` | what attracts: all pairs, or nearest neighbours |
//! | `descent` | how points move, whatever the forces |
//! | `exact`, `attraction`, `quadtree`, `grid` with `convolution` | forces |
//! | `linfa` | a whole engine of another crate, for reference |
//! | [`quality`] | KL divergence, trustworthiness |

pub mod affinity;
mod attraction;
mod convolution;
mod descent;
mod exact;
mod grid;
mod linfa;
mod neighbours;
mod quadtree;
pub mod quality;
pub mod settings;
mod sparse;

use std::time::Instant;

use ndarray::{Array2, ArrayView2, Axis};
use rand_distr::{Distribution, StandardNormal};

use super::samples::{Real, check_finite, doubles};
use super::{MeasureError, interrupt, pca::pca};
use crate::random::MAP_START;
use affinity::Affinities;
use attraction::Field;
use descent::{Forces, Vector, descend};
use exact::Exact;
use grid::Grid;
use neighbours::Neighbours;
use quadtree::Quadtree;
pub use settings::{EXACT_LIMIT, Engine, GRID_LEAST, TsneParams, ValidTsneParams};
use sparse::Sparse;

/// The most samples whose maps are judged by the affinities of all pairs; of more, by those of the
/// nearest neighbours.
pub const DENSE_LIMIT: usize = 3000;

/// The most samples whose trustworthiness is computed on all of them; of more, a sample of
/// [`TRUST_SAMPLE`] is looked at.
pub const TRUST_LIMIT: usize = 10_000;

/// Samples whose neighbourhoods are looked at where there are more than [`TRUST_LIMIT`].
pub const TRUST_SAMPLE: usize = 2000;

/// The last step of a map at rest, in units of its radius.
const AT_REST: f64 = 1e-3;

/// Fewest samples of a map.
pub const LEAST: usize = 4;

/// Neighbours of the trustworthiness.
pub const TRUST_NEIGHBOURS: usize = 12;

/// A map and how good it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Tsne {
    /// Positions `[N, 2]`.
    pub embedding: Array2<f64>,
    /// KL divergence of the map from the affinities of the (PCA-reduced) features: of all pairs up
    /// to [`DENSE_LIMIT`] samples, of each with its 3 · perplexity nearest beyond; the map's own
    /// similarities are those of all pairs either way.
    pub kl: f64,
    /// Share of map neighbourhoods that are true, in `[0, 1]`, with 12 neighbours, above
    /// [`TRUST_LIMIT`] samples on a sample of them; `None` below 25.
    pub trustworthiness: Option<f64>,
    /// The engine that ran; never [`Engine::Auto`].
    pub engine: Engine,
    /// Whether the same input and seed give the same bytes on this machine.
    pub reproducible: bool,
    /// Dimensions after PCA.
    pub dims: usize,
    /// The perplexity that ran: less than asked for where there are too few samples
    /// ([`ValidTsneParams::perplexity_of`]).
    pub perplexity: f64,
    /// Whether the map had come to rest: the last step moved points by less than a thousandth of the
    /// map's radius (root mean squares). `None` with [`Engine::Linfa`], which does not say.
    pub converged: Option<bool>,
    /// Wall-clock seconds of everything, judging included.
    pub seconds: f64,
}

impl ValidTsneParams {
    /// The perplexity for so many samples: the one asked for, or the largest that they carry,
    /// 3 · perplexity ≤ N − 2, and no less than 1.
    pub fn perplexity_of(&self, samples: usize) -> f64 {
        let neighbours = (3.0 * self.perplexity).floor();
        let most = samples.saturating_sub(2) as f64;
        if neighbours <= most {
            self.perplexity
        } else {
            (most / 3.0).max(1.0)
        }
    }

    /// Maps features `[N, D]` to the plane.
    ///
    /// ```
    /// use modalign::measure::tsne::TsneParams;
    /// use ndarray::Array2;
    ///
    /// // Two clusters of fifteen samples, far apart.
    /// let x = Array2::from_shape_fn((30, 3), |(i, j)| {
    ///     (i % 2) as f32 * 10.0 + (i * (j + 3)) as f32 * 0.37 % 1.0
    /// });
    /// let map = TsneParams::new().perplexity(5.0).check()?.run(x.view())?;
    /// assert_eq!(map.embedding.dim(), (30, 2));
    /// assert!(map.reproducible && map.kl < 1.0);
    /// # Ok::<(), modalign::measure::MeasureError>(())
    /// ```
    ///
    /// # Errors
    /// [`MeasureError::NotFinite`] with row and column, [`MeasureError::TooFew`] below [`LEAST`]
    /// samples (or no feature; or, with [`Engine::Linfa`], below one more or no two different
    /// ones), [`MeasureError::Numerical`] if LAPACK or the engine fails.
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
        // Another crate's engine wants one more.
        let fewest = LEAST + usize::from(self.engine == Engine::Linfa);
        MeasureError::at_least("samples", fewest, n)?;
        let perplexity = self.perplexity_of(n);
        let mut points = scaled(features);
        let varied = points.iter().any(|&v| v != 0.0);
        if let Some(dims) = self.pca.filter(|&dims| dims < points.ncols()) {
            points = pca(points.view(), dims)?;
        }
        let dims = points.ncols();
        let engine = match self.engine {
            Engine::Auto if n <= EXACT_LIMIT => Engine::Exact,
            Engine::Auto => Engine::Fft,
            Engine::Fft if n < GRID_LEAST => Engine::BarnesHut,
            other => other,
        };
        if engine == Engine::Linfa && !varied {
            return Err(MeasureError::TooFew {
                what: "different samples",
                expected: 2,
                found: 1,
            });
        }
        let dense = (n <= DENSE_LIMIT || engine == Engine::Exact)
            .then(|| Affinities::new(points.view(), perplexity));
        let sparse = (n > DENSE_LIMIT || matches!(engine, Engine::BarnesHut | Engine::Fft))
            .then(|| self.sparse(&points, perplexity));
        let (embedding, converged) = match (engine, &dense, &sparse) {
            (Engine::Exact, Some(dense), _) => {
                self.descend(&points, start, Exact::new(dense.dense()))?
            }
            (Engine::BarnesHut, _, Some(sparse)) => {
                let tree = Quadtree::new(self.theta);
                self.descend(&points, start, Field::new(sparse, tree))?
            }
            (Engine::Fft, _, Some(sparse)) => {
                self.descend(&points, start, Field::new(sparse, Grid::new()))?
            }
            _ => {
                let (theta, iterations, seed) = (self.theta, self.iterations, self.seed);
                let map = linfa::embed(points.clone(), perplexity, theta, iterations, seed)?;
                (map, None)
            }
        };
        let kl = match (&dense, &sparse) {
            (_, Some(sparse)) if n > DENSE_LIMIT => quality::sparse_kl(sparse, &embedding),
            (Some(dense), _) => quality::kl(dense, &embedding),
            _ => f64::NAN,
        };
        let sample = if n > TRUST_LIMIT { TRUST_SAMPLE } else { n };
        let trustworthiness =
            quality::trustworthiness(points.view(), &embedding, TRUST_NEIGHBOURS, sample);
        Ok(Tsne {
            kl,
            trustworthiness,
            embedding,
            engine,
            reproducible: engine != Engine::Linfa || self.theta == 0.0,
            dims,
            perplexity,
            converged,
            seconds: clock.elapsed().as_secs_f64(),
        })
    }

    /// Affinities of the nearest neighbours.
    fn sparse(&self, points: &Array2<f64>, perplexity: f64) -> Sparse {
        let k = ((3.0 * perplexity) as usize).min(points.nrows() - 1);
        Sparse::new(&Neighbours::new(points.view(), k, self.seed), perplexity)
    }

    /// The map that forces lead to, and whether it is at rest.
    fn descend(
        &self,
        points: &Array2<f64>,
        start: Option<ArrayView2<'_, f64>>,
        mut forces: impl Forces,
    ) -> Result<(Array2<f64>, Option<bool>), MeasureError> {
        let scores = match start {
            Some(start) => scaled(start),
            None => pca(points.view(), 2)?,
        };
        let (found, moved) = descend(self.first_positions(scores), self.iterations, &mut forces);
        interrupt::check()?;
        if !found.as_flattened().iter().all(|v| v.is_finite()) {
            return Err(MeasureError::Numerical {
                what: "t-SNE",
                found: "positions that are not finite".into(),
            });
        }
        let map = Array2::from_shape_fn((found.len(), 2), |(i, axis)| found[i][axis]);
        Ok((map, Some(moved < AT_REST)))
    }

    /// Positions with deviation 1e-4 along the first axis, as in openTSNE, and noise of a hundredth
    /// of that, so that coincident points can part.
    fn first_positions(&self, scores: Array2<f64>) -> Vec<Vector> {
        const DEVIATION: f64 = 1e-4;
        let scale = scores.column(0).std(0.0);
        let mut rng = MAP_START.rng(self.seed, &[]);
        let mut position = |i, axis| {
            let score = scores
                .get((i, axis))
                .filter(|_| scale > 0.0)
                .map_or(0.0, |s| s / scale * DEVIATION);
            let noise: f64 = StandardNormal.sample(&mut rng);
            score + DEVIATION / 100.0 * noise
        };
        let rows = 0..scores.nrows();
        rows.map(|i| [position(i, 0), position(i, 1)]).collect()
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
    let mut points = doubles(features);
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
mod field_tests;
#[cfg(test)]
mod tests;
