//! The one pass over a cost matrix that every Sinkhorn iteration makes, and its `exp`.
//!
//! softminᵢ(g) = −ε log Σⱼ bⱼ exp((gⱼ − Cᵢⱼ)/ε), and the same over columns for f. Both come from
//! one exponential per entry: with E = exp((f ⊕ g − C)/ε), softminᵢ = fᵢ − ε log Σⱼ bⱼ Eᵢⱼ, and
//! columns alike. During annealing f and g are never far from feasible, so that E neither over- nor
//! underflows; a row or column whose sum leaves the safe range is computed again the classical
//! way, shifted by its maximum. Rows go in blocks of fixed size whose column sums are added in
//! order, and no operation is fused: neither threads nor the width of vectors changes a bit.

use ndarray::{Array2, ArrayView2, ArrayViewMut1};
use rayon::prelude::*;

use crate::simd::multiversion;

/// Rows per unit of parallel work.
const BLOCK: usize = 64;
/// Sums kept side by side.
const LANES: usize = 8;
/// A sum of exponentials outside of this range may have lost terms.
const SAFE: std::ops::RangeInclusive<f64> = 1e-200..=1e200;

/// Positive weights of the points of a measure, summing to one, with their logarithms.
#[derive(Debug, Clone)]
pub struct Weights {
    /// The weights.
    pub mass: Vec<f64>,
    /// Their natural logarithms.
    pub log: Vec<f64>,
}

impl Weights {
    /// Weights proportional to `mass`, which must be positive.
    #[cfg(test)]
    pub fn new(mass: &[f64]) -> Self {
        let total: f64 = mass.iter().sum();
        let mass: Vec<f64> = mass.iter().map(|m| m / total).collect();
        let log = mass.iter().map(|m| m.ln()).collect();
        Self { mass, log }
    }

    /// `1/n` each.
    pub fn uniform(n: usize) -> Self {
        let n_inverse = 1.0 / n as f64;
        Self {
            mass: vec![n_inverse; n],
            log: vec![n_inverse.ln(); n],
        }
    }
}

/// Soft minima over the columns, `[N]`, and over the rows, `[M]`, of `cost` `[N, M]`, given
/// potentials `f` `[N]` and `g` `[M]`.
pub fn softmins(
    cost: ArrayView2<'_, f64>,
    [f, g]: [&[f64]; 2],
    [a, b]: [&Weights; 2],
    epsilon: f64,
) -> [Vec<f64>; 2] {
    let m = cost.ncols();
    let inverse = 1.0 / epsilon;
    let (u, v) = exponents(f, g, b, inverse);
    let blocks: Vec<(Vec<f64>, Vec<f64>)> = (0..cost.nrows().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut columns = vec![0.0; m];
            let sums = block_rows(cost, block, |i, row, e| {
                exponentials(row, &v, u[i], inverse, e);
                let weight = a.mass[i];
                columns
                    .iter_mut()
                    .zip(&*e)
                    .for_each(|(c, e)| *c += weight * e);
                lane_sum(e)
            });
            (sums, columns)
        })
        .collect();
    let mut columns = vec![0.0; m];
    for (_, part) in &blocks {
        columns.iter_mut().zip(part).for_each(|(c, p)| *c += p);
    }
    let rows = blocks.into_iter().flat_map(|(sums, _)| sums).collect();
    let columns = columns.iter().zip(&b.mass).map(|(c, b)| c / b).collect();
    [
        finish(rows, f, epsilon, |i| {
            stable(cost.row(i).iter(), g, b, epsilon)
        }),
        finish(columns, g, epsilon, |j| {
            stable(cost.column(j).iter(), f, a, epsilon)
        }),
    ]
}

/// Soft minima `[N]` of a symmetric `cost` `[N, N]` for one potential.
pub fn softmin(cost: ArrayView2<'_, f64>, f: &[f64], a: &Weights, epsilon: f64) -> Vec<f64> {
    let inverse = 1.0 / epsilon;
    let (u, v) = exponents(f, f, a, inverse);
    let rows: Vec<Vec<f64>> = (0..cost.nrows().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            block_rows(cost, block, |i, row, e| {
                exponentials(row, &v, u[i], inverse, e);
                lane_sum(e)
            })
        })
        .collect();
    finish(rows.concat(), f, epsilon, |i| {
        stable(cost.row(i).iter(), f, a, epsilon)
    })
}

/// Turns `cost` `[N, M]` into the plan Pᵢⱼ = aᵢ bⱼ exp((fᵢ + gⱼ − Cᵢⱼ)/ε).
pub fn plan(
    mut cost: Array2<f64>,
    [f, g]: [&[f64]; 2],
    [a, b]: [&Weights; 2],
    epsilon: f64,
) -> Array2<f64> {
    let inverse = 1.0 / epsilon;
    let (u, v) = exponents(f, g, b, inverse);
    let rows: Vec<ArrayViewMut1<'_, f64>> = cost.outer_iter_mut().collect();
    rows.into_par_iter().enumerate().for_each(|(i, mut row)| {
        let source = row.to_vec();
        if let Some(target) = row.as_slice_mut() {
            exponentials(&source, &v, u[i] + a.log[i], inverse, target);
        }
    });
    cost
}

/// `f/ε` and `g/ε + log b`.
fn exponents(f: &[f64], g: &[f64], b: &Weights, inverse: f64) -> (Vec<f64>, Vec<f64>) {
    (
        f.iter().map(|f| f * inverse).collect(),
        g.iter().zip(&b.log).map(|(g, b)| g * inverse + b).collect(),
    )
}

/// Calls `row(i, costs, scratch)` for the rows of a block and collects what it returns.
fn block_rows(
    cost: ArrayView2<'_, f64>,
    block: usize,
    mut row: impl FnMut(usize, &[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let mut scratch = vec![0.0; cost.ncols()];
    (block * BLOCK..((block + 1) * BLOCK).min(cost.nrows()))
        .map(|i| match cost.row(i).to_slice() {
            Some(costs) => row(i, costs, &mut scratch),
            None => row(i, &cost.row(i).to_vec(), &mut scratch),
        })
        .collect()
}

/// `potential − ε log(sum)`, or what `again` says where the sum is not to be trusted.
fn finish(
    sums: Vec<f64>,
    potential: &[f64],
    epsilon: f64,
    again: impl Fn(usize) -> f64 + Sync,
) -> Vec<f64> {
    sums.into_par_iter()
        .with_min_len(1024)
        .enumerate()
        .map(|(i, sum)| {
            if SAFE.contains(&sum) {
                potential[i] - epsilon * sum.ln()
            } else {
                again(i)
            }
        })
        .collect()
}

/// The soft minimum of one row or column, shifted by its largest exponent.
fn stable<'a>(costs: impl Iterator<Item = &'a f64>, g: &[f64], b: &Weights, epsilon: f64) -> f64 {
    let exponents: Vec<f64> = costs
        .zip(g.iter().zip(&b.log))
        .map(|(c, (g, b))| (g - c) / epsilon + b)
        .collect();
    let largest = exponents.iter().fold(f64::NEG_INFINITY, |m, &e| m.max(e));
    let sum: f64 = exponents.iter().map(|e| (e - largest).exp()).sum();
    -epsilon * (largest + sum.ln())
}

/// Sum in a fixed order.
fn lane_sum(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for l in 0..LANES {
            lanes[l] += chunk[l];
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

multiversion! {
    /// `outⱼ = exp(u + vⱼ − cⱼ·inverse)`.
    fn exponentials(c: &[f64], v: &[f64], u: f64, inverse: f64, out: &mut [f64]) {
        for ((out, &c), &v) in out.iter_mut().zip(c).zip(v) {
            *out = exp((u + v) - c * inverse);
        }
    }
}

/// `eˣ` within 2 ulp for −650 ≤ x ≤ 709; beyond, the value at the nearer end, so that products
/// with weights are never denormal, which is slow.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // Adding it leaves the nearest integer in the low bits of a double.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, the first with zeros at its end (Cody & Waite).
    const LN2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    // 1/13!, …, 1/2!: |r| ≤ ln 2 / 2, so that the next term is below 1e-17.
    const TAYLOR: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    let x = if x > -650.0 { x } else { -650.0 };
    let x = if x < 709.0 { x } else { 709.0 };
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN2[0]) - k * LN2[1];
    let mut p = TAYLOR[0];
    for t in &TAYLOR[1..] {
        p = p * r + t;
    }
    let p = 1.0 + (r + r * r * p);
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    p * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_the_standard_librarys() {
        let worst = (-6499..7090).fold(0.0f64, |worst, i| {
            let x = f64::from(i) * 0.1 + 1e-3;
            worst.max((exp(x) / x.exp() - 1.0).abs())
        });
        println!("exp: off by {worst:.1e}");
        assert!(worst < 5e-16);
        assert!(exp(-1e9) < 1e-280 && exp(1e300) > 1e300);
    }

    /// Potentials far from feasible send every row and column through the shifted sums.
    #[test]
    fn both_routes_agree() {
        let (n, m) = (2 * BLOCK + 3, LANES + 5);
        let cost = Array2::from_shape_fn((n, m), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
        let (a, b) = (Weights::uniform(n), Weights::new(&vec![0.3; m]));
        let f: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let g: Vec<f64> = (0..m).map(|j| (j as f64).cos()).collect();
        for shift in [0.0, 3000.0, -3000.0] {
            let (f, g): (Vec<f64>, Vec<f64>) = (
                f.iter().map(|f| f + shift).collect(),
                g.iter().map(|g| g + shift).collect(),
            );
            let [row, column] = softmins(cost.view(), [&f, &g], [&a, &b], 0.5);
            for (i, found) in row.iter().enumerate() {
                let plain = stable(cost.row(i).iter(), &g, &b, 0.5);
                assert!((found - plain).abs() < 1e-10, "{found} {plain}");
            }
            for (j, found) in column.iter().enumerate() {
                let plain = stable(cost.column(j).iter(), &f, &a, 0.5);
                assert!((found - plain).abs() < 1e-10, "{found} {plain}");
            }
        }
    }
}
