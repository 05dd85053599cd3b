//! Files of a set that come as a folder or as the zip archive that holds it: read by the same names
//! either way, never extracted.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::DatasetError;
use super::files::{io, refused};
use crate::container::zip::Zip;
use crate::container::{Fault, read_capped};

/// A folder, or an archive of one.
pub(crate) enum Tree {
    /// Files below this folder.
    Folder(PathBuf),
    /// Members below this prefix of an archive.
    Packed(PathBuf, Box<Zip>, String),
}

impl Tree {
    /// The archive, with the folder inside it that holds `landmark`.
    ///
    /// # Errors
    /// No zip archive, a part of one, or none with a file of that name.
    pub fn packed(path: &Path, landmark: &str) -> Result<Self, DatasetError> {
        let zip = Zip::open(path).map_err(refused(path))?;
        let prefix = zip
            .names()
            .filter_map(|name| name.strip_suffix(landmark))
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
}
