//! Modality gap: how far apart are two sets of features on the sphere, in mean?
//!
//! Source: Liang et al., *Mind the gap: understanding the modality gap in multi-modal contrastive
//! representation learning*, NeurIPS 2022: Δ = mean(x/‖x‖) − mean(z/‖z‖), over sets of any
//! sizes. Its norm lies in [0, 2]; 0 for equal means, 2 for two opposite points. It sees means only:
//! sets may differ and have no gap.

use ndarray::{Array1, ArrayView2, Axis, s};
use rayon::prelude::*;
use serde::Serialize;

use super::MeasureError;
use super::samples::{Real, check_finite, unit_rows};

/// Rows that one task scales to the sphere.
const BLOCK: usize = 512;

/// From the second set to the first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModalityGap {
    /// ‖Δ‖, in `[0, 2]`.
    pub norm: f64,
    /// Δ `[D]`, the first mean less the second.
    pub vector: Vec<f64>,
    /// Norms of the two means, in `[0, 1]`: near one where a set is a narrow cone.
    pub means: [f64; 2],
}

/// The gap between features `[N, D]` and `[M, D]`; time O((N + M)·D), memory O(D·(N + M)/512).
///
/// # Errors
/// [`MeasureError::Shape`] for unequal widths, [`MeasureError::TooFew`] without a sample on a
/// side or without a feature, [`MeasureError::NotFinite`], [`MeasureError::ZeroVector`].
pub fn modality_gap<A: Real, B: Real>(
    x: ArrayView2<'_, A>,
    z: ArrayView2<'_, B>,
) -> Result<ModalityGap, MeasureError> {
    MeasureError::same("columns of the second features", x.ncols(), z.ncols())?;
    MeasureError::at_least("features", 1, x.ncols())?;
    MeasureError::at_least("first samples", 1, x.nrows())?;
    MeasureError::at_least("second samples", 1, z.nrows())?;
    let x = mean_direction("first features", x)?;
    let z = mean_direction("second features", z)?;
    let norm = |v: &Array1<f64>| v.dot(v).sqrt();
    let vector = &x - &z;
    Ok(ModalityGap {
        norm: norm(&vector),
        means: [norm(&x), norm(&z)],
        vector: vector.to_vec(),
    })
}

fn mean_direction<A: Real>(
    what: &'static str,
    features: ArrayView2<'_, A>,
) -> Result<Array1<f64>, MeasureError> {
    check_finite(what, features)?;
    let n = features.nrows();
    // Summed within blocks and over blocks in order: the same bits for any number of threads.
    let sums: Vec<_> = (0..n.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let from = block * BLOCK;
            let rows = features.slice(s![from..(from + BLOCK).min(n), ..]);
            unit_rows(what, rows)
                .map(|unit| unit.sum_axis(Axis(0)))
                .map_err(|e| e.rows_later(from))
        })
        .collect();
    let mut mean = Array1::zeros(features.ncols());
    for sum in sums {
        mean += &sum?;
    }
    Ok(mean / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::yardsticks::{normal, rotation};
    use ndarray::array;

    #[test]
    fn the_range_is_reached() {
        let x = array![[3.0, 0.0], [0.1, 0.0]];
        let z = array![[-2.0f32, 0.0]];
        let found = modality_gap(x.view(), z.view()).expect("runs");
        assert_eq!((found.norm, found.means), (2.0, [1.0, 1.0]));
        assert_eq!(found.vector, [2.0, 0.0]);
        let same = modality_gap(x.view(), (&x * 7.0).view()).expect("runs");
        assert!(same.norm < 1e-15);
    }

    #[test]
    fn rotation_and_length_do_not_matter_and_order_turns_the_sign() {
        let (x, z) = (normal(1, 700, 6) + 0.3, normal(2, 90, 6));
        let turn = rotation(3, 6);
        let found = modality_gap(x.view(), z.view()).expect("runs");
        let turned = modality_gap(x.dot(&turn).view(), (z.dot(&turn) * 1e9).view()).expect("runs");
        assert!((found.norm - turned.norm).abs() < 1e-12 && found.norm > 0.1);
        let back = modality_gap(z.view(), x.view()).expect("runs");
        assert!(found.vector.iter().zip(&back.vector).all(|(a, b)| *a == -b));
    }

    #[test]
    fn a_zero_vector_is_found_in_its_row() {
        let mut z = normal(4, 1200, 3);
        z.row_mut(1100).fill(0.0);
        z.row_mut(1101).fill(0.0);
        assert_eq!(
            modality_gap(normal(5, 4, 3).view(), z.view()),
            Err(MeasureError::ZeroVector {
                what: "second features",
                row: 1100
            })
        );
    }
}
