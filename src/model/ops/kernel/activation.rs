//! The exact (erf) GELU of Hendrycks & Gimpel 2016, `x·Φ(x)`, and the quick one of OpenAI's CLIP, `x·σ(1.702 x)`, with
//! their tangents `g'(x)·ẋ`, forward and backward, vectorised.

use crate::simd::{Block, LANES, erf, exp, fma, multiversion};
use rayon::prelude::*;

/// Values per parallel task; fixed, so that results do not depend on the thread count.
const TASK: usize = 16_384;

/// Which GELU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gelu {
    /// `x·Φ(x)`.
    Exact,
    /// `x·σ(1.702 x)`.
    Quick,
}

/// The factor of the quick GELU.
pub const QUICK: f64 = 1.702;

/// A function of one value, with its derivatives.
trait Curve {
    /// The value.
    fn value<const FMA: bool>(x: f32) -> f32;
    /// The first derivative.
    fn slope<const FMA: bool>(x: f32) -> f32;
    /// The first and the second.
    fn slope_and_bend<const FMA: bool>(x: f32) -> (f32, f32);
}

/// `x·Φ(x)`; `g' = Φ + x·φ`, `g'' = φ·(2 − x²)`.
struct Exact;

/// Φ(x) and φ(x), the normal distribution and its density.
#[inline(always)]
fn normal<const FMA: bool>(x: f32) -> (f32, f32) {
    const INV_SQRT_2PI: f32 = 0.398_942_3;
    let cdf = fma::<FMA>(0.5, erf::<FMA>(x * std::f32::consts::FRAC_1_SQRT_2), 0.5);
    (cdf, INV_SQRT_2PI * exp::<FMA>(-0.5 * x * x))
}

impl Curve for Exact {
    #[inline(always)]
    fn value<const FMA: bool>(x: f32) -> f32 {
        let half = 0.5 * x;
        fma::<FMA>(half, erf::<FMA>(x * std::f32::consts::FRAC_1_SQRT_2), half)
    }

    #[inline(always)]
    fn slope<const FMA: bool>(x: f32) -> f32 {
        let (cdf, pdf) = normal::<FMA>(x);
        fma::<FMA>(x, pdf, cdf)
    }

    #[inline(always)]
    fn slope_and_bend<const FMA: bool>(x: f32) -> (f32, f32) {
        let (cdf, pdf) = normal::<FMA>(x);
        (fma::<FMA>(x, pdf, cdf), pdf * (2.0 - x * x))
    }
}

/// `x·s` with `s = σ(c·x)`; with `t = c·s·(1 − s)`, `g' = s + x·t` and `g'' = t·(2 + c·x·(1 − 2s))`.
struct Quick;

/// The logistic function.
#[inline(always)]
fn logistic<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

impl Curve for Quick {
    #[inline(always)]
    fn value<const FMA: bool>(x: f32) -> f32 {
        x * logistic::<FMA>(QUICK as f32 * x)
    }

    #[inline(always)]
    fn slope<const FMA: bool>(x: f32) -> f32 {
        Self::slope_and_bend::<FMA>(x).0
    }

    #[inline(always)]
    fn slope_and_bend<const FMA: bool>(x: f32) -> (f32, f32) {
        let c = QUICK as f32;
        let s = logistic::<FMA>(c * x);
        let t = c * s * (1.0 - s);
        (
            fma::<FMA>(x, t, s),
            t * fma::<FMA>(c * x, 1.0 - 2.0 * s, 2.0),
        )
    }
}

/// What an output block holds before; unread where it is to be overwritten.
#[inline(always)]
fn before(out: &Block, accumulate: bool) -> Block {
    if accumulate { *out } else { [0.0; LANES] }
}

multiversion! {
    fn forward_block<C: Curve>(x: &[f32], y: &mut [f32]) {
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (ys, tail_y) = y.as_chunks_mut::<LANES>();
        for (x, y) in xs.iter().zip(ys) {
            for i in 0..LANES { y[i] = C::value::<FMA>(x[i]); }
        }
        for (x, y) in tail_x.iter().zip(tail_y) { *y = C::value::<FMA>(*x); }
    }
}

multiversion! {
    fn backward_block<C: Curve>(x: &[f32], dy: &[f32], accumulate: bool, dx: &mut [f32]) {
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (gs, tail_g) = dy.as_chunks::<LANES>();
        let (ds, tail_d) = dx.as_chunks_mut::<LANES>();
        for ((x, g), d) in xs.iter().zip(gs).zip(ds) {
            let held = before(d, accumulate);
            for i in 0..LANES { d[i] = held[i] + g[i] * C::slope::<FMA>(x[i]); }
        }
        for ((x, g), d) in tail_x.iter().zip(tail_g).zip(tail_d) {
            let held = if accumulate { *d } else { 0.0 };
            *d = held + g * C::slope::<FMA>(*x);
        }
    }
}

multiversion! {
    fn dual_block<C: Curve>(x: &[f32], x_dot: &[f32], y: &mut [f32], y_dot: &mut [f32]) {
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (ts, tail_t) = x_dot.as_chunks::<LANES>();
        let (ys, tail_y) = y.as_chunks_mut::<LANES>();
        let (us, tail_u) = y_dot.as_chunks_mut::<LANES>();
        for (((x, t), y), u) in xs.iter().zip(ts).zip(ys).zip(us) {
            for i in 0..LANES {
                y[i] = C::value::<FMA>(x[i]);
                u[i] = t[i] * C::slope::<FMA>(x[i]);
            }
        }
        for (((x, t), y), u) in tail_x.iter().zip(tail_t).zip(tail_y).zip(tail_u) {
            *y = C::value::<FMA>(*x);
            *u = t * C::slope::<FMA>(*x);
        }
    }
}

multiversion! {
    fn tangent_backward_block<C: Curve>(x: &[f32], x_dot: &[f32], dy_dot: &[f32], accumulate: bool, dx: &mut [f32], dx_dot: &mut [f32]) {
        #[inline(always)]
        fn one<const FMA: bool, C: Curve>(x: f32, t: f32, g: f32) -> (f32, f32) {
            let (slope, bend) = C::slope_and_bend::<FMA>(x);
            (g * t * bend, g * slope)
        }
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (ts, tail_t) = x_dot.as_chunks::<LANES>();
        let (gs, tail_g) = dy_dot.as_chunks::<LANES>();
        let (ds, tail_d) = dx.as_chunks_mut::<LANES>();
        let (us, tail_u) = dx_dot.as_chunks_mut::<LANES>();
        for ((((x, t), g), d), u) in xs.iter().zip(ts).zip(gs).zip(ds).zip(us) {
            let held = before(d, accumulate);
            for i in 0..LANES {
                let (bent, moved) = one::<FMA, C>(x[i], t[i], g[i]);
                d[i] = held[i] + bent;
                u[i] = moved;
            }
        }
        for ((((x, t), g), d), u) in tail_x.iter().zip(tail_t).zip(tail_g).zip(tail_d).zip(tail_u) {
            let (bent, moved) = one::<FMA, C>(*x, *t, *g);
            let held = if accumulate { *d } else { 0.0 };
            *d = held + bent;
            *u = moved;
        }
    }
}

/// `y = g(x)`, element by element.
pub fn gelu(kind: Gelu, x: &[f32], y: &mut [f32]) {
    let block = match kind {
        Gelu::Exact => forward_block::<Exact>,
        Gelu::Quick => forward_block::<Quick>,
    };
    y.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .for_each(|(y, x)| block(x, y));
}

/// `dx = dy·g'(x)`, element by element, or added to what `dx` holds.
pub fn gelu_backward(kind: Gelu, x: &[f32], dy: &[f32], accumulate: bool, dx: &mut [f32]) {
    let block = match kind {
        Gelu::Exact => backward_block::<Exact>,
        Gelu::Quick => backward_block::<Quick>,
    };
    dx.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .zip(dy.par_chunks(TASK))
        .for_each(|((dx, x), dy)| block(x, dy, accumulate, dx));
}

/// [`gelu`] and its tangent `ẏ = g'(x)·ẋ`.
pub fn gelu_dual(kind: Gelu, x: &[f32], x_dot: &[f32], y: &mut [f32], y_dot: &mut [f32]) {
    let block = match kind {
        Gelu::Exact => dual_block::<Exact>,
        Gelu::Quick => dual_block::<Quick>,
    };
    y.par_chunks_mut(TASK)
        .zip(y_dot.par_chunks_mut(TASK))
        .zip(x.par_chunks(TASK))
        .zip(x_dot.par_chunks(TASK))
        .for_each(|(((y, y_dot), x), x_dot)| block(x, x_dot, y, y_dot));
}

/// Gradients of the tangent: `dẋ = g'(x)·dẏ`, `dx = g''(x)·ẋ·dẏ`; the latter perhaps added to
/// what `dx` holds.
pub fn gelu_tangent_backward(
    kind: Gelu,
    x: &[f32],
    x_dot: &[f32],
    dy_dot: &[f32],
    accumulate: bool,
    dx: &mut [f32],
    dx_dot: &mut [f32],
) {
    let block = match kind {
        Gelu::Exact => tangent_backward_block::<Exact>,
        Gelu::Quick => tangent_backward_block::<Quick>,
    };
    dx.par_chunks_mut(TASK)
        .zip(dx_dot.par_chunks_mut(TASK))
        .zip(x.par_chunks(TASK))
        .zip(x_dot.par_chunks(TASK))
        .zip(dy_dot.par_chunks(TASK))
        .for_each(|((((dx, dx_dot), x), x_dot), dy_dot)| {
            block(x, x_dot, dy_dot, accumulate, dx, dx_dot);
        });
}
