//! Source probabilities as rows that come in blocks, as often as they are asked for: from memory or
//! from a file that is never held whole. There is one path for both, so both give the same bits.

use std::sync::Mutex;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::divergence::FLOOR;
use super::simd;
use crate::measure::MeasureError;
use crate::measure::samples::Real;

/// What is done with a block: its first row, and the rows `[n, Ks]`.
pub type Each<'e, A> = dyn FnMut(usize, ArrayView2<'_, A>) -> Result<(), MeasureError> + Send + 'e;

/// A matrix `[N, Ks]` of source probabilities that is read block by block.
pub trait Rows: Sync {
    /// The precision of its numbers.
    type Value: Real;

    /// Rows and columns.
    fn dim(&self) -> (usize, usize);

    /// Calls `each` with consecutive blocks of all rows, in order. Every block but the last has a
    /// multiple of [`ALIGN`] rows.
    ///
    /// # Errors
    /// [`MeasureError::Read`], and what `each` says.
    fn blocks(&self, each: &mut Each<'_, Self::Value>) -> Result<(), MeasureError>;

    /// Single numbers by row and column.
    ///
    /// # Errors
    /// [`MeasureError::Read`].
    fn pick(&self, places: &[(usize, usize)]) -> Result<Vec<f64>, MeasureError>;
}

/// Blocks begin at multiples of this many rows, so that sums of products do not depend on the size
/// of blocks.
pub const ALIGN: usize = 32;

/// How many rows of `row_bytes` make a block of about `bytes`.
pub fn block_rows(row_bytes: usize, bytes: usize) -> usize {
    (bytes / row_bytes.max(1)).max(1).next_multiple_of(ALIGN)
}

/// Bytes of a block, of which a file has two in memory. Large enough that the sums of all classes pass
/// through the cache few times.
pub const BLOCK: usize = 128 << 20;

impl<A: Real> Rows for ArrayView2<'_, A> {
    type Value = A;

    fn dim(&self) -> (usize, usize) {
        ArrayView2::dim(self)
    }

    fn blocks(&self, each: &mut Each<'_, A>) -> Result<(), MeasureError> {
        let step = block_rows(size_of::<A>() * self.ncols(), BLOCK);
        let mut first = 0;
        for block in self.axis_chunks_iter(ndarray::Axis(0), step) {
            each(first, block)?;
            first += block.nrows();
        }
        Ok(())
    }

    fn pick(&self, places: &[(usize, usize)]) -> Result<Vec<f64>, MeasureError> {
        Ok(places.iter().map(|&at| self[at].into()).collect())
    }
}

/// What rows of probabilities must sum to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    /// At most one: some source classes may be left out.
    AtMostOne,
    /// One.
    One,
}

/// How far sums of single- and half-precision probabilities may stray.
const SLACK: f64 = 1e-3;
/// Rounding alone takes a whole conditional's probability no further out of `[0, 1]`.
const ROUNDING: f64 = 1e-6;

/// Sum, least and greatest number of a row.
pub(super) fn span<A: Real>(row: ndarray::ArrayView1<'_, A>) -> [f64; 3] {
    match row.to_slice() {
        Some(values) => simd::span(values),
        None => simd::span(&row.to_vec()),
    }
}

/// Fails on the first row that is no (sub-)probability; `first` is the number of the first row.
///
/// # Errors
/// [`MeasureError::NotFinite`], [`MeasureError::Unit`] and [`MeasureError::Sum`] with the row.
pub fn check<A: Real>(
    what: &'static str,
    block: ArrayView2<'_, A>,
    first: usize,
    sums: Sums,
) -> Result<(), MeasureError> {
    verify(what, block, first, sums, |row| span(block.row(row)))
}

/// The same where the spans of rows are known.
pub(super) fn verify<A: Real>(
    what: &'static str,
    block: ArrayView2<'_, A>,
    first: usize,
    sums: Sums,
    span: impl Fn(usize) -> [f64; 3] + Sync,
) -> Result<(), MeasureError> {
    let slack = if sums == Sums::One { ROUNDING } else { SLACK };
    let fault = |row: usize| {
        let whole = block.row(row);
        let [sum, low, high] = span(row);
        let within = low >= -slack && high <= 1.0 + slack;
        let right = match sums {
            Sums::AtMostOne => sum <= 1.0 + SLACK,
            Sums::One => (sum - 1.0).abs() <= SLACK,
        };
        if (within || whole.is_empty()) && right {
            return None;
        }
        // Something is wrong: now slowly, to say what and where.
        let row = row + first;
        for (column, &value) in whole.iter().enumerate() {
            let value: f64 = value.into();
            if !value.is_finite() {
                return Some(MeasureError::NotFinite {
                    what,
                    row,
                    column,
                    value,
                });
            }
            if !(-slack..=1.0 + slack).contains(&value) {
                return Some(MeasureError::Unit {
                    what,
                    row,
                    column,
                    found: value,
                });
            }
        }
        let expected = if sums == Sums::One {
            "1 ± 0.001"
        } else {
            "at most 1"
        };
        Some(MeasureError::Sum {
            what,
            row,
            expected,
            found: sum,
        })
    };
    match (0..block.nrows())
        .into_par_iter()
        .with_min_len(16)
        .find_map_first(fault)
    {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Some columns of all rows `[N, columns]`, each number at least [`FLOOR`] and at most one, checked
/// on the way if asked.
pub(super) fn gather<R: Rows>(
    rows: &R,
    columns: &[usize],
    sums: Option<Sums>,
) -> Result<Array2<f64>, MeasureError> {
    let out = Mutex::new(Array2::zeros((rows.dim().0, columns.len())));
    rows.blocks(&mut |first, block| {
        if let Some(sums) = sums {
            check("source probabilities", block, first, sums)?;
        }
        let mut out = out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut part = out.slice_mut(ndarray::s![first..first + block.nrows(), ..]);
        for (mut to, from) in part.outer_iter_mut().zip(block.outer_iter()) {
            for (to, &k) in to.iter_mut().zip(columns) {
                let p: f64 = from[k].into();
                *to = p.clamp(FLOOR, 1.0);
            }
        }
        Ok(())
    })?;
    Ok(out
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner()))
}
