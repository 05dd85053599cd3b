//! Exact t-SNE: all forces between all points.
//!
//! Source: van der Maaten & Hinton 2008. One pass over a row gives attraction, repulsion and the
//! row's part of the normaliser. Rows are independent, lanes are summed in a fixed order and no operation is
//! fused, so that neither the number of threads nor the width of vectors changes a bit.

use rayon::prelude::*;

use super::descent::{Forces, Vector};
use crate::simd::{self, Level};

/// Attraction x, y; repulsion x, y; sum of the kernel.
type Row = [f64; 5];

/// Sums kept side by side: one 256-bit vector of doubles.
const LANES: usize = 4;
/// Rows per unit of parallel work.
const BLOCK: usize = 32;

/// Dense affinities, `N × N`, and what one iteration needs.
pub struct Exact {
    affinities: Vec<f64>,
    xs: Vec<f64>,
    ys: Vec<f64>,
    rows: Vec<Row>,
}

impl Exact {
    pub fn new(affinities: Vec<f64>) -> Self {
        Self {
            affinities,
            xs: Vec::new(),
            ys: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl Forces for Exact {
    fn gradient(&mut self, at: &[Vector], exaggeration: f64, out: &mut [Vector]) {
        let n = at.len();
        self.xs = at.iter().map(|p| p[0]).collect();
        self.ys = at.iter().map(|p| p[1]).collect();
        self.rows.resize(n, [0.0; 5]);
        let (p, xs, ys) = (&self.affinities, &self.xs, &self.ys);
        let level = simd::level();
        self.rows
            .par_chunks_mut(BLOCK)
            .enumerate()
            .for_each(|(block, chunk)| {
                for (offset, out) in chunk.iter_mut().enumerate() {
                    let i = block * BLOCK + offset;
                    *out = row(&p[i * n..(i + 1) * n], xs, ys, i, level);
                }
            });
        // Each point met itself once, at distance zero and kernel one.
        let z: f64 = self.rows.iter().map(|f| f[4]).sum::<f64>() - n as f64;
        for (out, f) in out.iter_mut().zip(&self.rows) {
            *out = [0, 1].map(|axis| exaggeration * f[axis] - f[axis + 2] / z);
        }
    }
}

fn row(p: &[f64], xs: &[f64], ys: &[f64], i: usize, level: Level) -> Row {
    #[cfg(target_arch = "x86_64")]
    if level >= Level::Avx2 {
        // SAFETY: the CPU has AVX2.
        return unsafe { row_avx2(p, xs, ys, i) };
    }
    let _ = level;
    let mut lanes = [[0.0; LANES]; 5];
    let chunks = p
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(xs.as_chunks::<LANES>().0)
        .zip(ys.as_chunks::<LANES>().0);
    for ((p, xj), yj) in chunks {
        for l in 0..LANES {
            let mut forces = lanes.map(|f| f[l]);
            pair(&mut forces, p[l], xs[i] - xj[l], ys[i] - yj[l]);
            lanes.iter_mut().zip(forces).for_each(|(f, v)| f[l] = v);
        }
    }
    finish(lanes, p, xs, ys, i)
}

/// Adds what one point does to another.
fn pair(forces: &mut Row, p: f64, dx: f64, dy: f64) {
    let kernel = 1.0 / (1.0 + (dx * dx + dy * dy));
    let (pull, push) = (p * kernel, kernel * kernel);
    forces[0] += pull * dx;
    forces[1] += pull * dy;
    forces[2] += push * dx;
    forces[3] += push * dy;
    forces[4] += kernel;
}

/// Sums the lanes and adds the points that fill no vector.
fn finish(lanes: [[f64; LANES]; 5], p: &[f64], xs: &[f64], ys: &[f64], i: usize) -> Row {
    let mut forces = lanes.map(|lane| lane.iter().sum::<f64>());
    for j in xs.len() / LANES * LANES..xs.len() {
        pair(&mut forces, p[j], xs[i] - xs[j], ys[i] - ys[j]);
    }
    forces
}

/// [`pair`] on four points at a time. By hand: the compiler's own vectors of this loop are
/// five times slower.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn row_avx2(p: &[f64], xs: &[f64], ys: &[f64], i: usize) -> Row {
    use std::arch::x86_64::*;
    // SAFETY: four doubles are read from an array of four doubles; alignment is not required.
    let load = |v: &[f64; LANES]| unsafe { _mm256_loadu_pd(v.as_ptr()) };
    let (x, y, one) = (
        _mm256_set1_pd(xs[i]),
        _mm256_set1_pd(ys[i]),
        _mm256_set1_pd(1.0),
    );
    let mut sums = [_mm256_setzero_pd(); 5];
    let chunks = p
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(xs.as_chunks::<LANES>().0)
        .zip(ys.as_chunks::<LANES>().0);
    for ((p, xj), yj) in chunks {
        let (dx, dy) = (_mm256_sub_pd(x, load(xj)), _mm256_sub_pd(y, load(yj)));
        let square = _mm256_add_pd(_mm256_mul_pd(dx, dx), _mm256_mul_pd(dy, dy));
        let kernel = _mm256_div_pd(one, _mm256_add_pd(one, square));
        let (pull, push) = (
            _mm256_mul_pd(load(p), kernel),
            _mm256_mul_pd(kernel, kernel),
        );
        sums[0] = _mm256_add_pd(sums[0], _mm256_mul_pd(pull, dx));
        sums[1] = _mm256_add_pd(sums[1], _mm256_mul_pd(pull, dy));
        sums[2] = _mm256_add_pd(sums[2], _mm256_mul_pd(push, dx));
        sums[3] = _mm256_add_pd(sums[3], _mm256_mul_pd(push, dy));
        sums[4] = _mm256_add_pd(sums[4], kernel);
    }
    let mut lanes = [[0.0; LANES]; 5];
    for (to, from) in lanes.iter_mut().zip(sums) {
        // SAFETY: four doubles are written to an array of four doubles.
        unsafe { _mm256_storeu_pd(to.as_mut_ptr(), from) };
    }
    finish(lanes, p, xs, ys, i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_width_changes_no_bit() {
        let n = 77;
        let p: Vec<f64> = (0..n).map(|i| (i as f64).sin().abs()).collect();
        let xs: Vec<f64> = (0..n).map(|i| (i as f64 * 1.7).cos() * 3.0).collect();
        let ys: Vec<f64> = (0..n).map(|i| (i as f64 * 0.3).sin() * 5.0).collect();
        for i in 0..n {
            assert_eq!(
                row(&p, &xs, &ys, i, simd::level()),
                row(&p, &xs, &ys, i, Level::Baseline)
            );
        }
    }
}
