//! What a measure refuses: every variant names the place, what was expected and what was found.

/// An error of a measure.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MeasureError {
    /// An input number is NaN or infinite.
    #[error("{what}: expected finite numbers, found {value} in row {row}, column {column}")]
    NotFinite {
        /// Which input.
        what: &'static str,
        /// Row of the first such number.
        row: usize,
        /// Column of the first such number.
        column: usize,
        /// The number.
        value: f64,
    },
    /// A row of features is zero where its direction is needed.
    #[error("{what}: expected vectors with a direction, found a zero vector in row {row}")]
    ZeroVector {
        /// Which input.
        what: &'static str,
        /// The row.
        row: usize,
    },
    /// Two inputs disagree in shape.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which input and which side of it.
        what: &'static str,
        /// The size demanded by the other inputs.
        expected: usize,
        /// The size found.
        found: usize,
    },
    /// A label is not a class.
    #[error("{what}: row {row}: expected a class below {classes}, found {found}")]
    Label {
        /// Which input.
        what: &'static str,
        /// Row of the label.
        row: usize,
        /// Number of classes.
        classes: usize,
        /// The label.
        found: usize,
    },
    /// Too few samples, features or classes for the measure to be defined.
    #[error("{what}: expected at least {expected}, found {found}")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Too few groups of a class: a class of one clip cannot both choose and be evaluated.
    #[error(
        "groups of class {class}: expected at least {expected}, found {found}: not enough groups"
    )]
    Groups {
        /// The class.
        class: usize,
        /// How many are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// More than the measure can take.
    #[error("{what}: expected at most {expected}, found {found}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A number is outside of `[0, 1]`, or a row of probabilities sums to more than one.
    #[error(
        "{what}: row {row}: expected probabilities in [0, 1] summing to at most 1, found {found}"
    )]
    Probability {
        /// Which input.
        what: &'static str,
        /// The row.
        row: usize,
        /// The offending number or sum.
        found: f64,
    },
    /// A probability is outside of `[0, 1]`.
    #[error("{what}: row {row}, column {column}: expected a number in [0, 1], found {found}")]
    Unit {
        /// Which input.
        what: &'static str,
        /// Row of the first such number.
        row: usize,
        /// Column of the first such number.
        column: usize,
        /// The number.
        found: f64,
    },
    /// A row of probabilities has the wrong sum.
    #[error("{what}: row {row}: expected a sum of {expected}, found {found}")]
    Sum {
        /// Which input.
        what: &'static str,
        /// The row.
        row: usize,
        /// The sum demanded.
        expected: &'static str,
        /// The sum found.
        found: f64,
    },
    /// Rows could not be read again.
    #[error("rows: expected to be read, found {found}")]
    Read {
        /// What the reader said.
        found: String,
    },
    /// A multi-hot target is neither zero nor one.
    #[error("{what}: row {row}, column {column}: expected 0 or 1, found {found}")]
    Binary {
        /// Which input.
        what: &'static str,
        /// Row of the first such number.
        row: usize,
        /// Column of the first such number.
        column: usize,
        /// The number.
        found: f64,
    },
    /// A target is zero where its size divides.
    #[error("targets: row {row}, channel {channel}: expected a number other than 0, found only 0")]
    ZeroTarget {
        /// Row of the sample.
        row: usize,
        /// Its channel; 0 where channels do not matter.
        channel: usize,
    },
    /// A distance is not positive: perhaps the padding of a map.
    #[error("targets: row {row}, distance {i}–{j}: expected a positive distance, found {found}")]
    Distance {
        /// Row of the map.
        row: usize,
        /// First residue.
        i: usize,
        /// Second residue.
        j: usize,
        /// The number.
        found: f64,
    },
    /// A setting is out of its range.
    #[error("{setting}: expected {expected}, found {found}")]
    Parameter {
        /// The setting's name.
        setting: &'static str,
        /// Its range.
        expected: String,
        /// The value given.
        found: String,
    },
    /// Someone asked to stop ([`interrupt`](super::interrupt)).
    #[error("interrupted before there was a result")]
    Interrupted,
    /// A routine for linear algebra gave up.
    #[error("{what}: expected a solution, found {found}")]
    Numerical {
        /// Which computation.
        what: &'static str,
        /// What the routine said.
        found: String,
    },
}

impl MeasureError {
    pub(crate) fn parameter(
        setting: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Parameter {
            setting,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// The same error of a batch that begins `rows` rows later in its set.
    pub(crate) fn rows_later(mut self, rows: usize) -> Self {
        match &mut self {
            Self::NotFinite { row, .. }
            | Self::ZeroVector { row, .. }
            | Self::Label { row, .. }
            | Self::Probability { row, .. }
            | Self::Unit { row, .. }
            | Self::Sum { row, .. }
            | Self::Binary { row, .. }
            | Self::ZeroTarget { row, .. }
            | Self::Distance { row, .. } => *row += rows,
            Self::Shape { .. }
            | Self::TooFew { .. }
            | Self::Groups { .. }
            | Self::TooMany { .. }
            | Self::Parameter { .. }
            | Self::Interrupted
            | Self::Read { .. }
            | Self::Numerical { .. } => {}
        }
        self
    }

    /// Fails unless `found` is equal to `expected`.
    pub(crate) fn same(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if found == expected {
            Ok(())
        } else {
            Err(Self::Shape {
                what,
                expected,
                found,
            })
        }
    }

    /// Fails unless `found` is at least `expected`.
    pub(crate) fn at_least(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if found < expected {
            Err(Self::TooFew {
                what,
                expected,
                found,
            })
        } else {
            Ok(())
        }
    }
}
