//! Silhouette: is a sample nearer to its own class than to the next?
//!
//! Source: P. J. Rousseeuw, *Silhouettes: a graphical aid to the interpretation and validation of
//! cluster analysis*, J. Comput. Appl. Math. 1987. With a the mean Euclidean distance to the other
//! samples of its class and b the least mean distance to another class, a sample has
//! (b − a)/max(a, b) ∈ [−1, 1]; higher is better. As in scikit-learn, a sample alone in its class has 0,
//! and so has one with a = b = 0.
//!
//! All N² distances are taken, in blocks of scalar products of centred features; where two
//! samples are so near that cancellation would tell, by difference. What is kept of them is a
//! sum for every sample and class.

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;
use serde::Serialize;

use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::encoder::measure::{Cost, Extent, Measure, Noise};
use crate::measure::linalg::product::product;
use crate::measure::linalg::rows::{Present, Rows};
use crate::measure::samples::{Real, Samples};

/// Rows and columns of a tile of distances.
const BLOCK: usize = 128;
/// Below this share of ‖a‖² + ‖b‖², ‖a − b‖² is computed by difference.
const NEAR: f64 = 1e-5;

/// How well classes are separated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Silhouette {
    /// Mean over all samples, in `[−1, 1]`; higher is better.
    pub value: f64,
    /// Mean over the samples of every class that occurs, with its label.
    pub classes: Vec<(usize, f64)>,
}

/// The mean silhouette of features `[N, D]` by their labels; time O(N²·D), memory O(N·(D + K)).
///
/// # Errors
/// [`MeasureError::TooFew`] without a feature or with fewer than two classes that occur,
/// [`MeasureError::TooMany`] if every sample is a class of its own (as scikit-learn).
pub fn silhouette<A: Real>(samples: &Samples<'_, A>) -> Result<Silhouette, MeasureError> {
    let n = samples.len();
    let present = Present::new(samples.labels());
    MeasureError::at_least("features", 1, samples.dim())?;
    MeasureError::at_least("classes that occur", 2, present.len())?;
    if present.len() == n {
        return Err(MeasureError::TooMany {
            what: "classes that occur",
            expected: n - 1,
            found: n,
        });
    }
    // Neither place nor scale matters: near zero and near one, nothing is lost or overflows.
    let rows = Rows::centred(samples.features());
    let (x, squares) = (rows.block(0..n), rows.squares());
    let each: Vec<f64> = (0..n.div_ceil(BLOCK))
        .into_par_iter()
        .flat_map_iter(|block| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(n);
            let sums = distances(x.view(), &squares, &present, range.clone());
            let score = |(i, sums): (usize, _)| coefficient(sums, present.of[i], &present.counts);
            let scores: Vec<f64> = range.zip(sums.outer_iter()).map(score).collect();
            scores
        })
        .collect();
    let mut classes = vec![0.0; present.len()];
    for (score, &class) in each.iter().zip(&present.of) {
        classes[class] += score;
    }
    Ok(Silhouette {
        value: classes.iter().sum::<f64>() / n as f64,
        classes: classes
            .iter()
            .zip(&present.counts)
            .zip(&present.labels)
            .map(|((sum, &count), &label)| (label, sum / count as f64))
            .collect(),
    })
}

/// Sums of distances from a block of rows to every class, `[rows, K]`.
fn distances(
    x: ArrayView2<'_, f64>,
    squares: &[f64],
    present: &Present,
    rows: std::ops::Range<usize>,
) -> Array2<f64> {
    let n = x.nrows();
    let mut sums = Array2::zeros((rows.len(), present.len()));
    let mut products = Array2::zeros((rows.len(), BLOCK));
    let left = x.slice(s![rows.clone(), ..]);
    for from in (0..n).step_by(BLOCK) {
        let columns = from..(from + BLOCK).min(n);
        let mut products = products.slice_mut(s![.., ..columns.len()]);
        let right = x.slice(s![columns.clone(), ..]);
        product(left, right.t(), false, products.view_mut());
        for ((i, products), mut sums) in rows
            .clone()
            .zip(products.outer_iter())
            .zip(sums.outer_iter_mut())
        {
            for (j, &scalar) in columns.clone().zip(products) {
                let both = squares[i] + squares[j];
                let mut square = both - 2.0 * scalar;
                if square < NEAR * both {
                    let differ = |(a, b): (&f64, &f64)| (a - b) * (a - b);
                    square = x.row(i).iter().zip(x.row(j)).map(differ).sum();
                }
                sums[present.of[j]] += square.sqrt();
            }
        }
    }
    sums
}

/// A sample's silhouette from its sums of distances.
fn coefficient(sums: ndarray::ArrayView1<'_, f64>, own: usize, counts: &[usize]) -> f64 {
    if counts[own] == 1 {
        return 0.0;
    }
    let a = sums[own] / (counts[own] - 1) as f64;
    let b = (0..counts.len())
        .filter(|&k| k != own)
        .map(|k| sums[k] / counts[k] as f64)
        .fold(f64::INFINITY, f64::min);
    let most = a.max(b);
    if most > 0.0 { (b - a) / most } else { 0.0 }
}

/// Mean silhouette of the classes.
pub const SILHOUETTE: Measure = Measure {
    about: About {
        name: "silhouette",
        older: &[],
        title: "silhouette",
        unit: Unit::Number(3),
        better: Better::Higher,
        range: [-1.0, 1.0],
        values: "−1 to 1",
        what: "Whether samples are nearer to their own class than to the next.",
        computed: "Mean over samples of (b − a)/max(a, b), a the mean Euclidean distance to the other samples of the class, b the least mean distance to another class.",
        limits: "It takes classes to be round: a class in two clusters, or along a curve, has a low value though it is separated.",
        citation: "Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, J. Comput. Appl. Math. 1987",
    },
    noise: Noise::Jackknife,
    cost: Cost::Pairs,
    in_run: Extent::Balanced,
    value: |input| Ok(silhouette(input.test())?.value),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::references::{normal, rotation};
    use ndarray::array;

    fn score(x: &Array2<f64>, labels: &[usize]) -> Silhouette {
        silhouette(&Samples::new(x.view(), labels, 1000).expect("valid")).expect("runs")
    }

    #[test]
    fn tight_classes_are_near_one_and_crossed_ones_below_zero() {
        let x = array![[1e6, 0.0], [1e6, 1e-6], [1e6 + 9.0, 0.0], [1e6 + 9.0, 1e-6]];
        assert!(score(&x, &[0, 0, 1, 1]).value > 0.999_999);
        assert!(score(&x, &[0, 1, 0, 1]).value < -0.4);
        // Coincident samples have a distance of exactly zero.
        let twice = array![[0.1, 0.3], [0.1, 0.3], [7.0, 0.3], [7.0, 0.3]];
        assert_eq!(score(&twice, &[0, 0, 1, 1]).value, 1.0);
        assert_eq!(
            score(&Array2::from_elem((5, 2), 0.1), &[0, 0, 1, 1, 2]).value,
            0.0
        );
    }

    #[test]
    fn it_stays_in_range_and_rotation_scale_and_names_do_not_matter() {
        for seed in 0..5 {
            let x = normal(seed, 300, 4);
            let labels: Vec<usize> = (0..300).map(|i| (i * i) % 7).collect();
            let renamed: Vec<usize> = labels.iter().map(|l| 900 - 100 * l).collect();
            let found = score(&x, &labels);
            let other = score(&(x.dot(&rotation(9, 4)) * 1e-30), &renamed);
            assert!((found.value - other.value).abs() < 1e-12);
            assert!(found.classes.iter().all(|c| c.1.abs() <= 1.0));
        }
    }

    #[test]
    fn blocks_are_the_same_as_one_pair_at_a_time() {
        let (n, x) = (2 * BLOCK + 17, normal(3, 2 * BLOCK + 17, 3));
        let labels: Vec<usize> = (0..n).map(|i| i % 4).collect();
        let present = Present::new(&labels);
        let mut total = 0.0;
        for i in 0..n {
            let mut sums = ndarray::Array1::zeros(4);
            for j in 0..n {
                let d = &x.row(i) - &x.row(j);
                sums[labels[j]] += d.dot(&d).sqrt();
            }
            total += coefficient(sums.view(), labels[i], &present.counts);
        }
        assert!((score(&x, &labels).value - total / n as f64).abs() < 1e-12);
    }
}
