//! Labelled feature rows as the measures take them: a borrowed, checked view.
//!
//! A measure does not care where features come from. [`Samples`] borrows a matrix in single or
//! double precision and its labels. What every measure demands (finite numbers, labels that are
//! classes) is checked here, once.

use ndarray::{Array2, ArrayView2};

use super::MeasureError;

/// The floating-point types that features come in.
pub trait Real: Copy + Send + Sync + Into<f64> + 'static {}
impl Real for f32 {}
impl Real for f64 {}

/// Features `[N, D]` with labels `[N]` in `0..classes`, all finite.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a, A: Real = f32> {
    features: ArrayView2<'a, A>,
    labels: &'a [usize],
    classes: usize,
}

impl<'a, A: Real> Samples<'a, A> {
    /// Checks the parts against each other.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] unless there is one label per row, [`MeasureError::NotFinite`]
    /// with row and column, [`MeasureError::Label`] for a label outside `0..classes`.
    pub fn new(
        features: ArrayView2<'a, A>,
        labels: &'a [usize],
        classes: usize,
    ) -> Result<Self, MeasureError> {
        check_labels("labels", labels, features.nrows(), classes)?;
        check_finite("features", features)?;
        Ok(Self {
            features,
            labels,
            classes,
        })
    }

    /// The same of parts that have passed these checks before.
    pub(crate) fn checked(
        features: ArrayView2<'a, A>,
        labels: &'a [usize],
        classes: usize,
    ) -> Self {
        debug_assert!(check_labels("labels", labels, features.nrows(), classes).is_ok());
        Self {
            features,
            labels,
            classes,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of features.
    pub fn dim(&self) -> usize {
        self.features.ncols()
    }

    /// Number of declared classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The features.
    pub fn features(&self) -> ArrayView2<'a, A> {
        self.features
    }

    /// The labels.
    pub fn labels(&self) -> &'a [usize] {
        self.labels
    }

    /// How many samples each declared class has.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        self.labels.iter().for_each(|&l| counts[l] += 1);
        counts
    }
}

/// Fails on the first NaN or infinity, with its row and column.
pub fn check_finite<A: Real>(
    what: &'static str,
    matrix: ArrayView2<'_, A>,
) -> Result<(), MeasureError> {
    for (row, values) in matrix.outer_iter().enumerate() {
        let wrong = |&&v: &&A| !v.into().is_finite();
        // By iterators of slices: a matrix's own indices cost several times the check.
        if let Some((column, &value)) = values.iter().enumerate().find(|(_, v)| wrong(v)) {
            return Err(MeasureError::NotFinite {
                what,
                row,
                column,
                value: value.into(),
            });
        }
    }
    Ok(())
}

/// Fails unless there are `rows` labels, all below `classes`.
pub fn check_labels(
    what: &'static str,
    labels: &[usize],
    rows: usize,
    classes: usize,
) -> Result<(), MeasureError> {
    if labels.len() != rows {
        return Err(MeasureError::Shape {
            what,
            expected: rows,
            found: labels.len(),
        });
    }
    match labels.iter().enumerate().find(|&(_, &l)| l >= classes) {
        Some((row, &found)) => Err(MeasureError::Label {
            what,
            row,
            classes,
            found,
        }),
        None => Ok(()),
    }
}

/// A matrix in double precision, row-major in memory however it came: sums along rows are then the same bits.
pub fn doubles<A: Real>(matrix: ArrayView2<'_, A>) -> Array2<f64> {
    let mut out = Array2::zeros(matrix.dim());
    out.zip_mut_with(&matrix, |to, &from| *to = from.into());
    out
}

/// Rows scaled to unit length, and which rows those are.
pub struct Directions {
    /// The rows that have a direction, of unit length, in double precision.
    pub unit: Array2<f64>,
    /// Their places among all rows, ascending.
    pub kept: Vec<usize>,
    /// The places of rows that are all zero, such as a sample of which no unit fires: ascending.
    pub left_out: Vec<usize>,
}

/// The rows that have a direction, scaled to unit length.
pub fn directions<A: Real>(matrix: ArrayView2<'_, A>) -> Directions {
    let zero = |row: &usize| matrix.row(*row).iter().all(|&v| v.into() == 0.0);
    let (left_out, kept): (Vec<usize>, Vec<usize>) = (0..matrix.nrows()).partition(zero);
    let mut unit = if left_out.is_empty() {
        doubles(matrix)
    } else {
        doubles(matrix.select(ndarray::Axis(0), &kept).view())
    };
    for mut values in unit.outer_iter_mut() {
        // Scaling by the largest entry first keeps squares from under- or overflowing.
        let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        values.mapv_inplace(|v| v / largest);
        let norm = values.dot(&values).sqrt();
        values.mapv_inplace(|v| v / norm);
    }
    Directions {
        unit,
        kept,
        left_out,
    }
}
