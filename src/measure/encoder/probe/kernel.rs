//! The two skinny products of a probe's evaluation, in single precision and in registers.
//!
//! Features `[n, width]` against some ten rows of weights are bound by memory, and a general
//! product would first copy the features into its own layout. Here a block of rows is read where
//! it lies, once for its logits and once, out of the cache, for its gradient. `width` is a
//! multiple of sixteen. Sums within a block are in single precision, beyond it in double.

use crate::simd::{self, Block, Lanes, multiversion};

/// Most classes at a time: two rows of so many sums, and what they are made of, fill the
/// registers of AVX-512.
const TILE: usize = 10;

/// Runs `$call` with the constant `$T` equal to `$size`, at most [`TILE`].
macro_rules! sized {
    ($size:expr, $T:ident => $call:expr) => {
        sized!(@ $size, $T => $call, 1 2 3 4 5 6 7 8 9)
    };
    (@ $size:expr, $T:ident => $call:expr, $($n:literal)*) => {
        match $size {
            $($n => { const $T: usize = $n; $call })*
            _ => { const $T: usize = TILE; $call }
        }
    };
}

/// `rows` in parts of nearly equal size, each at most a tile of `L`: first row and size.
#[inline(always)]
fn tiles<L: Lanes>(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let most = if L::REGISTERS >= 3 * TILE { TILE } else { 3 };
    let parts = rows.div_ceil(most).max(1);
    (0..parts).map(move |i| {
        let from = i * rows / parts;
        (from, (i + 1) * rows / parts - from)
    })
}

#[inline(always)]
fn blocks(values: &[f32]) -> &[Block] {
    values.as_chunks().0
}

multiversion! {
    /// Logits `[n, stride]` of features `x [n, width]` for weights `w [rows, width]`, written to
    /// the last `rows` columns of `z`.
    pub fn logits(x: &[f32], width: usize, w: &[f32], stride: usize, z: &mut [f32]) {
        let free = stride - w.len() / width;
        for (from, size) in tiles::<L>(w.len() / width) {
            let w = &w[from * width..(from + size) * width];
            sized!(size, T => logits_of::<L, T>(x, width, w, stride, free + from, z))
        }
    }
}

#[inline(always)]
fn logits_of<L: Lanes, const T: usize>(
    x: &[f32],
    width: usize,
    w: &[f32],
    stride: usize,
    at: usize,
    z: &mut [f32],
) {
    let mut z = z.chunks_exact_mut(stride);
    let mut pairs = x.chunks_exact(2 * width);
    for pair in &mut pairs {
        for sums in dots::<L, 2, T>(pair, width, w) {
            if let Some(row) = z.next() {
                row[at..at + T].copy_from_slice(&sums);
            }
        }
    }
    if let (Some(row), false) = (z.next(), pairs.remainder().is_empty()) {
        let [sums] = dots::<L, 1, T>(pairs.remainder(), width, w);
        row[at..at + T].copy_from_slice(&sums);
    }
}

/// Scalar products of `R` rows of `x` with `T` rows of `w`.
#[inline(always)]
fn dots<L: Lanes, const R: usize, const T: usize>(
    x: &[f32],
    width: usize,
    w: &[f32],
) -> [[f32; T]; R] {
    let steps = width / 16;
    let x: [&[Block]; R] = std::array::from_fn(|r| &blocks(&x[r * width..])[..steps]);
    let w: [&[Block]; T] = std::array::from_fn(|t| &blocks(&w[t * width..])[..steps]);
    let mut sums = [[L::zero(); T]; R];
    for step in 0..steps {
        let mut here = [L::zero(); R];
        for r in 0..R {
            here[r] = L::load(&x[r][step]);
        }
        for t in 0..T {
            let w = L::load(&w[t][step]);
            for r in 0..R {
                sums[r][t] = sums[r][t].add_product(here[r], w);
            }
        }
    }
    let mut out = [[0.0; T]; R];
    let mut lanes: Block = [0.0; 16];
    for r in 0..R {
        for t in 0..T {
            sums[r][t].store(&mut lanes);
            out[r][t] = simd::sum(&lanes);
        }
    }
    out
}

multiversion! {
    /// Adds `residualsᵀ · x` to `gradient [rows, width]`: residuals are the last `rows` columns of
    /// `r [n, stride]`.
    pub fn gradient(x: &[f32], width: usize, r: &[f32], stride: usize, gradient: &mut [f64]) {
        let rows = gradient.len() / width;
        let free = stride - rows;
        for (from, size) in tiles::<L>(rows) {
            let gradient = &mut gradient[from * width..(from + size) * width];
            sized!(size, T => gradient_of::<L, T>(x, width, r, stride, free + from, gradient))
        }
    }
}

#[inline(always)]
fn gradient_of<L: Lanes, const T: usize>(
    x: &[f32],
    width: usize,
    r: &[f32],
    stride: usize,
    at: usize,
    gradient: &mut [f64],
) {
    let mut column = 0;
    while column + 32 <= width {
        columns::<L, T, 2>(x, width, r, stride, at, column, gradient);
        column += 32;
    }
    if column < width {
        columns::<L, T, 1>(x, width, r, stride, at, column, gradient);
    }
}

/// `C` blocks of columns of the gradient.
#[inline(always)]
fn columns<L: Lanes, const T: usize, const C: usize>(
    x: &[f32],
    width: usize,
    r: &[f32],
    stride: usize,
    at: usize,
    column: usize,
    gradient: &mut [f64],
) {
    let mut sums = [[L::zero(); C]; T];
    for (x, r) in x.chunks_exact(width).zip(r.chunks_exact(stride)) {
        let x = &blocks(&x[column..])[..C];
        let r = &r[at..at + T];
        let mut here = [L::zero(); C];
        for c in 0..C {
            here[c] = L::load(&x[c]);
        }
        for t in 0..T {
            for c in 0..C {
                sums[t][c] = sums[t][c].add_scaled(r[t], here[c]);
            }
        }
    }
    let mut lanes: Block = [0.0; 16];
    for t in 0..T {
        for c in 0..C {
            sums[t][c].store(&mut lanes);
            let to = &mut gradient[t * width + column + 16 * c..][..16];
            for (to, &v) in to.iter_mut().zip(&lanes) {
                *to += f64::from(v);
            }
        }
    }
}

multiversion! {
    /// `e^v` of every value, which is at most 0.
    pub fn exponentials(values: &mut [f32]) {
        for v in values.iter_mut() {
            *v = simd::exp::<FMA>(*v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_tile_sizes_are_those_of_plain_loops() {
        let (n, width) = (7, 48);
        for rows in [1, 2, 3, 4, 9, 10, 11, 23] {
            let stride = rows + usize::from(rows == 1);
            let x: Vec<f32> = (0..n * width).map(|i| (i as f32 * 0.7).sin()).collect();
            let w: Vec<f32> = (0..rows * width).map(|i| (i as f32 * 0.3).cos()).collect();
            let mut z = vec![0.0; n * stride];
            logits(&x, width, &w, stride, &mut z);
            let mut g = vec![1.0; rows * width];
            gradient(&x, width, &z, stride, &mut g);
            for k in 0..rows {
                for i in 0..n {
                    let want: f32 = (0..width)
                        .map(|d| x[i * width + d] * w[k * width + d])
                        .sum();
                    assert!((z[i * stride + stride - rows + k] - want).abs() < 1e-5);
                }
                for d in 0..width {
                    let at = |i: usize| z[i * stride + stride - rows + k] * x[i * width + d];
                    let want = 1.0 + (0..n).map(at).sum::<f32>();
                    assert!((g[k * width + d] - f64::from(want)).abs() < 1e-4);
                }
            }
        }
    }
}
