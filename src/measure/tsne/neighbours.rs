//! The k nearest neighbours of every point, exactly.
//!
//! All distances are estimated in single precision by blocked matrix products, which is where the
//! processor is fastest; whatever the rounding of an estimate could hide is then measured again in
//! double precision. So neighbours and distances do not depend on how the products were computed.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::wide::wide;
use crate::measure::product::product;

/// Points whose neighbours one task looks for.
const ROWS: usize = 128;
/// Candidates per product.
const COLUMNS: usize = 2048;
/// Candidates compared at a time.
const LANES: usize = 16;

/// For every point its `k` nearest others, nearest first and equally near ones by index.
pub struct Neighbours {
    /// How many each point has.
    pub k: usize,
    /// Which they are, `k` for each point.
    pub indices: Vec<u32>,
    /// Their squared distances.
    pub squares: Vec<f64>,
}

impl Neighbours {
    /// Finds them; needs `k` below the number of points and coordinates far from overflow.
    pub fn new(points: ArrayView2<'_, f64>, k: usize) -> Self {
        let (n, d) = points.dim();
        // A column more turns the product into ‖b‖² − 2a·b, which orders the candidates of a.
        let norms: Vec<f64> = points.outer_iter().map(|p| p.dot(&p)).collect();
        let left = Array2::from_shape_fn((n, d + 1), |(i, j)| {
            if j < d {
                -2.0 * points[[i, j]] as f32
            } else {
                1.0
            }
        });
        let right = Array2::from_shape_fn((n, d + 1), |(i, j)| {
            if j < d {
                points[[i, j]] as f32
            } else {
                norms[i] as f32
            }
        });
        let largest = norms.iter().copied().fold(0.0, f64::max);
        let mut indices = vec![0u32; n * k];
        let mut squares = vec![0.0; n * k];
        indices
            .par_chunks_mut(ROWS * k)
            .zip(squares.par_chunks_mut(ROWS * k))
            .enumerate()
            .for_each(|(block, (indices, squares))| {
                let from = block * ROWS;
                let rows = indices.len() / k;
                let mut best: Vec<Best> = (from..from + rows)
                    .map(|i| Best::new(i, k, slack(norms[i], largest, d)))
                    .collect();
                let mut tile = Array2::<f32>::zeros((rows, COLUMNS));
                let left = left.slice(ndarray::s![from..from + rows, ..]);
                for first in (0..n).step_by(COLUMNS) {
                    let count = COLUMNS.min(n - first);
                    let right = right.slice(ndarray::s![first..first + count, ..]);
                    product(
                        left,
                        right.t(),
                        false,
                        tile.slice_mut(ndarray::s![.., ..count]),
                    );
                    for (best, row) in best.iter_mut().zip(tile.outer_iter()) {
                        if let Some(row) = row.as_slice() {
                            best.offer(&row[..count], first);
                        }
                    }
                }
                let out = indices.chunks_mut(k).zip(squares.chunks_mut(k));
                for (best, (indices, squares)) in best.into_iter().zip(out) {
                    best.measure(points, indices, squares);
                }
            });
        Self {
            k,
            indices,
            squares,
        }
    }
}

/// How far an estimate may be off: D + 4 roundings of terms no larger than (‖a‖ + ‖b‖)², doubled,
/// and numbers too small for single precision.
fn slack(norm: f64, largest: f64, d: usize) -> f32 {
    let size = (norm.sqrt() + largest.sqrt()).powi(2);
    (size * (d + 4) as f64 * f64::from(f32::EPSILON)) as f32 + 1e-30
}

/// The candidates of one point.
struct Best {
    point: usize,
    k: usize,
    slack: f32,
    /// No estimate above it can belong to one of the nearest.
    limit: f32,
    candidates: Vec<(f32, u32)>,
}

impl Best {
    fn new(point: usize, k: usize, slack: f32) -> Self {
        Self {
            point,
            k,
            slack,
            limit: f32::INFINITY,
            candidates: Vec::with_capacity(4 * k + COLUMNS),
        }
    }

    /// Takes in estimates of the candidates from `first` on.
    fn offer(&mut self, estimates: &[f32], first: usize) {
        // Room for all that may come, and again as many before they are sifted.
        let mut full = (2 * self.k).max(2 * self.candidates.len());
        for (chunk, part) in estimates.chunks(16 * LANES).enumerate() {
            collect(
                part,
                self.limit,
                (first + chunk * 16 * LANES) as u32,
                &mut self.candidates,
            );
            if self.candidates.len() > full {
                self.sift();
                full = (2 * self.k).max(2 * self.candidates.len());
            }
        }
        self.sift();
    }

    /// Drops what cannot be among the nearest any more.
    fn sift(&mut self) {
        // The point itself is a candidate as well.
        if self.candidates.len() <= self.k + 1 {
            return;
        }
        let (_, kth, _) = self
            .candidates
            .select_nth_unstable_by(self.k, |a, b| a.0.total_cmp(&b.0));
        // Both estimates may be off.
        self.limit = kth.0 + 2.0 * self.slack;
        let limit = self.limit;
        self.candidates.retain(|c| c.0 <= limit);
    }

    /// The true distances decide.
    fn measure(self, points: ArrayView2<'_, f64>, indices: &mut [u32], squares: &mut [f64]) {
        let own = points.row(self.point);
        let mut found: Vec<(f64, u32)> = self
            .candidates
            .iter()
            .filter(|c| c.1 as usize != self.point)
            .map(|&(_, j)| {
                let pairs = own.iter().zip(points.row(j as usize));
                (pairs.fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b)), j)
            })
            .collect();
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for ((index, square), (s, j)) in indices.iter_mut().zip(squares).zip(found) {
            (*index, *square) = (j, s);
        }
    }
}

wide! {
    /// Adds the candidates whose estimate is within the limit; most blocks hold none.
    fn collect(estimates: &[f32], limit: f32, first: u32, out: &mut Vec<(f32, u32)>) {
        for (block, part) in estimates.chunks(LANES).enumerate() {
            if part.iter().fold(false, |any, &v| any | (v <= limit)) {
                let first = first + (block * LANES) as u32;
                let within = part.iter().zip(first..).filter(|(v, _)| **v <= limit);
                out.extend(within.map(|(&v, j)| (v, j)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_those_of_a_full_sort() {
        // A grid: many equal distances, far from the origin, where estimates are poor; and
        // coincident points.
        let n = 2 * COLUMNS + 77;
        let points = Array2::from_shape_fn((n, 3), |(i, j)| match i {
            0..40 => 0.5,
            _ => {
                ((i / 17usize.pow(j as u32)) % 17) as f64 / 17.0
                    + if i % 2 == 0 { 0.0 } else { 1e-9 }
            }
        });
        for k in [1, 7, 60] {
            let found = Neighbours::new(points.view(), k);
            for i in (0..n).step_by(131).chain([0, n - 1]) {
                let mut all: Vec<(f64, u32)> = (0..n)
                    .filter(|&j| j != i)
                    .map(|j| {
                        let d = &points.row(i) - &points.row(j);
                        (d.iter().fold(0.0, |sum, d| sum + d * d), j as u32)
                    })
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                for (l, want) in all[..k].iter().enumerate() {
                    let at = i * k + l;
                    assert_eq!((found.squares[at], found.indices[at]), *want, "{i}, {l}");
                }
            }
        }
    }

    #[test]
    fn two_points_are_each_others() {
        let found = Neighbours::new(Array2::<f64>::zeros((2, 1)).view(), 1);
        assert_eq!((found.indices, found.squares), (vec![1, 0], vec![0.0, 0.0]));
    }
}
