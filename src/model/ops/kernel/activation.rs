//! The exact (erf) GELU of Hendrycks & Gimpel 2016, `x·Φ(x)`, and its tangent `g'(x)·ẋ` with
//! `g' = Φ + x·φ`, forward and backward, vectorised.

use crate::simd::{Block, LANES, erf, exp, fma, multiversion};
use rayon::prelude::*;

/// Values per parallel task; fixed, so that results do not depend on the thread count.
const TASK: usize = 16_384;

/// Φ(x) and φ(x), the normal distribution and its density.
#[inline(always)]
fn normal<const FMA: bool>(x: f32) -> (f32, f32) {
    const INV_SQRT_2PI: f32 = 0.398_942_3;
    let cdf = fma::<FMA>(0.5, erf::<FMA>(x * std::f32::consts::FRAC_1_SQRT_2), 0.5);
    (cdf, INV_SQRT_2PI * exp::<FMA>(-0.5 * x * x))
}

/// GELU of one value.
#[inline(always)]
fn value<const FMA: bool>(x: f32) -> f32 {
    let half = 0.5 * x;
    fma::<FMA>(half, erf::<FMA>(x * std::f32::consts::FRAC_1_SQRT_2), half)
}

/// Its slope.
#[inline(always)]
fn slope<const FMA: bool>(x: f32) -> f32 {
    let (cdf, pdf) = normal::<FMA>(x);
    fma::<FMA>(x, pdf, cdf)
}

/// What an output block holds before; unread where it is to be overwritten.
#[inline(always)]
fn before(out: &Block, accumulate: bool) -> Block {
    if accumulate { *out } else { [0.0; LANES] }
}

multiversion! {
    fn forward_block(x: &[f32], y: &mut [f32]) {
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (ys, tail_y) = y.as_chunks_mut::<LANES>();
        for (x, y) in xs.iter().zip(ys) {
            for i in 0..LANES { y[i] = value::<FMA>(x[i]); }
        }
        for (x, y) in tail_x.iter().zip(tail_y) { *y = value::<FMA>(*x); }
    }
}

multiversion! {
    fn backward_block(x: &[f32], dy: &[f32], accumulate: bool, dx: &mut [f32]) {
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (gs, tail_g) = dy.as_chunks::<LANES>();
        let (ds, tail_d) = dx.as_chunks_mut::<LANES>();
        for ((x, g), d) in xs.iter().zip(gs).zip(ds) {
            let held = before(d, accumulate);
            for i in 0..LANES { d[i] = held[i] + g[i] * slope::<FMA>(x[i]); }
        }
        for ((x, g), d) in tail_x.iter().zip(tail_g).zip(tail_d) {
            let held = if accumulate { *d } else { 0.0 };
            *d = held + g * slope::<FMA>(*x);
        }
    }
}

multiversion! {
    fn dual_block(x: &[f32], x_dot: &[f32], y: &mut [f32], y_dot: &mut [f32]) {
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (ts, tail_t) = x_dot.as_chunks::<LANES>();
        let (ys, tail_y) = y.as_chunks_mut::<LANES>();
        let (us, tail_u) = y_dot.as_chunks_mut::<LANES>();
        for (((x, t), y), u) in xs.iter().zip(ts).zip(ys).zip(us) {
            for i in 0..LANES {
                y[i] = value::<FMA>(x[i]);
                u[i] = t[i] * slope::<FMA>(x[i]);
            }
        }
        for (((x, t), y), u) in tail_x.iter().zip(tail_t).zip(tail_y).zip(tail_u) {
            *y = value::<FMA>(*x);
            *u = t * slope::<FMA>(*x);
        }
    }
}

multiversion! {
    fn tangent_backward_block(x: &[f32], x_dot: &[f32], dy_dot: &[f32], accumulate: bool, dx: &mut [f32], dx_dot: &mut [f32]) {
        // g'' = φ·(2 − x²)
        #[inline(always)]
        fn one<const FMA: bool>(x: f32, t: f32, g: f32) -> (f32, f32) {
            let (cdf, pdf) = normal::<FMA>(x);
            (g * t * pdf * (2.0 - x * x), g * fma::<FMA>(x, pdf, cdf))
        }
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (ts, tail_t) = x_dot.as_chunks::<LANES>();
        let (gs, tail_g) = dy_dot.as_chunks::<LANES>();
        let (ds, tail_d) = dx.as_chunks_mut::<LANES>();
        let (us, tail_u) = dx_dot.as_chunks_mut::<LANES>();
        for ((((x, t), g), d), u) in xs.iter().zip(ts).zip(gs).zip(ds).zip(us) {
            let held = before(d, accumulate);
            for i in 0..LANES {
                let (bent, moved) = one::<FMA>(x[i], t[i], g[i]);
                d[i] = held[i] + bent;
                u[i] = moved;
            }
        }
        for ((((x, t), g), d), u) in tail_x.iter().zip(tail_t).zip(tail_g).zip(tail_d).zip(tail_u) {
            let (bent, moved) = one::<FMA>(*x, *t, *g);
            let held = if accumulate { *d } else { 0.0 };
            *d = held + bent;
            *u = moved;
        }
    }
}

/// `y = x·Φ(x)`, element by element.
pub fn gelu(x: &[f32], y: &mut [f32]) {
    y.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .for_each(|(y, x)| forward_block(x, y));
}

/// `dx = dy·g'(x)`, element by element, or added to what `dx` holds.
pub fn gelu_backward(x: &[f32], dy: &[f32], accumulate: bool, dx: &mut [f32]) {
    dx.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .zip(dy.par_chunks(TASK))
        .for_each(|((dx, x), dy)| backward_block(x, dy, accumulate, dx));
}

/// [`gelu`] and its tangent `ẏ = g'(x)·ẋ`.
pub fn gelu_dual(x: &[f32], x_dot: &[f32], y: &mut [f32], y_dot: &mut [f32]) {
    y.par_chunks_mut(TASK)
        .zip(y_dot.par_chunks_mut(TASK))
        .zip(x.par_chunks(TASK))
        .zip(x_dot.par_chunks(TASK))
        .for_each(|(((y, y_dot), x), x_dot)| dual_block(x, x_dot, y, y_dot));
}

/// Gradients of the tangent: `dẋ = g'(x)·dẏ`, `dx = g''(x)·ẋ·dẏ`; the latter perhaps added to
/// what `dx` holds.
pub fn gelu_tangent_backward(
    x: &[f32],
    x_dot: &[f32],
    dy_dot: &[f32],
    accumulate: bool,
    dx: &mut [f32],
    dx_dot: &mut [f32],
) {
    dx.par_chunks_mut(TASK)
        .zip(dx_dot.par_chunks_mut(TASK))
        .zip(x.par_chunks(TASK))
        .zip(x_dot.par_chunks(TASK))
        .zip(dy_dot.par_chunks(TASK))
        .for_each(|((((dx, dx_dot), x), x_dot), dy_dot)| {
            tangent_backward_block(x, x_dot, dy_dot, accumulate, dx, dx_dot);
        });
}
