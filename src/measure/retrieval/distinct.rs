//! Embeddings of length one, each distinct one once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use ndarray::{Array2, ArrayView2, Axis};

use crate::measure::MeasureError;
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

    /// Width of the vectors.
    pub fn width(&self) -> usize {
        self.unit.ncols()
    }

    /// An embedding, of length one.
    pub fn row(&self, index: usize) -> &[f64] {
        let width = self.width();
        let from = self.of[index] * width;
        // Rows lie one behind the other.
        self.unit
            .as_slice()
            .map_or(&[], |all| &all[from..from + width])
    }

    /// All embeddings in single precision, equal ones each.
    pub fn single(&self) -> Array2<f32> {
        let mut all = Array2::zeros((self.len(), self.width()));
        for (mut to, from) in all.outer_iter_mut().zip(&self.of) {
            to.zip_mut_with(&self.unit.row(*from), |to, from| *to = *from as f32);
        }
        all
    }
}
