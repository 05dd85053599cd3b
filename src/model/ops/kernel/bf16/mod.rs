//! `y = x·Wᵀ + b` with weights and inputs rounded to bf16 and sums in single precision.
//!
//! A product of two bf16 numbers is exact in single precision, so only the rounding of the operands is new: 2⁻⁹ of each.
//! Two instruction sets multiply such numbers: tiles (AMX), some five times as fast as single precision, and dot products
//! of pairs in vectors (AVX-512 BF16). Other processors round the operands and multiply in single precision. The three
//! add in different orders: last bits depend on the processor, never on the number of threads.
//!
//! | file | what |
//! |---|---|
//! | `mod` | the product: how it is cut, what multiplies it |
//! | `pack` | operands in the order of tiles |
//! | `tiles` | a square of sums by AMX |
//! | `pairs` | the same by AVX-512 BF16 |

mod pack;
#[cfg(target_arch = "x86_64")]
mod pairs;
#[cfg(target_arch = "x86_64")]
mod tiles;

use super::linear;
use super::linear::Shared;
use pack::{SIDE, Sums, WIDE};
use rayon::prelude::*;

/// What multiplies bf16 numbers on this processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Tiles of AMX.
    Tiles,
    /// Pairs of AVX-512 BF16.
    Pairs,
    /// Nothing: single precision multiplies rounded numbers.
    None,
}

impl Unit {
    /// The fastest that this processor has and its kernel lets us use.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if tiles::usable() {
                return Self::Tiles;
            }
            if pairs::usable() {
                return Self::Pairs;
            }
        }
        Self::None
    }

    /// Its name in words.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Tiles => Some("AMX"),
            Self::Pairs => Some("AVX-512 BF16"),
            Self::None => None,
        }
    }
}

/// Numbers of the left operand that stay in a core's second cache.
const HELD: usize = 3 << 17;

/// Blocks of numbers along the sum that are taken at once: two columns of tiles of the right operand stay in the first cache.
const DEEP: usize = 24;

/// `y [rows, out] = x [rows, in] · wᵀ + b`, with `w [out, in]` the bits of bf16 numbers and an optional `b [out]`.
pub fn forward(
    unit: Unit,
    x: &[f32],
    w: &[u16],
    b: Option<&[f32]>,
    y: &mut [f32],
    inputs: usize,
    outputs: usize,
) {
    if unit == Unit::None || inputs == 0 || y.is_empty() {
        let x: Vec<f32> = x
            .par_iter()
            .map(|v| pack::single(pack::round(*v)))
            .collect();
        let w: Vec<f32> = w.par_iter().map(|v| pack::single(*v)).collect();
        return linear::forward(&x, &w, b, y, inputs, outputs);
    }
    let rows = y.len() / outputs;
    assert!(x.len() >= rows * inputs, "input too short");
    assert!(w.len() >= outputs * inputs, "weight too short");
    assert!(b.is_none_or(|b| b.len() >= outputs), "bias too short");
    let deep = inputs.div_ceil(WIDE);
    let right = pack::right(w, inputs, outputs);
    let tall = task(rows, deep);
    let y = Shared::new(y);
    (0..rows.div_ceil(tall)).into_par_iter().for_each(|task| {
        let top = task * tall;
        let below = (top + tall).min(rows);
        let left = pack::left(&x[top * inputs..below * inputs], inputs);
        let mut sums = vec![Sums::default(); (below - top).div_ceil(2 * SIDE)];
        unit.within(|| {
            for column in (0..outputs).step_by(2 * SIDE) {
                for from in (0..deep).step_by(DEEP) {
                    let to = (from + DEEP).min(deep);
                    for (at, sums) in sums.iter_mut().enumerate() {
                        let a = left.pair(at, deep, from..to);
                        let b = right.pair(column / (2 * SIDE), deep, from..to);
                        unit.square(a, b, sums, from > 0);
                    }
                }
                let wide = (outputs - column).min(2 * SIDE);
                let bias = b.map(|b| &b[column..column + wide]);
                for row in top..below {
                    // SAFETY: row `row` of `y` has `wide` entries from column `column` on, which no other task writes.
                    let out = unsafe { y.part(row * outputs + column, wide) };
                    let sums = sums[(row - top) / (2 * SIDE)].row((row - top) % (2 * SIDE));
                    match bias {
                        Some(bias) => {
                            for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
                                *out = sum + bias;
                            }
                        }
                        None => out.copy_from_slice(&sums[..wide]),
                    }
                }
            }
        });
    });
}

/// Rows of a task: as many as a core's cache holds, and few enough that every thread has some.
fn task(rows: usize, deep: usize) -> usize {
    let most = (HELD / (deep * WIDE)).clamp(2 * SIDE, 512);
    let threads = 2 * rayon::current_num_threads();
    let tasks = rows
        .div_ceil(most)
        .max(threads.min(rows.div_ceil(2 * SIDE)));
    rows.div_ceil(tasks).next_multiple_of(2 * SIDE)
}

impl Unit {
    /// Runs `work` with the unit set up on this thread.
    fn within(self, work: impl FnOnce()) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => tiles::within(work),
            _ => work(),
        }
    }

    /// A square of sums: two tiles of rows times two of columns, added to what is there if `more`.
    fn square(self, a: [&[pack::Line]; 2], b: [&[pack::Line]; 2], sums: &mut Sums, more: bool) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Tiles => tiles::square(a, b, sums, more),
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => pairs::square(a, b, sums, more),
            _ => {
                let _ = (a, b, sums, more);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every unit of this processor.
    fn units() -> Vec<Unit> {
        #[allow(unused_mut)]
        let mut all = vec![Unit::None];
        #[cfg(target_arch = "x86_64")]
        {
            if tiles::usable() {
                all.push(Unit::Tiles);
            }
            if pairs::usable() {
                all.push(Unit::Pairs);
            }
        }
        all
    }

    #[test]
    fn every_unit_gives_the_product_of_rounded_numbers() {
        let value = |i: usize| ((i * 7_919 % 1_009) as f32 / 504.5 - 1.0) * 1.7;
        for (rows, inputs, outputs) in [
            (1, 1, 1),
            (3, 31, 5),
            (33, 65, 47),
            (70, 600, 33),
            (200, 1_100, 96),
        ] {
            let x: Vec<f32> = (0..rows * inputs).map(value).collect();
            let w: Vec<u16> = (0..outputs * inputs)
                .map(|i| pack::round(value(i + 5)))
                .collect();
            let b: Vec<f32> = (0..outputs).map(|i| value(i + 11)).collect();
            for unit in units() {
                for b in [None, Some(b.as_slice())] {
                    let mut y = vec![f32::NAN; rows * outputs];
                    forward(unit, &x, &w, b, &mut y, inputs, outputs);
                    for row in 0..rows {
                        for column in 0..outputs {
                            let of = |k: usize| {
                                let x = pack::single(pack::round(x[row * inputs + k]));
                                let w = pack::single(w[column * inputs + k]);
                                f64::from(x) * f64::from(w)
                            };
                            let want = (0..inputs).map(of).sum::<f64>()
                                + b.map_or(0.0, |b| f64::from(b[column]));
                            let size: f64 = (0..inputs).map(|k| of(k).abs()).sum();
                            let found = f64::from(y[row * outputs + column]);
                            // Every one of the sums is rounded.
                            let most = (inputs + 2) as f64 * f64::from(f32::EPSILON) * size;
                            assert!(
                                (found - want).abs() <= most,
                                "{unit:?} {rows} × {inputs} × {outputs}: {found}, not {want}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let value = |i: usize| ((i * 37) % 101) as f32 / 50.0 - 1.0;
        let (rows, inputs, outputs) = (300, 700, 130);
        let x: Vec<f32> = (0..rows * inputs).map(value).collect();
        let w: Vec<u16> = (0..outputs * inputs)
            .map(|i| pack::round(value(i + 5)))
            .collect();
        for unit in units() {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let mut y = vec![0.0; rows * outputs];
                pool.build()
                    .unwrap()
                    .install(|| forward(unit, &x, &w, None, &mut y, inputs, outputs));
                y
            };
            assert!(on(1) == on(16));
        }
    }

    #[test]
    fn what_is_no_number_stays_so() {
        for unit in units() {
            let mut y = [0.0; 3];
            let x = [1.0, f32::NAN, f32::INFINITY];
            forward(unit, &x, &[pack::round(2.0)], None, &mut y, 1, 1);
            assert!(
                y[0] == 2.0 && y[1].is_nan() && y[2] == f32::INFINITY,
                "{unit:?}"
            );
        }
    }
}
