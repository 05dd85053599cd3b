//! LayerNorm over the last axis (Ba et al. 2016), forward and backward, one pass each.

use super::linear::add_up;
use crate::simd::{Block, LANES, fma, multiversion, sum};
use rayon::prelude::*;

/// Rows per parallel task.
pub(super) const ROWS: usize = 128;

/// Sum and sum of squares about `shift` would lose digits; two passes over a row in L1 do not.
#[inline(always)]
pub(super) fn moments<const FMA: bool>(row: &[f32]) -> (f32, f32) {
    let (blocks, tail) = row.as_chunks::<LANES>();
    let mut total: Block = [0.0; LANES];
    for block in blocks {
        for i in 0..LANES {
            total[i] += block[i];
        }
    }
    let mean = (sum(&total) + tail.iter().sum::<f32>()) / row.len() as f32;
    let mut square: Block = [0.0; LANES];
    for block in blocks {
        for i in 0..LANES {
            let d = block[i] - mean;
            square[i] = fma::<FMA>(d, d, square[i]);
        }
    }
    let tail_square: f32 = tail.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, (sum(&square) + tail_square) / row.len() as f32)
}

multiversion! {
    fn forward_block(x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32], stats: &mut [[f32; 2]]) {
        let width = gain.len();
        for ((x, y), stat) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).zip(stats) {
            let (mean, variance) = moments::<FMA>(x);
            let rstd = 1.0 / (variance + eps).sqrt();
            *stat = [mean, rstd];
            for (((y, &x), &g), &b) in y.iter_mut().zip(x).zip(gain).zip(bias) {
                *y = fma::<FMA>((x - mean) * rstd, g, b);
            }
        }
    }
}

multiversion! {
    fn backward_block(x: &[f32], gain: &[f32], stats: &[[f32; 2]], dy: &[f32], accumulate: bool, dx: &mut [f32], dgain: &mut [f32], dbias: &mut [f32]) {
        let width = gain.len();
        let rows = x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width)).zip(stats);
        for (((x, dy), dx), &[mean, rstd]) in rows {
            let (mut a, mut b): (Block, Block) = ([0.0; LANES], [0.0; LANES]);
            let (xs, tail_x) = x.as_chunks::<LANES>();
            let (ys, tail_y) = dy.as_chunks::<LANES>();
            let (gs, tail_g) = gain.as_chunks::<LANES>();
            for ((x, dy), g) in xs.iter().zip(ys).zip(gs) {
                for i in 0..LANES {
                    let t = dy[i] * g[i];
                    a[i] += t;
                    b[i] = fma::<FMA>(t, (x[i] - mean) * rstd, b[i]);
                }
            }
            let (mut first, mut second) = (sum(&a), sum(&b));
            for ((x, dy), g) in tail_x.iter().zip(tail_y).zip(tail_g) {
                first += dy * g;
                second += dy * g * (x - mean) * rstd;
            }
            first /= width as f32;
            second /= width as f32;
            for i in 0..width {
                let normed = (x[i] - mean) * rstd;
                let held = if accumulate { dx[i] } else { 0.0 };
                dx[i] = held + rstd * (fma::<FMA>(dy[i], gain[i], -first) - normed * second);
                dgain[i] = fma::<FMA>(dy[i], normed, dgain[i]);
                dbias[i] += dy[i];
            }
        }
    }
}

/// `y = (x − mean) / √(var + eps) · gain + bias` per row; `stats` receives (mean, 1/std).
pub fn forward(
    x: &[f32],
    gain: &[f32],
    bias: &[f32],
    eps: f32,
    y: &mut [f32],
    stats: &mut [[f32; 2]],
) {
    let width = gain.len();
    y.par_chunks_mut(ROWS * width)
        .zip(x.par_chunks(ROWS * width))
        .zip(stats.par_chunks_mut(ROWS))
        .for_each(|((y, x), stats)| forward_block(x, gain, bias, eps, y, stats));
}

/// Gradients of [`forward`] with respect to `x` (perhaps added to what `dx` holds), `gain` and
/// `bias`.
#[allow(clippy::too_many_arguments)]
pub fn backward(
    x: &[f32],
    gain: &[f32],
    stats: &[[f32; 2]],
    dy: &[f32],
    accumulate: bool,
    dx: &mut [f32],
    dgain: &mut [f32],
    dbias: &mut [f32],
) {
    let width = gain.len();
    let partial: Vec<(Vec<f32>, Vec<f32>)> = dx
        .par_chunks_mut(ROWS * width)
        .zip(x.par_chunks(ROWS * width))
        .zip(dy.par_chunks(ROWS * width))
        .zip(stats.par_chunks(ROWS))
        .map(|(((dx, x), dy), stats)| {
            let (mut dgain, mut dbias) = (vec![0.0; width], vec![0.0; width]);
            backward_block(x, gain, stats, dy, accumulate, dx, &mut dgain, &mut dbias);
            (dgain, dbias)
        })
        .collect();
    add_up(partial.iter().map(|(gain, _)| &gain[..]), dgain);
    add_up(partial.iter().map(|(_, bias)| &bias[..]), dbias);
}
