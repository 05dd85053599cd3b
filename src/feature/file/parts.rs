//! The parts of a features file, as the readers of formats find them and before they are checked against each
//! other ([`Contents`](super::Contents)).

use ndarray::Array2;

use super::choice::LabelsFound;
use super::precision::Beyond;
use crate::files::column::Column;

/// Whether wide numbers are kept wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Single precision, where it loses nothing that matters.
    Single,
    /// Doubles and wide integers stay in double precision.
    Wide,
}

/// The features, in the precision that they need.
#[derive(Debug, Clone, PartialEq)]
pub enum Matrix {
    /// Single precision.
    Single(Array2<f32>),
    /// Double precision, and the column that needs it most, if one does.
    Double(Array2<f64>, Option<Beyond>),
}

impl Matrix {
    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Single(values) => values.dim(),
            Self::Double(values, _) => values.dim(),
        }
    }

    /// The same numbers in double precision.
    pub fn into_double(self) -> Array2<f64> {
        match self {
            Self::Single(values) => values.mapv(f64::from),
            Self::Double(values, _) => values,
        }
    }
}

/// The parts as a format's reader finds them.
#[derive(Default)]
pub(super) struct Parts {
    pub labels: Option<Column>,
    pub found: LabelsFound,
    pub class_names: Option<Vec<String>>,
    pub ids: Option<Column>,
    pub groups: Option<Column>,
    pub told: Vec<String>,
}
