//! What can be wrong with features, in memory and on disk: every variant names the place, what
//! was expected and what was found.

use std::path::{Path, PathBuf};

/// An error of a feature set or of its file.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// Two parts of a set disagree in length.
    #[error("{what}: expected {expected}, found {found}")]
    Length {
        /// Which part.
        what: &'static str,
        /// The length that the features demand.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// A feature is NaN or infinite.
    #[error("features: expected finite numbers, found {value} in row {row}, column {column}")]
    NotFinite {
        /// Row of the first such feature.
        row: usize,
        /// Column of the first such feature.
        column: usize,
        /// The value itself.
        value: f32,
    },
    /// A number of a text's embedding is NaN or infinite.
    #[error("text_features: expected finite numbers, found {value} in row {row}, column {column}")]
    TextNotFinite {
        /// Row of the first such number.
        row: usize,
        /// Column of the first such number.
        column: usize,
        /// The number itself.
        value: f32,
    },
    /// Numbers of a column that single precision cannot hold.
    #[error(
        "{path}: features, column {column}: expected numbers that single precision tells apart, found them \
         beyond single precision: {found}; centre or rescale the columns first, as X - X.mean(0)"
    )]
    Beyond {
        /// The file.
        path: PathBuf,
        /// The column that loses most.
        column: usize,
        /// What it loses.
        found: String,
    },
    /// A label does not index the class names.
    #[error("labels: row {row}: expected a class below {classes}, found {found}")]
    Label {
        /// Row of the label.
        row: usize,
        /// Number of classes.
        classes: usize,
        /// The label.
        found: usize,
    },
    /// More than an export holds.
    #[error(
        "{what}: expected at most {most} {unit}, found {found}; --samples N takes a balanced part"
    )]
    TooLarge {
        /// Which set.
        what: String,
        /// The most that is written.
        most: usize,
        /// Of what.
        unit: &'static str,
        /// How many there are.
        found: usize,
    },
    /// The file's ending names no format that we read or write.
    #[error("{path}: expected a file ending in .safetensors, .npz or .parquet, found {found:?}")]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its ending.
        found: String,
    },
    /// The contents are not what the format says.
    #[error("{path}: {what}: expected {expected}, found {found}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which property is wrong.
        what: String,
        /// What the format demands.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The operating system refused.
    #[error("{path}: {}", crate::files::said(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The samples themselves could not be read.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
    /// The file is well formed, but the set in it is not.
    #[error("{path}: {source}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with the set.
        source: Box<FeatureError>,
    },
}

impl FeatureError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn malformed(
        path: &Path,
        what: impl Into<String>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}
