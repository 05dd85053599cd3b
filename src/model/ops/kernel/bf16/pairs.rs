//! A square of sums by AVX-512 BF16: eight rows of two vectors of sums at a time, a pair of numbers of every row against
//! pairs of sixteen columns.

use super::pack::{Line, SIDE, Sums};
use std::arch::x86_64::*;

/// Whether the processor has the instructions.
pub fn usable() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16")
}

/// The products of two tiles of rows and two of columns, added to `sums` if `more`, else in their place.
pub fn square(a: [&[Line]; 2], b: [&[Line]; 2], sums: &mut Sums, more: bool) {
    assert!(usable(), "the processor has no such instructions");
    // SAFETY: the processor has the instructions, or this unit would not have been chosen.
    unsafe { with_pairs(a, b, sums, more) }
}

/// Rows whose sums stay in registers.
const ROWS: usize = 8;

#[target_feature(enable = "avx512f,avx512bf16")]
fn with_pairs(a: [&[Line]; 2], b: [&[Line]; 2], sums: &mut Sums, more: bool) {
    for (first, sums) in sums.0.chunks_exact_mut(ROWS * 2 * SIDE).enumerate() {
        let (tile, top) = (a[first * ROWS / SIDE], first * ROWS % SIDE);
        let mut held = [[_mm512_setzero_ps(); 2]; ROWS];
        if more {
            for (held, sums) in held.iter_mut().zip(sums.chunks_exact(2 * SIDE)) {
                // SAFETY: a row of sums is 32 values.
                unsafe {
                    held[0] = _mm512_loadu_ps(sums.as_ptr());
                    held[1] = _mm512_loadu_ps(sums.as_ptr().add(SIDE));
                }
            }
        }
        let squares = tile.chunks_exact(SIDE);
        for ((rows, one), two) in squares
            .zip(b[0].chunks_exact(SIDE))
            .zip(b[1].chunks_exact(SIDE))
        {
            let rows: [&Line; ROWS] = std::array::from_fn(|row| &rows[top + row]);
            for (at, (one, two)) in one.iter().zip(two).enumerate() {
                let (one, two) = (load(one), load(two));
                for (held, row) in held.iter_mut().zip(rows) {
                    let pair = u32::from(row.0[2 * at]) | u32::from(row.0[2 * at + 1]) << 16;
                    // SAFETY: both types are 64 bytes of which every pattern is a value.
                    let pair: __m512bh =
                        unsafe { std::mem::transmute(_mm512_set1_epi32(pair as i32)) };
                    held[0] = _mm512_dpbf16_ps(held[0], pair, one);
                    held[1] = _mm512_dpbf16_ps(held[1], pair, two);
                }
            }
        }
        for (held, sums) in held.iter().zip(sums.chunks_exact_mut(2 * SIDE)) {
            // SAFETY: as above.
            unsafe {
                _mm512_storeu_ps(sums.as_mut_ptr(), held[0]);
                _mm512_storeu_ps(sums.as_mut_ptr().add(SIDE), held[1]);
            }
        }
    }
}

/// Pairs of sixteen columns.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn load(line: &Line) -> __m512bh {
    // SAFETY: a line is 64 aligned bytes of which every pattern is a value.
    unsafe { std::mem::transmute(_mm512_load_si512(line.0.as_ptr().cast())) }
}
