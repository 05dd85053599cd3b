//! What can be wrong with a suite file or a data manifest.

use std::path::PathBuf;

/// An error of the suite room.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Neither an embedded suite nor a file.
    #[error(
        "no suite {asked:?}: expected a TOML file or one of {known}{}",
        nearest(near)
    )]
    Unknown {
        /// What was asked for.
        asked: String,
        /// Names of the embedded suites.
        known: String,
        /// The nearest of them.
        near: Option<String>,
    },
    /// No manifest of that name.
    #[error("no dataset {asked:?}: expected one of {known}{}", nearest(near))]
    NoData {
        /// What was asked for.
        asked: String,
        /// Names of the manifests.
        known: String,
        /// The nearest of them.
        near: Option<String>,
    },
    /// A dataset names a reader that there is not.
    #[error(
        "{origin}: reader of {set}: expected one of {known}, found {asked:?}{}",
        nearest(near)
    )]
    NoReader {
        /// File or embedded name.
        origin: String,
        /// The dataset.
        set: String,
        /// What it asks for.
        asked: String,
        /// Names of the readers.
        known: String,
        /// The nearest of them.
        near: Option<String>,
    },
    /// The file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The text is no suite.
    #[error("{origin}: {message}{}", nearest(near))]
    Parse {
        /// File or embedded name.
        origin: String,
        /// What the parser says, with line and column.
        message: String,
        /// The nearest known key, for a misspelt one.
        near: Option<String>,
    },
    /// The text is a suite that cannot run.
    #[error("{origin}: {what}: expected {expected}, found {found}")]
    Invalid {
        /// File or embedded name.
        origin: String,
        /// Which key.
        what: String,
        /// What is possible.
        expected: String,
        /// What was given.
        found: String,
    },
}

fn nearest(near: &Option<String>) -> String {
    near.as_ref()
        .map(|n| format!(" (did you mean {n:?}?)"))
        .unwrap_or_default()
}
