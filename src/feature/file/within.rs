//! Bringing features within single precision, for measures that do not change by it: a shift and a scale of every
//! column for the probe, a shift and one factor for distances. Files of one task are moved alike, or
//! they would be moved apart.

use ndarray::Array2;

use super::Contents;
use super::contents::invalid;
use super::parts::Matrix;
use super::precision::{self, Columns};
use crate::feature::FeatureError;

impl Contents {
    /// Refuses NaN and infinity in features kept in double precision, with row and column.
    fn finite(&self) -> Result<(), FeatureError> {
        let Matrix::Double(values, _) = &self.features else {
            return Ok(());
        };
        match values.indexed_iter().find(|(_, v)| !v.is_finite()) {
            None => Ok(()),
            Some(((row, column), &value)) => {
                let value = value as f32;
                Err(invalid(
                    &self.path,
                    FeatureError::NotFinite { row, column, value },
                ))
            }
        }
    }

    fn take_matrix(&mut self) -> Matrix {
        std::mem::replace(&mut self.features, Matrix::Single(Array2::zeros((0, 0))))
    }

    /// Brings the features of one task within single precision for a measure that does not change by a shift
    /// (and, with `scale`, a scale) of every column: all files are shifted by the means of the first and
    /// divided by its deviations, in double precision.
    ///
    /// # Errors
    /// NaN or infinity; columns that a shift alone does not bring within.
    pub fn bring_within(all: &mut [Self], scale: bool) -> Result<(), FeatureError> {
        all.iter().try_for_each(Self::finite)?;
        let Some(first) = all.first_mut() else {
            return Ok(());
        };
        let base = first.take_matrix().into_double();
        let columns = Columns::of(base.view());
        first.features = Matrix::Double(base, None);
        for (i, contents) in all.iter_mut().enumerate() {
            let mut matrix = contents.take_matrix().into_double();
            // Another number of columns is refused by the measure, in its words.
            if matrix.ncols() == columns.len() {
                columns.centre(&mut matrix, i == 0);
                if scale {
                    columns.scale(&mut matrix);
                }
            }
            let beyond = (!scale)
                .then(|| precision::matrix_beyond(matrix.view()))
                .flatten();
            contents.features = Matrix::Single(matrix.mapv(|v| v as f32));
            if let Some(beyond) = beyond {
                return Err(contents.refused(beyond));
            }
        }
        Ok(())
    }

    /// Brings the features within single precision for a measure of distances alone, up to one factor: columns
    /// are shifted by their means, all divided by the largest deviation.
    ///
    /// # Errors
    /// NaN or infinity.
    pub fn bring_distances_within(&mut self) -> Result<(), FeatureError> {
        self.finite()?;
        let mut matrix = self.take_matrix().into_double();
        let columns = Columns::of(matrix.view());
        columns.centre(&mut matrix, true);
        let unit = columns.largest();
        let unit = if unit > 0.0 { unit } else { 1.0 };
        self.features = Matrix::Single(matrix.mapv(|v| (v / unit) as f32));
        Ok(())
    }
}
