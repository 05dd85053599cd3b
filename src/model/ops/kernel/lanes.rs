//! Sixteen `f32` as one value, by explicit intrinsics, for the small products of attention.
//!
//! Loops over arrays vectorise well element by element, but the compiler breaks a register-blocked
//! product apart into scalars. Here the registers are named.
//!
//! Every function must be called from code compiled for its instruction set, which
//! `super::simd::multiversion` guarantees: it hands [`V4`], [`V3`] or [`Portable`] to a body only
//! after it has seen the CPU's features.

use super::simd::Block;

/// A vector of sixteen values.
pub trait Lanes: Copy {
    /// All zeros.
    fn zero() -> Self;
    /// Sixteen values from memory.
    fn load(from: &Block) -> Self;
    /// Sixteen values to memory.
    fn store(self, to: &mut Block);
    /// `self + a · b` with `a` in every lane.
    fn add_scaled(self, a: f32, b: Self) -> Self;
    /// Transposes sixteen rows of sixteen in place.
    fn transpose(rows: &mut [Self; 16]);
}

/// Plain arrays: any CPU.
#[derive(Clone, Copy)]
pub struct Portable(Block);

impl Lanes for Portable {
    #[inline(always)]
    fn zero() -> Self {
        Self([0.0; 16])
    }
    #[inline(always)]
    fn load(from: &Block) -> Self {
        Self(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut Block) {
        *to = self.0;
    }
    #[inline(always)]
    fn add_scaled(mut self, a: f32, b: Self) -> Self {
        for i in 0..16 {
            self.0[i] += a * b.0[i];
        }
        self
    }
    #[inline(always)]
    fn transpose(rows: &mut [Self; 16]) {
        for i in 0..16 {
            for j in 0..i {
                let swap = rows[i].0[j];
                rows[i].0[j] = rows[j].0[i];
                rows[j].0[i] = swap;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{V3, V4};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Block, Lanes, Portable};
    use std::arch::x86_64::*;

    /// One AVX-512 register.
    #[derive(Clone, Copy)]
    pub struct V4(__m512);

    // SAFETY (all of this impl): only reached from code compiled for AVX-512F, see the module's
    // head; loads and stores are unaligned ones within a `Block`.
    impl Lanes for V4 {
        #[inline(always)]
        fn zero() -> Self {
            unsafe { Self(_mm512_setzero_ps()) }
        }
        #[inline(always)]
        fn load(from: &Block) -> Self {
            unsafe { Self(_mm512_loadu_ps(from.as_ptr())) }
        }
        #[inline(always)]
        fn store(self, to: &mut Block) {
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn add_scaled(self, a: f32, b: Self) -> Self {
            unsafe { Self(_mm512_fmadd_ps(_mm512_set1_ps(a), b.0, self.0)) }
        }
        #[inline(always)]
        fn transpose(rows: &mut [Self; 16]) {
            // Pairs, then quadruples, then halves and quarters of the register: 64 shuffles.
            unsafe {
                let mut a = [_mm512_setzero_ps(); 16];
                for i in 0..8 {
                    a[2 * i] = _mm512_unpacklo_ps(rows[2 * i].0, rows[2 * i + 1].0);
                    a[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i].0, rows[2 * i + 1].0);
                }
                let mut b = [_mm512_setzero_ps(); 16];
                for i in 0..4 {
                    let q = 4 * i;
                    b[q] = _mm512_shuffle_ps::<0x44>(a[q], a[q + 2]);
                    b[q + 1] = _mm512_shuffle_ps::<0xee>(a[q], a[q + 2]);
                    b[q + 2] = _mm512_shuffle_ps::<0x44>(a[q + 1], a[q + 3]);
                    b[q + 3] = _mm512_shuffle_ps::<0xee>(a[q + 1], a[q + 3]);
                }
                for i in 0..4 {
                    // 128-bit quarters of four registers, as a 4 × 4 transpose of quarters
                    let p = _mm512_shuffle_f32x4::<0x88>(b[i], b[i + 4]);
                    let q = _mm512_shuffle_f32x4::<0xdd>(b[i], b[i + 4]);
                    let r = _mm512_shuffle_f32x4::<0x88>(b[i + 8], b[i + 12]);
                    let s = _mm512_shuffle_f32x4::<0xdd>(b[i + 8], b[i + 12]);
                    rows[i] = Self(_mm512_shuffle_f32x4::<0x88>(p, r));
                    rows[i + 8] = Self(_mm512_shuffle_f32x4::<0xdd>(p, r));
                    rows[i + 4] = Self(_mm512_shuffle_f32x4::<0x88>(q, s));
                    rows[i + 12] = Self(_mm512_shuffle_f32x4::<0xdd>(q, s));
                }
            }
        }
    }

    /// Two AVX2 registers.
    #[derive(Clone, Copy)]
    pub struct V3(__m256, __m256);

    // SAFETY (all of this impl): as above, for AVX2 and FMA.
    impl Lanes for V3 {
        #[inline(always)]
        fn zero() -> Self {
            unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
        }
        #[inline(always)]
        fn load(from: &Block) -> Self {
            unsafe {
                Self(
                    _mm256_loadu_ps(from.as_ptr()),
                    _mm256_loadu_ps(from.as_ptr().add(8)),
                )
            }
        }
        #[inline(always)]
        fn store(self, to: &mut Block) {
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), self.0);
                _mm256_storeu_ps(to.as_mut_ptr().add(8), self.1);
            }
        }
        #[inline(always)]
        fn add_scaled(self, a: f32, b: Self) -> Self {
            unsafe {
                let a = _mm256_set1_ps(a);
                Self(
                    _mm256_fmadd_ps(a, b.0, self.0),
                    _mm256_fmadd_ps(a, b.1, self.1),
                )
            }
        }
        #[inline(always)]
        fn transpose(rows: &mut [Self; 16]) {
            let mut plain = [Portable::zero(); 16];
            let mut block: Block = [0.0; 16];
            for (row, plain) in rows.iter().zip(&mut plain) {
                row.store(&mut block);
                *plain = Portable::load(&block);
            }
            Portable::transpose(&mut plain);
            for (row, plain) in rows.iter_mut().zip(plain) {
                plain.store(&mut block);
                *row = Self::load(&block);
            }
        }
    }
}

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
    let mut row = 0;
    while row + 8 <= m {
        panel::<L, 8, ADD>(row, n, k, a, lda, b, c);
        row += 8;
    }
    while row < m {
        panel::<L, 1, ADD>(row, n, k, a, lda, b, c);
        row += 1;
    }
}

/// `R` rows of the product, sixteen columns at a time, all sums in registers.
#[inline(always)]
fn panel<L: Lanes, const R: usize, const ADD: bool>(
    row: usize,
    n: usize,
    k: usize,
    a: &[f32],
    lda: usize,
    b: &[f32],
    c: &mut [f32],
) {
    let rows: [&[f32]; R] = std::array::from_fn(|r| &a[(row + r) * lda..][..k]);
    for column in (0..n).step_by(16) {
        let mut sums = [L::zero(); R];
        if ADD {
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = L::load(block(c, (row + r) * n + column));
            }
        }
        for t in 0..k {
            let lane = L::load(block(b, t * n + column));
            for (sum, row) in sums.iter_mut().zip(&rows) {
                *sum = sum.add_scaled(row[t], lane);
            }
        }
        for (r, sum) in sums.into_iter().enumerate() {
            sum.store(block_mut(c, (row + r) * n + column));
        }
    }
}

/// `t [columns, rows] = a [rows, columns]ᵀ`, both counts multiples of 16.
#[inline(always)]
pub fn transpose<L: Lanes>(rows: usize, columns: usize, a: &[f32], t: &mut [f32]) {
    debug_assert!(rows.is_multiple_of(16) && columns.is_multiple_of(16));
    for r in (0..rows).step_by(16) {
        for c in (0..columns).step_by(16) {
            let mut tile: [L; 16] =
                std::array::from_fn(|i| L::load(block(a, (r + i) * columns + c)));
            L::transpose(&mut tile);
            for (i, lane) in tile.into_iter().enumerate() {
                lane.store(block_mut(t, (c + i) * rows + r));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::multiversion;
    use super::*;

    multiversion! {
        fn both(a: &[f32], b: &[f32], c: &mut [f32], t: &mut [f32], m: usize, n: usize, k: usize) {
            product::<L>(m, n, k, a, k, b, c);
            product_add::<L>(m, n, k, a, k, b, c);
            transpose::<L>(k, n, b, t);
        }
    }

    #[test]
    fn product_and_transpose_agree_with_loops() {
        for (m, n, k) in [(1, 16, 16), (16, 16, 32), (49, 64, 32), (9, 32, 16)] {
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
