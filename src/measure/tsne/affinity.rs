//! Affinities of t-SNE: for every point a Gaussian whose perplexity is the one asked for.
//!
//! p_{j|i} ∝ exp(−β_i d²_ij), with β_i such that the entropy is log(perplexity); p_ij = (p_{j|i} +
//! p_{i|j}) / 2N (van der Maaten & Hinton 2008, equations 1 and 2). All pairs count, not only
//! near neighbours. Only three numbers per point are kept: any p_ij can be had from its distance.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::simd::multiversion;

/// Points with their calibrated Gaussians.
pub struct Affinities {
    columns: Columns,
    rows: Vec<Row>,
}

/// One point's Gaussian: exp(−β (d² − nearest)) / sum.
#[derive(Clone, Copy)]
pub(super) struct Row {
    beta: f64,
    nearest: f64,
    sum: f64,
}

impl Row {
    /// p_{j|i} of a neighbour at squared distance `square`.
    pub fn conditional(&self, square: f64) -> f64 {
        (-self.beta * (square - self.nearest)).exp() / self.sum
    }
}

impl Affinities {
    /// Calibrates every point; needs at least two points and a perplexity of at least 1.
    pub fn new(points: ArrayView2<'_, f64>, perplexity: f64) -> Self {
        let entropy = perplexity.ln();
        let columns = Columns::new(points);
        let rows = (0..points.nrows())
            .into_par_iter()
            .map_init(Vec::new, |squares, i| {
                columns.distances(i, squares);
                squares.swap_remove(i);
                calibrate(squares, entropy)
            })
            .collect();
        Self { columns, rows }
    }

    /// Number of points.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Fills `out` with squared distances from point `i` to every point.
    pub fn distances(&self, i: usize, out: &mut Vec<f64>) {
        self.columns.distances(i, out);
    }

    /// p_ij of two different points at squared distance `square`.
    pub fn joint(&self, i: usize, j: usize, square: f64) -> f64 {
        let both = self.rows[i].conditional(square) + self.rows[j].conditional(square);
        both / (2 * self.count()) as f64
    }

    /// All p_ij, row-major `N × N`, zero on the diagonal.
    pub fn dense(&self) -> Vec<f64> {
        let n = self.count();
        let mut out = vec![0.0; n * n];
        out.par_chunks_mut(n)
            .enumerate()
            .for_each_init(Vec::new, |squares, (i, row)| {
                self.distances(i, squares);
                for (j, p) in row.iter_mut().enumerate() {
                    if j != i {
                        *p = self.joint(i, j, squares[j]);
                    }
                }
            });
        out
    }
}

/// Points in columns, so that the distances to many are formed side by side.
pub(super) struct Columns(Array2<f64>);

impl Columns {
    pub fn new(points: ArrayView2<'_, f64>) -> Self {
        Self(points.t().as_standard_layout().into_owned())
    }

    /// Fills `out` with the squared distances from point `i` to every point: sums of squared
    /// differences, so that coincident points are at distance zero.
    pub fn distances(&self, i: usize, out: &mut Vec<f64>) {
        out.clear();
        out.resize(self.0.ncols(), 0.0);
        // Blocks that stay in the first cache.
        for (block, out) in out.chunks_mut(512).enumerate() {
            for column in self.0.outer_iter() {
                if let Some(column) = column.as_slice() {
                    add_squares(column[i], &column[block * 512..], out);
                }
            }
        }
    }
}

multiversion! {
    fn add_squares(from: f64, to: &[f64], out: &mut [f64]) {
        for (sum, to) in out.iter_mut().zip(to) {
            *sum += (from - to) * (from - to);
        }
    }
}

/// Newton's method on log β, kept inside a bracket.
///
/// With more coincident neighbours than the perplexity no β reaches the entropy; the bracket then
/// runs to its end, which shares the weight among those neighbours.
pub(super) fn calibrate(squares: &[f64], entropy: f64) -> Row {
    let nearest = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = squares.iter().sum::<f64>() / squares.len() as f64 - nearest;
    let (mut low, mut high) = (-80.0f64, 80.0f64);
    // In units of the mean distance, so that the bracket fits every scale.
    let unit = if mean > 0.0 { 1.0 / mean } else { 1.0 };
    let mut log = 0.0f64;
    let mut row = Row {
        beta: unit,
        nearest,
        sum: 1.0,
    };
    for _ in 0..200 {
        let beta = unit * log.exp();
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for &square in squares {
            let d = square - nearest;
            let weight = (-beta * d).exp();
            sum += weight;
            first += weight * d;
            second += weight * d * d;
        }
        row = Row { beta, nearest, sum };
        let mean = first / sum;
        let excess = sum.ln() + beta * mean - entropy;
        if excess.abs() < 1e-10 || high - low < 1e-12 {
            break;
        }
        // More entropy than wanted: the Gaussian is too wide.
        if excess > 0.0 {
            low = log
        } else {
            high = log
        }
        let slope = -beta * beta * (second / sum - mean * mean);
        let newton = log - excess / slope;
        log = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gaussian_has_the_perplexity_asked_for() {
        let x = Array2::from_shape_fn((60, 4), |(i, j)| {
            ((i * i * (j + 1)) as f64).sin() * 10f64.powi(j as i32)
        });
        let affinities = Affinities::new(x.view(), 7.0);
        let mut squares = Vec::new();
        for i in 0..60 {
            affinities.distances(i, &mut squares);
            let r = affinities.rows[i];
            let p = (0..60)
                .filter(|&j| j != i)
                .map(|j| (-r.beta * (squares[j] - r.nearest)).exp() / r.sum);
            let (mut entropy, mut total) = (0.0, 0.0);
            for p in p {
                total += p;
                entropy -= if p > 0.0 { p * p.ln() } else { 0.0 };
            }
            assert!(
                (entropy.exp() - 7.0).abs() < 1e-6 && (total - 1.0).abs() < 1e-12,
                "{i}: {entropy}"
            );
        }
        let total: f64 = affinities.dense().iter().sum();
        assert!((total - 1.0).abs() < 1e-12);
    }

    #[test]
    fn coincident_points_share_their_weight() {
        let affinities = Affinities::new(Array2::zeros((20, 2)).view(), 5.0);
        assert!(
            affinities
                .dense()
                .iter()
                .enumerate()
                .all(|(i, &p)| i % 21 == 0 || (p - 1.0 / 380.0).abs() < 1e-12)
        );
    }
}
