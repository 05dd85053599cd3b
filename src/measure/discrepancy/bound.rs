//! Lower bounds of renormalised divergences over all assignments whose image B contains some source
//! classes and avoids others. Each is an assignment problem over costs that add up to no more than
//! the true loss, sample by sample.
//!
//! Write z_c = log p_{a(c)} and s = Σ_c p_{a(c)}; a sample's likelihood loss is ℓ = log s·ΣT − Σ T_c z_c.
//! Three minorants of ℓ that add up over pairs (c, a(c)):
//!
//! * **Gibbs**: log Σ_c e^{z_c} ≥ Σ_c λ_c z_c + H(λ) for any distribution λ over target classes
//!   (concavity of the logarithm), with equality at λ = q. So ℓ ≥ −Σ_c (T_c − λ_c) z_c + H(λ).
//! * **Chord**: s lies between lo (the forced classes and the smallest others) and hi (the largest). The
//!   logarithm is concave, so between them it is above its chord log lo + σ(s − lo), and s adds up.
//! * **Own class**: if y stands for class k then s ≥ lo(k), the forced classes, k, and the smallest
//!   others, so −log(p_k/s) ≥ log(lo(k)/p_k) ≥ 0.
//!
//! Any choice for each sample is a bound. At a fractional assignment x (z and s are linear in it) take
//! the largest of the three: a convex function Φ(x) ≤ ℓ, whose linearisation is minimised by an
//! assignment problem. That is a step of Frank and Wolfe's method; each step's linearisation is a
//! bound of its own, and the best is kept.
//!
//! Total variation: q_c = p_k/s with lo(k) ≤ s ≤ hi(k), so |T_c − q_c| is at least the distance of T_c
//! from [p_k/hi(k), p_k/lo(k)], which adds up over pairs. For labels 1 − q_y = ½(1 − q_y) + ½Σ_{c≠y} q_c
//! gives this bound, and 1 − p_k/lo(k) on the label's own class another one; the larger counts.

use ndarray::{Array1, Array2, Axis, s};
use rayon::prelude::*;

use super::coupled::Coupled;
use super::{lap, simd};
use crate::measure::linalg::product::product;

/// Whether a source class may be, must be or must not be in B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Free,
    In,
    Out,
}

/// Bounds with what they share.
pub(super) struct Bounds<'a> {
    pub coupled: &'a Coupled,
    /// Columns of each sample, the least probable first.
    sorted: Vec<u32>,
}

/// A bound of Σ of the losses and the assignment that attains it.
pub(super) struct Bound {
    pub value: f64,
    pub map: Vec<usize>,
    /// Where it was linearised, as a start for other bounds.
    pub at: Array2<f64>,
}

/// What s can be for one sample: the forced classes, then sums of r free ones.
#[derive(Debug, Clone, Copy)]
struct Range {
    fixed: f64,
    /// Σ of the smallest r − 1 and the r-th.
    low: (f64, f64),
    /// Σ of the largest r − 1 and the r-th.
    high: (f64, f64),
}

impl Range {
    fn ends(&self) -> (f64, f64) {
        (
            self.fixed + self.low.0 + self.low.1,
            self.fixed + self.high.0 + self.high.1,
        )
    }

    /// The same if a free class of probability `p` is in B.
    fn ends_with(&self, p: f64) -> (f64, f64) {
        (
            self.fixed + self.low.0 + p.max(self.low.1),
            self.fixed + self.high.0 + p.min(self.high.1),
        )
    }
}

impl<'a> Bounds<'a> {
    pub fn new(coupled: &'a Coupled) -> Self {
        let width = coupled.p.ncols();
        let mut sorted = vec![0u32; coupled.p.len()];
        if width > 0 {
            sorted
                .par_chunks_mut(width)
                .enumerate()
                .for_each(|(i, order)| {
                    let p = coupled.p.row(i);
                    order
                        .iter_mut()
                        .enumerate()
                        .for_each(|(j, o)| *o = j as u32);
                    order.sort_unstable_by(|&a, &b| p[a as usize].total_cmp(&p[b as usize]));
                });
        }
        Self { coupled, sorted }
    }

    fn range(&self, i: usize, states: &[State], forced: &[usize], r: usize) -> Range {
        let width = states.len();
        let p = self.coupled.p.row(i);
        let order = &self.sorted[i * width..(i + 1) * width];
        let free = |&&j: &&u32| states[j as usize] == State::Free;
        let sums = |first: &mut dyn Iterator<Item = &u32>| {
            let (mut sum, mut last) = (0.0, 0.0);
            for &j in first.take(r) {
                sum += last;
                last = p[j as usize];
            }
            (sum, last)
        };
        Range {
            fixed: forced.iter().map(|&k| p[k]).sum(),
            low: sums(&mut order.iter().filter(free)),
            high: sums(&mut order.iter().rev().filter(free)),
        }
    }

    /// The best bound after `steps` steps from the fractional assignment `from` `[K, C]`, which has
    /// `taken` steps behind it: the more, the smaller the next.
    pub fn bound(&self, states: &[State], from: Array2<f64>, taken: usize, steps: usize) -> Bound {
        let c = self.coupled;
        let forced: Vec<usize> = (0..states.len())
            .filter(|&k| states[k] == State::In)
            .collect();
        let r = c.k - forced.len();
        let ranges: Vec<Range> = (0..c.entries.len())
            .into_par_iter()
            .with_min_len(64)
            .map(|i| self.range(i, states, &forced, r))
            .collect();
        if !c.likelihood() {
            let (value, map) = self.variation(states, &forced, &ranges);
            return Bound {
                value,
                map,
                at: from,
            };
        }
        let mut x = from;
        let mut best: Option<Bound> = None;
        for step in 0..steps.max(1) {
            let (value, map) = self.linearised(states, &forced, &ranges, &x);
            let at = x.clone();
            let weight = 1.0 / (step as f64 + 2.0 + taken as f64);
            x.mapv_inplace(|v| v * (1.0 - weight));
            map.iter()
                .enumerate()
                .for_each(|(class, &k)| x[[class, k]] += weight);
            if best.as_ref().is_none_or(|best| value > best.value) {
                best = Some(Bound { value, map, at });
            }
        }
        best.unwrap_or(Bound {
            value: f64::NEG_INFINITY,
            map: vec![],
            at: x,
        })
    }

    /// Φ linearised at x, minimised.
    fn linearised(
        &self,
        states: &[State],
        forced: &[usize],
        ranges: &[Range],
        x: &Array2<f64>,
    ) -> (f64, Vec<usize>) {
        let c = self.coupled;
        let width = states.len();
        let members = x.sum_axis(Axis(0));
        // Row K of the sums: what every class pays for a column; its column C: the constant.
        let sums = c.sum_chunks((c.k + 1, width + 1), |rows, out| {
            let (p, logs) = (
                c.p.slice(s![rows.clone(), ..]),
                c.logs.slice(s![rows.clone(), ..]),
            );
            let mut z = Array2::zeros((rows.len(), c.k));
            product(logs, x.t(), false, z.view_mut());
            let expected: Array1<f64> = p.dot(&members);
            let mut weights = Array2::<f64>::zeros((rows.len(), c.k));
            let mut slopes = Array2::<f64>::zeros((1, rows.len()));
            let mut constant = 0.0;
            let mut own = vec![0.0; width];
            for (at, i) in rows.clone().enumerate() {
                let (z, m) = (z.row(at), c.mass[i]);
                let range = &ranges[i];
                let (lo, hi) = range.ends();
                let paid: f64 = c.entries[i].iter().map(|&(class, w)| w * z[class]).sum();
                let peak = z.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                let partition: f64 = z.iter().map(|&z| (z - peak).exp()).sum();
                let gibbs = m * (peak + partition.ln()) - paid;
                let slope = match hi > lo * (1.0 + 1e-12) {
                    true => (hi / lo).ln() / (hi - lo),
                    false => 0.0,
                };
                let chord = m * (lo.ln() + slope * (expected[at] - lo)) - paid;
                let alone = if c.entries[i].len() == 1 {
                    let (class, w) = c.entries[i][0];
                    let pairs = x.row(class);
                    let held = pairs.iter().enumerate().filter(|(_, x)| **x > 0.0);
                    held.map(|(k, x)| w * x * own_loss(range, states[k], p[[at, k]]))
                        .sum()
                } else {
                    f64::NEG_INFINITY
                };
                let mut row = weights.row_mut(at);
                if alone > gibbs && alone > chord {
                    let (class, w) = c.entries[i][0];
                    for ((own, &p), &state) in own.iter_mut().zip(p.row(at)).zip(states) {
                        let (low, _) = match state {
                            State::Free => range.ends_with(p),
                            _ => range.ends(),
                        };
                        *own = low / p;
                    }
                    simd::logs(&mut own);
                    own.iter()
                        .enumerate()
                        .for_each(|(k, own)| out[[class, k]] += w * own);
                    continue;
                }
                c.entries[i].iter().for_each(|&(class, w)| row[class] -= w);
                if gibbs >= chord {
                    // H(λ) = log Σ e^z − Σ λ z.
                    let mut mean = 0.0;
                    for (row, &z) in row.iter_mut().zip(z) {
                        let share = (z - peak).exp() / partition;
                        *row += m * share;
                        mean += share * z;
                    }
                    constant += m * (peak + partition.ln() - mean);
                } else {
                    slopes[[0, at]] = m * slope;
                    constant += m * (lo.ln() - slope * lo);
                }
            }
            product(weights.t(), logs, true, out.slice_mut(s![..c.k, ..width]));
            product(slopes.view(), p, true, out.slice_mut(s![c.k.., ..width]));
            out[[c.k, width]] += constant;
        });
        let shared = sums.slice(s![c.k, ..width]);
        let costs = &sums.slice(s![..c.k, ..width]) + &shared;
        let (value, map) = cheapest(&costs, states, forced);
        (value + sums[[c.k, width]] + c.constant, map)
    }

    fn variation(&self, states: &[State], forced: &[usize], ranges: &[Range]) -> (f64, Vec<usize>) {
        let c = self.coupled;
        let width = states.len();
        let ends = |range: &Range, k: usize, p: f64| match states[k] {
            State::Free => range.ends_with(p),
            _ => range.ends(),
        };
        if c.every_class() {
            let costs = c.sum_chunks((c.k, width), |rows, out| {
                let t = c.weights(rows.clone());
                for (i, t) in rows.zip(t.outer_iter()) {
                    for (k, &p) in c.p.row(i).iter().enumerate() {
                        let (lo, hi) = ends(&ranges[i], k, p);
                        for (class, &t) in t.iter().enumerate() {
                            out[[class, k]] += 0.5 * (p / hi - t).max(t - p / lo).max(0.0);
                        }
                    }
                }
            });
            return cheapest(&costs, states, forced);
        }
        // The label's own class alone, then both halves; row K holds what every class pays.
        let sums = c.sum_chunks((2 * c.k + 1, width), |rows, out| {
            for i in rows {
                for (k, &p) in c.p.row(i).iter().enumerate() {
                    let (lo, hi) = ends(&ranges[i], k, p);
                    let (miss, share) = (1.0 - p / lo, p / hi);
                    out[[2 * c.k, k]] += 0.5 * c.mass[i] * share;
                    for &(class, w) in &c.entries[i] {
                        out[[class, k]] += w * miss;
                        out[[c.k + class, k]] += 0.5 * w * (miss - share);
                    }
                }
            }
        });
        let own = cheapest(&sums.slice(s![..c.k, ..]).to_owned(), states, forced);
        let halves = &sums.slice(s![c.k..2 * c.k, ..]) + &sums.slice(s![2 * c.k, ..]);
        let both = cheapest(&halves, states, forced);
        if both.0 > own.0 { both } else { own }
    }
}

fn own_loss(range: &Range, state: State, p: f64) -> f64 {
    let (low, _) = match state {
        State::Free => range.ends_with(p),
        _ => range.ends(),
    };
    (low / p).ln()
}

/// The cheapest assignment that uses all forced columns and no forbidden one.
fn cheapest(costs: &Array2<f64>, states: &[State], forced: &[usize]) -> (f64, Vec<usize>) {
    let allowed: Vec<usize> = (0..states.len())
        .filter(|&k| states[k] != State::Out)
        .collect();
    let mut small = costs.select(Axis(1), &allowed);
    if !forced.is_empty() {
        let (low, high) = small
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| {
                (a.min(v), b.max(v))
            });
        // More than any exchange of columns could save.
        let prize = (high - low + 1.0) * 2.0 * costs.nrows() as f64;
        for (j, k) in allowed.iter().enumerate() {
            if states[*k] == State::In {
                small.column_mut(j).mapv_inplace(|v| v - prize);
            }
        }
    }
    let found = lap::solve(small.view());
    let map: Vec<usize> = found.columns.into_iter().map(|j| allowed[j]).collect();
    // The proven bound of the small problem, less what was added to it; rounding of the prizes
    // is on the safe side of what certification tolerates.
    let total = map
        .iter()
        .enumerate()
        .map(|(class, &k)| costs[[class, k]])
        .sum();
    (total, map)
}
