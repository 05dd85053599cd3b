//! Nearest neighbours: does the class of a sample's neighbours tell its own?
//!
//! The accuracy of a majority vote among the k training samples of highest cosine similarity. It
//! needs no fitting and so says what the geometry of features holds without a head.

use ndarray::{Array2, Axis, s};
use rayon::prelude::*;
use serde::Serialize;

use super::product::product;
use super::samples::{Real, Samples, unit_rows};
use super::{MeasureError, stats};

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
    /// Whether each test sample's class won its vote.
    pub correct: Vec<bool>,
}

/// k-nearest-neighbour accuracy by cosine similarity; `k` is usually 10. Equal votes go to the
/// class with the nearer neighbours (larger sum of similarities), then to the smaller class.
///
/// # Errors
/// [`MeasureError::Parameter`] for `k = 0`, [`MeasureError::TooFew`] for fewer than `k` training
/// samples or no test sample, [`MeasureError::Shape`], [`MeasureError::ZeroVector`].
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
    let known = unit_rows("training features", train.features())?;
    let asked = unit_rows("test features", test.features())?;
    let classes = train.classes();
    let correct: Vec<bool> = (0..test.len().div_ceil(BLOCK))
        .into_par_iter()
        .flat_map_iter(|block| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(test.len());
            let mut similar = Array2::zeros((range.len(), known.nrows()));
            product(
                asked.slice(s![range.clone(), ..]),
                known.t(),
                false,
                similar.view_mut(),
            );
            let mut order: Vec<usize> = (0..train.len()).collect();
            let mut votes = vec![(0usize, 0.0f64); classes];
            let mut correct = Vec::with_capacity(range.len());
            for (row, &truth) in similar.axis_iter(Axis(0)).zip(&test.labels()[range]) {
                // Ties by index, so that the result does not depend on the selection's order.
                let nearer = |&a: &usize, &b: &usize| row[b].total_cmp(&row[a]).then(a.cmp(&b));
                order.select_nth_unstable_by(k - 1, nearer);
                let nearest = &mut order[..k];
                nearest.sort_unstable();
                votes.fill((0, 0.0));
                for &j in nearest.iter() {
                    let vote = &mut votes[train.labels()[j]];
                    *vote = (vote.0 + 1, vote.1 + row[j]);
                }
                let better = |&a: &usize, &b: &usize| {
                    votes[a]
                        .0
                        .cmp(&votes[b].0)
                        .then(votes[a].1.total_cmp(&votes[b].1))
                        .then(b.cmp(&a))
                };
                correct.push((0..classes).max_by(better) == Some(truth));
            }
            correct
        })
        .collect();
    let hits = correct.iter().filter(|c| **c).count();
    Ok(Knn {
        accuracy: hits as f64 / test.len() as f64,
        interval: stats::wilson(hits, test.len()),
        k,
        correct,
    })
}

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
}
