//! A kernel applied to a square grid of charges by fast Fourier transforms.
//!
//! Charges and kernel are real, so two rows share one transform and half of the columns suffice. The
//! kernel's spectrum is computed once, in double precision; every transform after that is in single.
//! Lines are independent of each other: the number of threads changes no bit.

use std::sync::Arc;

use rayon::prelude::*;
use rustfft::{Fft, FftPlanner, num_complex::Complex};

/// Columns, or rows, that one task transforms.
const TILE: usize = 8;

/// A symmetric kernel for grids of one size.
pub struct Convolution {
    /// Nodes a side, even.
    side: usize,
    /// Nodes a side of the periodic grid, which holds no image within reach; even.
    period: usize,
    /// Real spectrum, by columns, normalisation included.
    kernel: Vec<f32>,
    forward: Arc<dyn Fft<f32>>,
    backward: Arc<dyn Fft<f32>>,
    /// Spectra of rows, then of columns.
    rows: Vec<Complex<f32>>,
    columns: Vec<Complex<f32>>,
}

impl Convolution {
    /// A kernel of the squared distance in nodes, its spectrum multiplied by `filter` of the
    /// frequency (radians a node) along each axis.
    pub fn new(
        side: usize,
        period: usize,
        kernel: impl Fn(f64) -> f64 + Sync,
        filter: impl Fn(f64) -> f64,
    ) -> Self {
        let mut single = FftPlanner::new();
        let half = period / 2 + 1;
        Self {
            side,
            period,
            kernel: spectrum(period, kernel, filter),
            forward: single.plan_fft_forward(period),
            backward: single.plan_fft_inverse(period),
            rows: vec![Complex::default(); side * half],
            columns: vec![Complex::default(); half * side],
        }
    }

    /// The potential of the sum of `charges`, grids of `side` × `side` nodes or a few numbers more.
    pub fn apply(&mut self, charges: &[Vec<f32>], potential: &mut [f32]) {
        let (side, period, half) = (self.side, self.period, self.period / 2 + 1);
        let scratch =
            |fft: &Arc<dyn Fft<f32>>| vec![Complex::default(); fft.get_inplace_scratch_len()];
        let lines = |count: usize| vec![Complex::<f32>::default(); count * period];
        self.rows
            .par_chunks_mut(2 * half)
            .enumerate()
            .for_each_init(
                || (lines(1), scratch(&self.forward)),
                |(line, scratch), (pair, out)| {
                    let at = 2 * pair * side;
                    line.fill(Complex::default());
                    for grid in charges {
                        let both = grid[at..at + side].iter().zip(&grid[at + side..]);
                        for (z, (a, b)) in line.iter_mut().zip(both) {
                            z.re += a;
                            z.im += b;
                        }
                    }
                    self.forward.process_with_scratch(line, scratch);
                    let (first, second) = out.split_at_mut(half);
                    for k in 0..half {
                        let (a, b) = (line[k], line[(period - k) % period].conj());
                        first[k] = a + b;
                        second[k] = Complex::new((a - b).im, -(a - b).re);
                    }
                },
            );
        let rows = &self.rows;
        self.columns
            .par_chunks_mut(TILE * side)
            .enumerate()
            .for_each_init(
                || (lines(TILE), scratch(&self.forward), scratch(&self.backward)),
                |(buffer, there, back), (tile, out)| {
                    let count = out.len() / side;
                    let buffer = &mut buffer[..count * period];
                    buffer.fill(Complex::default());
                    for (r, row) in rows.chunks_exact(half).enumerate() {
                        for (c, &v) in row[tile * TILE..][..count].iter().enumerate() {
                            buffer[c * period + r] = v;
                        }
                    }
                    self.forward.process_with_scratch(buffer, there);
                    let kernel = &self.kernel[tile * TILE * period..];
                    buffer.iter_mut().zip(kernel).for_each(|(v, k)| *v *= k);
                    self.backward.process_with_scratch(buffer, back);
                    let lines = buffer.chunks_exact(period);
                    for (out, line) in out.chunks_exact_mut(side).zip(lines) {
                        out.copy_from_slice(&line[..side]);
                    }
                },
            );
        let columns = &self.columns;
        potential[..side * side]
            .par_chunks_mut(TILE * side)
            .enumerate()
            .for_each_init(
                || (lines(TILE / 2), scratch(&self.backward)),
                |(buffer, scratch), (tile, out)| {
                    let pairs = out.len() / side / 2;
                    let buffer = &mut buffer[..pairs * period];
                    for (k, column) in columns.chunks_exact(side).enumerate() {
                        let column = &column[tile * TILE..][..2 * pairs];
                        for (line, ab) in
                            buffer.chunks_exact_mut(period).zip(column.chunks_exact(2))
                        {
                            let (a, b) = (ab[0], ab[1]);
                            line[(period - k) % period] = Complex::new(a.re + b.im, b.re - a.im);
                            line[k] = Complex::new(a.re - b.im, a.im + b.re);
                        }
                    }
                    self.backward.process_with_scratch(buffer, scratch);
                    let lines = buffer.chunks_exact(period);
                    for (out, line) in out.chunks_exact_mut(2 * side).zip(lines) {
                        let (first, second) = out.split_at_mut(side);
                        for ((a, b), z) in first.iter_mut().zip(second).zip(line) {
                            (*a, *b) = (z.re, z.im);
                        }
                    }
                },
            );
    }
}

/// The filtered spectrum of an even kernel, one column of `period` after the other.
fn spectrum(
    period: usize,
    kernel: impl Fn(f64) -> f64 + Sync,
    filter: impl Fn(f64) -> f64,
) -> Vec<f32> {
    let half = period / 2 + 1;
    let fft = FftPlanner::<f64>::new().plan_fft_forward(period);
    // An even sequence, given by its first half, has a real spectrum that is even as well.
    let transformed = |line: &mut [Complex<f64>], first: &dyn Fn(usize) -> f64| {
        for (x, v) in line.iter_mut().enumerate() {
            *v = Complex::new(first(x.min(period - x)), 0.0);
        }
        fft.process(line);
    };
    let line = || vec![Complex::default(); period];
    let mut rows = vec![0.0; half * half];
    rows.par_chunks_mut(half)
        .enumerate()
        .for_each_init(line, |line, (y, row)| {
            transformed(line, &|x| kernel((x * x + y * y) as f64));
            row.iter_mut()
                .zip(line)
                .for_each(|(to, from)| *to = from.re);
        });
    let along: Vec<f64> = (0..period)
        .map(|k| filter(std::f64::consts::TAU * k as f64 / period as f64))
        .collect();
    // Both transforms back are unnormalised, and pairs of rows were split without their half.
    let scale = 0.5 / (period * period) as f64;
    let mut out = vec![0.0f32; half * period];
    out.par_chunks_mut(period)
        .enumerate()
        .for_each_init(line, |line, (k, column)| {
            transformed(line, &|y| rows[y * half + k]);
            for ((to, from), other) in column.iter_mut().zip(line).zip(&along) {
                *to = (from.re * scale * along[k] * other) as f32;
            }
        });
    out
}

/// The least even number from `least` on that has no prime factor above 5.
pub fn smooth(least: usize) -> usize {
    let factors_small = |mut n: usize| {
        for p in [2, 3, 5] {
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        n == 1
    };
    let even = least.max(2).next_multiple_of(2);
    (even..)
        .step_by(2)
        .find(|&n| factors_small(n))
        .unwrap_or(even)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_is_the_sum_over_all_pairs_of_nodes() {
        let (side, period) = (14, smooth(2 * 14 - 1));
        let kernel = |square: f64| 1.0 / (1.0 + square);
        let mut convolution = Convolution::new(side, period, kernel, |_| 1.0);
        let charges: Vec<Vec<f32>> = (0..3)
            .map(|g| {
                (0..side * side + 5)
                    .map(|i| ((i * (g + 2)) as f32).sin())
                    .collect()
            })
            .collect();
        let mut potential = vec![f32::NAN; side * side];
        convolution.apply(&charges, &mut potential);
        for (i, &found) in potential.iter().enumerate() {
            let expected: f64 = (0..side * side)
                .map(|j| {
                    let (dx, dy) = ((i % side).abs_diff(j % side), (i / side).abs_diff(j / side));
                    let charge: f32 = charges.iter().map(|grid| grid[j]).sum();
                    kernel((dx * dx + dy * dy) as f64) * f64::from(charge)
                })
                .sum();
            assert!(
                (f64::from(found) - expected).abs() < 1e-4,
                "{i}: {found}, {expected}"
            );
        }
    }

    #[test]
    fn sizes_have_small_factors() {
        assert_eq!([1, 7, 14, 62, 482].map(smooth), [2, 8, 16, 64, 486]);
    }
}
