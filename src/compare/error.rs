//! What can go wrong in a comparison.

use crate::feature::FeatureError;
use crate::files::bounded::Refused;
use crate::measure::MeasureError;
use crate::run::RunError;
use crate::suite::ManifestError;
use crate::table::TableError;
use std::path::PathBuf;

/// An error of a comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A run whose encoders are compared cannot be read, the folder cannot be locked, or a stop was asked for.
    #[error(transparent)]
    Run(Box<RunError>),
    /// The settings of such a run are no suite.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Features could not be read.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// A table could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A measure refused its input.
    #[error("{what}: {source}")]
    Measure {
        /// Which measure of what.
        what: String,
        /// The measure's own error.
        source: MeasureError,
    },
    /// The folder cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file or folder is not what it should be.
    #[error("{path}: expected {expected}, found {found}")]
    Malformed {
        /// The file or folder.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Encoders, samples or folders do not fit each other.
    #[error("{what}: expected {expected}, found {found}")]
    Unfit {
        /// What does not fit.
        what: String,
        /// What would fit.
        expected: String,
        /// What was found.
        found: String,
    },
}

impl CompareError {
    /// Whether the comparison was asked to stop, rather than failed.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Run(error) if error.is_interrupted())
    }
}

/// Names the measure in an error.
pub(super) fn named(what: String) -> impl Fn(MeasureError) -> CompareError {
    move |source| CompareError::Measure {
        what: what.clone(),
        source,
    }
}

impl From<RunError> for CompareError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<Refused> for CompareError {
    fn from(refused: Refused) -> Self {
        RunError::from(refused).into()
    }
}
