//! Files of a set that come as a folder or as the zip archive that holds it: read by the same names
//! either way, never extracted.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::DatasetError;
use super::files::{io, refused};
use crate::files::zip::Zip;
use crate::files::{Fault, read_capped};

/// A folder, or an archive of one.
pub(crate) enum Tree {
    /// Files below this folder.
    Folder(PathBuf),
    /// Members below this prefix of an archive.
    Packed(PathBuf, Box<Zip>, String),
}

impl Tree {
    /// The archive, with the folder inside it that holds `landmark`; one that ends with `/` is a
    /// folder, which need not have an entry of its own.
    ///
    /// # Errors
    /// No zip archive, a part of one, or none with a file of that name.
    pub fn packed(path: &Path, landmark: &str) -> Result<Self, DatasetError> {
        let zip = Zip::open(path).map_err(refused(path))?;
        let prefix = zip
            .names()
            .filter_map(|name| {
                if landmark.ends_with('/') {
                    name.find(landmark).map(|at| &name[..at])
                } else {
                    name.strip_suffix(landmark)
                }
            })
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('/'))
            .min_by_key(|prefix| (prefix.len(), prefix.to_string()));
        let Some(prefix) = prefix.map(str::to_owned) else {
            let fault = Fault::new("zip archive", format!("a file {landmark}"), "none");
            return Err(refused(path)(fault));
        };
        Ok(Self::Packed(path.to_path_buf(), Box::new(zip), prefix))
    }

    /// Where a file of the tree is, for errors.
    pub fn place(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Packed(path, _, prefix) => path.join(format!("{prefix}{name}")),
        }
    }

    /// What `read` makes of a file.
    ///
    /// # Errors
    /// An absent or damaged file; those of `read`.
    pub fn stream<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, Fault>,
    ) -> Result<T, DatasetError> {
        let place = self.place(name);
        match self {
            Self::Folder(_) => {
                let file = std::fs::File::open(&place).map_err(io(&place))?;
                read(&mut std::io::BufReader::new(file)).map_err(refused(&place))
            }
            Self::Packed(path, zip, prefix) => zip
                .stream(&format!("{prefix}{name}"), read)
                .map_err(refused(path)),
        }
    }

    /// The bytes of a file, up to `cap`.
    ///
    /// # Errors
    /// As [`Tree::stream`]; more bytes.
    pub fn bytes(&self, name: &str, cap: u64) -> Result<Vec<u8>, DatasetError> {
        self.stream(name, |stream| read_capped(stream, cap, "file"))
    }

    /// Some bytes of a file. A packed one is inflated up to their end.
    ///
    /// # Errors
    /// As [`Tree::stream`]; a file that ends before them.
    pub fn part(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>, DatasetError> {
        let length = range.end - range.start;
        let read = |stream: &mut dyn Read| {
            let part = read_capped(stream.take(length), length, "file")?;
            if part.len() as u64 == length {
                Ok(part)
            } else {
                Err(Fault::new("file", format!("{} bytes", range.end), "fewer"))
            }
        };
        match self {
            Self::Folder(_) => {
                let place = self.place(name);
                let mut file = std::fs::File::open(&place).map_err(io(&place))?;
                file.seek(SeekFrom::Start(range.start))
                    .map_err(io(&place))?;
                read(&mut file).map_err(refused(&place))
            }
            Self::Packed(..) => self.stream(name, |stream| {
                let mut before = stream.take(range.start);
                std::io::copy(&mut before, &mut std::io::sink())
                    .map_err(|e| Fault::new("file", "intact data", crate::files::system(&e)))?;
                read(stream)
            }),
        }
    }
}
