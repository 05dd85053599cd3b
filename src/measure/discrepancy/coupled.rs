//! Renormalised divergences: the value of an assignment, and the local search.
//!
//! With s_i = Σ_{k∈B} p_k(x̂ᵢ) the value is Σᵢ Σ_c −T_ic log(p_{a(c)} / s_i) for the likelihoods and
//! Σᵢ ½Σ_c |T_ic − p_{a(c)} / s_i| for total variation. Two facts make the search quick:
//!
//! * **Given the subset B, s is given**, and the value adds up over pairs of a target and a source
//!   class: the best order of B is a K × K assignment problem. This contains all swaps.
//! * **Exchanging one class k of B for k'** changes s_i to (s_i − p_k) + p_k'. All k' are evaluated
//!   in one sweep over the samples, with Σ log s as the logarithm of products.

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::divergence::Divergence;
use super::target::Draw;
use super::{Target, lap, search, simd};
use crate::measure::linalg::product::product;

/// Samples of a task: sums over samples are added chunk by chunk, in order.
pub(super) const CHUNK: usize = 512;

/// The samples that an assignment is valued on, with their targets.
pub(super) struct Coupled {
    pub divergence: Divergence,
    /// Source probabilities `[n, C]`, each at least [`super::divergence::FLOOR`].
    pub p: Array2<f64>,
    /// Their logarithms.
    pub logs: Array2<f64>,
    /// Target classes.
    pub k: usize,
    /// For each sample its target classes with their weights.
    pub entries: Vec<Vec<(usize, f64)>>,
    /// Whether the targets are distributions: total variation then counts every class.
    dense: bool,
    /// Σ of weights for each sample.
    pub mass: Vec<f64>,
    /// What the sum is divided by.
    pub units: f64,
    /// Σ T log T, what KL has beside the likelihood.
    pub constant: f64,
}

impl Coupled {
    /// The samples `rows` of a table of probabilities `[N, C]` under a draw of targets, whose class c
    /// is row `index[c]` of `k`.
    pub fn new(
        divergence: Divergence,
        table: ArrayView2<'_, f64>,
        target: &Target<'_>,
        (index, k): (&[usize], usize),
        draw: &Draw,
        rows: &[usize],
    ) -> Self {
        let p = table.select(Axis(0), rows);
        let mut logs = p.clone();
        if let Some(values) = logs.as_slice_mut() {
            values.par_chunks_mut(1 << 14).for_each(simd::logs);
        }
        let dense = matches!(target, Target::Conditionals(_));
        let entries: Vec<Vec<(usize, f64)>> = rows
            .iter()
            .map(|&i| {
                let mut all = Vec::new();
                target.mass(draw.order[i], |class, weight| {
                    all.push((index[class], weight))
                });
                if dense {
                    let sum: f64 = all.iter().map(|e| e.1).sum();
                    all.iter_mut().for_each(|e| e.1 /= sum);
                }
                all
            })
            .collect();
        let mass = entries
            .iter()
            .map(|e| e.iter().map(|e| e.1).sum())
            .collect();
        let entropy = |e: &(usize, f64)| e.1 * e.1.ln();
        let constant = match divergence {
            Divergence::KlRenormalized => entries.iter().flatten().map(entropy).sum(),
            _ => 0.0,
        };
        let units = draw.units(target, rows);
        Self {
            divergence,
            p,
            logs,
            k,
            entries,
            dense,
            mass,
            units,
            constant,
        }
    }

    /// Whether the value is a likelihood and not total variation.
    pub fn likelihood(&self) -> bool {
        self.divergence != Divergence::TvRenormalized
    }

    /// Whether total variation looks at every class of a sample.
    pub fn every_class(&self) -> bool {
        self.dense && !self.likelihood()
    }

    /// The loss of each sample under a map of target to source classes.
    pub fn losses(&self, map: &[usize]) -> Vec<f64> {
        let loss = |i: usize| {
            let p = self.p.row(i);
            let sum: f64 = map.iter().map(|&k| p[k]).sum();
            let entries = self.entries[i].iter();
            match self.divergence {
                Divergence::TvRenormalized if self.dense => {
                    let mut t = vec![0.0; self.k];
                    entries.for_each(|&(c, w)| t[c] = w);
                    let apart = |(t, &k): (&f64, &usize)| (t - p[k] / sum).abs();
                    0.5 * t.iter().zip(map).map(apart).sum::<f64>()
                }
                Divergence::TvRenormalized => {
                    entries.map(|&(c, w)| w * (1.0 - p[map[c]] / sum)).sum()
                }
                Divergence::KlRenormalized => {
                    entries.map(|&(c, w)| w * (w * sum / p[map[c]]).ln()).sum()
                }
                _ => entries.map(|&(c, w)| w * (sum / p[map[c]]).ln()).sum(),
            }
        };
        (0..self.entries.len())
            .into_par_iter()
            .with_min_len(64)
            .map(loss)
            .collect()
    }

    /// Σ of the losses.
    pub fn total(&self, map: &[usize]) -> f64 {
        self.losses(map).iter().sum()
    }

    /// T of some samples `[n, K]`.
    pub fn weights(&self, rows: std::ops::Range<usize>) -> Array2<f64> {
        let mut t = Array2::zeros((rows.len(), self.k));
        for (mut row, entries) in t.outer_iter_mut().zip(&self.entries[rows]) {
            entries.iter().for_each(|&(c, w)| row[c] += w);
        }
        t
    }

    /// Sums of something over chunks of samples, in their order.
    pub fn sum_chunks<F>(&self, shape: (usize, usize), add: F) -> Array2<f64>
    where
        F: Fn(std::ops::Range<usize>, &mut Array2<f64>) + Sync,
    {
        let n = self.entries.len();
        let mut sum = Array2::zeros(shape);
        // A few chunks at a time, or their sums would take more room than the samples.
        let starts: Vec<usize> = (0..n).step_by(CHUNK).collect();
        for few in starts.chunks(16) {
            let parts: Vec<Array2<f64>> = few
                .par_iter()
                .map(|&from| {
                    let mut part = Array2::zeros(shape);
                    add(from..(from + CHUNK).min(n), &mut part);
                    part
                })
                .collect();
            parts.iter().for_each(|part| sum += part);
        }
        sum
    }

    /// −Σ T log p: the cost of each pair without the coupling `[K, C]`.
    pub fn log_costs(&self) -> Array2<f64> {
        self.sum_chunks((self.k, self.p.ncols()), |rows, out| {
            let t = self.weights(rows.clone());
            product(t.t(), self.logs.slice(s![rows, ..]), false, out.view_mut());
            out.mapv_inplace(|v| -v);
        })
    }

    /// Σ T (1 − p) `[K, C]`.
    fn errors(&self) -> Array2<f64> {
        self.sum_chunks((self.k, self.p.ncols()), |rows, out| {
            let t = self.weights(rows.clone());
            product(
                t.t(),
                self.p.slice(s![rows, ..]).mapv(|p| 1.0 - p).view(),
                false,
                out.view_mut(),
            );
        })
    }

    /// The costs that the greedy rule and the first assignment go by.
    pub fn pair_costs(&self) -> Array2<f64> {
        match self.likelihood() {
            true => self.log_costs(),
            false => self.errors(),
        }
    }

    /// The best order of a subset of source classes: the map, and Σ of its losses.
    pub fn ordered(&self, subset: &[usize], logs: &Array2<f64>) -> (Vec<usize>, f64) {
        let costs = match self.likelihood() {
            true => logs.select(Axis(1), subset),
            false => self.sum_chunks((self.k, self.k), |rows, out| {
                let t = self.weights(rows.clone());
                for (i, t) in rows.zip(t.outer_iter()) {
                    let p = self.p.row(i);
                    let sum: f64 = subset.iter().map(|&k| p[k]).sum();
                    for (j, &k) in subset.iter().enumerate() {
                        let q = p[k] / sum;
                        if self.dense {
                            (0..self.k).for_each(|c| out[[c, j]] += 0.5 * (t[c] - q).abs());
                        } else {
                            self.entries[i]
                                .iter()
                                .for_each(|&(c, w)| out[[c, j]] += w * (1.0 - q));
                        }
                    }
                }
            }),
        };
        let map: Vec<usize> = lap::solve(costs.view())
            .columns
            .into_iter()
            .map(|j| subset[j])
            .collect();
        let total = self.total(&map);
        (map, total)
    }

    /// Steepest descent: the best exchange, and all others that still help after it, then the
    /// best order, until nothing helps by more than rounding. Returns the map and Σ of its losses.
    pub fn descend(&self, start: &[usize], logs: &Array2<f64>) -> (Vec<usize>, f64) {
        let (mut map, mut total) = self.ordered(start, logs);
        let least = 1e-11 * self.units.max(total.abs());
        loop {
            let before = total;
            let mut offers: Vec<(f64, usize, usize)> = (0..self.k)
                .into_par_iter()
                .filter_map(|c| {
                    let values = self.exchanged(&map, c, logs);
                    let free = values
                        .into_iter()
                        .enumerate()
                        .filter(|(k, _)| !map.contains(k));
                    let best = free.min_by(|a, b| a.1.total_cmp(&b.1))?;
                    (best.1 < total - least).then_some((best.1, c, best.0))
                })
                .collect();
            offers.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (_, c, k) in offers {
                if !map.contains(&k) {
                    let held = std::mem::replace(&mut map[c], k);
                    let changed = self.total(&map);
                    match changed < total - least {
                        true => total = changed,
                        false => map[c] = held,
                    }
                }
            }
            let (better, value) = self.ordered(&map, logs);
            if value < total {
                (map, total) = (better, value);
            }
            if total >= before - least {
                return (map, total);
            }
        }
    }

    /// Σ of the losses (up to a constant of KL) for every source class in place of class c's.
    fn exchanged(&self, map: &[usize], c: usize, logs: &Array2<f64>) -> Vec<f64> {
        let width = self.p.ncols();
        let mut sums = vec![self.constant; width];
        let mut products = vec![1.0; width];
        let mut factors = 0;
        let others = |p: &[f64]| -> f64 {
            let kept = map.iter().enumerate().filter(|&(other, _)| other != c);
            kept.map(|(_, &k)| p[k]).sum()
        };
        for (i, p) in self.p.outer_iter().enumerate() {
            let Some(p) = p.to_slice() else { continue };
            let base = others(p);
            if self.likelihood() {
                // Weights are whole numbers: labels, positives, or distributions that sum to one.
                for _ in 0..self.mass[i].round() as usize {
                    simd::multiply(&mut products, base, p);
                    factors += 1;
                    if factors == simd::FACTORS {
                        simd::add_logs(&mut sums, &mut products);
                        factors = 0;
                    }
                }
            } else if self.dense {
                let mut t = vec![0.0; self.k];
                self.entries[i].iter().for_each(|&(class, w)| t[class] = w);
                for (sum, &new) in sums.iter_mut().zip(p) {
                    let s = base + new;
                    for (class, (&t, &k)) in t.iter().zip(map).enumerate() {
                        let q = if class == c { new } else { p[k] } / s;
                        *sum += 0.5 * (t - q).abs();
                    }
                }
            } else {
                for &(class, w) in &self.entries[i] {
                    // 1 − p/(base + p) = base/(base + p); 1 − r/(base + p) has its one added below.
                    let share = if class == c { base } else { -p[map[class]] };
                    simd::add_shares(&mut sums, w * share, base, p);
                }
                let ones: f64 = self.entries[i]
                    .iter()
                    .filter(|e| e.0 != c)
                    .map(|e| e.1)
                    .sum();
                if ones > 0.0 {
                    sums.iter_mut().for_each(|sum| *sum += ones);
                }
            }
        }
        if self.likelihood() {
            simd::add_logs(&mut sums, &mut products);
            let kept: f64 = (0..self.k)
                .filter(|&o| o != c)
                .map(|o| logs[[o, map[o]]])
                .sum();
            sums.iter_mut()
                .zip(logs.row(c))
                .for_each(|(sum, cost)| *sum += kept + cost);
        }
        sums
    }

    /// The best of the descents from the cheapest pairs, by assignment and by the greedy rule.
    pub fn local(&self, logs: &Array2<f64>) -> (Vec<usize>, f64) {
        let pairs = self.pair_costs();
        let starts = [
            lap::solve(pairs.view()).columns,
            search::greedy(pairs.view()),
            lap::solve(logs.view()).columns,
        ];
        let mut best: Option<(Vec<usize>, f64)> = None;
        let mut tried: Vec<Vec<usize>> = Vec::new();
        for mut start in starts {
            let found_start = start.clone();
            start.sort_unstable();
            if tried.contains(&start) {
                continue;
            }
            tried.push(start);
            let found = self.descend(&found_start, logs);
            if best.as_ref().is_none_or(|best| found.1 < best.1) {
                best = Some(found);
            }
        }
        best.unwrap_or_default()
    }
}
