//! The 2-Wasserstein distance between the Gaussians of two classes, and its gradient.
//!
//! W² = ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁^½ Σ₂ Σ₁^½)^½) (Dowson & Landau 1982). No covariance and no
//! square root is ever formed: with factors Σ = BᵀB the last trace is the nuclear norm ‖B₁B₂ᵀ‖∗,
//! a sum of singular values that keeps full precision where roots of eigenvalues keep half, and
//! that asks nothing of the ranks. B is the matrix of centred points over √(n − 1), or the R of
//! its QR decomposition where it is taller than wide. Its gradient is the polar factor:
//! ∂‖M‖∗ = UVᵀ for M = U S Vᵀ; where singular values vanish the distance has a kink, and what
//! stays is the subgradient of least norm.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use ndarray_linalg::{JobSvd, QR, SVDDC};

use crate::measure::MeasureError;
use crate::measure::linalg::product::product;

/// Mean and covariance of a class; a point mass if the class has one sample.
#[derive(Debug, Clone)]
pub struct Gaussian {
    /// The mean, `[D]`.
    pub mean: Array1<f64>,
    /// B `[r, D]` with Σ = BᵀB; no rows for a point mass.
    factor: Array2<f64>,
    /// Q `[n (+ D), r]` with QB the points (and the shrinkage) over √(n − 1), where B is an R.
    basis: Option<Array2<f64>>,
    /// Centred points over √(n − 1), `[n, D]`.
    centred: Array2<f64>,
    shrinkage: f64,
}

impl Gaussian {
    /// Mean and unbiased covariance Σ of `points` `[n, D]`, shrunk to (1 − s)Σ + s (tr Σ / D) I.
    ///
    /// # Errors
    /// [`MeasureError::Numerical`] if LAPACK fails.
    pub fn new(points: ArrayView2<'_, f64>, shrinkage: f64) -> Result<Self, MeasureError> {
        let (n, d) = points.dim();
        // The first point as origin: a constant column has a variance of exactly zero.
        let origin = points.row(0).to_owned();
        let mut centred = &points - &origin;
        let mean = centred.sum_axis(Axis(0)) / n as f64;
        centred -= &mean;
        let mean = mean + origin;
        if n == 1 {
            return Ok(Self {
                mean,
                factor: Array2::zeros((0, d)),
                basis: None,
                centred,
                shrinkage,
            });
        }
        centred /= ((n - 1) as f64).sqrt();
        let stacked = if shrinkage > 0.0 {
            let ridge = (shrinkage / d as f64).sqrt() * norm(&centred);
            concatenate![
                Axis(0),
                &centred * (1.0 - shrinkage).sqrt(),
                Array2::from_diag_elem(d, ridge)
            ]
        } else {
            centred.clone()
        };
        let (basis, factor) = if stacked.nrows() > d {
            let (q, r) = stacked.qr().map_err(failed)?;
            (Some(q), r)
        } else {
            (None, stacked)
        };
        Ok(Self {
            mean,
            factor,
            basis,
            centred,
            shrinkage,
        })
    }

    /// M = B₁B₂ᵀ.
    fn cross(&self, other: &Self) -> Array2<f64> {
        let mut m = Array2::zeros((self.factor.nrows(), other.factor.nrows()));
        product(self.factor.view(), other.factor.t(), false, m.view_mut());
        m
    }

    /// W², in squared units of the features.
    ///
    /// # Errors
    /// [`MeasureError::Numerical`] if LAPACK fails.
    pub fn square_distance(&self, other: &Self) -> Result<f64, MeasureError> {
        let means = (&self.mean - &other.mean).mapv(|v| v * v).sum();
        let squares = |g: &Self| g.factor.iter().map(|v| v * v).sum::<f64>();
        let m = self.cross(other);
        let nuclear = if m.is_empty() {
            0.0
        } else {
            check_finite(&m)?;
            m.svddc(JobSvd::None).map_err(failed)?.1.sum()
        };
        // Scaled before the sum, so that rounding cannot make a distance negative.
        Ok(means + (squares(self) + squares(other) - 2.0 * nuclear).max(0.0))
    }

    /// Gradient `[n, D]` of Σₛ wₛ W²(otherₛ, self) with respect to this class's points.
    ///
    /// # Errors
    /// [`MeasureError::Numerical`] if LAPACK fails.
    pub fn gradient<'a>(
        &self,
        others: impl Iterator<Item = (&'a Self, f64)>,
    ) -> Result<Array2<f64>, MeasureError> {
        let (n, d) = self.centred.dim();
        let mut mean = Array1::zeros(d);
        let mut factor = Array2::zeros(self.factor.dim());
        for (other, weight) in others {
            mean.scaled_add(2.0 * weight / n as f64, &(&self.mean - &other.mean));
            factor.scaled_add(2.0 * weight, &self.factor);
            if let Some(polar) = polar(&self.cross(other))? {
                let mut part = Array2::zeros(factor.dim());
                product(polar.view(), other.factor.view(), false, part.view_mut());
                factor.scaled_add(-2.0 * weight, &part);
            }
        }
        if n == 1 {
            return Ok(mean.insert_axis(Axis(0)));
        }
        let stacked = match &self.basis {
            None => factor,
            Some(q) => {
                let mut stacked = Array2::zeros((q.nrows(), d));
                product(q.view(), factor.view(), false, stacked.view_mut());
                stacked
            }
        };
        let mut points = stacked.slice(s![..n, ..]).to_owned();
        let length = norm(&self.centred);
        if self.shrinkage > 0.0 && length > 0.0 {
            points *= (1.0 - self.shrinkage).sqrt();
            let ridge = stacked.slice(s![n.., ..]).diag().sum();
            points.scaled_add(
                ridge * (self.shrinkage / d as f64).sqrt() / length,
                &self.centred,
            );
        }
        points /= ((n - 1) as f64).sqrt();
        let centre = points.sum_axis(Axis(0)) / n as f64;
        Ok(points - centre + mean)
    }
}

/// UVᵀ of M = U S Vᵀ over singular values above rounding; `None` if there are none.
fn polar(m: &Array2<f64>) -> Result<Option<Array2<f64>>, MeasureError> {
    if m.is_empty() {
        return Ok(None);
    }
    check_finite(m)?;
    let (u, values, vt) = m.svddc(JobSvd::Some).map_err(failed)?;
    let (Some(u), Some(vt)) = (u, vt) else {
        return Err(MeasureError::Numerical {
            what: "label distances",
            found: "no singular vectors".into(),
        });
    };
    let rounding = values[0] * m.nrows().max(m.ncols()) as f64 * f64::EPSILON;
    let rank = values.iter().take_while(|&&v| v > rounding).count();
    if rank == 0 {
        return Ok(None);
    }
    let mut out = Array2::zeros(m.dim());
    product(
        u.slice(s![.., ..rank]),
        vt.slice(s![..rank, ..]),
        false,
        out.view_mut(),
    );
    Ok(Some(out))
}

fn norm(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn check_finite(m: &Array2<f64>) -> Result<(), MeasureError> {
    if m.iter().all(|v| v.is_finite()) {
        Ok(())
    } else {
        Err(MeasureError::Numerical {
            what: "label distances",
            found: "covariances beyond the range of doubles".into(),
        })
    }
}

fn failed(e: ndarray_linalg::error::LinalgError) -> MeasureError {
    MeasureError::Numerical {
        what: "label distances",
        found: e.to_string(),
    }
}
