//! Nearest neighbours: does the class of a sample's neighbours tell its own?
//!
//! The accuracy of a majority vote among the k training samples of highest cosine similarity. It
//! needs no fitting and so says what the geometry of features holds without a head.

use std::sync::Arc;

use ndarray::{Array2, Axis, s};
use rayon::prelude::*;
use serde::Serialize;

use crate::measure::about::{About, Better, Unit};
use crate::measure::encoder::measure::{Cost, Extent, Input, Learner, Measure, Noise, Rate};
use crate::measure::linalg::product::product;
use crate::measure::samples::{Real, Samples, directions};
use crate::measure::{Groups, MeasureError, stats};

/// Test rows per block of similarities.
const BLOCK: usize = 128;

/// What the neighbours' vote says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Knn {
    /// Share of test samples whose class wins the vote, in `[0, 1]`.
    pub accuracy: f64,
    /// Wilson's 95 % interval of the accuracy.
    pub interval: [f64; 2],
    /// Neighbours asked.
    pub k: usize,
    /// Whether each test sample's class won its vote; false for those left out.
    pub correct: Vec<bool>,
    /// Training samples left out, because all their features are zero: they have no direction.
    pub left_out_train: Vec<usize>,
    /// Test samples left out for the same reason; accuracy and interval are of the others.
    pub left_out: Vec<usize>,
}

impl Knn {
    /// The accuracy's 95 % interval where test samples belong together
    /// ([`Groups::error_interval`]).
    ///
    /// # Errors
    /// [`MeasureError::Shape`] unless there is a group for every test sample.
    pub fn interval_by(&self, groups: &Groups) -> Result<[f64; 2], MeasureError> {
        MeasureError::same("groups of test samples", self.correct.len(), groups.len())?;
        let voted: Vec<usize> = (0..self.correct.len())
            .filter(|row| self.left_out.binary_search(row).is_err())
            .collect();
        let right: Vec<bool> = voted.iter().map(|&row| self.correct[row]).collect();
        Ok(groups.select(&voted).error_interval(&right))
    }
}

/// k-nearest-neighbour accuracy by cosine similarity; `k` is usually 10. Equal votes go to the
/// class with the nearer neighbours (larger sum of similarities), then to the smaller class.
///
/// # Errors
/// [`MeasureError::Parameter`] for `k = 0`, [`MeasureError::TooFew`] for fewer than `k` training
/// samples or no test sample (such that are zero throughout do not count), [`MeasureError::Shape`].
pub fn knn<A: Real, B: Real>(
    train: &Samples<'_, A>,
    test: &Samples<'_, B>,
    k: usize,
) -> Result<Knn, MeasureError> {
    if k == 0 {
        return Err(MeasureError::parameter("k", "at least 1", 0));
    }
    MeasureError::at_least("training samples", k, train.len())?;
    MeasureError::at_least("test samples", 1, test.len())?;
    let (expected, found) = (train.dim(), test.dim());
    if expected != found {
        return Err(MeasureError::Shape {
            what: "test features",
            expected,
            found,
        });
    }
    let (known, asked) = (directions(train.features()), directions(test.features()));
    let votes = known.kept.len();
    MeasureError::at_least("training samples that are not zero", k, votes)?;
    MeasureError::at_least("test samples that are not zero", 1, asked.kept.len())?;
    let classes = train.classes();
    let right: Vec<bool> = (0..asked.kept.len().div_ceil(BLOCK))
        .into_par_iter()
        .flat_map_iter(|block| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(asked.kept.len());
            let mut similar = Array2::zeros((range.len(), votes));
            product(
                asked.unit.slice(s![range.clone(), ..]),
                known.unit.t(),
                false,
                similar.view_mut(),
            );
            let mut order: Vec<usize> = (0..votes).collect();
            let mut votes = vec![(0usize, 0.0f64); classes];
            let mut correct = Vec::with_capacity(range.len());
            for (row, &test_row) in similar.axis_iter(Axis(0)).zip(&asked.kept[range]) {
                // Ties by index, so that the result does not depend on the selection's order.
                let nearer = |&a: &usize, &b: &usize| row[b].total_cmp(&row[a]).then(a.cmp(&b));
                order.select_nth_unstable_by(k - 1, nearer);
                let nearest = &mut order[..k];
                nearest.sort_unstable();
                votes.fill((0, 0.0));
                for &j in nearest.iter() {
                    let vote = &mut votes[train.labels()[known.kept[j]]];
                    *vote = (vote.0 + 1, vote.1 + row[j]);
                }
                let better = |&a: &usize, &b: &usize| {
                    votes[a]
                        .0
                        .cmp(&votes[b].0)
                        .then(votes[a].1.total_cmp(&votes[b].1))
                        .then(b.cmp(&a))
                };
                correct.push((0..classes).max_by(better) == Some(test.labels()[test_row]));
            }
            correct
        })
        .collect();
    let hits = right.iter().filter(|c| **c).count();
    let mut correct = vec![false; test.len()];
    for (&row, right) in asked.kept.iter().zip(&right) {
        correct[row] = *right;
    }
    Ok(Knn {
        accuracy: hits as f64 / right.len() as f64,
        interval: stats::wilson(hits, right.len()),
        k,
        correct,
        left_out_train: known.left_out,
        left_out: asked.left_out,
    })
}

/// The vote on an input, taken once.
///
/// # Errors
/// Those of [`knn()`].
pub fn vote(input: &Input<'_>) -> Result<Arc<Knn>, MeasureError> {
    input.once(|| knn(input.train(), input.test(), input.k()))
}

/// Share of test samples whose class wins the vote of their nearest training samples.
pub const KNN_ACCURACY: Measure = Measure {
    about: About {
        name: "knn-accuracy",
        older: &["knn"],
        title: "k-NN accuracy",
        unit: Unit::Share,
        better: Better::Higher,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "Share of test samples whose class wins the vote of the nearest training samples: what neighbourhoods hold of the classes without any fitting.",
        computed: "Majority of the k training samples of highest cosine similarity (k = 10 unless set); equal votes go to the class of larger summed similarity.",
        limits: "It depends on k and on how many training samples there are, and sees angles alone.",
        citation: "Wu et al., Unsupervised feature learning via non-parametric instance discrimination, CVPR 2018, here with an unweighted vote",
    },
    noise: Noise::Predictions(Learner::Neighbours, Rate::Right),
    cost: Cost::Linear,
    in_run: Extent::Balanced,
    value: |input| Ok(vote(input)?.accuracy),
};

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn neighbours_by_direction_and_not_by_length_decide() {
        let x = array![
            [1.0, 0.1],
            [9.0, 0.0],
            [2.0, -0.1],
            [0.1, 1.0],
            [0.0, 7.0],
            [-0.1, 3.0]
        ];
        let y = [0, 0, 0, 1, 1, 1];
        let train = Samples::new(x.view(), &y, 2).expect("valid");
        let t = array![[0.01, 0.0], [0.0, 100.0], [50.0, 1.0]];
        let test = Samples::new(t.view(), &[0, 1, 1], 2).expect("valid");
        assert_eq!(knn(&train, &test, 3).expect("runs").accuracy, 2.0 / 3.0);
        assert!(matches!(
            knn(&train, &test, 7),
            Err(MeasureError::TooFew {
                expected: 7,
                found: 6,
                ..
            })
        ));
    }

    #[test]
    fn one_neighbour_finds_itself() {
        let x = Array2::from_shape_fn((300, 5), |(i, j)| ((i * (j + 3) + 1) as f32).sin());
        let y: Vec<usize> = (0..300).map(|i| i % 7).collect();
        let set = Samples::new(x.view(), &y, 7).expect("valid");
        assert_eq!(knn(&set, &set, 1).expect("runs").accuracy, 1.0);
    }

    #[test]
    fn rows_of_zeros_neither_vote_nor_ask() {
        let x = Array2::from_shape_fn((60, 4), |(i, j)| ((i * (j + 3) + 1) as f32).sin());
        let y: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let (mut holes, zero) = (x.clone(), [5, 40]);
        zero.iter().for_each(|&row| holes.row_mut(row).fill(0.0));
        let rest: Vec<usize> = (0..60).filter(|i| !zero.contains(i)).collect();
        let fewer = x.select(Axis(0), &rest);
        let own: Vec<usize> = rest.iter().map(|&i| y[i]).collect();
        let with = Samples::new(holes.view(), &y, 3).expect("valid");
        let without = Samples::new(fewer.view(), &own, 3).expect("valid");
        let (a, b) = (knn(&with, &with, 4), knn(&without, &without, 4));
        let (a, b) = (a.expect("runs"), b.expect("runs"));
        assert_eq!((a.accuracy, a.interval), (b.accuracy, b.interval));
        assert_eq!(
            (a.left_out_train.as_slice(), a.left_out.as_slice()),
            (&zero[..], &zero[..])
        );
        let singles = a.interval_by(&Groups::singletons(60)).expect("groups");
        assert_eq!(singles, a.interval);
        let twins = Groups::of(&(0..60).map(|i| i / 6).collect::<Vec<_>>());
        assert!(a.interval_by(&twins).expect("groups")[1] > a.interval[1]);
    }
}
