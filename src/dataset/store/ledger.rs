//! The lock file of data: SHA-256 of files whose publisher gives no checksum, as they were when they
//! were first seen, and which files on this machine have been checked since they were last changed.

use crate::dataset::DatasetError;
use crate::dataset::files::io;
use crate::files::atomic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Largest lock file that is believed.
const LARGEST: u64 = 64 << 20;

/// What is known of files beyond the manifests.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Contents {
    /// By dataset and path: the same on every machine.
    first: BTreeMap<String, First>,
    /// By path on this machine.
    checked: BTreeMap<String, Checked>,
}

/// A file as it was when it was first seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct First {
    /// Its SHA-256.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// When that was (RFC 3339).
    pub seen: String,
    /// The address that it came from, or `import`.
    pub from: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Checked {
    sha256: String,
    bytes: u64,
    /// Nanoseconds since 1970, as text: TOML's integers end at 2^63.
    modified: String,
}

impl Ledger {
    /// That of the user, in the cache.
    pub fn of_user() -> Self {
        Self::at(super::cache::cache().join("data.lock.toml"))
    }

    /// Another one.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a file was when it was first seen.
    ///
    /// # Errors
    /// A lock file that cannot be read must not pass for an empty one: `Io`, `Malformed`.
    pub fn first(&self, set: &str, file: &str) -> Result<Option<First>, DatasetError> {
        Ok(self.read()?.first.remove(&key(set, file)))
    }

    /// Remembers a file as it is now.
    ///
    /// # Errors
    /// As [`Ledger::first`], and `Io` if it cannot be written.
    pub fn remember(&self, set: &str, file: &str, first: First) -> Result<(), DatasetError> {
        self.change(|contents| {
            contents.first.insert(key(set, file), first);
        })
    }

    /// SHA-256 of a file that was checked and has not been changed since.
    pub(super) fn checked(&self, path: &Path, metadata: &Metadata) -> Option<String> {
        let entry = self.read().ok()?.checked.remove(&absolute(path))?;
        let same = entry.bytes == metadata.len() && entry.modified == modified(metadata);
        same.then_some(entry.sha256)
    }

    /// Notes that a file was checked. A cache that cannot be written costs time, nothing else.
    pub(super) fn note(&self, path: &Path, metadata: &Metadata, sha256: &str) {
        let entry = Checked {
            sha256: sha256.into(),
            bytes: metadata.len(),
            modified: modified(metadata),
        };
        let noted = self.change(|contents| {
            contents.checked.insert(absolute(path), entry);
        });
        noted.ok();
    }

    fn read(&self) -> Result<Contents, DatasetError> {
        let wrong = |expected: &str, found: String| DatasetError::Malformed {
            path: self.path.clone(),
            what: "lock file of data".into(),
            expected: expected.into(),
            found,
        };
        match fs::metadata(&self.path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Contents::default()),
            Err(e) => return Err(io(&self.path)(e)),
            Ok(m) if m.len() > LARGEST => {
                return Err(wrong("at most 64 MiB", format!("{} bytes", m.len())));
            }
            Ok(_) => {}
        }
        let text = fs::read_to_string(&self.path).map_err(io(&self.path))?;
        toml::from_str(&text).map_err(|e| wrong("TOML as modalign writes it", e.message().into()))
    }

    /// Reads, changes and writes while no other process does.
    fn change(&self, change: impl FnOnce(&mut Contents)) -> Result<(), DatasetError> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(io(folder))?;
        }
        let gate = self.path.with_extension("gate");
        let gate_file = File::create(&gate).map_err(io(&gate))?;
        match gate_file.lock() {
            // Some network file systems know no locks.
            Err(e) if e.kind() != std::io::ErrorKind::Unsupported => return Err(io(&gate)(e)),
            _ => {}
        }
        let mut contents = self.read()?;
        change(&mut contents);
        let text = toml::to_string(&contents).expect("maps of texts and numbers are TOML");
        atomic::write(&self.path, text.as_bytes()).map_err(io(&self.path))
    }
}

impl First {
    /// A file as it is now.
    pub fn now(sha256: String, bytes: u64, from: &str) -> Self {
        let seen = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Self {
            sha256,
            bytes,
            seen,
            from: from.into(),
        }
    }
}

fn key(set: &str, file: &str) -> String {
    format!("{set}/{file}")
}

fn absolute(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    path.to_string_lossy().into_owned()
}

fn modified(metadata: &Metadata) -> String {
    let since = metadata
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    since.map_or_else(|| "unknown".into(), |d| d.as_nanos().to_string())
}
