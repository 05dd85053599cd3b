//! How good a map is: its KL divergence and its trustworthiness.
//!
//! Both are computed exactly and alike for every engine, so that engines can be compared: what an
//! engine reports of itself rests on its own approximations.

use ndarray::{Array2, ArrayView2};
use rand::seq::index::sample;
use rayon::prelude::*;

use super::affinity::{Affinities, Columns};
use super::sparse::Sparse;
use crate::random::TRUSTWORTHINESS;
use crate::simd::multiversion;

/// Sums kept side by side.
const LANES: usize = 8;

/// KL(P‖Q) over all pairs of dense affinities; finite and, up to rounding, ≥ 0.
pub fn kl(affinities: &Affinities, map: &Array2<f64>) -> f64 {
    let n = affinities.count();
    let z = normaliser(map);
    // Rows are collected and added in order: the same bits for any number of threads.
    let parts: Vec<f64> = (0..n)
        .into_par_iter()
        .map_init(Vec::new, |squares, i| {
            affinities.distances(i, squares);
            let row = (0..n).filter(|&j| j != i);
            row.map(|j| term(affinities.joint(i, j, squares[j]), z, map, i, j))
                .sum()
        })
        .collect();
    parts.iter().sum()
}

/// The same over sparse affinities; the map's own normaliser is still that of all pairs.
pub fn sparse_kl(affinities: &Sparse, map: &Array2<f64>) -> f64 {
    let z = normaliser(map);
    let parts: Vec<f64> = (0..affinities.count())
        .into_par_iter()
        .map(|i| affinities.row(i).map(|(j, p)| term(p, z, map, i, j)).sum())
        .collect();
    parts.iter().sum()
}

/// p log(p / q) of one pair.
fn term(p: f64, z: f64, map: &Array2<f64>, i: usize, j: usize) -> f64 {
    let (dx, dy) = (map[[i, 0]] - map[[j, 0]], map[[i, 1]] - map[[j, 1]]);
    if p > 0.0 {
        p * (p * z * (1.0 + dx * dx + dy * dy)).ln()
    } else {
        0.0
    }
}

/// Σ 1/(1 + |y_i − y_j|²) over all pairs i ≠ j.
fn normaliser(map: &Array2<f64>) -> f64 {
    let (xs, ys) = (map.column(0).to_vec(), map.column(1).to_vec());
    let parts: Vec<f64> = (0..xs.len())
        .into_par_iter()
        .map(|i| kernels(xs[i], ys[i], &xs[i + 1..], &ys[i + 1..]))
        .collect();
    2.0 * parts.iter().sum::<f64>()
}

multiversion! {
    /// Sum of the kernel between one place and others.
    fn kernels(x: f64, y: f64, xs: &[f64], ys: &[f64]) -> f64 {
        let kernel = |xj: f64, yj: f64| {
            let (dx, dy) = (x - xj, y - yj);
            1.0 / (1.0 + (dx * dx + dy * dy))
        };
        let ((xs, rest_x), (ys, rest_y)) = (xs.as_chunks::<LANES>(), ys.as_chunks::<LANES>());
        let mut lanes = [0.0; LANES];
        for (xs, ys) in xs.iter().zip(ys) {
            for l in 0..LANES {
                lanes[l] += kernel(xs[l], ys[l]);
            }
        }
        let rest = rest_x.iter().zip(rest_y).map(|(&x, &y)| kernel(x, y));
        lanes.iter().sum::<f64>() + rest.sum::<f64>()
    }
}

/// Trustworthiness of a map: 1 if the `k` neighbours of every point in the map are among its `k`
/// nearest in the features, less by how far they rank beyond. `None` unless `0 < k < N/2`. Of more
/// than `most` points a sample of that size is looked at, always the same, among all neighbours.
///
/// Source: Venna & Kaski 2001, as in scikit-learn: 1 − 2/(Nk(2N−3k−1)) Σᵢ Σ_{j ∈ map-kNN} max(0, r(i, j) − k).
pub fn trustworthiness(
    points: ArrayView2<'_, f64>,
    map: &Array2<f64>,
    k: usize,
    most: usize,
) -> Option<f64> {
    let n = points.nrows();
    if k == 0 || 2 * k >= n {
        return None;
    }
    let looked_at: Vec<usize> = match n > most {
        true => sample(&mut TRUSTWORTHINESS.rng(0, &[]), n, most).into_vec(),
        false => (0..n).collect(),
    };
    let (features, map) = (Columns::new(points), Columns::new(map.view()));
    let penalty: usize = looked_at
        .par_iter()
        .map_init(
            || (Vec::new(), Vec::new(), Vec::new()),
            |(squares, near, order): &mut (Vec<f64>, Vec<f64>, Vec<usize>), &i| {
                features.distances(i, squares);
                map.distances(i, near);
                order.clear();
                order.extend((0..n).filter(|&j| j != i));
                order.select_nth_unstable_by(k - 1, |&a, &b| {
                    near[a].total_cmp(&near[b]).then(a.cmp(&b))
                });
                // The point itself, at distance zero, comes before all or is counted out.
                let own = |j: usize| usize::from(squares[j] > 0.0 || i < j);
                order[..k]
                    .iter()
                    .map(|&j| (1 + before(squares, j) - own(j)).saturating_sub(k))
                    .sum::<usize>()
            },
        )
        .sum();
    let (n, k, seen) = (n as f64, k as f64, looked_at.len() as f64);
    Some(1.0 - 2.0 / (seen * k * (2.0 * n - 3.0 * k - 1.0)) * penalty as f64)
}

multiversion! {
    /// How many come before `j` by distance, equal ones by index.
    fn before(squares: &[f64], j: usize) -> usize {
        let square = squares[j];
        let less = squares.iter().map(|&s| usize::from(s < square)).sum::<usize>();
        less + squares[..j].iter().map(|&s| usize::from(s == square)).sum::<usize>()
    }
}
