//! Rows of features in double precision, block by block, and their products.
//!
//! What the measures ([`cka`](crate::measure::cka), [`hscore`](crate::measure::hscore), [`logme`](crate::measure::logme))
//! share: features stay where they are, in their own precision; blocks of [`BLOCK`] rows are
//! converted, scaled and centred as they are needed. A product of two sets of features needs
//! memory O(D₁·D₂) and no more than a block of each. Blocks and tiles have fixed sizes and are
//! added in order: the same bits for any number of threads.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::product::product;
use crate::measure::samples::{Real, doubles};

/// Rows converted at a time.
const BLOCK: usize = 512;
/// Rows of a product that one task computes.
const TILE: usize = 64;

/// Finite features `[N, D]`, read as (x·scale − origin) − mean.
pub(in crate::measure) struct Rows<'a, A: Real> {
    features: ArrayView2<'a, A>,
    scale: f64,
    origin: Array1<f64>,
    mean: Array1<f64>,
}

impl<'a, A: Real> Rows<'a, A> {
    /// The features as they are.
    pub fn plain(features: ArrayView2<'a, A>) -> Self {
        let zero = Array1::zeros(features.ncols());
        Self {
            features,
            scale: 1.0,
            origin: zero.clone(),
            mean: zero,
        }
    }

    /// The features less their mean, scaled by a power of two to a largest entry near one: for
    /// measures that do not depend on scale, so that no square of theirs can overflow. A constant
    /// column becomes exactly zero.
    pub fn centred(features: ArrayView2<'a, A>) -> Self {
        let mut rows = Self::plain(features);
        let largest = features
            .iter()
            .fold(0.0f64, |most, &v| most.max(v.into().abs()));
        if largest > 0.0 {
            // The scale itself must be a normal number, even where the features are not.
            rows.scale = (-largest.log2().floor().clamp(-1000.0, 1000.0)).exp2();
        }
        if let Some(first) = features.outer_iter().next() {
            rows.origin = first.mapv(|v| v.into() * rows.scale);
        }
        let mut sum = Array1::<f64>::zeros(features.ncols());
        for row in features.outer_iter() {
            for ((sum, &v), origin) in sum.iter_mut().zip(row).zip(&rows.origin) {
                *sum += v.into() * rows.scale - origin;
            }
        }
        rows.mean = sum / features.nrows().max(1) as f64;
        rows
    }

    /// N.
    pub fn len(&self) -> usize {
        self.features.nrows()
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.features.ncols()
    }

    /// A block of rows, `[n, D]`.
    pub fn block(&self, range: Range<usize>) -> Array2<f64> {
        let mut block = doubles(self.features.slice(s![range, ..]));
        for mut row in block.outer_iter_mut() {
            row *= self.scale;
            row -= &self.origin;
            row -= &self.mean;
        }
        block
    }

    /// Where the blocks lie.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + use<A> {
        let n = self.features.nrows();
        (0..n).step_by(BLOCK).map(move |i| i..(i + BLOCK).min(n))
    }

    /// ‖xᵢ‖² of every row.
    pub fn squares(&self) -> Vec<f64> {
        let squares = |range| -> Vec<f64> {
            let block = self.block(range);
            block.outer_iter().map(|row| row.dot(&row)).collect()
        };
        self.ranges().flat_map(squares).collect()
    }

    /// XᵀX `[D, D]`.
    pub fn gram(&self) -> Array2<f64> {
        let mut out = Array2::zeros((self.dim(), self.dim()));
        for range in self.ranges() {
            let block = self.block(range);
            out.axis_chunks_iter_mut(Axis(0), TILE)
                .into_par_iter()
                .enumerate()
                .for_each(|(tile, mut part)| {
                    let from = tile * TILE;
                    let left = block.slice(s![.., from..from + part.nrows()]);
                    // Right of the diagonal only; the rest is its mirror image.
                    let part = part.slice_mut(s![.., from..]);
                    product(left.t(), block.slice(s![.., from..]), true, part);
                });
        }
        for i in 0..self.dim() {
            for j in 0..i {
                out[[i, j]] = out[[j, i]];
            }
        }
        out
    }

    /// XᵀY `[D₁, D₂]`, of as many rows.
    pub fn cross<B: Real>(&self, other: &Rows<'_, B>) -> Array2<f64> {
        let mut out = Array2::zeros((self.dim(), other.dim()));
        for range in self.ranges() {
            let (left, right) = (self.block(range.clone()), other.block(range));
            out.axis_chunks_iter_mut(Axis(0), TILE)
                .into_par_iter()
                .enumerate()
                .for_each(|(tile, part)| {
                    let columns = tile * TILE..tile * TILE + part.nrows();
                    product(left.slice(s![.., columns]).t(), right.view(), true, part);
                });
        }
        out
    }

    /// XXᵀ `[N, N]`, for few samples: all rows at once.
    pub fn kernel(&self) -> Array2<f64> {
        let all = self.block(0..self.len());
        let mut out = Array2::zeros((self.len(), self.len()));
        out.axis_chunks_iter_mut(Axis(0), TILE)
            .into_par_iter()
            .enumerate()
            .for_each(|(tile, part)| {
                let rows = tile * TILE..tile * TILE + part.nrows();
                product(all.slice(s![rows, ..]), all.t(), false, part);
            });
        out
    }
}

/// The classes that occur, numbered without holes.
pub(in crate::measure) struct Present {
    /// The label of each, ascending.
    pub labels: Vec<usize>,
    /// Samples of each, at least one.
    pub counts: Vec<usize>,
    /// For every sample, which of them.
    pub of: Vec<usize>,
}

impl Present {
    pub fn new(labels: &[usize]) -> Self {
        let mut seen = labels.to_vec();
        seen.sort_unstable();
        let counts = seen.chunk_by(|a, b| a == b).map(<[usize]>::len).collect();
        seen.dedup();
        // Every label is in the list that was made of them.
        let of = labels
            .iter()
            .map(|l| seen.partition_point(|k| k < l))
            .collect();
        Self {
            labels: seen,
            counts,
            of,
        }
    }

    /// How many classes occur.
    pub fn len(&self) -> usize {
        self.counts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_over_blocks_are_products_of_the_whole() {
        let n = 2 * BLOCK + 37;
        let x = Array2::from_shape_fn((n, TILE + 9), |(i, j)| ((i * 7 + j * j) as f64).sin() + 3.0);
        let y = Array2::from_shape_fn((n, 5), |(i, j)| ((i + 3 * j) as f32).cos());
        let (a, b) = (Rows::centred(x.view()), Rows::plain(y.view()));
        let whole = a.block(0..n);
        let mean = whole.mean_axis(Axis(0)).expect("rows");
        assert!(mean.iter().all(|m| m.abs() < 1e-14));
        let y = y.mapv(f64::from);
        let near = |a: &Array2<f64>, b: &Array2<f64>| (a - b).iter().all(|d| d.abs() < 1e-10);
        assert!(near(&a.gram(), &whole.t().dot(&whole)));
        assert!(near(&a.cross(&b), &whole.t().dot(&y)));
        assert!(near(&b.kernel(), &y.dot(&y.t())));
        assert_eq!(a.squares().len(), n);
    }

    #[test]
    fn extremes_are_scaled_and_constants_vanish() {
        for v in [1e-310, 1.0, f64::MAX] {
            let x =
                Array2::from_shape_fn((3, 2), |(i, j)| if j == 0 { v } else { v / (i + 1) as f64 });
            let x = Rows::centred(x.view()).gram();
            assert!(x.iter().all(|v| v.is_finite()));
            assert!(x[[0, 0]] == 0.0 && x[[1, 1]] > 1e-20, "{x}");
        }
    }

    #[test]
    fn holes_in_labels_close() {
        let present = Present::new(&[7, 2, 7, 900]);
        assert_eq!(present.labels, [2, 7, 900]);
        assert_eq!(present.counts, [1, 2, 1]);
        assert_eq!(present.of, [1, 0, 1, 2]);
    }
}
