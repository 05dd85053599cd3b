//! What can be wrong with data: every variant names the place, what was expected and what was found.

use crate::files::checksum::Algorithm;
use std::path::PathBuf;

/// An error of a dataset reader.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file that the reader needs is absent.
    #[error("{set}: missing file {path}; {hint}")]
    Missing {
        /// Reader or set name.
        set: String,
        /// Where the file was expected.
        path: PathBuf,
        /// How to get it.
        hint: String,
    },
    /// A file exists but its contents are not what the format says.
    #[error("{path}: {what}: expected {expected}, found {found}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which property is wrong (byte count, label, header…).
        what: String,
        /// What the format demands.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// A file is not the one that its publisher, or its first use here, vouches for.
    #[error("{path}: expected {algorithm} {expected} ({by}), found {found}")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The hash function.
        algorithm: Algorithm,
        /// The digest that it should have.
        expected: String,
        /// Who says so.
        by: String,
        /// The digest that it has.
        found: String,
    },
    /// No address served a file.
    #[error("{set}: {file}: no address served it: {found}; {hint}")]
    Unobtainable {
        /// Dataset name.
        set: String,
        /// Its file.
        file: String,
        /// What every address answered.
        found: String,
        /// What can be done.
        hint: String,
    },
    /// There is no room for a download.
    #[error("{path}: expected {expected} bytes of free disk, found {found}")]
    Full {
        /// The folder.
        path: PathBuf,
        /// Bytes needed.
        expected: u64,
        /// Bytes free.
        found: u64,
    },
    /// The operating system refused to read.
    #[error("{path}: {}", crate::files::system(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Reading a sample panicked: a fault of the program, never a shorter epoch.
    #[error(
        "reading samples: expected a batch, found a fault of modalign ({found}); please report it"
    )]
    Failed {
        /// What the panic said.
        found: String,
    },
    /// A manifest asks for something that the reader cannot give.
    #[error("{set}: {what}: expected {expected}, found {found}")]
    Unsatisfiable {
        /// Reader or set name.
        set: String,
        /// Which setting.
        what: String,
        /// What is possible.
        expected: String,
        /// What was asked.
        found: String,
    },
}
