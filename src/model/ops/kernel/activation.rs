//! The exact (erf) GELU of Hendrycks & Gimpel 2016, forward and backward, vectorised.

use super::simd::{LANES, erf, exp, fma, multiversion};
use rayon::prelude::*;

/// Values per parallel task; fixed, so that results do not depend on the thread count.
const TASK: usize = 16_384;

multiversion! {
    fn forward_block(x: &[f32], y: &mut [f32]) {
        #[inline(always)]
        fn one<const FMA: bool>(v: f32) -> f32 {
            let half = 0.5 * v;
            fma::<FMA>(half, erf::<FMA>(v * std::f32::consts::FRAC_1_SQRT_2), half)
        }
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (ys, tail_y) = y.as_chunks_mut::<LANES>();
        for (x, y) in xs.iter().zip(ys) {
            for i in 0..LANES { y[i] = one::<FMA>(x[i]); }
        }
        for (x, y) in tail_x.iter().zip(tail_y) { *y = one::<FMA>(*x); }
    }
}

multiversion! {
    fn backward_block(x: &[f32], dy: &[f32], dx: &mut [f32]) {
        #[inline(always)]
        fn one<const FMA: bool>(v: f32, g: f32) -> f32 {
            const INV_SQRT_2PI: f32 = 0.398_942_3;
            let cdf = fma::<FMA>(0.5, erf::<FMA>(v * std::f32::consts::FRAC_1_SQRT_2), 0.5);
            let pdf = INV_SQRT_2PI * exp::<FMA>(-0.5 * v * v);
            g * fma::<FMA>(v, pdf, cdf)
        }
        let (xs, tail_x) = x.as_chunks::<LANES>();
        let (gs, tail_g) = dy.as_chunks::<LANES>();
        let (ds, tail_d) = dx.as_chunks_mut::<LANES>();
        for ((x, g), d) in xs.iter().zip(gs).zip(ds) {
            for i in 0..LANES { d[i] = one::<FMA>(x[i], g[i]); }
        }
        for ((x, g), d) in tail_x.iter().zip(tail_g).zip(tail_d) { *d = one::<FMA>(*x, *g); }
    }
}

/// `y = x·Φ(x)`, element by element.
pub fn gelu(x: &[f32], y: &mut [f32]) {
    y.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .for_each(|(y, x)| forward_block(x, y));
}

/// `dx = dy·(Φ(x) + x·φ(x))`, element by element.
pub fn gelu_backward(x: &[f32], dy: &[f32], dx: &mut [f32]) {
    dx.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .zip(dy.par_chunks(TASK))
        .for_each(|((dx, x), dy)| backward_block(x, dy, dx));
}
