//! Singular values of features, and what the classes have along each left singular vector.
//!
//! [`logme`](crate::measure::logme) and [`hscore`](crate::measure::hscore) need no more of features F = U S Vᵀ than
//! S² and Uᵀ·1_c for the indicator 1_c of every class: eigenvalues of FᵀF, or of FFᵀ where there
//! are fewer samples than features. Memory O(min(N, D)² + K·D), blocks of rows aside.

use ndarray::{Array1, Array2, Axis, s};
use ndarray_linalg::{Eigh, UPLO};

use super::blas;
use super::product::product;
use super::rows::{Present, Rows};
use crate::measure::MeasureError;
use crate::measure::samples::Real;

/// The part of a thin singular value decomposition that is above rounding.
pub(in crate::measure) struct Spectrum {
    /// S² above rounding, ascending, `[r]`.
    pub squares: Array1<f64>,
    /// Uᵀ·1_c `[r, K]`; of centred indicators where the features are centred.
    pub loads: Array2<f64>,
    /// tr FᵀF.
    pub trace: f64,
    /// ‖FᵀF‖².
    pub norm: f64,
}

/// Decomposes features; `centred` says whether the rows sum to zero.
///
/// # Errors
/// [`MeasureError::Numerical`] if a square overflows or LAPACK does not converge.
pub(in crate::measure) fn spectrum<A: Real>(
    rows: &Rows<'_, A>,
    present: &Present,
    centred: bool,
) -> Result<Spectrum, MeasureError> {
    blas::single_threaded();
    let (n, d) = (rows.len(), rows.dim());
    let failed = |found: String| MeasureError::Numerical {
        what: "singular values of the features",
        found,
    };
    let tall = n >= d;
    let matrix = if tall { rows.gram() } else { rows.kernel() };
    let norm: f64 = matrix.iter().map(|v| v * v).sum();
    if !norm.is_finite() {
        return Err(failed("squares beyond double precision".into()));
    }
    let trace = matrix.diag().sum();
    let (values, vectors) = matrix
        .eigh(UPLO::Lower)
        .map_err(|e| failed(e.to_string()))?;
    // Eigenvalues ascend; those within the rounding of the largest are noise.
    let largest = values.last().copied().unwrap_or(0.0);
    let noise = 4.0 * values.len() as f64 * f64::EPSILON * largest.max(0.0);
    let first = values.iter().take_while(|&&v| v <= noise).count();
    let squares = values.slice(s![first..]).to_owned();
    let vectors = vectors.slice(s![.., first..]);
    let loads = if tall {
        // Uᵀ1 = S⁻¹VᵀFᵀ1.
        let sums = class_sums(rows, present);
        let mut loads = Array2::zeros((squares.len(), present.len()));
        product(vectors.t(), sums.t(), false, loads.view_mut());
        for (mut row, square) in loads.outer_iter_mut().zip(&squares) {
            row /= square.sqrt();
        }
        loads
    } else {
        let mut loads = Array2::zeros((squares.len(), present.len()));
        for (vector, &class) in vectors.outer_iter().zip(&present.of) {
            let mut column = loads.column_mut(class);
            column += &vector;
        }
        if centred {
            // Orthogonal to the constant in theory; made so, whatever rounding does.
            let all = vectors.sum_axis(Axis(0)) / n as f64;
            for (mut column, &count) in loads.axis_iter_mut(Axis(1)).zip(&present.counts) {
                column.scaled_add(-(count as f64), &all);
            }
        }
        loads
    };
    Ok(Spectrum {
        squares,
        loads,
        trace,
        norm,
    })
}

/// The sum of the rows of every class, `[K, D]`.
fn class_sums<A: Real>(rows: &Rows<'_, A>, present: &Present) -> Array2<f64> {
    let mut sums = Array2::zeros((present.len(), rows.dim()));
    for range in rows.ranges() {
        let block = rows.block(range.clone());
        for (row, &class) in block.outer_iter().zip(&present.of[range]) {
            let mut sum = sums.row_mut(class);
            sum += &row;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_routes_see_the_same() {
        let x = Array2::from_shape_fn((9, 6), |(i, j)| ((i * i + 3 * j * i + j) as f64).sin());
        let wide = ndarray::concatenate(Axis(1), &[x.view(), Array2::zeros((9, 4)).view()])
            .expect("shapes");
        let present = Present::new(&[0, 1, 2, 0, 1, 2, 0, 0, 4]);
        for centred in [false, true] {
            let view = |x| {
                if centred {
                    Rows::centred(x)
                } else {
                    Rows::plain(x)
                }
            };
            let a = spectrum(&view(x.view()), &present, centred).expect("runs");
            let b = spectrum(&view(wide.view()), &present, centred).expect("runs");
            assert_eq!((a.squares.len(), b.squares.len()), (6, 6));
            assert!((&a.squares - &b.squares).iter().all(|d| d.abs() < 1e-12));
            // Singular vectors have a sign of their own.
            let differ = a.loads.mapv(f64::abs) - b.loads.mapv(f64::abs);
            assert!(differ.iter().all(|d| d.abs() < 1e-12));
            assert!((a.trace - b.trace).abs() < 1e-12 && (a.norm - b.norm).abs() < 1e-10);
        }
    }
}
