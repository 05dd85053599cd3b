//! Small dense products and transposes in registers, for the windows of attention.

use crate::simd::{Block, Lanes};

/// The block that starts at `at`.
#[inline(always)]
pub fn block(values: &[f32], at: usize) -> &Block {
    values[at..at + 16].first_chunk().expect("sixteen values")
}

/// The mutable block that starts at `at`.
#[inline(always)]
pub fn block_mut(values: &mut [f32], at: usize) -> &mut Block {
    values[at..at + 16]
        .first_chunk_mut()
        .expect("sixteen values")
}

/// `c [m, n] = a [m, k] · b [k, n]`, all row-major, n a multiple of 16; `a` has row stride `lda`.
#[inline(always)]
pub fn product<L: Lanes>(
    m: usize,
    n: usize,
    k: usize,
    a: &[f32],
    lda: usize,
    b: &[f32],
    c: &mut [f32],
) {
    panels::<L, false>(m, n, k, a, lda, b, c);
}

/// `c += a · b`, otherwise as [`product`].
#[inline(always)]
pub fn product_add<L: Lanes>(
    m: usize,
    n: usize,
    k: usize,
    a: &[f32],
    lda: usize,
    b: &[f32],
    c: &mut [f32],
) {
    panels::<L, true>(m, n, k, a, lda, b, c);
}

/// Columns are taken sixty-four, thirty-two or sixteen at a time, so that a row's value from memory serves as many
/// sums as registers hold. How many are taken changes no bit: every sum runs over k in its order.
#[inline(always)]
fn panels<L: Lanes, const ADD: bool>(
    m: usize,
    n: usize,
    k: usize,
    a: &[f32],
    lda: usize,
    b: &[f32],
    c: &mut [f32],
) {
    debug_assert!(n.is_multiple_of(16));
    let mut column = 0;
    if L::REGISTERS >= 32 {
        while column + 64 <= n {
            strip::<L, 6, 4, ADD>(m, column, n, k, a, lda, b, c);
            column += 64;
        }
        if column + 32 <= n {
            strip::<L, 12, 2, ADD>(m, column, n, k, a, lda, b, c);
            column += 32;
        }
    }
    while column < n {
        strip::<L, 8, 1, ADD>(m, column, n, k, a, lda, b, c);
        column += 16;
    }
}

/// All rows of `16·V` columns, `R` at a time.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn strip<L: Lanes, const R: usize, const V: usize, const ADD: bool>(
    m: usize,
    column: usize,
    n: usize,
    k: usize,
    a: &[f32],
    lda: usize,
    b: &[f32],
    c: &mut [f32],
) {
    let mut row = 0;
    while row + R <= m {
        panel::<L, R, V, ADD>(row, column, n, k, a, lda, b, c);
        row += R;
    }
    while row + 2 <= m {
        panel::<L, 2, V, ADD>(row, column, n, k, a, lda, b, c);
        row += 2;
    }
    if row < m {
        panel::<L, 1, V, ADD>(row, column, n, k, a, lda, b, c);
    }
}

/// `R` rows and `16·V` columns of the product, all sums in registers.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn panel<L: Lanes, const R: usize, const V: usize, const ADD: bool>(
    row: usize,
    column: usize,
    n: usize,
    k: usize,
    a: &[f32],
    lda: usize,
    b: &[f32],
    c: &mut [f32],
) {
    let rows: [&[f32]; R] = std::array::from_fn(|r| &a[(row + r) * lda..][..k]);
    let mut sums = [[L::zero(); V]; R];
    if ADD {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = L::load(block(c, (row + r) * n + column + 16 * v));
            }
        }
    }
    for t in 0..k {
        // Closures of a library's functions are not compiled for the CPU's registers.
        let mut lanes = [L::zero(); V];
        for (v, lane) in lanes.iter_mut().enumerate() {
            *lane = L::load(block(b, t * n + column + 16 * v));
        }
        for (sums, row) in sums.iter_mut().zip(&rows) {
            for (sum, lane) in sums.iter_mut().zip(lanes) {
                *sum = sum.add_scaled(row[t], lane);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            sum.store(block_mut(c, (row + r) * n + column + 16 * v));
        }
    }
}

/// `t [columns, rows] = a [rows, columns]ᵀ`, both counts multiples of 16.
#[inline(always)]
pub fn transpose<L: Lanes>(rows: usize, columns: usize, a: &[f32], t: &mut [f32]) {
    debug_assert!(rows.is_multiple_of(16) && columns.is_multiple_of(16));
    for r in (0..rows).step_by(16) {
        for c in (0..columns).step_by(16) {
            let mut tile = [L::zero(); 16];
            for (i, lane) in tile.iter_mut().enumerate() {
                *lane = L::load(block(a, (r + i) * columns + c));
            }
            L::transpose(&mut tile);
            for (i, lane) in tile.into_iter().enumerate() {
                lane.store(block_mut(t, (c + i) * rows + r));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::multiversion;

    multiversion! {
        fn both(a: &[f32], b: &[f32], c: &mut [f32], t: &mut [f32], m: usize, n: usize, k: usize) {
            product::<L>(m, n, k, a, k, b, c);
            product_add::<L>(m, n, k, a, k, b, c);
            transpose::<L>(k, n, b, t);
        }
    }

    #[test]
    fn product_and_transpose_agree_with_loops() {
        for (m, n, k) in [
            (1, 16, 16),
            (16, 16, 32),
            (49, 64, 32),
            (9, 32, 16),
            (27, 112, 48),
        ] {
            let value = |i: usize| ((i * 37) % 101) as f32 / 50.0 - 1.0;
            let a: Vec<f32> = (0..m * k).map(value).collect();
            let b: Vec<f32> = (0..k * n).map(|i| value(i + 7)).collect();
            let (mut c, mut t) = (vec![0.0; m * n], vec![0.0; k * n]);
            both(&a, &b, &mut c, &mut t, m, n, k);
            for i in 0..m {
                for j in 0..n {
                    let once: f32 = (0..k).map(|s| a[i * k + s] * b[s * n + j]).sum();
                    assert!((c[i * n + j] - 2.0 * once).abs() < 2e-4);
                }
            }
            for i in 0..k {
                for j in 0..n {
                    assert_eq!(t[j * k + i], b[i * n + j]);
                }
            }
        }
    }
}
