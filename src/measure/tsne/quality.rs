//! How good a map is: its KL divergence and its trustworthiness.
//!
//! Both are computed exactly and alike for every engine, so that engines can be compared: what an
//! engine reports of itself rests on its own approximations.

use ndarray::Array2;
use rayon::prelude::*;

use super::affinity::Affinities;

/// KL(P‖Q) over all pairs, with exact affinities; finite and, up to rounding, ≥ 0.
pub fn kl(affinities: &Affinities, map: &Array2<f64>) -> f64 {
    let n = affinities.count();
    let kernel = |i: usize, j: usize| {
        let (dx, dy) = (map[[i, 0]] - map[[j, 0]], map[[i, 1]] - map[[j, 1]]);
        1.0 / (1.0 + dx * dx + dy * dy)
    };
    // Rows are collected and added in order: the same bits for any number of threads.
    let parts: Vec<f64> = (0..n)
        .into_par_iter()
        .map(|i| (0..n).filter(|&j| j != i).map(|j| kernel(i, j)).sum())
        .collect();
    let z: f64 = parts.iter().sum();
    let parts: Vec<f64> = (0..n)
        .into_par_iter()
        .map_init(Vec::new, |squares, i| {
            affinities.distances(i, squares);
            let mut sum = 0.0;
            for j in (0..n).filter(|&j| j != i) {
                let p = affinities.joint(i, j, squares[j]);
                if p > 0.0 {
                    sum += p * (p * z / kernel(i, j)).ln();
                }
            }
            sum
        })
        .collect();
    parts.iter().sum()
}

/// Trustworthiness of a map: 1 if the `k` neighbours of every point in the map are among its `k`
/// nearest in the features, less by how far they rank beyond. `None` unless `0 < k < N/2`.
///
/// Source: Venna & Kaski 2001, as in scikit-learn: 1 − 2/(Nk(2N−3k−1)) Σᵢ Σ_{j ∈ map-kNN} max(0, r(i, j) − k).
pub fn trustworthiness(affinities: &Affinities, map: &Array2<f64>, k: usize) -> Option<f64> {
    let n = affinities.count();
    if k == 0 || 2 * k >= n {
        return None;
    }
    let penalty: usize = (0..n)
        .into_par_iter()
        .map_init(
            || (Vec::new(), Vec::new(), Vec::new()),
            |(squares, near, order): &mut (Vec<f64>, Vec<f64>, Vec<usize>), i| {
                affinities.distances(i, squares);
                near.clear();
                near.extend((0..n).map(|j| {
                    (map[[i, 0]] - map[[j, 0]]).powi(2) + (map[[i, 1]] - map[[j, 1]]).powi(2)
                }));
                order.clear();
                order.extend((0..n).filter(|&j| j != i));
                order.select_nth_unstable_by(k - 1, |&a, &b| {
                    near[a].total_cmp(&near[b]).then(a.cmp(&b))
                });
                let rank = |j: usize| {
                    let before = |&l: &usize| {
                        l != i && (squares[l] < squares[j] || squares[l] == squares[j] && l < j)
                    };
                    1 + (0..n).filter(before).count()
                };
                order[..k]
                    .iter()
                    .map(|&j| rank(j).saturating_sub(k))
                    .sum::<usize>()
            },
        )
        .sum();
    let (n, k) = (n as f64, k as f64);
    Some(1.0 - 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)) * penalty as f64)
}
