//! The bytes behind weights: a file, or a part of the program.
//!
//! Files are read at positions, block by block, never mapped: a file that shrinks while it is read
//! gives an error instead of a signal, and no page of it stands in memory beside the values made
//! from it.

use crate::model::ModelError;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes read at once: a multiple of every element's size that fits the second-level cache.
const BLOCK: usize = 1 << 18;

/// Where the bytes are.
enum Place {
    File(File),
    Embedded(&'static [u8]),
}

/// An opened file or a part of the program that stands for one.
pub(super) struct Source {
    /// The file, or the name that stands for it in errors.
    pub path: PathBuf,
    /// Bytes in all.
    pub size: u64,
    place: Place,
}

impl Source {
    /// Opens a regular file that is not empty.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ModelError::Missing {
                path: path.into(),
                hint: "a safetensors file or a PyTorch checkpoint was expected there".into(),
            },
            _ => ModelError::Io {
                path: path.into(),
                source,
            },
        };
        // Before it is opened: opening a pipe would wait for its other end.
        let metadata = std::fs::metadata(path).map_err(io)?;
        let refused = |found: &str| {
            let expected = "a safetensors file or a PyTorch checkpoint";
            Err(malformed(path, "weights", expected, found.into()))
        };
        if metadata.is_dir() {
            return refused("a folder");
        }
        if !metadata.is_file() {
            return refused("something else than a regular file");
        }
        if metadata.len() == 0 {
            return refused("an empty file");
        }
        Ok(Self {
            path: path.into(),
            size: metadata.len(),
            place: Place::File(File::open(path).map_err(io)?),
        })
    }

    /// Bytes that are part of the program; `name` stands for their path in errors.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Self {
        Self {
            path: name.into(),
            size: bytes.len() as u64,
            place: Place::Embedded(bytes),
        }
    }

    /// The operating system's error with the file's name.
    pub fn io(&self, source: io::Error) -> ModelError {
        ModelError::Io {
            path: self.path.clone(),
            source,
        }
    }

    /// At most `count` bytes from the start of the file.
    pub fn start(&self, count: u64) -> Result<Vec<u8>, ModelError> {
        let mut bytes = vec![0; count.min(self.size) as usize];
        self.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ModelError> {
        self.read_into(offset, buffer).map_err(|e| self.io(e))
    }

    /// Fills `buffer` from `offset` on.
    pub fn read_into(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &self.place {
            Place::File(file) => read_exact_at(file, buffer, offset),
            Place::Embedded(bytes) => usize::try_from(offset)
                .ok()
                .and_then(|start| bytes.get(start..)?.get(..buffer.len()))
                .map(|part| buffer.copy_from_slice(part))
                .ok_or(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Hands a range of the file to `each`, block by block in order.
    pub fn blocks(
        &self,
        range: Range<u64>,
        mut each: impl FnMut(&[u8]) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let length = range.end.saturating_sub(range.start);
        let mut buffer = vec![0; BLOCK.min(length as usize)];
        let mut offset = range.start;
        while offset < range.end {
            let count = (range.end - offset).min(BLOCK as u64) as usize;
            self.read_at(offset, &mut buffer[..count])?;
            each(&buffer[..count])?;
            offset += count as u64;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[count..];
        offset += count as u64;
    }
    Ok(())
}

/// The room's error for a file that is not what its format says.
pub(super) fn malformed(path: &Path, what: &str, expected: &str, found: String) -> ModelError {
    ModelError::Malformed {
        path: path.into(),
        what: what.into(),
        expected: expected.into(),
        found,
    }
}
