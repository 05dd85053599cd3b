//! Cosines of embeddings, each distinct one once, block by block.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};

use crate::measure::MeasureError;
use crate::measure::linalg::product::product;
use crate::measure::samples::{Real, check_finite, directions};

/// Embeddings of length one; equal rows are one row.
pub(super) struct Distinct {
    unit: Array2<f64>,
    /// The row of every embedding.
    of: Vec<usize>,
}

impl Distinct {
    pub fn new<A: Real>(
        what: &'static str,
        embeddings: ArrayView2<'_, A>,
    ) -> Result<Self, MeasureError> {
        check_finite(what, embeddings)?;
        let found = directions(embeddings);
        if let Some(&row) = found.left_out.first() {
            return Err(MeasureError::ZeroVector { what, row });
        }
        let (mut alike, mut first) = (HashMap::<u64, Vec<usize>>::new(), Vec::new());
        let mut of = Vec::with_capacity(found.unit.nrows());
        for (at, row) in found.unit.outer_iter().enumerate() {
            let mut hash = DefaultHasher::new();
            // Negative zero is zero.
            row.iter().for_each(|v| hash.write_u64((v + 0.0).to_bits()));
            let alike = alike.entry(hash.finish()).or_default();
            let known = alike
                .iter()
                .find(|&&number| found.unit.row(first[number]) == row);
            let number = known.copied().unwrap_or_else(|| {
                first.push(at);
                alike.push(first.len() - 1);
                first.len() - 1
            });
            of.push(number);
        }
        let unit = match first.len() == of.len() {
            true => found.unit,
            false => found.unit.select(Axis(0), &first),
        };
        Ok(Self { unit, of })
    }

    /// Embeddings, equal ones counted each.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Cosines of some of these with all others `[rows, M]`.
    pub fn against(&self, others: &Self, rows: Range<usize>) -> Array2<f64> {
        let own = self.unit.select(Axis(0), &self.of[rows]);
        let mut cosines = Array2::zeros((own.nrows(), others.unit.nrows()));
        // From the side of the distinct ones: a row's cosines do not depend on which others are in its block.
        product(own.view(), others.unit.t(), false, cosines.view_mut());
        match others.unit.nrows() == others.of.len() {
            true => cosines,
            false => cosines.select(Axis(1), &others.of),
        }
    }
}

/// Some rows of a matrix.
pub(super) fn rows(scores: ArrayView2<'_, f64>, rows: Range<usize>) -> Array2<f64> {
    scores.slice(s![rows, ..]).to_owned()
}
