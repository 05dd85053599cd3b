//! The tangent of windowed attention and its gradients, window by window as its value.
//!
//! Logits `S = q·Kᵀ + b` (q scaled) move by `Ṡ = q̇·Kᵀ + q·K̇ᵀ + ḃ`, probabilities by `Ṗ = P∘Z`
//! with `Z = Ṡ − Σ P∘Ṡ` row by row, outputs by `Ȯ = Ṗ·V + P·V̇`. From `dȮ`, with `H = dȮ·Vᵀ`:
//!
//! * `dV = Ṗᵀ·dȮ`, `dV̇ = Pᵀ·dȮ`;
//! * the logits' tangent gets `A = P∘E`, `E = H − Σ P∘H`, which gives q̇, K̇ and ḃ their gradients;
//! * the logits get `P∘(D − Σ P∘D)`, `D = dȮ·V̇ᵀ + E∘Z` (what depends on the row alone drops
//!   out), and q, K and b theirs, with `A·K̇` and `Aᵀ·q̇` added.

use super::super::linear::add_up;
use super::super::product::{product, product_add, transpose};
use super::moving::{Moving, dot, prepare};
use super::window::{Columns, Scratch};
use super::{WindowGeometry, images_at_once};
use crate::simd::{LANES, fma, multiversion};
use rayon::prelude::*;

multiversion! {
    fn dual_image(qkv: &[f32], qkv_dot: &[f32], bias: [&[f32]; 2], geometry: WindowGeometry, index: &[usize], regions: &[usize], channels: usize, out: &mut [f32], out_dot: &mut [f32]) {
        let (n, d) = (geometry.tokens(), channels / geometry.heads);
        let mut s = Scratch::new(n, d);
        let mut m = Moving::new(&s);
        let (np, dp) = (s.np, s.dp);
        for (index, regions) in index.chunks_exact(n).zip(regions.chunks_exact(n)) {
            for head in 0..geometry.heads {
                prepare::<FMA, L>(&mut s, &mut m, qkv, qkv_dot, bias, geometry, channels, head, index, regions);
                let to = Columns::output(head, channels, geometry.heads);
                product::<L>(n, dp, n, &s.p, np, &s.v, &mut s.o);
                to.scatter(&s.o, dp, index, false, out);
                for (z, p) in m.z.iter_mut().zip(&s.p) { *z *= p; }
                product::<L>(n, dp, n, &m.z, np, &s.v, &mut s.o);
                if !qkv_dot.is_empty() {
                    product_add::<L>(n, dp, n, &s.p, np, &m.v, &mut s.o);
                }
                to.scatter(&s.o, dp, index, false, out_dot);
            }
        }
    }
}

multiversion! {
    fn backward_image(qkv: &[f32], qkv_dot: &[f32], bias: [&[f32]; 2], dy_dot: &[f32], geometry: WindowGeometry, index: &[usize], regions: &[usize], channels: usize, accumulate: bool, dqkv: &mut [f32], dqkv_dot: &mut [f32], dbias: &mut [f32], dbias_dot: &mut [f32]) {
        let (n, d) = (geometry.tokens(), channels / geometry.heads);
        let mut s = Scratch::new(n, d);
        let mut m = Moving::new(&s);
        let mut g = vec![0.0; s.np * s.dp];
        let (np, dp) = (s.np, s.dp);
        let scale = 1.0 / (d as f32).sqrt();
        let moves = !qkv_dot.is_empty();
        for (index, regions) in index.chunks_exact(n).zip(regions.chunks_exact(n)) {
            for head in 0..geometry.heads {
                prepare::<FMA, L>(&mut s, &mut m, qkv, qkv_dot, bias, geometry, channels, head, index, regions);
                let of = |part| Columns::of(part, head, channels, geometry.heads);
                Columns::output(head, channels, geometry.heads).gather(dy_dot, index, &mut g, dp);
                // dV = Ṗᵀ·dȮ, dV̇ = Pᵀ·dȮ
                for ((d, z), p) in s.ds.iter_mut().zip(&m.z).zip(&s.p) { *d = z * p; }
                transpose::<L>(np, np, &s.ds, &mut s.pt);
                product::<L>(n, dp, n, &s.pt, np, &g, &mut s.o);
                of(2).scatter(&s.o, dp, index, accumulate, dqkv);
                if moves {
                    transpose::<L>(np, np, &s.p, &mut s.pt);
                    product::<L>(n, dp, n, &s.pt, np, &g, &mut s.o);
                    of(2).scatter(&s.o, dp, index, false, dqkv_dot);
                    transpose::<L>(np, dp, &m.v, &mut m.vt);
                    product::<L>(n, np, d, &g, dp, &m.vt, &mut m.d);
                } else {
                    m.d.fill(0.0);
                }
                // A into s.ds, the gradient of the logits into m.d
                transpose::<L>(np, dp, &s.v, &mut s.vt);
                product::<L>(n, np, d, &g, dp, &s.vt, &mut s.ds);
                let rows = s.ds.chunks_exact_mut(np).zip(m.d.chunks_exact_mut(np));
                let fixed = s.p.chunks_exact(np).zip(m.z.chunks_exact(np));
                for (i, ((a, d), (p, z))) in rows.zip(fixed).enumerate().take(n) {
                    let (hs, ds) = (a.as_chunks_mut::<LANES>().0, d.as_chunks_mut::<LANES>().0);
                    let (ps, zs) = (p.as_chunks::<LANES>().0, z.as_chunks::<LANES>().0);
                    let mean = dot::<FMA>(hs, ps);
                    for (((h, d), p), z) in hs.iter_mut().zip(ds.iter_mut()).zip(ps).zip(zs) {
                        for i in 0..LANES {
                            let e = h[i] - mean;
                            d[i] = fma::<FMA>(e, z[i], d[i]);
                            h[i] = p[i] * e;
                        }
                    }
                    let mean = dot::<FMA>(ds, ps);
                    for (d, p) in ds.iter_mut().zip(ps) {
                        for i in 0..LANES { d[i] = p[i] * (d[i] - mean); }
                    }
                    for (total, row) in [(&mut *dbias, d), (&mut *dbias_dot, a)] {
                        if !total.is_empty() {
                            let total = &mut total[(head * n + i) * n..][..n];
                            total.iter_mut().zip(row.iter()).for_each(|(b, v)| *b += v);
                        }
                    }
                }
                product::<L>(n, dp, n, &m.d, np, &s.k, &mut s.o);
                if moves { product_add::<L>(n, dp, n, &s.ds, np, &m.k, &mut s.o); }
                of(0).scaled(scale).scatter(&s.o, dp, index, accumulate, dqkv);
                transpose::<L>(np, np, &m.d, &mut s.pt);
                product::<L>(n, dp, n, &s.pt, np, &s.q, &mut s.o);
                if moves {
                    transpose::<L>(np, np, &s.ds, &mut m.at);
                    product_add::<L>(n, dp, n, &m.at, np, &m.q, &mut s.o);
                }
                of(1).scatter(&s.o, dp, index, accumulate, dqkv);
                if moves {
                    product::<L>(n, dp, n, &m.at, np, &s.q, &mut s.o);
                    of(1).scatter(&s.o, dp, index, false, dqkv_dot);
                    product::<L>(n, dp, n, &s.ds, np, &s.k, &mut s.o);
                    of(0).scaled(scale).scatter(&s.o, dp, index, false, dqkv_dot);
                }
            }
        }
    }
}

/// Image `at` of a batch; empty if there is none.
fn image(batch: &[f32], at: usize, size: usize) -> &[f32] {
    batch.get(at * size..(at + 1) * size).unwrap_or_default()
}

/// Attention and its tangent; `qkv_dot` and either of the biases (value, tangent) may be empty.
pub fn forward(
    qkv: &[f32],
    qkv_dot: &[f32],
    bias: [&[f32]; 2],
    geometry: WindowGeometry,
    channels: usize,
    out: &mut [f32],
    out_dot: &mut [f32],
) {
    let (index, regions) = (geometry.token_index(), geometry.regions());
    let size = geometry.height * geometry.width * channels;
    out.par_chunks_mut(size)
        .zip(out_dot.par_chunks_mut(size))
        .enumerate()
        .for_each(|(at, (out, out_dot))| {
            let [qkv, dot] = [qkv, qkv_dot].map(|a| image(a, at, 3 * size));
            dual_image(
                qkv, dot, bias, geometry, &index, &regions, channels, out, out_dot,
            );
        });
}

/// Gradients of the tangent with respect to `qkv` (perhaps added to what `dqkv` holds), its
/// tangent, the bias and its tangent; those of what is absent stay empty.
#[allow(clippy::too_many_arguments)]
pub fn backward(
    qkv: &[f32],
    qkv_dot: &[f32],
    bias: [&[f32]; 2],
    dy_dot: &[f32],
    geometry: WindowGeometry,
    channels: usize,
    accumulate: bool,
    dqkv: &mut [f32],
    dqkv_dot: &mut [f32],
    dbias: [&mut [f32]; 2],
) {
    let (index, regions) = (geometry.token_index(), geometry.regions());
    let size = geometry.height * geometry.width * channels;
    let biased = bias.iter().any(|bias| !bias.is_empty());
    let images = images_at_once(dqkv.len() / (3 * size).max(1), biased);
    let moving: Vec<&mut [f32]> = dqkv_dot.chunks_mut(images * 3 * size).collect();
    let mut moving = moving.into_iter();
    let tasks: Vec<(&mut [f32], &mut [f32])> = dqkv
        .chunks_mut(images * 3 * size)
        .map(|d| (d, moving.next().unwrap_or_default()))
        .collect();
    let partial: Vec<[Vec<f32>; 2]> = tasks
        .into_par_iter()
        .enumerate()
        .map(|(task, (dqkv, dqkv_dot))| {
            let mut sums = bias.map(|b| vec![0.0; b.len()]);
            let [first, second] = &mut sums;
            let mut moving = dqkv_dot.chunks_mut(3 * size);
            for (i, dqkv) in dqkv.chunks_mut(3 * size).enumerate() {
                let at = task * images + i;
                let [qkv, dot] = [qkv, qkv_dot].map(|a| image(a, at, 3 * size));
                let dqkv_dot = moving.next().unwrap_or_default();
                let dy_dot = image(dy_dot, at, size);
                backward_image(
                    qkv, dot, bias, dy_dot, geometry, &index, &regions, channels, accumulate, dqkv,
                    dqkv_dot, first, second,
                );
            }
            sums
        })
        .collect();
    for (which, total) in dbias.into_iter().enumerate() {
        add_up(partial.iter().map(|sums| &sums[which][..]), total);
    }
}
