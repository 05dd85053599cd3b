//! Windowed multi-head attention with relative position bias and shifted windows (Liu et al.,
//! *Swin Transformer*, ICCV 2021), straight from the image layout.
//!
//! The composed form rolls, partitions, permutes, softmaxes, permutes and rolls back: nine copies
//! of every activation. Here a window is gathered by index into buffers of a few kilobytes, all
//! products are done there, and the result is scattered to its place. The backward pass computes
//! the probabilities again instead of storing them.

use super::lanes::{Lanes, product, transpose};
use super::linear::add_up;
use super::simd::{Block, LANES, exp, fma, multiversion, sum};
use rayon::prelude::*;

/// The geometry of one attention call; `height` and `width` are multiples of the window's sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowGeometry {
    /// Token rows of the (padded) grid.
    pub height: usize,
    /// Token columns of the (padded) grid.
    pub width: usize,
    /// Rows and columns of a window.
    pub window: [usize; 2],
    /// Cyclic shift; 0 for regular windows.
    pub shift: usize,
    /// Attention heads; they divide the channels.
    pub heads: usize,
}

impl WindowGeometry {
    /// One window over a whole sequence of `tokens` tokens.
    pub fn sequence(tokens: usize, heads: usize) -> Self {
        Self {
            height: 1,
            width: tokens,
            window: [1, tokens],
            shift: 0,
            heads,
        }
    }

    /// Tokens of a window.
    pub fn tokens(&self) -> usize {
        self.window[0] * self.window[1]
    }

    /// Windows of an image.
    pub fn windows(&self) -> usize {
        (self.height / self.window[0]) * (self.width / self.window[1])
    }

    /// For every window, the positions of its tokens in the unshifted grid, row by row.
    pub fn token_index(&self) -> Vec<usize> {
        self.per_token(|h, w| {
            ((h + self.shift) % self.height) * self.width + (w + self.shift) % self.width
        })
    }

    /// For every window, the region each token comes from: tokens of different regions are no
    /// neighbours in the image and must not attend to each other. All zero without a shift.
    pub fn regions(&self) -> Vec<usize> {
        let band = |at: usize, size: usize, window: usize| match (
            at + window >= size,
            at + self.shift >= size,
        ) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        self.per_token(|h, w| {
            if self.shift == 0 {
                0
            } else {
                3 * band(h, self.height, self.window[0]) + band(w, self.width, self.window[1])
            }
        })
    }

    fn per_token(&self, value: impl Fn(usize, usize) -> usize) -> Vec<usize> {
        let mut all = Vec::with_capacity(self.height * self.width);
        let [rows, columns] = self.window;
        for top in (0..self.height).step_by(rows) {
            for left in (0..self.width).step_by(columns) {
                for h in top..top + rows {
                    all.extend((left..left + columns).map(|w| value(h, w)));
                }
            }
        }
        all
    }
}

/// What is added to the logit of a pair from different regions (the reference implementation's
/// −100, not −∞: it decides the last digits of parity).
pub const REGION_PENALTY: f32 = -100.0;

/// Buffers of one window and head; widths are padded to whole blocks with zeros.
struct Scratch {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    kt: Vec<f32>,
    vt: Vec<f32>,
    p: Vec<f32>,
    pt: Vec<f32>,
    ds: Vec<f32>,
    o: Vec<f32>,
    np: usize,
    dp: usize,
}

impl Scratch {
    fn new(n: usize, d: usize) -> Self {
        let (np, dp) = (n.next_multiple_of(LANES), d.next_multiple_of(LANES));
        let tall = || vec![0.0; np * dp];
        let square = || vec![0.0; np * np];
        Self {
            q: tall(),
            k: tall(),
            v: tall(),
            kt: tall(),
            vt: tall(),
            p: square(),
            pt: square(),
            ds: square(),
            o: tall(),
            np,
            dp,
        }
    }
}

/// Some columns of a token matrix: where a head's queries, keys, values or outputs stand.
#[derive(Clone, Copy)]
struct Columns {
    /// Width of the whole matrix.
    stride: usize,
    /// The first of them.
    first: usize,
    /// How many.
    count: usize,
    /// Factor applied on the way.
    scale: f32,
}

impl Columns {
    /// Columns of `head` in part `part` (0 queries, 1 keys, 2 values) of `[T, 3C]`.
    #[inline(always)]
    fn of(part: usize, head: usize, channels: usize, heads: usize) -> Self {
        let count = channels / heads;
        Self {
            stride: 3 * channels,
            first: part * channels + head * count,
            count,
            scale: 1.0,
        }
    }

    /// Columns of `head` in an output `[T, C]`.
    #[inline(always)]
    fn output(head: usize, channels: usize, heads: usize) -> Self {
        let count = channels / heads;
        Self {
            stride: channels,
            first: head * count,
            count,
            scale: 1.0,
        }
    }

    #[inline(always)]
    fn scaled(self, scale: f32) -> Self {
        Self { scale, ..self }
    }

    /// Copies the columns of the tokens `index` into rows of width `width`.
    #[inline(always)]
    fn gather(self, from: &[f32], index: &[usize], rows: &mut [f32], width: usize) {
        for (&token, row) in index.iter().zip(rows.chunks_exact_mut(width)) {
            let from = &from[token * self.stride + self.first..][..self.count];
            row.iter_mut()
                .zip(from)
                .for_each(|(o, &v)| *o = v * self.scale);
        }
    }

    /// Copies rows of width `width` to the columns of the tokens `index`.
    #[inline(always)]
    fn scatter(self, rows: &[f32], width: usize, index: &[usize], to: &mut [f32]) {
        for (&token, row) in index.iter().zip(rows.chunks_exact(width)) {
            let to = &mut to[token * self.stride + self.first..][..self.count];
            to.iter_mut()
                .zip(row)
                .for_each(|(o, &v)| *o = v * self.scale);
        }
    }
}

/// Probabilities of one window and head into `s.p`, from `s.q` (scaled) and `s.kt`.
#[inline(always)]
fn probabilities<const FMA: bool, L: Lanes>(
    s: &mut Scratch,
    n: usize,
    d: usize,
    bias: &[f32],
    regions: Option<&[usize]>,
) {
    let np = s.np;
    product::<L>(n, np, d, &s.q, s.dp, &s.kt, &mut s.p);
    for (i, row) in s.p.chunks_exact_mut(np).enumerate().take(n) {
        if !bias.is_empty() {
            for (v, b) in row.iter_mut().zip(&bias[i * n..(i + 1) * n]) {
                *v += b;
            }
        }
        if let Some(regions) = regions {
            for (v, r) in row.iter_mut().zip(regions) {
                *v += if *r == regions[i] {
                    0.0
                } else {
                    REGION_PENALTY
                };
            }
        }
        row[n..].fill(f32::NEG_INFINITY);
        let (blocks, _) = row.as_chunks_mut::<LANES>();
        let mut top: Block = [f32::NEG_INFINITY; LANES];
        for block in blocks.iter() {
            for i in 0..LANES {
                top[i] = top[i].max(block[i]);
            }
        }
        let peak = top.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let mut total: Block = [0.0; LANES];
        for block in blocks.iter_mut() {
            for i in 0..LANES {
                block[i] = exp::<FMA>(block[i] - peak);
                total[i] += block[i];
            }
        }
        let inverse = 1.0 / sum(&total);
        row.iter_mut().for_each(|v| *v *= inverse);
    }
}

/// The bias of one head; empty if there is none at all.
#[inline(always)]
fn of_head(bias: &[f32], head: usize, n: usize) -> &[f32] {
    if bias.is_empty() {
        bias
    } else {
        &bias[head * n * n..(head + 1) * n * n]
    }
}

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
                let masked = (geometry.shift > 0).then_some(regions);
                probabilities::<FMA, L>(&mut s, n, d, of_head(bias, head, n), masked);
                product::<L>(n, s.dp, n, &s.p, s.np, &s.v, &mut s.o);
                Columns::output(head, channels, geometry.heads).scatter(&s.o, s.dp, index, out);
            }
        }
    }
}

multiversion! {
    fn backward_image(qkv: &[f32], bias: &[f32], dy: &[f32], geometry: WindowGeometry, index: &[usize], regions: &[usize], channels: usize, dqkv: &mut [f32], dbias: &mut [f32]) {
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
                let masked = (geometry.shift > 0).then_some(regions);
                probabilities::<FMA, L>(&mut s, n, d, of_head(bias, head, n), masked);
                // dV = Pᵀ·dO
                transpose::<L>(np, np, &s.p, &mut s.pt);
                product::<L>(n, dp, n, &s.pt, np, &g, &mut s.o);
                of(2).scatter(&s.o, dp, index, dqkv);
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
                of(0).scaled(scale).scatter(&s.o, dp, index, dqkv);
                transpose::<L>(np, np, &s.ds, &mut s.pt);
                product::<L>(n, dp, n, &s.pt, np, &s.q, &mut s.o);
                of(1).scatter(&s.o, dp, index, dqkv);
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

/// Images whose bias gradients are summed in one task.
const IMAGES: usize = 8;

/// Gradients of [`forward`] with respect to `qkv` and `bias`.
pub fn backward(
    qkv: &[f32],
    bias: &[f32],
    dy: &[f32],
    geometry: WindowGeometry,
    channels: usize,
    dqkv: &mut [f32],
    dbias: &mut [f32],
) {
    let (index, regions) = (geometry.token_index(), geometry.regions());
    let tokens = geometry.height * geometry.width;
    let (wide, narrow) = (tokens * 3 * channels, tokens * channels);
    let partial: Vec<Vec<f32>> = dqkv
        .par_chunks_mut(IMAGES * wide)
        .zip(qkv.par_chunks(IMAGES * wide))
        .zip(dy.par_chunks(IMAGES * narrow))
        .map(|((dqkv, qkv), dy)| {
            let mut sum = vec![0.0; bias.len()];
            for ((dqkv, qkv), dy) in dqkv
                .chunks_mut(wide)
                .zip(qkv.chunks(wide))
                .zip(dy.chunks(narrow))
            {
                backward_image(
                    qkv, bias, dy, geometry, &index, &regions, channels, dqkv, &mut sum,
                );
            }
            sum
        })
        .collect();
    add_up(&partial, dbias);
}
