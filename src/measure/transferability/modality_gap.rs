//! Modality gap: how far apart are two sets of features on the sphere, in mean?
//!
//! Source: Liang et al., *Mind the gap: understanding the modality gap in multi-modal contrastive
//! representation learning*, NeurIPS 2022: Δ = mean(x/‖x‖) − mean(z/‖z‖), over sets of any
//! sizes. Its norm lies in [0, 2]; 0 for equal means, 2 for two opposite points. It sees means only:
//! sets may differ and have no gap.

use ndarray::{Array1, ArrayView2, Axis, s};
use rayon::prelude::*;
use serde::Serialize;

use super::score::{Need, Score, given};
use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::samples::{Real, check_finite, directions};

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
    /// Rows of either side left out, because all their features are zero: they have no direction.
    pub left_out: [Vec<usize>; 2],
}

/// The gap between features `[N, D]` and `[M, D]`; time O((N + M)·D), memory O(D·(N + M)/512).
///
/// # Errors
/// [`MeasureError::Shape`] for unequal widths, [`MeasureError::TooFew`] without a sample that is not
/// zero throughout on a side or without a feature, [`MeasureError::NotFinite`].
pub fn modality_gap<A: Real, B: Real>(
    x: ArrayView2<'_, A>,
    z: ArrayView2<'_, B>,
) -> Result<ModalityGap, MeasureError> {
    MeasureError::same("columns of the second features", x.ncols(), z.ncols())?;
    MeasureError::at_least("features", 1, x.ncols())?;
    MeasureError::at_least("first samples", 1, x.nrows())?;
    MeasureError::at_least("second samples", 1, z.nrows())?;
    let (x, left) = mean_direction("first features", x)?;
    let (z, right) = mean_direction("second features", z)?;
    let norm = |v: &Array1<f64>| v.dot(v).sqrt();
    let vector = &x - &z;
    Ok(ModalityGap {
        norm: norm(&vector),
        means: [norm(&x), norm(&z)],
        vector: vector.to_vec(),
        left_out: [left, right],
    })
}

fn mean_direction<A: Real>(
    what: &'static str,
    features: ArrayView2<'_, A>,
) -> Result<(Array1<f64>, Vec<usize>), MeasureError> {
    check_finite(what, features)?;
    let n = features.nrows();
    // Summed within blocks and over blocks in order: the same bits for any number of threads.
    let sums: Vec<_> = (0..n.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let from = block * BLOCK;
            let rows = features.slice(s![from..(from + BLOCK).min(n), ..]);
            let found = directions(rows);
            let zero = found.left_out.into_iter().map(move |row| from + row);
            (found.unit.sum_axis(Axis(0)), zero.collect::<Vec<_>>())
        })
        .collect();
    let (mut mean, mut left_out) = (Array1::zeros(features.ncols()), Vec::new());
    for (sum, zero) in sums {
        mean += &sum;
        left_out.extend(zero);
    }
    MeasureError::at_least("samples that are not zero", 1, n - left_out.len())?;
    Ok((mean / (n - left_out.len()) as f64, left_out))
}

/// Distance of the mean directions of target and source features.
pub const MODALITY_GAP: Score = Score {
    about: About {
        name: "modality-gap",
        older: &["gap", "modality_gap"],
        title: "modality gap",
        unit: Unit::Number(3),
        better: Better::Lower,
        range: [0.0, 2.0],
        values: "0 to 2",
        what: "How far the features of the target lie from those of the source on the unit sphere, in mean.",
        computed: "Norm of the difference of the two means of features scaled to length one.",
        limits: "It sees means alone and no labels: sets may differ and have no gap.",
        citation: "Liang et al., Mind the gap: understanding the modality gap in multi-modal contrastive representation learning, NeurIPS 2022",
    },
    needs: &[Need::Source],
    value: |input| {
        let source = given("features of source samples", input.source)?;
        let target = given("features of target samples", input.features)?;
        Ok(modality_gap(source, target)?.norm.into())
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::references::{normal, rotation};
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
    fn rows_of_zeros_are_left_out_and_named() {
        let (x, mut z) = (normal(5, 4, 3), normal(4, 1200, 3));
        let rest: Vec<usize> = (0..1200).filter(|i| ![1100, 1101].contains(i)).collect();
        let fewer = modality_gap(x.view(), z.select(Axis(0), &rest).view()).expect("runs");
        z.row_mut(1100).fill(0.0);
        z.row_mut(1101).fill(0.0);
        let found = modality_gap(x.view(), z.view()).expect("runs");
        assert_eq!(found.left_out, [vec![], vec![1100, 1101]]);
        assert!((found.norm - fewer.norm).abs() < 1e-14);
        z.fill(0.0);
        assert!(matches!(
            modality_gap(x.view(), z.view()),
            Err(MeasureError::TooFew { found: 0, .. })
        ));
    }
}
