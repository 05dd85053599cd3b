//! One window and head whose tokens move: beside what [`super::window`] gathers and computes, its
//! tangents and how its probabilities move.

use super::super::product::{product, product_add, transpose};
use super::WindowGeometry;
use super::window::{Columns, Scratch, of_head, probabilities};
use crate::simd::{Block, LANES, Lanes, fma, sum};

/// Buffers for what moves, beside those of the value.
pub struct Moving {
    pub q: Vec<f32>,
    pub k: Vec<f32>,
    pub v: Vec<f32>,
    pub kt: Vec<f32>,
    pub vt: Vec<f32>,
    /// `Z`.
    pub z: Vec<f32>,
    pub d: Vec<f32>,
    pub at: Vec<f32>,
}

impl Moving {
    pub fn new(s: &Scratch) -> Self {
        let tall = || vec![0.0; s.q.len()];
        let square = || vec![0.0; s.p.len()];
        Self {
            q: tall(),
            k: tall(),
            v: tall(),
            kt: tall(),
            vt: tall(),
            z: square(),
            d: square(),
            at: square(),
        }
    }
}

/// `Σ a∘b` over rows of whole blocks.
#[inline(always)]
pub fn dot<const FMA: bool>(a: &[Block], b: &[Block]) -> f32 {
    let mut total: Block = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            total[i] = fma::<FMA>(a[i], b[i], total[i]);
        }
    }
    sum(&total)
}

/// Gathers a window and its tangent (an empty `dot` stands still), then its probabilities into
/// `s.p` and `Z` into `m.z`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub fn prepare<const FMA: bool, L: Lanes>(
    s: &mut Scratch,
    m: &mut Moving,
    qkv: &[f32],
    qkv_dot: &[f32],
    [bias, bias_dot]: [&[f32]; 2],
    geometry: WindowGeometry,
    channels: usize,
    head: usize,
    index: &[usize],
    regions: &[usize],
) {
    let (n, d) = (geometry.tokens(), channels / geometry.heads);
    let (np, dp) = (s.np, s.dp);
    let scale = 1.0 / (d as f32).sqrt();
    let of = |part| Columns::of(part, head, channels, geometry.heads);
    of(0).scaled(scale).gather(qkv, index, &mut s.q, dp);
    of(1).gather(qkv, index, &mut s.k, dp);
    of(2).gather(qkv, index, &mut s.v, dp);
    transpose::<L>(np, dp, &s.k, &mut s.kt);
    let masked = geometry.is_shifted().then_some(regions);
    probabilities::<FMA, L>(s, n, d, of_head(bias, head, n), masked);
    if !qkv_dot.is_empty() {
        of(0).scaled(scale).gather(qkv_dot, index, &mut m.q, dp);
        of(1).gather(qkv_dot, index, &mut m.k, dp);
        of(2).gather(qkv_dot, index, &mut m.v, dp);
        transpose::<L>(np, dp, &m.k, &mut m.kt);
        product::<L>(n, np, d, &m.q, dp, &s.kt, &mut m.z);
        product_add::<L>(n, np, d, &s.q, dp, &m.kt, &mut m.z);
    } else {
        m.z.fill(0.0);
    }
    let moved = of_head(bias_dot, head, n);
    let rows = m.z.chunks_exact_mut(np).zip(s.p.chunks_exact(np));
    for (i, (z, p)) in rows.enumerate().take(n) {
        if !moved.is_empty() {
            for (z, b) in z.iter_mut().zip(&moved[i * n..(i + 1) * n]) {
                *z += b;
            }
        }
        let mean = dot::<FMA>(z.as_chunks().0, p.as_chunks().0);
        z.iter_mut().for_each(|z| *z -= mean);
    }
}
