//! Whether a file is the one that its manifest means.

use super::folder::Store;
use super::ledger::{First, Ledger};
use super::watched::{Progress, Watched};
use crate::dataset::DatasetError;
use crate::dataset::files::io;
use crate::files::checksum::Algorithm;
use crate::suite::data::{DataFile, DataManifest};
use std::fs::{self, File};
use std::path::Path;

/// What is known of a file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its publisher's checksum.
    Published {
        /// Which one.
        algorithm: Algorithm,
        /// Its SHA-256.
        sha256: String,
    },
    /// The same as when it was first seen; its publisher gives no checksum.
    Unchanged {
        /// When that was.
        since: String,
        /// Its SHA-256.
        sha256: String,
    },
    /// Checked for the first time, and remembered.
    First {
        /// Its SHA-256.
        sha256: String,
    },
    /// Nothing vouches for it: no checksum is published and it has no address of its own.
    Unvouched {
        /// Its SHA-256.
        sha256: String,
    },
    /// Not there by itself, or a folder, of which nothing can be checked.
    Absent,
}

impl Verdict {
    /// SHA-256 of the file.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Self::Published { sha256, .. }
            | Self::Unchanged { sha256, .. }
            | Self::First { sha256 }
            | Self::Unvouched { sha256 } => Some(sha256),
            Self::Absent => None,
        }
    }
}

/// Checks a file of a dataset; `progress` is called as it is read. Unless `again`, one that was checked and has not been changed since
/// (by size and time) is not read again.
///
/// # Errors
/// `Malformed` for another size, `Mismatch` for other bytes, `Io`.
pub fn verify(
    store: &Store,
    ledger: &Ledger,
    manifest: &DataManifest,
    file: &DataFile,
    again: bool,
    progress: Progress,
) -> Result<Verdict, DatasetError> {
    match store.find(manifest, file) {
        Some(path) if !file.folder => {
            verify_at(&path, ledger, manifest, file, (again, "import"), progress)
        }
        _ => Ok(Verdict::Absent),
    }
}

/// The same of a file at `path`, which came `from` somewhere if it is new.
pub(super) fn verify_at(
    path: &Path,
    ledger: &Ledger,
    manifest: &DataManifest,
    file: &DataFile,
    (again, from): (bool, &str),
    progress: Progress,
) -> Result<Verdict, DatasetError> {
    let metadata = fs::metadata(path).map_err(io(path))?;
    if let Some(expected) = file.bytes.filter(|&bytes| bytes != metadata.len()) {
        return Err(DatasetError::Malformed {
            path: path.into(),
            what: "size".into(),
            expected: format!("{expected} bytes"),
            found: format!("{} bytes", metadata.len()),
        });
    }
    let known = ledger.checked(path, &metadata).filter(|_| !again);
    let fresh = known.is_none();
    let mut digest = |algorithm: Algorithm| {
        let opened = File::open(path).map_err(io(path))?;
        algorithm
            .of(&mut Watched(opened, progress))
            .map_err(io(path))
    };
    let sha256 = match known {
        Some(sha256) => sha256,
        None => digest(Algorithm::Sha256)?,
    };
    let mismatch = |algorithm, expected: &str, by: String, found: &str| DatasetError::Mismatch {
        path: path.into(),
        algorithm,
        expected: expected.into(),
        by,
        found: found.into(),
    };
    let verdict = match file.checksum() {
        Some(expected) => {
            let algorithm = expected.algorithm;
            let found = match algorithm {
                Algorithm::Sha256 => sha256.clone(),
                // Checked before, and not changed since.
                _ if !fresh => expected.hex.clone(),
                weaker => digest(weaker)?,
            };
            if !expected.is(&found) {
                let by = format!("manifest {}", manifest.name);
                return Err(mismatch(algorithm, &expected.hex, by, &found));
            }
            Verdict::Published {
                algorithm,
                sha256: sha256.clone(),
            }
        }
        None if file.urls.is_empty() => Verdict::Unvouched {
            sha256: sha256.clone(),
        },
        None => match ledger.first(&manifest.name, &file.path)? {
            Some(first) if first.sha256 == sha256 => Verdict::Unchanged {
                since: first.seen,
                sha256: sha256.clone(),
            },
            Some(first) => {
                let by = format!(
                    "first seen {}, from {}; to accept another file, remove its entry from {}",
                    first.seen,
                    first.from,
                    ledger.path().display()
                );
                return Err(mismatch(Algorithm::Sha256, &first.sha256, by, &sha256));
            }
            None => {
                let first = First::now(sha256.clone(), metadata.len(), from);
                ledger.remember(&manifest.name, &file.path, first)?;
                Verdict::First {
                    sha256: sha256.clone(),
                }
            }
        },
    };
    if fresh {
        ledger.note(path, &metadata, &sha256);
    }
    Ok(verdict)
}
