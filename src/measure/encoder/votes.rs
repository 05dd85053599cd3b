//! The neighbours' votes when training samples are left out fold by fold: what the accuracy of
//! [`knn`](crate::measure::knn) owes to the choice of training samples. All similarities are computed once; every
//! fold's vote is read off the nearest samples that are not in it.

use crate::measure::MeasureError;
use crate::measure::linalg::product::product;
use crate::measure::samples::{Real, Samples};
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

/// Test rows per block of similarities.
const BLOCK: usize = 128;

/// For each of `count` folds, whether each test sample's class wins the vote of its `k` nearest training
/// samples of the other folds; `folds` is the fold of every training sample. Rows that are zero throughout
/// have no direction: they neither vote nor win.
///
/// # Errors
/// [`MeasureError::TooFew`] where fewer than `k` training samples (or none) are left without a fold;
/// [`MeasureError::Shape`].
pub fn votes_without<A: Real, B: Real>(
    train: &Samples<'_, A>,
    test: &Samples<'_, B>,
    k: usize,
    folds: &[usize],
    count: usize,
) -> Result<Vec<Vec<bool>>, MeasureError> {
    if k == 0 {
        return Err(MeasureError::parameter("k", "at least 1", 0));
    }
    for (what, expected, found) in [
        ("test features", train.dim(), test.dim()),
        ("folds of training samples", train.len(), folds.len()),
    ] {
        if expected != found {
            return Err(MeasureError::Shape {
                what,
                expected,
                found,
            });
        }
    }
    let known = directions(train.features());
    let asked = directions(test.features());
    let points = |i: &usize| known.row(*i).iter().any(|v| *v != 0.0);
    let usable: Vec<usize> = (0..train.len()).filter(points).collect();
    for fold in 0..count {
        let left = usable.iter().filter(|&&i| folds[i] != fold).count();
        MeasureError::at_least("training samples without a fold", k, left)?;
    }
    let rows: Vec<Vec<bool>> = (0..test.len().div_ceil(BLOCK))
        .into_par_iter()
        .flat_map_iter(|block| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(test.len());
            let mut similar = Array2::zeros((range.len(), known.nrows()));
            let part = asked.slice(s![range.clone(), ..]);
            product(part, known.t(), false, similar.view_mut());
            let labels = &test.labels()[range];
            let mut order = usable.clone();
            let mut all = Vec::with_capacity(labels.len());
            for ((row, own), &truth) in similar.outer_iter().zip(part.outer_iter()).zip(labels) {
                if own.iter().all(|v| *v == 0.0) {
                    all.push(vec![false; count]);
                    continue;
                }
                // Ties by index, as the whole vote breaks them.
                let nearer = |&a: &usize, &b: &usize| row[b].total_cmp(&row[a]).then(a.cmp(&b));
                // Twice as many as vote are nearly always enough to find k outside of a fold.
                let near = (2 * k + 16).min(order.len());
                order.select_nth_unstable_by(near - 1, nearer);
                let mut nearest = order[..near].to_vec();
                nearest.sort_unstable_by(nearer);
                let of_fold = |fold: usize| {
                    let outside = |i: &&usize| folds[**i] != fold;
                    let mut chosen: Vec<usize> =
                        nearest.iter().filter(outside).take(k).copied().collect();
                    if chosen.len() < k {
                        let mut rest: Vec<usize> = usable.iter().filter(outside).copied().collect();
                        rest.sort_unstable_by(nearer);
                        rest.truncate(k);
                        chosen = rest;
                    }
                    let of = |i: &usize| (train.labels()[*i], row[*i]);
                    winner(chosen.iter().map(of), train.classes()) == Some(truth)
                };
                all.push((0..count).map(of_fold).collect());
            }
            all
        })
        .collect();
    let of_fold = |fold: usize| rows.iter().map(|row| row[fold]).collect();
    Ok((0..count).map(of_fold).collect())
}

/// The class with most votes; of equal ones that with the larger sum of similarities, then the smaller.
fn winner(votes: impl Iterator<Item = (usize, f64)>, classes: usize) -> Option<usize> {
    let mut all = vec![(0usize, 0.0f64); classes];
    for (class, similarity) in votes {
        all[class] = (all[class].0 + 1, all[class].1 + similarity);
    }
    let better = |&a: &usize, &b: &usize| {
        let (x, y) = (all[a], all[b]);
        x.0.cmp(&y.0).then(x.1.total_cmp(&y.1)).then(b.cmp(&a))
    };
    (0..classes).max_by(better)
}

/// Rows of unit length in double precision; zero rows stay zero.
fn directions<A: Real>(matrix: ArrayView2<'_, A>) -> Array2<f64> {
    let mut out = matrix.mapv(Into::into);
    for mut row in out.axis_iter_mut(Axis(0)) {
        let largest = row.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if largest > 0.0 {
            // Scaling by the largest entry first keeps squares from under- or overflowing.
            row.mapv_inplace(|v| v / largest);
            let norm = row.dot(&row).sqrt();
            row.mapv_inplace(|v| v / norm);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::knn::knn;

    #[test]
    fn a_folds_votes_are_those_of_the_samples_without_it() {
        let x = Array2::from_shape_fn((90, 4), |(i, j)| ((i * (j + 3) + j) as f32 * 0.7).sin());
        let y: Vec<usize> = (0..90).map(|i| i * i % 3).collect();
        let t = Array2::from_shape_fn((150, 4), |(i, j)| ((i * (j + 5) + 1) as f32 * 0.3).cos());
        let truth: Vec<usize> = (0..150).map(|i| i % 3).collect();
        // The second fold is most of the samples: neighbours outside of it are far away.
        let folds: Vec<usize> = (0..90).map(|i| usize::from(i > 20)).collect();
        let (train, test) = (
            Samples::new(x.view(), &y, 3).unwrap(),
            Samples::new(t.view(), &truth, 3).unwrap(),
        );
        let found = votes_without(&train, &test, 5, &folds, 2).unwrap();
        for (fold, found) in found.iter().enumerate() {
            let kept: Vec<usize> = (0..90).filter(|&i| folds[i] != fold).collect();
            let part = x.select(Axis(0), &kept);
            let labels: Vec<usize> = kept.iter().map(|&i| y[i]).collect();
            let part = Samples::new(part.view(), &labels, 3).unwrap();
            assert_eq!(*found, knn(&part, &test, 5).unwrap().correct);
        }
        assert!(votes_without(&train, &test, 22, &folds, 2).is_err());
        assert!(votes_without(&train, &test, 5, &folds[1..], 2).is_err());
    }
}
