//! The inverse cosine transform of a block in whole numbers: libjpeg's accurate one (`jidctint.c`, after
//! Loeffler, Ligtenberg and Moschytz, ICASSP 1989), to the last bit.

use super::frame::Quant;
use std::num::Wrapping;

type Int = Wrapping<i32>;

/// Binary digits after the point of a constant.
const DIGITS: usize = 13;
/// Further digits that the first pass keeps.
const KEPT: usize = 2;

/// A constant with [`DIGITS`] digits.
const fn fixed(value: f64) -> Int {
    Wrapping((value * (1 << DIGITS) as f64 + 0.5) as i32)
}

/// Eight values, before they are scaled down.
fn line(x: [Int; 8]) -> [Int; 8] {
    let z = (x[2] + x[6]) * fixed(0.541196100);
    let low = z - x[6] * fixed(1.847759065);
    let high = z + x[2] * fixed(0.765366865);
    let (sum, difference) = ((x[0] + x[4]) << DIGITS, (x[0] - x[4]) << DIGITS);
    let even = [sum + high, difference + low, difference - low, sum - high];

    let (z1, z2, z3, z4) = (x[7] + x[1], x[5] + x[3], x[7] + x[3], x[5] + x[1]);
    let z5 = (z3 + z4) * fixed(1.175875602);
    let z1 = -z1 * fixed(0.899976223);
    let z2 = -z2 * fixed(2.562915447);
    let z3 = z5 - z3 * fixed(1.961570560);
    let z4 = z5 - z4 * fixed(0.390180644);
    let odd = [
        x[1] * fixed(1.501321110) + z1 + z4,
        x[3] * fixed(3.072711026) + z2 + z3,
        x[5] * fixed(2.053119869) + z2 + z4,
        x[7] * fixed(0.298631336) + z1 + z3,
    ];
    std::array::from_fn(|i| match i {
        0..4 => even[i] + odd[i],
        _ => even[7 - i] - odd[7 - i],
    })
}

/// The 64 samples of a block, rows of eight.
pub fn samples(coefficients: &[i16; 64], quant: &Quant) -> [u8; 64] {
    let round = |x: Int, digits: usize| (x + Wrapping(1 << (digits - 1))) >> digits;
    let mut work = [Wrapping(0); 64];
    for column in 0..8 {
        let values = std::array::from_fn(|row| {
            let at = 8 * row + column;
            Wrapping(i32::from(coefficients[at])) * Wrapping(i32::from(quant[at]))
        });
        for (row, value) in line(values).into_iter().enumerate() {
            work[8 * row + column] = round(value, DIGITS - KEPT);
        }
    }
    let mut out = [0; 64];
    for (row, target) in work.chunks_exact(8).zip(out.chunks_exact_mut(8)) {
        let values = line(std::array::from_fn(|i| row[i]));
        for (value, sample) in values.into_iter().zip(target) {
            let level = round(value, DIGITS + KEPT + 3).0.saturating_add(128);
            *sample = level.clamp(0, 255) as u8;
        }
    }
    out
}
