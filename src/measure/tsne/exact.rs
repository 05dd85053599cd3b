//! Exact t-SNE: all forces between all points, by plain gradient descent with momentum and gains.
//!
//! Source: van der Maaten & Hinton 2008; early exaggeration and learning rate as in scikit-learn
//! (Belkina et al. 2019); first positions are the two leading principal components at deviation
//! 1e-4 (Kobak & Berens 2019). One pass over a row gives attraction, repulsion and the row's part
//! of the normaliser. Rows are independent, lanes are summed in a fixed order and no operation is
//! fused, so that neither the number of threads nor the width of vectors changes a bit.

use ndarray::Array2;
use rayon::prelude::*;

/// Attraction x, y; repulsion x, y; sum of the kernel.
type Forces = [f64; 5];

/// Sums kept side by side: one 256-bit vector of doubles.
const LANES: usize = 4;
/// Rows per unit of parallel work.
const BLOCK: usize = 32;

const EXAGGERATION: f64 = 12.0;
const EXAGGERATED: usize = 250;

/// Moves `start` `[N, 2]` down the KL divergence for dense affinities `p` (`N × N`).
pub fn embed(p: &[f64], start: Array2<f64>, iterations: usize) -> Array2<f64> {
    let n = start.nrows();
    let mut at: [Vec<f64>; 2] = [start.column(0).to_vec(), start.column(1).to_vec()];
    let mut velocity = [vec![0.0; n], vec![0.0; n]];
    let mut gains = [vec![1.0f64; n], vec![1.0f64; n]];
    let mut forces: Vec<Forces> = vec![[0.0; 5]; n];
    let exaggerated = EXAGGERATED.min(iterations / 2);
    let rate = (n as f64 / EXAGGERATION / 4.0).max(50.0);
    let wide = wide_vectors();
    for iteration in 0..iterations {
        let early = iteration < exaggerated;
        let (exaggeration, momentum) = if early {
            (EXAGGERATION, 0.5)
        } else {
            (1.0, 0.8)
        };
        let (xs, ys) = (&at[0], &at[1]);
        forces
            .par_chunks_mut(BLOCK)
            .enumerate()
            .for_each(|(block, chunk)| {
                for (offset, out) in chunk.iter_mut().enumerate() {
                    let i = block * BLOCK + offset;
                    *out = row(&p[i * n..(i + 1) * n], xs, ys, i, wide);
                }
            });
        // Each point met itself once, at distance zero and kernel one.
        let z: f64 = forces.iter().map(|f| f[4]).sum::<f64>() - n as f64;
        for axis in 0..2 {
            for (i, f) in forces.iter().enumerate() {
                let gradient = 4.0 * (exaggeration * f[axis] - f[axis + 2] / z);
                let (gain, speed) = (&mut gains[axis][i], &mut velocity[axis][i]);
                let same = (gradient > 0.0) == (*speed > 0.0);
                *gain = if same { *gain * 0.8 } else { *gain + 0.2 }.max(0.01);
                *speed = momentum * *speed - rate * *gain * gradient;
                at[axis][i] += *speed;
            }
            let mean = at[axis].iter().sum::<f64>() / n as f64;
            at[axis].iter_mut().for_each(|v| *v -= mean);
        }
    }
    Array2::from_shape_fn((n, 2), |(i, axis)| at[axis][i])
}

/// Whether the processor has 256-bit vectors; the result is the same without.
fn wide_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx2")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

fn row(p: &[f64], xs: &[f64], ys: &[f64], i: usize, wide: bool) -> Forces {
    #[cfg(target_arch = "x86_64")]
    if wide {
        // SAFETY: `wide` says that the processor has AVX2.
        return unsafe { row_avx2(p, xs, ys, i) };
    }
    let _ = wide;
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
fn pair(forces: &mut Forces, p: f64, dx: f64, dy: f64) {
    let kernel = 1.0 / (1.0 + (dx * dx + dy * dy));
    let (pull, push) = (p * kernel, kernel * kernel);
    forces[0] += pull * dx;
    forces[1] += pull * dy;
    forces[2] += push * dx;
    forces[3] += push * dy;
    forces[4] += kernel;
}

/// Sums the lanes and adds the points that fill no vector.
fn finish(lanes: [[f64; LANES]; 5], p: &[f64], xs: &[f64], ys: &[f64], i: usize) -> Forces {
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
fn row_avx2(p: &[f64], xs: &[f64], ys: &[f64], i: usize) -> Forces {
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
                row(&p, &xs, &ys, i, wide_vectors()),
                row(&p, &xs, &ys, i, false)
            );
        }
    }
}
