//! The AdamW update (Loshchilov & Hutter 2019, PyTorch's order of operations) in one pass.

use crate::simd::{fma, multiversion};
use rayon::prelude::*;

/// Values per parallel task.
const TASK: usize = 16_384;

/// What one AdamW step needs beside the arrays.
#[derive(Debug, Clone, Copy)]
pub struct AdamWStep {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Number of this step, from 1.
    pub time: i32,
}

multiversion! {
    fn update_block(p: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], s: AdamWStep) {
        let step = s.lr / (1.0 - s.beta1.powi(s.time));
        let root = 1.0 / (1.0 - s.beta2.powi(s.time)).sqrt();
        let keep = 1.0 - s.lr * s.weight_decay;
        for (((p, m), v), &g) in p.iter_mut().zip(m).zip(v).zip(g) {
            *m = fma::<FMA>(1.0 - s.beta1, g - *m, *m);
            *v = fma::<FMA>(s.beta2, *v, (1.0 - s.beta2) * g * g);
            let denominator = fma::<FMA>(v.sqrt(), root, s.epsilon);
            *p = *p * keep - step * *m / denominator;
        }
    }
}

/// Updates parameter `p` and its moments `m`, `v` by gradient `g`, in place.
pub fn adamw(p: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], step: AdamWStep) {
    p.par_chunks_mut(TASK)
        .zip(m.par_chunks_mut(TASK))
        .zip(v.par_chunks_mut(TASK))
        .zip(g.par_chunks(TASK))
        .for_each(|(((p, m), v), g)| update_block(p, m, v, g, step));
}
