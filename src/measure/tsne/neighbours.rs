//! The k nearest neighbours of every point, exactly.
//!
//! All distances are estimated in single precision by blocked matrix products, which is where the
//! processor is fastest; whatever the rounding of an estimate could hide is then measured again in
//! double precision. So neighbours and distances do not depend on how the products were computed.
//!
//! The rounding of an estimate grows with the points' distances from the origin. Estimates are
//! therefore made about the points' medians, in units of their median distance from it, and every pair
//! has a bound of its own: a row that lies far out widens nothing but its own. Points too far out for
//! single precision are measured as they are.
//!
//! Of equally near points the nearer ones are drawn by seed, for every point anew. By index, all of many
//! equal rows would have the first of them as their neighbours, and a map would show the file's order.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::measure::linalg::product::product;
use crate::random::{GOLDEN, mix};
use crate::simd::multiversion;

/// Points whose neighbours one task looks for.
const ROWS: usize = 128;
/// Candidates per product.
const COLUMNS: usize = 2048;
/// Candidates compared at a time.
const LANES: usize = 16;
/// Points whose medians stand for those of all.
const MEDIANS: usize = 1000;
/// Median distances beyond which squares leave single precision.
const FAR: f64 = 1e12;

/// For every point its `k` nearest others, nearest first.
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
    pub fn new(points: ArrayView2<'_, f64>, k: usize, seed: u64) -> Self {
        let (n, d) = points.dim();
        let estimates = Estimates::new(points);
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
                    .map(|i| Best::new(i, k, estimates.slack[i]))
                    .collect();
                let mut tile = Array2::<f32>::zeros((rows, COLUMNS));
                let left = estimates.left.slice(ndarray::s![from..from + rows, ..]);
                for first in (0..n).step_by(COLUMNS) {
                    let count = COLUMNS.min(n - first);
                    let right = estimates.right.slice(ndarray::s![first..first + count, ..]);
                    product(
                        left,
                        right.t(),
                        false,
                        tile.slice_mut(ndarray::s![.., ..count]),
                    );
                    let slack = &estimates.slack[first..first + count];
                    for (best, row) in best.iter_mut().zip(tile.outer_iter()) {
                        if let Some(row) = row.as_slice() {
                            best.offer(&row[..count], slack, first);
                        }
                    }
                }
                let out = indices.chunks_mut(k).zip(squares.chunks_mut(k));
                for (best, (indices, squares)) in best.into_iter().zip(out) {
                    best.measure(points, seed, indices, squares);
                }
            });
        debug_assert_eq!(estimates.left.ncols(), d + 1);
        Self {
            k,
            indices,
            squares,
        }
    }
}

/// Points in single precision, so that a product of a row of `left` and one of `right` is
/// ‖b‖² − 2a·b less what `right`'s rounding may add: it orders the candidates b of a.
struct Estimates {
    left: Array2<f32>,
    right: Array2<f32>,
    /// What rounding may do to the estimates of a point: those of a pair are off by no more than both.
    slack: Vec<f32>,
}

impl Estimates {
    fn new(points: ArrayView2<'_, f64>) -> Self {
        let (n, d) = points.dim();
        let centre = medians(points);
        let about = |i: usize| points.row(i).into_iter().zip(&centre).map(|(p, c)| p - c);
        let norms: Vec<f64> = (0..n)
            .into_par_iter()
            .map(|i| about(i).map(|v| v * v).sum::<f64>().sqrt())
            .collect();
        let mut some: Vec<f64> = norms.iter().copied().filter(|n| *n > 0.0).collect();
        let unit = median(&mut some).unwrap_or(1.0);
        let mut left = Array2::<f32>::zeros((n, d + 1));
        let mut right = Array2::<f32>::zeros((n, d + 1));
        let mut slack = Vec::with_capacity(n);
        for (i, norm) in norms.iter().map(|norm| norm / unit).enumerate() {
            left[[i, d]] = 1.0;
            if norm > FAR {
                // Always a candidate, and all are candidates of it.
                right[[i, d]] = f32::MIN;
                slack.push(f32::INFINITY);
                continue;
            }
            for (j, value) in about(i).enumerate() {
                let value = (value / unit) as f32;
                (left[[i, j]], right[[i, j]]) = (-2.0 * value, value);
            }
            // D + 4 roundings of terms no larger than (‖a‖ + ‖b‖)² ≤ 2‖a‖² + 2‖b‖², doubled, and numbers
            // too small for single precision.
            let square = norm * norm;
            let own = 2.0 * square * (d + 4) as f64 * f64::from(f32::EPSILON) + 1e-30;
            right[[i, d]] = (square - own) as f32;
            slack.push(own as f32);
        }
        Self { left, right, slack }
    }
}

/// The median of every column, over some of the rows.
fn medians(points: ArrayView2<'_, f64>) -> Vec<f64> {
    let step = points.nrows().div_ceil(MEDIANS).max(1);
    let column = |column: ndarray::ArrayView1<'_, f64>| {
        let mut some: Vec<f64> = column.iter().copied().step_by(step).collect();
        median(&mut some).unwrap_or(0.0)
    };
    points.columns().into_iter().map(column).collect()
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// A point that may be among the nearest.
#[derive(Clone, Copy)]
struct Candidate {
    /// Its estimate, no more than the truth and the slack of the point whose candidate it is.
    least: f32,
    /// What the estimate may be instead, but for that slack.
    most: f32,
    index: u32,
}

/// The candidates of one point.
struct Best {
    point: usize,
    k: usize,
    slack: f32,
    /// No estimate above it can belong to one of the nearest.
    limit: f32,
    candidates: Vec<Candidate>,
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

    /// Takes in estimates of the candidates from `first` on, with their slacks.
    fn offer(&mut self, estimates: &[f32], slack: &[f32], first: usize) {
        // Room for all that may come, and again as many before they are sifted.
        let mut full = (2 * self.k).max(2 * self.candidates.len());
        let parts = estimates.chunks(16 * LANES).zip(slack.chunks(16 * LANES));
        for (chunk, (part, slack)) in parts.enumerate() {
            collect(
                part,
                slack,
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
            .select_nth_unstable_by(self.k, |a, b| a.most.total_cmp(&b.most));
        // The point's own slack may hide as much on either side.
        self.limit = kth.most + 2.0 * self.slack;
        let limit = self.limit;
        self.candidates.retain(|c| c.least <= limit);
    }

    /// The true distances decide.
    fn measure(
        self,
        points: ArrayView2<'_, f64>,
        seed: u64,
        indices: &mut [u32],
        squares: &mut [f64],
    ) {
        let own = points.row(self.point);
        let mut found: Vec<(f64, u32)> = self
            .candidates
            .iter()
            .map(|c| c.index)
            .filter(|&j| j as usize != self.point)
            .map(|j| {
                let pairs = own.iter().zip(points.row(j as usize));
                (pairs.fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b)), j)
            })
            .collect();
        let nearer = |a: &(f64, u32), b: &(f64, u32)| {
            let drawn = |j: u32| drawn(seed, self.point, j);
            let equal = || drawn(a.1).cmp(&drawn(b.1)).then(a.1.cmp(&b.1));
            a.0.total_cmp(&b.0).then_with(equal)
        };
        if found.len() > self.k {
            found.select_nth_unstable_by(self.k - 1, nearer);
            found.truncate(self.k);
        }
        found.sort_unstable_by(nearer);
        for ((index, square), (s, j)) in indices.iter_mut().zip(squares).zip(found) {
            (*index, *square) = (j, s);
        }
    }
}

/// A number that decides between candidates of a point that are equally near: SplitMix64's mixer of
/// seed, point and candidate.
fn drawn(seed: u64, point: usize, candidate: u32) -> u64 {
    let pair = ((point as u64) << 32) | u64::from(candidate);
    mix(mix(seed.wrapping_add(GOLDEN)) ^ pair.wrapping_mul(GOLDEN))
}

multiversion! {
    /// Adds the candidates whose estimate is within the limit; most blocks hold none.
    fn collect(estimates: &[f32], slack: &[f32], limit: f32, first: u32, out: &mut Vec<Candidate>) {
        for (block, part) in estimates.chunks(LANES).enumerate() {
            if part.iter().fold(false, |any, &v| any | (v <= limit)) {
                let first = first + (block * LANES) as u32;
                let within = part.iter().zip(&slack[block * LANES..]).zip(first..);
                let within = within.filter(|((v, _), _)| **v <= limit);
                out.extend(within.map(|((&least, &slack), index)| {
                    Candidate { least, most: least + 2.0 * slack, index }
                }));
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
            let found = Neighbours::new(points.view(), k, 5);
            for i in (0..n).step_by(131).chain([0, n - 1]) {
                let mut all: Vec<(f64, u32)> = (0..n)
                    .filter(|&j| j != i)
                    .map(|j| {
                        let d = &points.row(i) - &points.row(j);
                        (d.iter().fold(0.0, |sum, d| sum + d * d), j as u32)
                    })
                    .collect();
                let drawn = |j: u32| drawn(5, i, j);
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(drawn(a.1).cmp(&drawn(b.1))));
                for (l, want) in all[..k].iter().enumerate() {
                    let at = i * k + l;
                    assert_eq!((found.squares[at], found.indices[at]), *want, "{i}, {l}");
                }
            }
        }
    }

    #[test]
    fn two_points_are_each_others() {
        let found = Neighbours::new(Array2::<f64>::zeros((2, 1)).view(), 1, 0);
        assert_eq!((found.indices, found.squares), (vec![1, 0], vec![0.0, 0.0]));
    }

    /// Clusters on a scale of one, and some rows far out.
    fn with_outliers(n: usize, factors: &[f64]) -> Array2<f64> {
        let mut points = Array2::from_shape_fn((n, 5), |(i, j)| {
            (i % 7 * (j + 1)) as f64 + ((i * (j + 2)) as f64 * 0.7).sin()
        });
        for (row, factor) in factors.iter().enumerate() {
            points.row_mut(3 * row).mapv_inplace(|v| (v + 1.0) * factor);
        }
        points
    }

    #[test]
    fn rows_far_out_change_no_neighbours_and_cost_the_others_nothing() {
        for factors in [&[1e3][..], &[1e5], &[1e9, -1e9], &[1e14, 1e40, -1e100]] {
            let n = 1500;
            let points = with_outliers(n, factors);
            let found = Neighbours::new(points.view(), 9, 1);
            for i in (0..n).step_by(37).chain([3, 6]) {
                let mut all: Vec<f64> = (0..n)
                    .filter(|&j| j != i)
                    .map(|j| {
                        let d = &points.row(i) - &points.row(j);
                        d.iter().fold(0.0, |sum, d| sum + d * d)
                    })
                    .collect();
                all.sort_by(f64::total_cmp);
                assert_eq!(
                    found.squares[9 * i..9 * i + 9],
                    all[..9],
                    "{factors:?}, {i}"
                );
            }
            // How many exact distances a point in the middle needs: not all of them.
            let estimates = Estimates::new(points.view());
            let mut best = Best::new(100, 9, estimates.slack[100]);
            let left = estimates.left.row(100);
            let row: Vec<f32> = estimates.right.outer_iter().map(|b| left.dot(&b)).collect();
            best.offer(&row, &estimates.slack, 0);
            assert!(best.candidates.len() < 40, "{}", best.candidates.len());
        }
    }

    #[test]
    fn equal_rows_are_neighbours_of_one_another_at_random() {
        let n = 900;
        let found = Neighbours::new(Array2::<f64>::zeros((n, 3)).view(), 15, 7);
        let mut times = vec![0usize; n];
        found.indices.iter().for_each(|&j| times[j as usize] += 1);
        let most = times.iter().max().copied().unwrap_or(0);
        assert!(most < 45, "a point is a neighbour of {most}");
        let again = Neighbours::new(Array2::<f64>::zeros((n, 3)).view(), 15, 7);
        assert_eq!(found.indices, again.indices);
        let other = Neighbours::new(Array2::<f64>::zeros((n, 3)).view(), 15, 8);
        assert_ne!(found.indices, other.indices);
    }
}
