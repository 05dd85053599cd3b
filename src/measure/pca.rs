//! Principal components, for reducing features before t-SNE and for its first positions.
//!
//! Eigenvectors (LAPACK) of the covariance, or of the Gram matrix where there are fewer samples
//! than features. The sign of a component is arbitrary in theory and here not: its largest score
//! is positive, so that the same features give the same picture.

use ndarray::{Array2, ArrayView2, Axis, s};
use ndarray_linalg::{Eigh, UPLO};

use super::{MeasureError, blas};

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
    let failed = |e: ndarray_linalg::error::LinalgError| MeasureError::Numerical {
        what: "principal components",
        found: e.to_string(),
    };
    // LAPACK returns eigenvalues in rising order.
    let mut scores = if d <= n {
        let (_, vectors) = centred
            .t()
            .dot(&centred)
            .eigh(UPLO::Lower)
            .map_err(failed)?;
        centred.dot(&vectors.slice(s![.., d - dims..]))
    } else {
        let (values, vectors) = centred
            .dot(&centred.t())
            .eigh(UPLO::Lower)
            .map_err(failed)?;
        let mut scores = vectors.slice(s![.., n - dims..]).to_owned();
        for (mut column, value) in scores
            .axis_iter_mut(Axis(1))
            .zip(values.iter().skip(n - dims))
        {
            column *= value.max(0.0).sqrt();
        }
        scores
    };
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

#[cfg(test)]
mod tests {
    use super::*;

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
