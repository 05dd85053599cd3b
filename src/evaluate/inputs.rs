//! What the feature room holds, as measures take it.

use crate::feature::FeatureSet;
use crate::feature::file::{Blocks, Number};
use crate::measure::discrepancy::Rows;
use crate::measure::discrepancy::stream::{BLOCK, Each, block_rows};
use crate::measure::{MeasureError, Real, Samples};

impl<'a> From<&'a FeatureSet> for Samples<'a, f32> {
    fn from(set: &'a FeatureSet) -> Self {
        // Its constructor asks for finite features and for labels below the number of classes.
        Self::checked(set.features(), set.labels(), set.classes())
    }
}

impl<A: Real + Number> Rows for Blocks<A> {
    type Value = A;

    fn dim(&self) -> (usize, usize) {
        Blocks::dim(self)
    }

    fn blocks(&self, each: &mut Each<'_, A>) -> Result<(), MeasureError> {
        let rows = block_rows(size_of::<A>() * self.dim().1, BLOCK);
        self.read(rows, unreadable, each)
    }

    fn pick(&self, places: &[(usize, usize)]) -> Result<Vec<f64>, MeasureError> {
        let found = Blocks::pick(self, places).map_err(unreadable)?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}

fn unreadable(error: std::io::Error) -> MeasureError {
    MeasureError::Read {
        found: error.to_string(),
    }
}
