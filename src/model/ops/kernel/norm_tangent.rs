//! The tangent of LayerNorm and its gradients, a row in L1 at a time.
//!
//! With `n = (x − μ)·r`, `r = 1/σ`, `c = ẋ − mean ẋ` and `a = mean(n∘c)` the normed row moves by
//! `ṅ = r(c − a·n)`, and `ẏ = ṅ∘g + n∘ġ + ḃ`. For the gradients let `p = dẏ∘g` and `q = dẏ∘ġ` be
//! what arrives at ṅ and at n, and `P = mean(p∘n)`. Then
//!
//! * `dẋ = r(p − mean p − P·n)`: the transpose of the map from ẋ to ṅ;
//! * n gets `h = q − r(a·p + P·c)` and r gets `C·(mean(p∘c) − a·P)`, together
//!   `dx = r(h − mean h − n·(mean(h∘n) + r(mean(p∘c) − a·P)))`,
//!   where `mean h = mean q − r·a·mean p` and `mean(h∘n) = mean(q∘n) − 2·r·a·P`.

use super::linear::add_up;
use super::norm::{ROWS, moments};
use crate::simd::{Block, LANES, fma, multiversion, sum};
use rayon::prelude::*;

/// Mean and 1/σ of a row, mean of its tangent and `a`.
pub type Stats = [f32; 4];

/// Means over a row of `K` terms of the values of `S` arrays, in a fixed order.
#[inline(always)]
fn means<const S: usize, const K: usize>(
    arrays: [&[f32]; S],
    terms: impl Fn([f32; S]) -> [f32; K],
) -> [f32; K] {
    let width = arrays[0].len();
    let parts = arrays.map(|a| a.as_chunks::<LANES>());
    let mut sums: [Block; K] = [[0.0; LANES]; K];
    for b in 0..width / LANES {
        let blocks = parts.map(|(blocks, _)| &blocks[b]);
        for i in 0..LANES {
            let term = terms(blocks.map(|block| block[i]));
            for k in 0..K {
                sums[k][i] += term[k];
            }
        }
    }
    let mut totals = sums.map(|s| sum(&s));
    for i in 0..width % LANES {
        let term = terms(parts.map(|(_, tail)| tail[i]));
        for k in 0..K {
            totals[k] += term[k];
        }
    }
    totals.map(|t| t / width as f32)
}

multiversion! {
    fn dual_block(x: &[f32], x_dot: &[f32], gain: &[f32], gain_dot: &[f32], bias: &[f32], bias_dot: &[f32], eps: f32, y: &mut [f32], y_dot: &mut [f32], stats: &mut [Stats]) {
        let width = gain.len();
        let still = vec![0.0; if x_dot.is_empty() { width } else { 0 }];
        for (row, stat) in stats.iter_mut().enumerate() {
            let here = row * width..(row + 1) * width;
            let x = &x[here.clone()];
            let t = if x_dot.is_empty() { &still[..] } else { &x_dot[here.clone()] };
            let (mean, variance) = moments::<FMA>(x);
            let rstd = 1.0 / (variance + eps).sqrt();
            let [drift] = means([t], |[t]| [t]);
            let [along] = means([x, t], |[x, t]| [(x - mean) * rstd * (t - drift)]);
            *stat = [mean, rstd, drift, along];
            let (y, y_dot) = (&mut y[here.clone()], &mut y_dot[here]);
            for i in 0..width {
                let normed = (x[i] - mean) * rstd;
                y[i] = fma::<FMA>(normed, gain[i], bias[i]);
                let moved = rstd * (t[i] - drift - along * normed);
                y_dot[i] = fma::<FMA>(moved, gain[i], fma::<FMA>(normed, gain_dot[i], bias_dot[i]));
            }
        }
    }
}

multiversion! {
    fn backward_block(x: &[f32], x_dot: &[f32], gain: &[f32], gain_dot: &[f32], stats: &[Stats], dy_dot: &[f32], accumulate: bool, dx: &mut [f32], dx_dot: &mut [f32]) {
        let width = gain.len();
        let still = vec![0.0; if x_dot.is_empty() { width } else { 0 }];
        for (row, &[mean, rstd, drift, along]) in stats.iter().enumerate() {
            let here = row * width..(row + 1) * width;
            let (x, u) = (&x[here.clone()], &dy_dot[here.clone()]);
            let t = if x_dot.is_empty() { &still[..] } else { &x_dot[here.clone()] };
            let [p, pn, pc, q, qn] = means([x, t, u, gain, gain_dot], |[x, t, u, g, g_dot]| {
                let normed = (x - mean) * rstd;
                let (p, q) = (u * g, u * g_dot);
                [p, p * normed, p * (t - drift), q, q * normed]
            });
            let centre = q - rstd * along * p;
            let slant = fma::<FMA>(rstd, pc - 3.0 * along * pn, qn);
            let (dx, dx_dot) = (&mut dx[here.clone()], &mut dx_dot[here]);
            for i in 0..width {
                let normed = (x[i] - mean) * rstd;
                let arrives = u[i] * gain[i];
                dx_dot[i] = rstd * (arrives - p - pn * normed);
                let bent = fma::<FMA>(u[i], gain_dot[i], -rstd * fma::<FMA>(along, arrives, pn * (t[i] - drift)));
                let held = if accumulate { dx[i] } else { 0.0 };
                dx[i] = held + rstd * (bent - centre - normed * slant);
            }
        }
    }
}

multiversion! {
    fn parameters_block(x: &[f32], x_dot: &[f32], stats: &[Stats], dy_dot: &[f32], sums: &mut [Vec<f32>; 3]) {
        let [dgain, dgain_dot, dbias_dot] = sums;
        let width = dgain.len();
        for (row, &[mean, rstd, drift, along]) in stats.iter().enumerate() {
            let here = row * width..(row + 1) * width;
            let (x, u) = (&x[here.clone()], &dy_dot[here.clone()]);
            for i in 0..width {
                let normed = (x[i] - mean) * rstd;
                if !x_dot.is_empty() {
                    let t = x_dot[here.start + i];
                    dgain[i] += u[i] * rstd * (t - drift - along * normed);
                }
                dgain_dot[i] += u[i] * normed;
                dbias_dot[i] += u[i];
            }
        }
    }
}

/// Parts `block` of an array of rows; empty if the array is.
fn part(values: &[f32], block: usize, width: usize) -> &[f32] {
    let first = (block * ROWS * width).min(values.len());
    &values[first..(first + ROWS * width).min(values.len())]
}

/// LayerNorm and its tangent; an empty `x_dot` does not move, `stats` receives what the gradients
/// need.
#[allow(clippy::too_many_arguments)]
pub fn forward(
    x: &[f32],
    x_dot: &[f32],
    [gain, gain_dot]: [&[f32]; 2],
    [bias, bias_dot]: [&[f32]; 2],
    eps: f32,
    y: &mut [f32],
    y_dot: &mut [f32],
    stats: &mut [Stats],
) {
    let width = gain.len();
    y.par_chunks_mut(ROWS * width)
        .zip(y_dot.par_chunks_mut(ROWS * width))
        .zip(stats.par_chunks_mut(ROWS))
        .enumerate()
        .for_each(|(block, ((y, y_dot), stats))| {
            let (x, x_dot) = (part(x, block, width), part(x_dot, block, width));
            dual_block(
                x, x_dot, gain, gain_dot, bias, bias_dot, eps, y, y_dot, stats,
            );
        });
}

/// Gradients of the tangent with respect to `x` (perhaps added to what `dx` holds) and `ẋ`.
#[allow(clippy::too_many_arguments)]
pub fn backward(
    x: &[f32],
    x_dot: &[f32],
    [gain, gain_dot]: [&[f32]; 2],
    stats: &[Stats],
    dy_dot: &[f32],
    accumulate: bool,
    dx: &mut [f32],
    dx_dot: &mut [f32],
) {
    let width = gain.len();
    dx.par_chunks_mut(ROWS * width)
        .zip(dx_dot.par_chunks_mut(ROWS * width))
        .zip(stats.par_chunks(ROWS))
        .enumerate()
        .for_each(|(block, ((dx, dx_dot), stats))| {
            let [x, x_dot, dy_dot] = [x, x_dot, dy_dot].map(|a| part(a, block, width));
            backward_block(
                x, x_dot, gain, gain_dot, stats, dy_dot, accumulate, dx, dx_dot,
            );
        });
}

/// Gradients of the tangent with respect to the gain, its tangent and the bias's.
pub fn backward_parameters(
    x: &[f32],
    x_dot: &[f32],
    stats: &[Stats],
    dy_dot: &[f32],
    width: usize,
) -> [Vec<f32>; 3] {
    let partial: Vec<[Vec<f32>; 3]> = stats
        .par_chunks(ROWS)
        .enumerate()
        .map(|(block, stats)| {
            let [x, x_dot, dy_dot] = [x, x_dot, dy_dot].map(|a| part(a, block, width));
            let mut sums = [(); 3].map(|()| vec![0.0; width]);
            parameters_block(x, x_dot, stats, dy_dot, &mut sums);
            sums
        })
        .collect();
    let mut totals = [(); 3].map(|()| vec![0.0; width]);
    for (at, total) in totals.iter_mut().enumerate() {
        add_up(partial.iter().map(|sums| &sums[at][..]), total);
    }
    totals
}
