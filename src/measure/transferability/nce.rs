//! Negative conditional entropy: how far do source labels determine target labels?
//!
//! Source: Tran, Nguyen & Hassner, *Transferability and hardness of supervised classification
//! tasks*, ICCV 2019. NCE = −H(Y | Z) = Σ P(y, z) log P(y | z) over the empirical joint
//! distribution of target labels y and source labels z of the same samples, often the most probable
//! class of a source model. In `[−log K, 0]`; 0 where the source label tells the target label,
//! higher is better.

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use serde::Serialize;

use super::score::{Need, Score};
use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::samples::{Real, check_finite};

/// How far source labels determine target labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Nce {
    /// −H(Y | Z) in nats, at most 0; higher is better.
    pub value: f64,
    /// Samples.
    pub samples: usize,
}

/// NCE of source labels and target labels, `[N]` each; any numbers are labels. Time O(N log N).
///
/// # Errors
/// [`MeasureError::Shape`] for unequal lengths, [`MeasureError::TooFew`] without samples.
pub fn nce(source: &[usize], target: &[usize]) -> Result<Nce, MeasureError> {
    let n = source.len();
    MeasureError::same("target labels", n, target.len())?;
    MeasureError::at_least("samples", 1, n)?;
    // Ordered, so that sums are; maps, so that large labels cost nothing.
    let mut joint = BTreeMap::<(usize, usize), usize>::new();
    let mut marginal = BTreeMap::<usize, usize>::new();
    for (&z, &y) in source.iter().zip(target) {
        *joint.entry((z, y)).or_default() += 1;
        *marginal.entry(z).or_default() += 1;
    }
    let term = |(&(z, _), &both): (&(usize, usize), &usize)| {
        both as f64 * (both as f64 / marginal[&z] as f64).ln()
    };
    Ok(Nce {
        value: joint.iter().map(term).sum::<f64>() / n as f64,
        samples: n,
    })
}

/// The most probable class of every row `[N, Ks]`, the first of equals.
///
/// # Errors
/// [`MeasureError::TooFew`] without classes, [`MeasureError::NotFinite`].
pub fn hard_labels<A: Real>(probabilities: ArrayView2<'_, A>) -> Result<Vec<usize>, MeasureError> {
    MeasureError::at_least("source classes", 1, probabilities.ncols())?;
    check_finite("source probabilities", probabilities)?;
    let first = |row: ndarray::ArrayView1<'_, A>| {
        let mut best = 0;
        for (k, &p) in row.iter().enumerate() {
            if p.into() > row[best].into() {
                best = k;
            }
        }
        best
    };
    Ok(probabilities.outer_iter().map(first).collect())
}

/// NCE of the source model's most probable classes.
pub const NCE: Score = Score {
    about: About {
        name: "nce",
        older: &[],
        title: "NCE",
        unit: Unit::Number(3),
        better: Better::Higher,
        range: [f64::NEG_INFINITY, 0.0],
        values: "−log K to 0",
        what: "How far the source model's most probable class of a sample determines its target label.",
        computed: "Negative conditional entropy of target labels given source labels, in nats, of their empirical joint distribution.",
        limits: "Many source classes with few samples each determine labels by chance.",
        citation: "Tran, Nguyen and Hassner, Transferability and hardness of supervised classification tasks, ICCV 2019",
    },
    needs: &[Need::Labels, Need::Classifier],
    value: |input| {
        let hard = hard_labels(input.probabilities()?)?;
        Ok(nce(&hard, input.labelled()?.labels())?.value.into())
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_function_of_the_source_is_certain_and_nothing_is_the_entropy() {
        let source = [0, 1, 2, 0, 1, 2, 9];
        let certain = nce(&source, &[5, 5, 1, 5, 5, 1, 0]).expect("runs");
        assert_eq!(certain.value, 0.0);
        let blind = nce(&[3; 4], &[0, 1, 0, 1]).expect("runs");
        assert!((blind.value + 2f64.ln()).abs() < 1e-15);
        // Any number is a label, whatever its size.
        let renamed = nce(&[usize::MAX; 4], &[7, usize::MAX, 7, usize::MAX]).expect("runs");
        assert_eq!(renamed, blind);
        assert!(matches!(
            nce(&source, &[1]),
            Err(MeasureError::Shape {
                expected: 7,
                found: 1,
                ..
            })
        ));
        assert!(matches!(nce(&[], &[]), Err(MeasureError::TooFew { .. })));
    }

    #[test]
    fn the_first_of_equals_is_the_label() {
        let p = array![[0.2f32, 0.4, 0.4], [0.0, 0.0, 0.0], [0.1, 0.2, 0.7]];
        assert_eq!(hard_labels(p.view()), Ok(vec![1, 0, 2]));
    }
}
