//! LEEP: how probable are the target labels, if source classes stand in for target classes?
//!
//! Source: Nguyen et al., *LEEP: a new measure to evaluate transferability of learned
//! representations*, ICML 2020. With source probabilities θ(x)_z and the empirical joint
//! P(y, z) = 1/N Σ_{i: yᵢ = y} θ(xᵢ)_z, the predictor P(y | x) = Σ_z P(y | z) θ(x)_z needs no
//! training; LEEP = 1/N Σ log P(yᵢ | xᵢ) ≤ 0, higher is better. By Jensen's inequality it is at least
//! −H(Y | Z) of that joint, and it is exactly that, [`nce`](crate::measure::nce), for certain predictions.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::Serialize;

use super::score::{Need, Score};
use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::linalg::rows::Present;
use crate::measure::samples::{Real, check_labels};
use crate::strata::by_class;

/// How far probabilities may leave their range by rounding.
const SLACK: f64 = 1e-3;
/// Rows that one task scores.
const BLOCK: usize = 256;

/// How well source classes predict target classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Leep {
    /// LEEP, at most 0; higher is better.
    pub value: f64,
    /// −H(Y | Z) of the joint distribution: at most [`Leep::value`].
    pub lower_bound: f64,
    /// Samples.
    pub samples: usize,
}

/// LEEP of source probabilities `[N, Ks]` and target labels `[N]` below `classes`; time O(N·Ks),
/// memory O(K·Ks). Rows are scaled to sum to one, which a softmax does but for rounding.
///
/// # Errors
/// [`MeasureError::TooFew`] without samples or source classes, [`MeasureError::Shape`],
/// [`MeasureError::Label`], [`MeasureError::NotFinite`]; [`MeasureError::Probability`] for a number
/// outside of `[0, 1]` or a row that sums to more, [`MeasureError::ZeroVector`] for one that is zero.
pub fn leep<A: Real>(
    probabilities: ArrayView2<'_, A>,
    labels: &[usize],
    classes: usize,
) -> Result<Leep, MeasureError> {
    let (n, source) = probabilities.dim();
    check_labels("target labels", labels, n, classes)?;
    MeasureError::at_least("samples", 1, n)?;
    MeasureError::at_least("source classes", 1, source)?;
    let scales = scales(probabilities)?;
    let present = Present::new(labels);
    let members = by_class(&present.of);
    // A class is one task and adds its samples in order: the same bits for any number of threads.
    let mut conditional = Array2::<f64>::zeros((present.len(), source));
    conditional
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(&members)
        .for_each(|(mut joint, rows)| {
            for &row in rows {
                add(&mut joint, probabilities.row(row), scales[row] / n as f64);
            }
        });
    let marginal = conditional.sum_axis(Axis(0));
    let lower_bound = divide(&mut conditional, &marginal);
    let score = |range: Range<usize>| -> f64 {
        let row = |i: usize| {
            let terms = probabilities.row(i);
            let predict = conditional.row(present.of[i]);
            let sum: f64 = terms.iter().zip(predict).map(|(&p, q)| unit(p) * q).sum();
            // At most one; rounding must not make a probability of more.
            (sum * scales[i]).min(1.0).ln()
        };
        range.map(row).sum()
    };
    let blocks: Vec<f64> = (0..n.div_ceil(BLOCK))
        .into_par_iter()
        .map(|b| score(b * BLOCK..((b + 1) * BLOCK).min(n)))
        .collect();
    Ok(Leep {
        value: blocks.iter().sum::<f64>() / n as f64,
        lower_bound,
        samples: n,
    })
}

/// Joint to conditional probabilities, in place; returns −H(Y | Z).
fn divide(joint: &mut Array2<f64>, marginal: &Array1<f64>) -> f64 {
    let mut negative = 0.0;
    for mut row in joint.outer_iter_mut() {
        for (p, &all) in row.iter_mut().zip(marginal) {
            if *p > 0.0 {
                let conditional = (*p / all).min(1.0);
                negative += *p * conditional.ln();
                *p = conditional;
            }
        }
    }
    negative
}

fn add<A: Real>(sum: &mut ndarray::ArrayViewMut1<'_, f64>, row: ArrayView1<'_, A>, weight: f64) {
    for (sum, &p) in sum.iter_mut().zip(row) {
        *sum += unit(p) * weight;
    }
}

/// A probability as a double, rounding noise cut off.
fn unit<A: Real>(p: A) -> f64 {
    p.into().clamp(0.0, 1.0)
}

/// One over the sum of every row, after checking it.
fn scales<A: Real>(probabilities: ArrayView2<'_, A>) -> Result<Vec<f64>, MeasureError> {
    const WHAT: &str = "source probabilities";
    let scale = |(row, values): (usize, ArrayView1<'_, A>)| {
        for (column, &value) in values.iter().enumerate() {
            let value: f64 = value.into();
            if !value.is_finite() {
                return Err(MeasureError::NotFinite {
                    what: WHAT,
                    row,
                    column,
                    value,
                });
            }
            if !(-SLACK..=1.0 + SLACK).contains(&value) {
                return Err(MeasureError::Probability {
                    what: WHAT,
                    row,
                    found: value,
                });
            }
        }
        let sum: f64 = values.iter().map(|&p| unit(p)).sum();
        if sum > 1.0 + SLACK {
            return Err(MeasureError::Probability {
                what: WHAT,
                row,
                found: sum,
            });
        }
        // A sum so small that its inverse is not finite is as good as none.
        if sum.recip().is_finite() {
            Ok(sum.recip())
        } else {
            Err(MeasureError::ZeroVector { what: WHAT, row })
        }
    };
    probabilities.outer_iter().enumerate().map(scale).collect()
}

/// LEEP of the source model's probabilities.
pub const LEEP: Score = Score {
    about: About {
        name: "leep",
        older: &[],
        title: "LEEP",
        unit: Unit::Number(3),
        better: Better::Higher,
        range: [f64::NEG_INFINITY, 0.0],
        values: "at most 0",
        what: "How probable the target's labels are if every source class stands in for the target classes that it is seen with.",
        computed: "Mean log probability of the labels under P(y | x) = Σ P(y | z) θ(x)_z, with the joint of labels and source probabilities.",
        limits: "It sees the target through the source's classes alone, and grows as they become more.",
        citation: "Nguyen et al., LEEP: a new measure to evaluate transferability of learned representations, ICML 2020",
    },
    needs: &[Need::Labels, Need::Classifier],
    value: |input| {
        let samples = input.labelled()?;
        let found = leep(input.probabilities()?, samples.labels(), samples.classes())?;
        Ok(found.value.into())
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::nce::{hard_labels, nce};
    use crate::measure::references::normal;
    use ndarray::{Axis, array};

    fn probabilities(seed: u64, n: usize, k: usize, sharp: f64) -> Array2<f64> {
        let mut p = normal(seed, n, k).mapv(|v| (sharp * v).exp());
        for mut row in p.outer_iter_mut() {
            row /= row.sum();
        }
        p
    }

    #[test]
    fn it_lies_between_its_bound_and_zero_and_certainty_is_nce() {
        for (seed, sharp) in [(1, 0.0), (2, 0.5), (3, 5.0), (4, 50.0)] {
            let p = probabilities(seed, 300, 6, sharp);
            let labels: Vec<usize> = (0..300).map(|i| (i * i) % 4).collect();
            let found = leep(p.view(), &labels, 4).expect("runs");
            assert!(
                found.lower_bound <= found.value + 1e-12 && found.value <= 0.0,
                "{found:?}"
            );
            // And −H(Y | Z) ≥ −H(Y), which is what uniform probabilities tell.
            let blind = leep(Array2::from_elem((300, 1), 1.0).view(), &labels, 4).expect("runs");
            assert!(blind.value <= found.lower_bound + 1e-12);
            let hard = hard_labels(p.view()).expect("labels");
            let certain =
                Array2::from_shape_fn(p.dim(), |(i, k)| f32::from(u8::from(hard[i] == k)));
            let certain = leep(certain.view(), &labels, 4).expect("runs");
            let nce = nce(&hard, &labels).expect("runs").value;
            assert!((certain.value - nce).abs() < 1e-12);
            assert!((certain.lower_bound - nce).abs() < 1e-12);
        }
    }

    #[test]
    fn names_and_order_of_classes_do_not_matter() {
        let p = probabilities(5, 200, 7, 1.0);
        let labels: Vec<usize> = (0..200).map(|i| (i * i) % 3).collect();
        let renamed: Vec<usize> = labels.iter().map(|l| 90 - 40 * l).collect();
        let mut turned = p.clone();
        turned.invert_axis(Axis(1));
        let (a, b) = (
            leep(p.view(), &labels, 3).expect("runs"),
            leep(turned.view(), &renamed, 100).expect("runs"),
        );
        assert!((a.value - b.value).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        let check = |p: Array2<f64>| leep(p.view(), &[0, 1], 2);
        assert!(matches!(
            check(array![[0.5, 0.5], [0.0, 0.0]]),
            Err(MeasureError::ZeroVector { row: 1, .. })
        ));
        assert!(matches!(
            check(array![[0.7, 0.7], [0.5, 0.5]]),
            Err(MeasureError::Probability { row: 0, .. })
        ));
        assert!(matches!(
            check(array![[1.0, 0.0], [-0.5, 0.5]]),
            Err(MeasureError::Probability { row: 1, .. })
        ));
        // Half the mass missing, evenly: the same conditional predictions.
        let half = check(array![[0.5, 0.0], [0.0, 0.5]]).expect("runs");
        assert_eq!(half.value, 0.0);
    }
}
