//! The folder of all datasets: where a file belongs, where it is, and what is missing.

use super::cache::cache;
use super::watched::{Progress, Watched};
use crate::dataset::DatasetError;
use crate::dataset::files::io;
use crate::files::checksum::Algorithm;
use crate::suite::data::{DataFile, DataManifest};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder of datasets.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// How much of a dataset is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// All that its readers need.
    Complete,
    /// Something, but not all.
    Partial,
    /// Nothing.
    Absent,
}

impl Store {
    /// The folder that is named, else the user's own.
    pub fn at(named: Option<&Path>) -> Self {
        let own = || match std::env::var_os("MODALIGN_DATA").filter(|v| !v.is_empty()) {
            Some(root) => PathBuf::from(root),
            None => cache().join("data"),
        };
        Self {
            root: named.map_or_else(own, Path::to_path_buf),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a new file belongs: beside those of its dataset that are there.
    pub fn place(&self, manifest: &DataManifest, file: &DataFile) -> PathBuf {
        let folders = manifest.folders();
        let used = folders
            .iter()
            .find(|folder| self.root.join(folder).is_dir());
        let folder = used.or(folders.first()).copied().unwrap_or_default();
        self.root.join(folder).join(&file.path)
    }

    /// Where a file (or folder) is, if it is there by itself.
    pub fn find(&self, manifest: &DataManifest, file: &DataFile) -> Option<PathBuf> {
        let places = manifest.places(file).into_iter();
        let mut paths = places.map(|place| self.root.join(place));
        paths.find(|path| {
            if file.folder {
                path.is_dir()
            } else {
                path.is_file()
            }
        })
    }

    /// SHA-256 of a file, if it is there by itself, whoever vouches for it; a folder has none.
    ///
    /// # Errors
    /// `Io`.
    pub fn sha256(
        &self,
        manifest: &DataManifest,
        file: &DataFile,
        progress: Progress,
    ) -> Result<Option<String>, DatasetError> {
        let hash = |path: PathBuf| {
            let opened = File::open(&path).map_err(io(&path))?;
            let digest = Algorithm::Sha256.of(&mut Watched(opened, progress));
            digest.map_err(io(&path))
        };
        let found = self.find(manifest, file).filter(|_| !file.folder);
        found.map(hash).transpose()
    }

    /// How much of a dataset is there.
    pub fn presence(&self, manifest: &DataManifest) -> Presence {
        if self.missing(manifest).is_empty() {
            return Presence::Complete;
        }
        let mut files = manifest.files.iter();
        if files.any(|file| self.find(manifest, file).is_some()) {
            Presence::Partial
        } else {
            Presence::Absent
        }
    }

    /// The files that a dataset lacks. One counts as there in its archive, and an archive by its
    /// members. Nothing is lacking where another form of the dataset is complete.
    pub fn missing<'m>(&self, manifest: &'m DataManifest) -> Vec<&'m DataFile> {
        let of = |form: Option<&str>| -> Vec<&'m DataFile> {
            let lacks = |file: &&DataFile| {
                let there = self.find(manifest, file).is_some();
                file.form.as_deref() == form
                    && !there
                    && !file.optional
                    && !self.covered(manifest, file)
            };
            manifest.files.iter().filter(lacks).collect()
        };
        let other = |form: &&str| of(Some(form)).is_empty();
        if manifest.forms().iter().any(other) {
            return Vec::new();
        }
        of(None)
    }

    /// Whether other files stand in for one that is not there by itself.
    fn covered(&self, manifest: &DataManifest, file: &DataFile) -> bool {
        let here = |file: &DataFile| self.find(manifest, file).is_some();
        match &file.archive {
            Some(archive) => manifest.files.iter().any(|f| f.path == *archive && here(f)),
            None => {
                let mut members = manifest
                    .members(&file.path)
                    .filter(|m| !m.optional)
                    .peekable();
                members.peek().is_some() && members.all(here)
            }
        }
    }
}
