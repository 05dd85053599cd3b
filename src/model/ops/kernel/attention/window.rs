//! One window and head at a time: its tokens gathered by index, its probabilities, its results
//! scattered to their places.

use super::super::product::product;
use crate::simd::{Block, LANES, Lanes, exp, sum};

/// What is added to the logit of a pair from different regions (the reference implementation's
/// −100, not −∞: it decides the last digits of parity).
pub const REGION_PENALTY: f32 = -100.0;

/// Buffers of one window and head; widths are padded to whole blocks with zeros.
pub struct Scratch {
    pub q: Vec<f32>,
    pub k: Vec<f32>,
    pub v: Vec<f32>,
    pub kt: Vec<f32>,
    pub vt: Vec<f32>,
    pub p: Vec<f32>,
    pub pt: Vec<f32>,
    pub ds: Vec<f32>,
    pub o: Vec<f32>,
    /// Tokens and head width, padded.
    pub np: usize,
    pub dp: usize,
}

impl Scratch {
    pub fn new(n: usize, d: usize) -> Self {
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
pub struct Columns {
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
    pub fn of(part: usize, head: usize, channels: usize, heads: usize) -> Self {
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
    pub fn output(head: usize, channels: usize, heads: usize) -> Self {
        let count = channels / heads;
        Self {
            stride: channels,
            first: head * count,
            count,
            scale: 1.0,
        }
    }

    #[inline(always)]
    pub fn scaled(self, scale: f32) -> Self {
        Self { scale, ..self }
    }

    /// Copies the columns of the tokens `index` into rows of width `width`.
    #[inline(always)]
    pub fn gather(self, from: &[f32], index: &[usize], rows: &mut [f32], width: usize) {
        for (&token, row) in index.iter().zip(rows.chunks_exact_mut(width)) {
            let from = &from[token * self.stride + self.first..][..self.count];
            row.iter_mut()
                .zip(from)
                .for_each(|(o, &v)| *o = v * self.scale);
        }
    }

    /// Copies rows of width `width` to the columns of the tokens `index`, or adds them to what is
    /// there.
    #[inline(always)]
    pub fn scatter(
        self,
        rows: &[f32],
        width: usize,
        index: &[usize],
        accumulate: bool,
        to: &mut [f32],
    ) {
        for (&token, row) in index.iter().zip(rows.chunks_exact(width)) {
            let to = &mut to[token * self.stride + self.first..][..self.count];
            if accumulate {
                to.iter_mut()
                    .zip(row)
                    .for_each(|(o, &v)| *o += v * self.scale);
            } else {
                to.iter_mut()
                    .zip(row)
                    .for_each(|(o, &v)| *o = v * self.scale);
            }
        }
    }
}

/// Probabilities of one window and head into `s.p`, from `s.q` (scaled) and `s.kt`.
#[inline(always)]
pub fn probabilities<const FMA: bool, L: Lanes>(
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
pub fn of_head(bias: &[f32], head: usize, n: usize) -> &[f32] {
    if bias.is_empty() {
        bias
    } else {
        &bias[head * n * n..(head + 1) * n * n]
    }
}
