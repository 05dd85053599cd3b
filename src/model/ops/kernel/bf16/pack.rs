//! Operands of a product in the order in which tiles are read: squares of sixteen lines of 64 bytes, one behind the
//! other. A line of the left operand is 32 numbers of a row, one of the right is a pair of numbers of each of 16 columns.

use crate::simd::{Block, multiversion};
use rayon::prelude::*;
use std::ops::Range;

/// Rows, and columns, of a tile of sums.
pub const SIDE: usize = 16;

/// Numbers of a line: the part of a sum that one tile holds.
pub const WIDE: usize = 32;

/// 32 numbers on a cache line of their own.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Line(pub [u16; WIDE]);

/// The sums of two by two tiles, row-major.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Sums(pub [f32; 4 * SIDE * SIDE]);

impl Default for Sums {
    fn default() -> Self {
        Self([0.0; 4 * SIDE * SIDE])
    }
}

impl Sums {
    /// One of its 32 rows.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.0[at * 2 * SIDE..][..2 * SIDE]
    }
}

/// A packed operand: tiles along the sum, then the next sixteen rows (or columns).
pub struct Lines(Vec<Line>);

impl Lines {
    /// The tiles of the `at`th pair of sixteen rows, from and to which along the sum of `deep` tiles; both the same where
    /// there is only one left.
    pub fn pair(&self, at: usize, deep: usize, part: Range<usize>) -> [&[Line]; 2] {
        let of = |block: usize| {
            &self.0[(block * deep + part.start) * SIDE..(block * deep + part.end) * SIDE]
        };
        let blocks = self.0.len() / (deep * SIDE);
        [of(2 * at), of((2 * at + 1).min(blocks - 1))]
    }
}

/// The nearest bf16 number, to even in the middle; what is no number stays so.
#[inline(always)]
pub fn round(value: f32) -> u16 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    let bits = if value.is_nan() {
        bits | 0x40_0000
    } else {
        nearest
    };
    (bits >> 16) as u16
}

/// A bf16 number in single precision.
#[inline(always)]
pub fn single(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Room for lines that the caller writes, all of them.
fn lines(count: usize) -> Vec<Line> {
    let mut lines = Vec::with_capacity(count);
    // SAFETY: the capacity is `count`, every pattern of bits is a `Line`, and both functions below write all lines before
    // any is read.
    #[allow(clippy::uninit_vec)]
    unsafe {
        lines.set_len(count)
    };
    lines
}

multiversion! {
    fn left_block(x: &[f32], inputs: usize, out: &mut [Line]) {
        let rows = x.len() / inputs;
        for row in 0..SIDE {
            let lines = out.iter_mut().skip(row).step_by(SIDE);
            if row >= rows {
                lines.for_each(|line| line.0.fill(0));
                continue;
            }
            for (line, part) in lines.zip(x[row * inputs..][..inputs].chunks(WIDE)) {
                match part.first_chunk::<WIDE>() {
                    Some(part) => {
                        for (to, from) in line.0.iter_mut().zip(part) { *to = round(*from); }
                    }
                    None => {
                        line.0.fill(0);
                        for (to, from) in line.0.iter_mut().zip(part) { *to = round(*from); }
                    }
                }
            }
        }
    }
}

/// Rows of `x [rows, inputs]`, rounded.
pub fn left(x: &[f32], inputs: usize) -> Lines {
    let (rows, deep) = (x.len() / inputs, inputs.div_ceil(WIDE));
    let mut out = lines(rows.div_ceil(SIDE) * deep * SIDE);
    let blocks = out.chunks_mut(deep * SIDE).zip(x.chunks(SIDE * inputs));
    blocks.for_each(|(out, x)| left_block(x, inputs, out));
    Lines(out)
}

multiversion! {
    fn right_block(w: &[u16], inputs: usize, out: &mut [Line]) {
        let columns = w.len() / inputs;
        for (at, out) in out.chunks_exact_mut(SIDE).enumerate() {
            let mut square = [L::zero(); SIDE];
            for (column, lane) in square.iter_mut().enumerate() {
                if column >= columns { continue; }
                let part = &w[column * inputs + at * WIDE..][..(inputs - at * WIDE).min(WIDE)];
                let mut pairs: Block = [0.0; 16];
                match part.first_chunk::<WIDE>() {
                    Some(part) => for i in 0..16 { pairs[i] = pair(part[2 * i], part[2 * i + 1]); },
                    None => {
                        let mut padded = [0; WIDE];
                        padded[..part.len()].copy_from_slice(part);
                        for i in 0..16 { pairs[i] = pair(padded[2 * i], padded[2 * i + 1]); }
                    }
                }
                *lane = L::load(&pairs);
            }
            L::transpose(&mut square);
            for (line, lane) in out.iter_mut().zip(square) {
                let mut pairs: Block = [0.0; 16];
                lane.store(&mut pairs);
                let (numbers, _) = line.0.as_chunks_mut::<2>();
                for (numbers, pair) in numbers.iter_mut().zip(pairs) {
                    let bits = pair.to_bits();
                    *numbers = [bits as u16, (bits >> 16) as u16];
                }
            }
        }
    }
}

/// Two numbers in the bits of one lane, which is only moved.
#[inline(always)]
fn pair(first: u16, second: u16) -> f32 {
    f32::from_bits(u32::from(first) | u32::from(second) << 16)
}

/// Columns of `wᵀ`, where `w [outputs, inputs]` holds bits.
pub fn right(w: &[u16], inputs: usize, outputs: usize) -> Lines {
    let deep = inputs.div_ceil(WIDE);
    let mut out = lines(outputs.div_ceil(SIDE) * deep * SIDE);
    out.par_chunks_mut(deep * SIDE)
        .zip(w[..outputs * inputs].par_chunks(SIDE * inputs))
        .for_each(|(out, w)| right_block(w, inputs, out));
    Lines(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_the_half_crate_does() {
        let mut bits = 0u32;
        for _ in 0..200_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(bits);
            let (found, want) = (single(round(value)), half::bf16::from_f32(value).to_f32());
            assert!(found == want || found.is_nan() && want.is_nan(), "{value}");
        }
        assert_eq!(single(round(f32::MAX)), f32::INFINITY);
        assert!(single(round(f32::from_bits(0x7f80_0001))).is_nan());
    }
}
