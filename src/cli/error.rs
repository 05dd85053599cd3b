//! Everything that can end a command, and the exit code it ends with.

use crate::compare::CompareError;
use crate::dataset::DatasetError;
use crate::feature::FeatureError;
use crate::figure::FigureError;
use crate::measure::MeasureError;
#[cfg(feature = "train")]
use crate::model::ModelError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::suite::ManifestError;
#[cfg(feature = "train")]
use crate::transfer::TransferError;
use std::path::{Path, PathBuf};

/// An error as the user sees it.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[cfg(feature = "train")]
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Feature(#[from] FeatureError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Compare(#[from] CompareError),
    #[error(transparent)]
    Figure(#[from] FigureError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[cfg(feature = "train")]
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A file that the command reads or writes.
    #[error("{path}: {}", crate::files::said(source))]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    /// What a measure refused, and the file that it refused it of.
    #[error("{path}: {source}")]
    Measure { path: PathBuf, source: MeasureError },
    /// Transfers that failed; the rest of the run is whole.
    #[error(
        "{count} transfers failed, the first: {first}; the others are in {report}; {again}", report = report.display()
    )]
    Failed {
        count: usize,
        first: String,
        report: PathBuf,
        /// How they are tried again.
        again: &'static str,
    },
    /// A cell that could not be done now.
    #[error("{cell}: {why}; try again later")]
    Requeue { cell: String, why: String },
    /// A program of the cluster that did not do as asked.
    #[error("{program}: {said}")]
    Cluster { program: String, said: String },
    /// Another error, and the way out of it.
    #[error("{source}; {hint}")]
    Hint {
        source: Box<CliError>,
        hint: &'static str,
    },
    /// Processes of a sweep over several devices that failed.
    #[error(
        "the sweep failed on {devices}; what it said is above, finished cells are kept and the same command continues"
    )]
    Worker { devices: String },
    /// An argument that is well-formed but cannot be used.
    #[error("{what}: expected {expected}, found {found}")]
    Usage {
        what: String,
        expected: String,
        found: String,
    },
}

impl CliError {
    /// Turns a measure's refusal into ours: a setting is an argument, anything else is about `path`.
    pub fn of_measure(path: &Path) -> impl Fn(MeasureError) -> Self {
        let path = path.to_owned();
        move |source| match source {
            MeasureError::Parameter {
                setting,
                expected,
                found,
            } => Self::Usage {
                what: format!("--{setting}"),
                expected,
                found,
            },
            source => Self::Measure {
                path: path.clone(),
                source,
            },
        }
    }

    /// 1 the work failed, 2 wrong usage, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Run(error) if error.is_interrupted() => 130,
            Self::Compare(error) if error.is_interrupted() => 130,
            #[cfg(feature = "train")]
            Self::Transfer(TransferError::Interrupted) => 130,
            #[cfg(feature = "train")]
            Self::Model(ModelError::Device { .. }) => 2,
            Self::Requeue { .. } => 130,
            Self::Hint { source, .. } => source.exit_code(),
            Self::Usage { .. } | Self::Manifest(_) => 2,
            _ => 1,
        }
    }
}
