//! Matrix products of the measures, on the `gemm` crate.
//!
//! ndarray would call OpenBLAS, which does not know processors newer than itself and then runs its
//! slowest kernels (measured with Debian 12's: a fifth to a sixth of `gemm`'s rate). These products
//! are the measures' time, so they do not depend on it; LAPACK still does.

use gemm::Parallelism;
use ndarray::{ArrayView2, ArrayViewMut2, LinalgScalar};

use crate::measure::samples::Real;

/// `c = a·b`, or `c += a·b` with `accumulate`; any strides, one thread.
///
/// # Panics
/// If the shapes do not fit, which is a mistake of the caller's, never of the data's.
pub fn product<T: Real + LinalgScalar>(
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    accumulate: bool,
    mut c: ArrayViewMut2<'_, T>,
) {
    let (m, k) = a.dim();
    let n = b.ncols();
    assert_eq!(
        (b.nrows(), c.dim()),
        (k, (m, n)),
        "shapes of a matrix product"
    );
    if k == 0 && !accumulate {
        c.fill(T::zero());
    }
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let (cs, as_, bs) = (
        c.strides().to_vec(),
        a.strides().to_vec(),
        b.strides().to_vec(),
    );
    // SAFETY: `Real` is f32 or f64; pointers, shapes and strides come from live views; `c` is borrowed mutably.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            cs[1],
            cs[0],
            accumulate,
            a.as_ptr(),
            as_[1],
            as_[0],
            b.as_ptr(),
            bs[1],
            bs[0],
            T::one(),
            T::one(),
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn agrees_with_ndarray_on_all_layouts() {
        let a = Array2::from_shape_fn((7, 5), |(i, j)| (i * 3 + j) as f64 / 7.0);
        let b = Array2::from_shape_fn((4, 5), |(i, j)| (i + 2 * j) as f64 / 3.0);
        let mut c = Array2::from_elem((7, 4), 1.0);
        product(a.view(), b.t(), true, c.view_mut());
        assert!((&c - 1.0 - a.dot(&b.t())).iter().all(|d| d.abs() < 1e-12));
        let mut d = Array2::from_elem((5, 5), f64::NAN);
        product(a.t(), a.view(), false, d.view_mut());
        assert!((&d - a.t().dot(&a)).iter().all(|d| d.abs() < 1e-12));
        let mut e = Array2::from_elem((2, 3), f64::NAN);
        product(
            Array2::zeros((2, 0)).view(),
            Array2::zeros((0, 3)).view(),
            false,
            e.view_mut(),
        );
        assert_eq!(e, Array2::<f64>::zeros((2, 3)));
    }
}
