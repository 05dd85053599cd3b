//! Windowed multi-head attention with relative position bias and shifted windows (Liu et al.,
//! *Swin Transformer*, ICCV 2021), straight from the image layout.
//!
//! The composed form rolls, partitions, permutes, softmaxes, permutes and rolls back: nine copies
//! of every activation. Here a window is gathered by index into buffers of a few kilobytes, all
//! products are done there, and the result is scattered to its place. The backward pass computes
//! the probabilities again instead of storing them.

mod geometry;
mod moving;
pub mod tangent;
mod window;

use super::linear::add_up;
use super::product::{product, transpose};
use crate::simd::{Block, LANES, fma, multiversion, sum};
use rayon::prelude::*;
use window::{Columns, Scratch, of_head, probabilities};

pub use geometry::WindowGeometry;
pub use window::REGION_PENALTY;

multiversion! {
    fn forward_image(qkv: &[f32], bias: &[f32], geometry: WindowGeometry, index: &[usize], regions: &[usize], channels: usize, out: &mut [f32]) {
        let (n, d) = (geometry.tokens(), channels / geometry.heads);
        let mut s = Scratch::new(n, d);
        let scale = 1.0 / (d as f32).sqrt();
        for (index, regions) in index.chunks_exact(n).zip(regions.chunks_exact(n)) {
            for head in 0..geometry.heads {
                let of = |part| Columns::of(part, head, channels, geometry.heads);
                of(0).scaled(scale).gather(qkv, index, &mut s.q, s.dp);
                of(1).gather(qkv, index, &mut s.k, s.dp);
                of(2).gather(qkv, index, &mut s.v, s.dp);
                transpose::<L>(s.np, s.dp, &s.k, &mut s.kt);
                let masked = geometry.is_shifted().then_some(regions);
                probabilities::<FMA, L>(&mut s, n, d, of_head(bias, head, n), masked);
                product::<L>(n, s.dp, n, &s.p, s.np, &s.v, &mut s.o);
                Columns::output(head, channels, geometry.heads).scatter(&s.o, s.dp, index, false, out);
            }
        }
    }
}

multiversion! {
    fn backward_image(qkv: &[f32], bias: &[f32], dy: &[f32], geometry: WindowGeometry, index: &[usize], regions: &[usize], channels: usize, accumulate: bool, dqkv: &mut [f32], dbias: &mut [f32]) {
        let (n, d) = (geometry.tokens(), channels / geometry.heads);
        let mut s = Scratch::new(n, d);
        let mut g = vec![0.0; s.np * s.dp];
        let (np, dp) = (s.np, s.dp);
        let scale = 1.0 / (d as f32).sqrt();
        for (index, regions) in index.chunks_exact(n).zip(regions.chunks_exact(n)) {
            for head in 0..geometry.heads {
                let of = |part| Columns::of(part, head, channels, geometry.heads);
                of(0).scaled(scale).gather(qkv, index, &mut s.q, dp);
                of(1).gather(qkv, index, &mut s.k, dp);
                of(2).gather(qkv, index, &mut s.v, dp);
                Columns::output(head, channels, geometry.heads).gather(dy, index, &mut g, dp);
                transpose::<L>(np, dp, &s.k, &mut s.kt);
                transpose::<L>(np, dp, &s.v, &mut s.vt);
                let masked = geometry.is_shifted().then_some(regions);
                probabilities::<FMA, L>(&mut s, n, d, of_head(bias, head, n), masked);
                // dV = Pᵀ·dO
                transpose::<L>(np, np, &s.p, &mut s.pt);
                product::<L>(n, dp, n, &s.pt, np, &g, &mut s.o);
                of(2).scatter(&s.o, dp, index, accumulate, dqkv);
                // dS = P ∘ (dP − Σ dP∘P), dP = dO·Vᵀ
                product::<L>(n, np, d, &g, dp, &s.vt, &mut s.ds);
                for (i, (row, p)) in s.ds.chunks_exact_mut(np).zip(s.p.chunks_exact(np)).enumerate().take(n) {
                    let (rows, _) = row.as_chunks_mut::<LANES>();
                    let (ps, _) = p.as_chunks::<LANES>();
                    let mut dot: Block = [0.0; LANES];
                    for (r, p) in rows.iter().zip(ps) {
                        for i in 0..LANES { dot[i] = fma::<FMA>(r[i], p[i], dot[i]); }
                    }
                    let dot = sum(&dot);
                    for (r, p) in rows.iter_mut().zip(ps) {
                        for i in 0..LANES { r[i] = p[i] * (r[i] - dot); }
                    }
                    if !dbias.is_empty() {
                        let db = &mut dbias[(head * n + i) * n..][..n];
                        db.iter_mut().zip(row.iter()).for_each(|(b, v)| *b += v);
                    }
                }
                // dQ = scale·dS·K, dK = dSᵀ·(scale·Q)
                product::<L>(n, dp, n, &s.ds, np, &s.k, &mut s.o);
                of(0).scaled(scale).scatter(&s.o, dp, index, accumulate, dqkv);
                transpose::<L>(np, np, &s.ds, &mut s.pt);
                product::<L>(n, dp, n, &s.pt, np, &s.q, &mut s.o);
                of(1).scatter(&s.o, dp, index, accumulate, dqkv);
            }
        }
    }
}

/// Attention of every window: `qkv [B, H·W, 3C]`, `bias [heads, n, n]` or empty →
/// `out [B, H·W, C]`.
pub fn forward(
    qkv: &[f32],
    bias: &[f32],
    geometry: WindowGeometry,
    channels: usize,
    out: &mut [f32],
) {
    let (index, regions) = (geometry.token_index(), geometry.regions());
    let tokens = geometry.height * geometry.width;
    out.par_chunks_mut(tokens * channels)
        .zip(qkv.par_chunks(tokens * 3 * channels))
        .for_each(|(out, qkv)| {
            forward_image(qkv, bias, geometry, &index, &regions, channels, out);
        });
}

/// Images of one task of a backward pass: as few as there is one, or where gradients of biases are summed, an eighth of
/// the batch up to eight. The batch alone says how sums are cut, never the number of threads.
fn images_at_once(images: usize, biased: bool) -> usize {
    if biased { (images / 8).clamp(1, 8) } else { 1 }
}

/// Gradients of [`forward`] with respect to `qkv` (perhaps added to what `dqkv` holds) and `bias`.
#[allow(clippy::too_many_arguments)]
pub fn backward(
    qkv: &[f32],
    bias: &[f32],
    dy: &[f32],
    geometry: WindowGeometry,
    channels: usize,
    accumulate: bool,
    dqkv: &mut [f32],
    dbias: &mut [f32],
) {
    let (index, regions) = (geometry.token_index(), geometry.regions());
    let tokens = geometry.height * geometry.width;
    let (wide, narrow) = (tokens * 3 * channels, tokens * channels);
    let images = images_at_once(dqkv.len() / wide.max(1), !dbias.is_empty());
    let partial: Vec<Vec<f32>> = dqkv
        .par_chunks_mut(images * wide)
        .zip(qkv.par_chunks(images * wide))
        .zip(dy.par_chunks(images * narrow))
        .map(|((dqkv, qkv), dy)| {
            let mut sum = vec![0.0; bias.len()];
            for ((dqkv, qkv), dy) in dqkv
                .chunks_mut(wide)
                .zip(qkv.chunks(wide))
                .zip(dy.chunks(narrow))
            {
                backward_image(
                    qkv, bias, dy, geometry, &index, &regions, channels, accumulate, dqkv, &mut sum,
                );
            }
            sum
        })
        .collect();
    add_up(partial.iter().map(Vec::as_slice), dbias);
}
