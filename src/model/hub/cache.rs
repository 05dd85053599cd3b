//! The cache folder of one model, as `huggingface_hub` lays it out: `blobs/<etag>` holds contents,
//! `snapshots/<commit>/<file>` points to them, `refs/<revision>` holds the commit.

use super::repo::{Repo, is_plain};
use crate::model::weights::{find, weight_map};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The part of the cache that belongs to one model.
pub(super) struct Cache {
    root: PathBuf,
}

impl Cache {
    pub fn new(cache: &Path, repo: &Repo) -> Self {
        let folder = format!("models--{}", repo.id.replace('/', "--"));
        Self {
            root: cache.join(folder),
        }
    }

    /// The folder of the model.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The contents with a tag.
    pub fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    /// The files of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The snapshot of a revision if it can be loaded, or what it lacks.
    pub fn find(&self, revision: &str) -> Result<PathBuf, String> {
        let commit = match fs::read_to_string(self.root.join("refs").join(revision)) {
            Ok(text) => text.trim().to_string(),
            // A commit stands for itself.
            Err(_) if self.snapshot(revision).is_dir() => revision.into(),
            Err(_) => return Err(format!("no revision {revision}")),
        };
        if !is_plain(&commit) {
            return Err(format!(
                "refs/{revision}: expected a commit, found {commit:?}"
            ));
        }
        let snapshot = self.snapshot(&commit);
        if !snapshot.join("config.json").exists() {
            return Err(format!("no config.json in the snapshot {commit}"));
        }
        let weights = find(&snapshot).map_err(|e| e.to_string())?;
        if weights.extension().is_some_and(|e| e == "json") {
            let map = weight_map(&weights).map_err(|e| e.to_string())?;
            let absent = |file: &&String| !snapshot.join(file).exists();
            if let Some(file) = map
                .values()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .find(absent)
            {
                return Err(format!("no {file} in the snapshot {commit}"));
            }
        }
        Ok(snapshot)
    }

    /// Puts contents under a file's name into a snapshot.
    pub fn link(&self, commit: &str, file: &str, etag: &str) -> io::Result<()> {
        let snapshot = self.snapshot(commit);
        fs::create_dir_all(&snapshot)?;
        let place = snapshot.join(file);
        match fs::remove_file(&place) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => point(
                &self.blob(etag),
                Path::new("../../blobs").join(etag),
                &place,
            ),
        }
    }

    /// Notes which commit a revision is.
    pub fn refer(&self, revision: &str, commit: &str) -> io::Result<()> {
        if revision == commit {
            return Ok(());
        }
        crate::files::atomic::write(&self.root.join("refs").join(revision), commit.as_bytes())
    }
}

/// A relative link, so that the cache can be moved.
#[cfg(unix)]
fn point(_: &Path, relative: PathBuf, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(relative, place)
}

/// A copy: links need privileges here.
#[cfg(not(unix))]
fn point(blob: &Path, _: PathBuf, place: &Path) -> io::Result<()> {
    fs::copy(blob, place).map(|_| ())
}
