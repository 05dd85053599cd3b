//! Principal components, for reducing features before t-SNE and for its first positions.
//!
//! Eigenvectors (LAPACK) of the covariance, or of the Gram matrix where there are fewer samples
//! than features; where both are large and few components are asked for, a randomised search for
//! their subspace (Halko, Martinsson & Tropp, *Finding structure with randomness*, SIAM Review 2011,
//! algorithm 4.4) whose seed is fixed. Products are cut into blocks of fixed size: the same bits for
//! any number of threads. The sign of a component is arbitrary in theory and here not: its largest score
//! is positive, so that the same features give the same picture.

use ndarray::{Array2, ArrayView2, Axis, s};
use ndarray_linalg::{Eigh, QR, UPLO, error::LinalgError};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::blas;
use super::product::product;
use crate::measure::MeasureError;
use crate::random::PCA_START;

/// Up to so many samples or features the whole eigenproblem is cheap.
const EXACT: usize = 512;
/// Dimensions searched beside those asked for.
const MORE: usize = 20;
/// Times the covariance is applied to the subspace: each makes the weak components weaker.
const POWERS: usize = 8;
/// Rows of a product that one task computes.
const TILE: usize = 64;

/// Scores `[N, min(dims, N, D)]` on the leading components, by falling variance.
///
/// The input must be finite; components without variance have scores near zero.
///
/// # Errors
/// [`MeasureError::TooFew`] without samples or features, [`MeasureError::Numerical`] if LAPACK
/// does not converge.
pub fn pca(features: ArrayView2<'_, f64>, dims: usize) -> Result<Array2<f64>, MeasureError> {
    blas::single_threaded();
    let (n, d) = features.dim();
    MeasureError::at_least("samples", 1, n)?;
    MeasureError::at_least("features", 1, d)?;
    let mut centred = features.to_owned();
    if let Some(mean) = centred.mean_axis(Axis(0)) {
        centred -= &mean;
    }
    let dims = dims.min(n).min(d);
    let small = n.min(d);
    let found = match small > EXACT && 4 * (dims + MORE) < small {
        true => randomised(&centred, dims),
        false => exact(&centred, dims),
    };
    let mut scores = found.map_err(|e| MeasureError::Numerical {
        what: "principal components",
        found: e.to_string(),
    })?;
    scores.invert_axis(Axis(1));
    for mut column in scores.axis_iter_mut(Axis(1)) {
        let largest = column
            .iter()
            .fold(0.0f64, |m, &v| if v.abs() > m.abs() { v } else { m });
        if largest < 0.0 {
            column.mapv_inplace(|v| -v);
        }
    }
    Ok(scores.as_standard_layout().into_owned())
}

/// Scores by rising variance, from all eigenvectors.
fn exact(centred: &Array2<f64>, dims: usize) -> Result<Array2<f64>, LinalgError> {
    let (n, d) = centred.dim();
    // LAPACK returns eigenvalues in rising order.
    if d <= n {
        let (_, vectors) = times(centred.t(), centred.view()).eigh(UPLO::Lower)?;
        return Ok(times(centred.view(), vectors.slice(s![.., d - dims..])));
    }
    let (values, vectors) = times(centred.view(), centred.t()).eigh(UPLO::Lower)?;
    let mut scores = vectors.slice(s![.., n - dims..]).to_owned();
    for (mut column, value) in scores
        .axis_iter_mut(Axis(1))
        .zip(values.iter().skip(n - dims))
    {
        column *= value.max(0.0).sqrt();
    }
    Ok(scores)
}

/// Scores by rising variance, from a subspace that holds the leading components.
fn randomised(centred: &Array2<f64>, dims: usize) -> Result<Array2<f64>, LinalgError> {
    let width = dims + MORE;
    let mut rng = PCA_START.rng(0, &[]);
    let start = Array2::from_shape_simple_fn((centred.ncols(), width), || {
        let v: f64 = StandardNormal.sample(&mut rng);
        v
    });
    let (mut basis, _) = start.qr()?;
    for _ in 0..POWERS {
        let scores = times(centred.view(), basis.view());
        (basis, _) = times(centred.t(), scores.view()).qr()?;
    }
    let scores = times(centred.view(), basis.view());
    let (_, turn) = times(scores.t(), scores.view()).eigh(UPLO::Lower)?;
    Ok(times(scores.view(), turn.slice(s![.., width - dims..])))
}

/// A product, its rows cut into tiles.
fn times(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = Array2::zeros((a.nrows(), b.ncols()));
    out.axis_chunks_iter_mut(Axis(0), TILE)
        .into_par_iter()
        .enumerate()
        .for_each(|(tile, part)| {
            let rows = tile * TILE..tile * TILE + part.nrows();
            product(a.slice(s![rows, ..]), b, false, part);
        });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_random_search_finds_the_leading_components() {
        // Falling variances on shuffled axes, as in images, wide and tall.
        for (n, d) in [(700, 600), (600, 700)] {
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            let x = Array2::from_shape_fn((n, d), |(_, j)| {
                let v: f64 = StandardNormal.sample(&mut rng);
                v * 10.0 / (1.0 + ((j * 7) % d) as f64)
            });
            let centred = &x - &x.mean_axis(Axis(0)).expect("rows");
            let right = exact(&centred, 20).expect("components");
            let found = randomised(&centred, 20).expect("components");
            for (a, b) in right.axis_iter(Axis(1)).zip(found.axis_iter(Axis(1))) {
                let cosine = a.dot(&b).abs() / (a.dot(&a) * b.dot(&b)).sqrt();
                assert!((1.0 - cosine) < 1e-4, "{n} × {d}: {cosine}");
                assert!((a.dot(&a) / b.dot(&b) - 1.0).abs() < 1e-6);
            }
            // The way it is called: positive largest score, falling variance, any threads.
            let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            let alone = one.expect("pool").install(|| pca(x.view(), 20));
            assert_eq!(alone, pca(x.view(), 20));
        }
    }

    #[test]
    fn both_routes_agree_and_keep_all_distances() {
        let x = Array2::from_shape_fn((9, 9), |(i, j)| ((i * i + 3 * j * i + j) as f64).sin());
        let tall = pca(x.view(), 9).expect("components");
        let wide = ndarray::concatenate(Axis(1), &[x.view(), Array2::zeros((9, 3)).view()])
            .expect("shapes");
        let wide = pca(wide.view(), 9).expect("components");
        let distance = |x: &Array2<f64>| (&x.row(0) - &x.row(5)).mapv(|v| v * v).sum();
        assert!((distance(&x) - distance(&tall)).abs() < 1e-10);
        // The ninth component has no variance left: eight suffice for nine points.
        assert!(
            (&tall - &wide)
                .slice(s![.., ..7])
                .iter()
                .all(|v| v.abs() < 1e-7)
        );
        assert!(
            tall.var_axis(Axis(0), 0.0)
                .windows(2)
                .into_iter()
                .all(|w| w[0] >= w[1] - 1e-12)
        );
    }
}
