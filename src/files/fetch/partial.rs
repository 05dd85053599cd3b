//! The unfinished file of a download: `NAME.partial` beside its place, with the server's tag in
//! `NAME.etag.partial`, so that a later download continues it if the file is still the same.
//!
//! Nobody reads it under its own name before it is whole and checked. A lock keeps two processes
//! from writing into one.

use super::FetchError;
use crate::files::checksum::Algorithm;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An open, locked, unfinished file.
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    tag: PathBuf,
    /// Bytes so far.
    pub length: u64,
}

impl Partial {
    /// Opens what an earlier download left, or a new file, for the file `target`. Waits for
    /// another process that is downloading it; `None` if that process finished it.
    pub fn open(target: &Path) -> Result<Option<Self>, FetchError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!("{name}.partial"));
        let tag = target.with_file_name(format!("{name}.etag.partial"));
        let io = |source| FetchError::Io {
            path: path.clone(),
            source,
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let existed = target.exists();
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(io)?;
            match file.lock() {
                // Some network file systems know no locks.
                Err(e) if e.kind() != io::ErrorKind::Unsupported => return Err(io(e)),
                _ => {}
            }
            if !existed && target.exists() {
                // Ours may be a new file that nobody needs.
                fs::remove_file(&path).ok();
                return Ok(None);
            }
            // Another process may have given the file its name while we waited for the lock.
            if is_still(&file, &path) {
                let length = file.metadata().map_err(io)?.len();
                return Ok(Some(Self {
                    file,
                    path,
                    tag,
                    length,
                }));
            }
        }
    }

    fn io(&self, source: io::Error) -> FetchError {
        FetchError::Io {
            path: self.path.clone(),
            source,
        }
    }

    /// The tag of the file that these bytes are the start of.
    pub fn tag(&self) -> Option<String> {
        fs::read_to_string(&self.tag)
            .ok()
            .filter(|tag| !tag.is_empty())
    }

    /// Starts anew, with the tag of the file that is about to come.
    pub fn restart(&mut self, tag: Option<&str>) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(|e| self.io(e))?;
        self.length = 0;
        match tag {
            Some(tag) => fs::write(&self.tag, tag).map_err(|e| self.io(e)),
            None => {
                fs::remove_file(&self.tag).ok();
                Ok(())
            }
        }
    }

    /// Appends bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(bytes));
        written.map_err(|e| self.io(e))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The digest of all bytes, in hexadecimal.
    pub fn digest(&mut self, algorithm: Algorithm) -> Result<String, FetchError> {
        self.file.rewind().map_err(|e| self.io(e))?;
        algorithm.of(&mut self.file).map_err(|e| self.io(e))
    }

    /// Removes the file: its bytes are not those of any file that is wanted.
    pub fn discard(self) {
        fs::remove_file(&self.path).ok();
        fs::remove_file(&self.tag).ok();
    }

    /// Flushes the file to disk and gives it its name.
    pub fn finish(self, target: &Path) -> Result<(), FetchError> {
        self.file.sync_all().map_err(|e| self.io(e))?;
        fs::remove_file(&self.tag).ok();
        fs::rename(&self.path, target).map_err(|e| self.io(e))?;
        // The rename itself must survive a power cut; folders cannot be synced everywhere.
        if let Some(Ok(folder)) = target.parent().map(File::open) {
            folder.sync_all().ok();
        }
        Ok(())
    }
}

/// Whether `path` still means the open file.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |m: fs::Metadata| (m.dev(), m.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        _ => false,
    }
}

/// Whether `path` still means the open file: an open file cannot be renamed here.
#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> bool {
    path.exists()
}
