//! What can go wrong in a run.

use crate::dataset::DatasetError;
use crate::feature::FeatureError;
use crate::files::bounded::Refused;
use crate::measure::MeasureError;
#[cfg(feature = "train")]
use crate::model::ModelError;
use crate::suite::ManifestError;
use crate::table::TableError;
#[cfg(feature = "train")]
use crate::transfer::TransferError;
use std::path::PathBuf;

/// An error of the run room.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Data could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A model could not be read or written.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Features could not be made, read or written.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// A measure refused its input.
    #[error("{what}: {source}")]
    Measure {
        /// Which measure of what.
        what: String,
        /// The measure's own error.
        source: MeasureError,
    },
    /// A stop was asked for.
    #[error("interrupted")]
    Interrupted,
    /// Training failed or was interrupted.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The folder cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process works in this folder.
    #[error("{path}: {holder} is working in this folder; wait for it or choose another --out")]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as it says.
        holder: String,
    },
    /// The folder is no longer where it was locked.
    #[error(
        "{path}: expected the folder that this process works in, found that it was moved or removed; what is written later has no place, start again where it is now"
    )]
    Moved {
        /// Where it was.
        path: PathBuf,
    },
    /// The folder holds a run with other settings.
    #[error(
        "{path}: this folder holds a run with other settings (first difference: {difference}); choose another --out, or --fresh to replace it"
    )]
    OtherSettings {
        /// The folder.
        path: PathBuf,
        /// The first setting (or, of a file that cannot be read, line) that differs.
        difference: String,
    },
    /// A result in the folder was made from something that has changed since.
    #[error(
        "{path}: made from other {name} (SHA-256 {was}…) than are there now ({is}…); --refresh makes anew what depends on them, --fresh everything, another --out keeps both"
    )]
    Stale {
        /// The result's record.
        path: PathBuf,
        /// What has changed.
        name: String,
        /// Start of its hash when the result was made.
        was: String,
        /// Start of its hash now.
        is: String,
    },
    /// A measure needs a model that the run no longer has.
    #[error(
        "{path}: expected the model of a finished transfer, found none: it was discarded; remove the folder it was in to train it again"
    )]
    Discarded {
        /// Where it was.
        path: PathBuf,
    },
    /// The folder holds files that are no run of ours.
    #[error("{path}: the folder is not empty and holds no run; choose another --out")]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// The settings of a run are no suite.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file or folder of a run is not what it should be.
    #[error("{path}: expected {expected}, found {found}")]
    Malformed {
        /// The file or folder.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A table could not be built, written or read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A method is not defined for a target.
    #[error("{cell}: not defined: {why}")]
    Undefined {
        /// Target, method and seed.
        cell: String,
        /// Why.
        why: String,
    },
    /// Parts of the suite do not fit each other.
    #[error("{what}: expected {expected}, found {found}")]
    Unfit {
        /// Which parts.
        what: String,
        /// What would fit.
        expected: String,
        /// What was found.
        found: String,
    },
}

impl RunError {
    /// Whether the run was asked to stop, rather than failed.
    pub fn is_interrupted(&self) -> bool {
        #[cfg(feature = "train")]
        if matches!(self, Self::Transfer(TransferError::Interrupted)) {
            return true;
        }
        matches!(self, Self::Interrupted)
    }
}

/// Names the measure in an error.
pub fn named(what: String) -> impl Fn(MeasureError) -> RunError {
    move |source| RunError::Measure {
        what: what.clone(),
        source,
    }
}

impl From<Refused> for RunError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Io { path, source } => Self::Io { path, source },
            Refused::Malformed {
                path,
                expected,
                found,
            } => Self::Malformed {
                path,
                expected,
                found,
            },
        }
    }
}
