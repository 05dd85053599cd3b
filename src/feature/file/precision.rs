//! What single precision loses of wider numbers, column by column, and how they are brought into its range
//! where a measure does not change by that.
//!
//! Features are taken in single precision. Time stamps, counts and units of 1e-50 have no contents left
//! there, and a plausible wrong number would follow. A column is beyond single precision if rounding moves
//! a value by more than a thousandth of the column's standard deviation, if a value turns infinite, or if
//! no value reaches the smallest normal number. Constant columns lose
//! nothing.

use ndarray::{Array2, ArrayView2, Axis};

use crate::files::Array;

/// A column that single precision cannot hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beyond {
    /// Its place, from 0.
    pub column: usize,
    /// Largest rounding as a share of the column's deviation; infinite for values out of range.
    pub share: f64,
}

impl std::fmt::Display for Beyond {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.share {
            share if share.is_finite() => {
                write!(f, "a rounding of {share:.2} of the column's deviation")
            }
            _ => f.write_str("values out of its range"),
        }
    }
}

/// Rounding by more than this share of a column's deviation is refused.
const SHARE: f64 = 1e-3;

/// What is known of columns while their numbers come by.
pub(super) struct Rounding {
    rows: usize,
    columns: usize,
    /// Numbers come column after column.
    fortran: bool,
    /// Numbers seen.
    seen: usize,
    /// The first number of each column: sums are of the distances to it.
    first: Vec<f64>,
    sum: Vec<f64>,
    square: Vec<f64>,
    rounding: Vec<f64>,
    largest: Vec<f64>,
}

impl Rounding {
    pub fn new(rows: usize, columns: usize, fortran: bool) -> Self {
        let zeros = || vec![0.0; columns];
        Self {
            rows,
            columns,
            fortran,
            seen: 0,
            first: zeros(),
            sum: zeros(),
            square: zeros(),
            rounding: zeros(),
            largest: zeros(),
        }
    }

    /// The next numbers, in the order of the file.
    pub fn add(&mut self, mut values: &[f64]) {
        while !values.is_empty() && self.columns > 0 && self.rows > 0 {
            // To the end of the row, or of the column, in one go.
            let length = if self.fortran {
                self.rows
            } else {
                self.columns
            };
            let at = self.seen % length;
            let (part, rest) = values.split_at(values.len().min(length - at));
            let line = self.seen / length;
            if self.fortran {
                self.add_column(line, at == 0, part);
            } else {
                self.add_row(at, line == 0, part);
            }
            self.seen += part.len();
            values = rest;
        }
    }

    /// Numbers of one row, from column `from` on.
    fn add_row(&mut self, from: usize, is_first: bool, values: &[f64]) {
        let part = from..from + values.len();
        if is_first {
            self.first[part.clone()].copy_from_slice(values);
        }
        let first = &self.first[part.clone()];
        let sums = self.sum[part.clone()].iter_mut();
        let squares = &mut self.square[part.clone()];
        for (((value, first), sum), square) in values.iter().zip(first).zip(sums).zip(squares) {
            let off = value - first;
            *sum += off;
            *square += off * off;
        }
        let roundings = self.rounding[part.clone()].iter_mut();
        let largest = &mut self.largest[part];
        for ((value, rounding), largest) in values.iter().zip(roundings).zip(largest) {
            *rounding = (value - f64::from(*value as f32)).abs().max(*rounding);
            *largest = value.abs().max(*largest);
        }
    }

    /// Numbers of one column.
    fn add_column(&mut self, column: usize, is_first: bool, values: &[f64]) {
        if let (true, Some(&value)) = (is_first, values.first()) {
            self.first[column] = value;
        }
        let first = self.first[column];
        for value in values {
            let off = value - first;
            self.sum[column] += off;
            self.square[column] += off * off;
            let rounding = (value - f64::from(*value as f32)).abs();
            self.rounding[column] = rounding.max(self.rounding[column]);
            self.largest[column] = value.abs().max(self.largest[column]);
        }
    }

    /// The column that loses most, if one loses too much.
    pub fn verdict(&self) -> Option<Beyond> {
        let n = self.rows as f64;
        let beyond = (0..self.columns).filter_map(|column| {
            let beyond = |share| Some(Beyond { column, share });
            if self.rounding[column].is_infinite() {
                return beyond(f64::INFINITY);
            }
            let off = self.sum[column] / n;
            let mean = self.first[column] + off;
            if !mean.is_finite() {
                // NaN and infinity are refused elsewhere, with their row.
                return None;
            }
            let variance = (self.square[column] / n - off * off).max(0.0);
            if is_constant(variance.sqrt(), mean) {
                return None;
            }
            let share = self.rounding[column] / variance.sqrt();
            if share > SHARE {
                return beyond(share);
            }
            (self.largest[column] < f64::from(f32::MIN_POSITIVE)).then_some(Beyond {
                column,
                share: f64::INFINITY,
            })
        });
        beyond.max_by(|a, b| a.share.total_cmp(&b.share).then(b.column.cmp(&a.column)))
    }
}

/// Whether a column only varies by the rounding of double precision itself. scikit-learn's rule
/// (`_is_constant_feature`) grows with the number of rows and takes 1e15 + 40·x for a constant; distances
/// to the first value are exact enough to tell it apart.
fn is_constant(deviation: f64, mean: f64) -> bool {
    deviation <= 4.0 * f64::EPSILON * mean.abs()
}

/// The column of an array `[N, D]` of a file that single precision cannot hold; read block by block.
pub(super) fn beyond(array: &Array<'_>) -> Option<Beyond> {
    let layout = array.layout();
    let &[rows, columns] = layout.shape.as_slice() else {
        return None;
    };
    if rows == 0 || columns == 0 || !layout.element.is_wide() {
        return None;
    }
    let mut rounding = Rounding::new(rows, columns, layout.fortran);
    array.doubles(|values| rounding.add(values));
    rounding.verdict()
}

/// The same of a matrix in memory.
pub fn matrix_beyond(matrix: ArrayView2<'_, f64>) -> Option<Beyond> {
    let mut rounding = Rounding::new(matrix.nrows(), matrix.ncols(), false);
    for row in matrix.outer_iter() {
        match row.as_slice() {
            Some(values) => rounding.add(values),
            None => rounding.add(&row.to_vec()),
        }
    }
    rounding.verdict()
}

/// Shift and scale of columns.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// The first value: distances to it are exact where values lie near each other.
    first: Vec<f64>,
    /// Mean of the distances to the first value.
    off: Vec<f64>,
    /// Standard deviation; 0 for constant columns.
    deviation: Vec<f64>,
}

impl Columns {
    /// Mean and standard deviation over the rows, in two passes, safe from overflow.
    pub fn of(matrix: ArrayView2<'_, f64>) -> Self {
        let n = matrix.nrows().max(1) as f64;
        let of = |column: ndarray::ArrayView1<'_, f64>| {
            let first = column.first().copied().unwrap_or(0.0);
            let off = column.iter().map(|v| (v - first) / n).sum::<f64>();
            let distance = |v: &f64| (v - first) - off;
            let most = column.iter().map(|v| distance(v).abs()).fold(0.0, f64::max);
            if most == 0.0 {
                return (first, off, 0.0);
            }
            let square = column.iter().map(|v| (distance(v) / most).powi(2));
            let deviation = most * (square.sum::<f64>() / n).sqrt();
            let constant = is_constant(deviation, first + off);
            (first, off, if constant { 0.0 } else { deviation })
        };
        let mut columns = Self {
            first: Vec::new(),
            off: Vec::new(),
            deviation: Vec::new(),
        };
        for (first, off, deviation) in matrix.axis_iter(Axis(1)).map(of) {
            columns.first.push(first);
            columns.off.push(off);
            columns.deviation.push(deviation);
        }
        columns
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// The largest deviation.
    pub fn largest(&self) -> f64 {
        self.deviation.iter().copied().fold(0.0, f64::max)
    }

    /// Subtracts the means; constant columns of the matrix that these are of (`own`) become 0, not the
    /// rounding that is left of them.
    pub fn centre(&self, matrix: &mut Array2<f64>, own: bool) {
        for (i, mut column) in matrix.axis_iter_mut(Axis(1)).enumerate().take(self.len()) {
            if own && self.deviation[i] == 0.0 {
                column.fill(0.0);
            } else {
                column.mapv_inplace(|v| (v - self.first[i]) - self.off[i]);
            }
        }
    }

    /// Divides centred columns by their deviations; constant ones stay.
    pub fn scale(&self, matrix: &mut Array2<f64>) {
        for (mut column, &deviation) in matrix.axis_iter_mut(Axis(1)).zip(&self.deviation) {
            if deviation > 0.0 {
                column.mapv_inplace(|v| v / deviation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: impl Fn(usize) -> f64) -> Array2<f64> {
        // Column 1 is well behaved.
        Array2::from_shape_fn((50, 2), |(i, j)| match j {
            0 => of(i * 7 % 13),
            _ => (i % 5) as f64,
        })
    }

    #[test]
    fn columns_beyond_single_precision_are_told_from_those_within() {
        let within: [&dyn Fn(usize) -> f64; 7] = [
            &|i| i as f64 / 7.0,
            &|i| 1e4 + i as f64,
            &|i| 1e-30 * i as f64,
            &|i| 1e37 * i as f64,
            &|_| 0.1,
            &|_| 1e-50,
            &|i| 0.1 + 1e-19 * i as f64,
        ];
        for (case, of) in within.iter().enumerate() {
            assert_eq!(matrix_beyond(values(of).view()), None, "case {case}");
        }
        let beyond: [&dyn Fn(usize) -> f64; 7] = [
            &|i| 1.7e9 + i as f64,
            &|i| 1e7 + i as f64 / 10.0,
            &|i| 1e-50 * i as f64,
            &|i| 1e39 * i as f64,
            &|_| 1e300,
            &|i| 1e-41 * i as f64,
            &|i| 0.1 + 1e-9 * i as f64,
        ];
        for (case, of) in beyond.iter().enumerate() {
            let found = matrix_beyond(values(of).view()).expect("beyond");
            assert_eq!(found.column, 0, "case {case}");
            // In the other order of the file's numbers the same is found.
            let matrix = values(of);
            let mut rounding = Rounding::new(50, 2, true);
            rounding.add(&matrix.t().iter().copied().collect::<Vec<_>>());
            assert_eq!(rounding.verdict().expect("beyond").column, 0, "case {case}");
        }
    }

    #[test]
    fn centred_and_scaled_columns_have_mean_0_and_deviation_1_at_any_scale() {
        for (offset, unit) in [(1.7e9, 1.0), (0.0, 1e-50), (0.0, 1e300), (-3e15, 40.0)] {
            let mut matrix = values(|i| offset + unit * i as f64);
            let columns = Columns::of(matrix.view());
            columns.centre(&mut matrix, true);
            columns.scale(&mut matrix);
            let again = Columns::of(matrix.view());
            let mean = again.first[0] + again.off[0];
            assert!(mean.abs() < 1e-6 && (again.deviation[0] - 1.0).abs() < 1e-6);
        }
        let mut constant = Array2::from_elem((30, 1), 0.1);
        let columns = Columns::of(constant.view());
        columns.centre(&mut constant, true);
        assert!(constant.iter().all(|&v| v == 0.0));
        let mut other = Array2::from_elem((2, 1), 5.1);
        columns.centre(&mut other, false);
        columns.scale(&mut other);
        assert!(other.iter().all(|v| (v - 5.0).abs() < 1e-12));
    }
}
