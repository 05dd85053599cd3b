//! Sixteen `f32` as one value, by explicit intrinsics, for the small products of attention.
//!
//! Loops over arrays vectorise well element by element, but the compiler breaks a register-blocked
//! product apart into scalars. Here the registers are named.
//!
//! Every function must be called from code compiled for its instruction set, which
//! [`multiversion!`](super::multiversion) guarantees: it hands [`V4`], [`V3`] or [`Portable`] to a body only
//! after it has seen the CPU's features.

/// Width of a vector block: one AVX-512 register, two AVX2 registers.
pub const LANES: usize = 16;

/// A block of [`LANES`] values.
pub type Block = [f32; LANES];

/// A vector of sixteen values.
pub trait Lanes: Copy {
    /// How many such values the CPU's registers hold.
    const REGISTERS: usize;
    /// All zeros.
    fn zero() -> Self;
    /// Sixteen values from memory.
    fn load(from: &Block) -> Self;
    /// Sixteen values to memory.
    fn store(self, to: &mut Block);
    /// `self + a · b` with `a` in every lane.
    fn add_scaled(self, a: f32, b: Self) -> Self;
    /// `self + a · b`, lane by lane.
    fn add_product(self, a: Self, b: Self) -> Self;
    /// Transposes sixteen rows of sixteen in place.
    fn transpose(rows: &mut [Self; 16]);
}

/// Plain arrays: any CPU.
#[derive(Clone, Copy)]
pub struct Portable(Block);

impl Lanes for Portable {
    const REGISTERS: usize = 4;
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
    fn add_product(mut self, a: Self, b: Self) -> Self {
        for i in 0..16 {
            self.0[i] += a.0[i] * b.0[i];
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
        const REGISTERS: usize = 32;
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
        fn add_product(self, a: Self, b: Self) -> Self {
            unsafe { Self(_mm512_fmadd_ps(a.0, b.0, self.0)) }
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
        const REGISTERS: usize = 8;
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
        fn add_product(self, a: Self, b: Self) -> Self {
            unsafe {
                Self(
                    _mm256_fmadd_ps(a.0, b.0, self.0),
                    _mm256_fmadd_ps(a.1, b.1, self.1),
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
