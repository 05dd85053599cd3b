//! Finding and mapping files: every failure becomes a [`DatasetError`] that names the file, what
//! was expected of it and how to get it.

use std::fs::File;
use std::path::{Path, PathBuf};

use std::sync::Arc;

use memmap2::Mmap;

use super::DatasetError;
use crate::files::{Fault, Stored, npy};
use crate::suite::data::DataManifest;

/// Where a set's files lie under the data folder and how a user gets them: what its manifest says.
#[derive(Debug)]
pub(crate) struct Place {
    /// The manifest's name.
    pub set: &'static str,
}

impl Place {
    /// By the name of the manifest.
    pub const fn of(set: &'static str) -> Self {
        Self { set }
    }

    /// Folder names under the data folder, in order of preference.
    pub fn folders(&self) -> Vec<&'static str> {
        DataManifest::named(self.set).map_or(vec![self.set], DataManifest::folders)
    }

    /// Path of its first file under such a folder.
    pub fn file(&self) -> &'static str {
        let manifest = DataManifest::named(self.set).ok();
        let first = manifest.and_then(|m| m.files.first());
        first.map_or("", |file| &file.path)
    }

    /// The first of `names` that exists in one of the set's folders.
    ///
    /// # Errors
    /// `Missing`, naming the preferred place.
    pub fn find(&self, root: &Path, names: &[&str]) -> Result<PathBuf, DatasetError> {
        let folders = self.folders();
        let expected = Path::new(folders.first().copied().unwrap_or_default())
            .join(names.first().copied().unwrap_or_default());
        for folder in folders {
            for name in names {
                let path = root.join(folder).join(name);
                if path.is_file() {
                    return Ok(path);
                }
            }
        }
        // where unpacking an archive puts it, or beside the dataset's folder
        let manifest = DataManifest::named(self.set).ok();
        let files = manifest
            .iter()
            .flat_map(|m| m.files.iter().map(move |f| (m, f)));
        for (manifest, file) in files.filter(|(_, file)| names.contains(&file.path.as_str())) {
            let mut places = manifest.places(file).into_iter().map(|p| root.join(p));
            if let Some(path) = places.find(|path| path.is_file()) {
                return Ok(path);
            }
        }
        Err(self.missing(&root.join(expected)))
    }

    /// A folder of pictures that the manifest lists, in one of the set's folders.
    ///
    /// # Errors
    /// `Missing`, naming the preferred place.
    pub fn pictures(&self, root: &Path, path: &str) -> Result<PathBuf, DatasetError> {
        let manifest = DataManifest::named(self.set).ok();
        let listed = manifest.and_then(|manifest| {
            let mut files = manifest.files.iter();
            let file = files.find(|file| file.folder && file.path == path)?;
            Some(manifest.places(file))
        });
        let mut places = listed.into_iter().flatten().map(|place| root.join(place));
        let found = places.find(|place| place.is_dir());
        found.ok_or_else(|| self.missing(&root.join(self.folders()[0]).join(path)))
    }

    /// The error for an absent file.
    pub fn missing(&self, path: &Path) -> DatasetError {
        let manifest = DataManifest::named(self.set).ok();
        let (title, how) = manifest.map_or_else(Default::default, |manifest| {
            let obtain = manifest.obtain.trim_end_matches('.');
            let how = if obtain.is_empty() {
                format!("see {}", manifest.homepage)
            } else {
                format!("see {}: {obtain}", manifest.homepage)
            };
            (manifest.title.clone(), how)
        });
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = self.folders()[0];
        let forms: String = manifest.map(other_forms).unwrap_or_default();
        DatasetError::Missing {
            set: title,
            path: path.to_path_buf(),
            hint: format!("{how}; then pass --data DIR with DIR/{folder}/{file}{forms}"),
        }
    }
}

/// Where the other published forms of a dataset are read as well: the folder and the archive.
fn other_forms(manifest: &DataManifest) -> String {
    let form = |form: &str| -> Option<String> {
        let mut files = manifest
            .files
            .iter()
            .filter(|f| f.form.as_deref() == Some(form));
        let member = files.find_map(|file| file.member.as_ref().zip(file.archive.as_ref()));
        let (member, archive) = member?;
        let folder = member.split('/').next().unwrap_or_default();
        Some(format!(
            "; its {form} version is read as well: DIR/{folder} or DIR/{archive}"
        ))
    };
    manifest.forms().into_iter().filter_map(form).collect()
}

/// Wraps the system's error with the path.
pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> DatasetError + '_ {
    move |source| DatasetError::Io {
        path: path.to_path_buf(),
        source,
    }
}

/// A `Malformed` error.
pub(crate) fn malformed(
    path: &Path,
    what: impl Into<String>,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> DatasetError {
    DatasetError::Malformed {
        path: path.to_path_buf(),
        what: what.into(),
        expected: expected.into(),
        found: found.into(),
    }
}

/// What is wrong inside a file, with its path.
pub(crate) fn refused(path: &Path) -> impl Fn(Fault) -> DatasetError + '_ {
    move |fault| malformed(path, fault.what, fault.expected, fault.found)
}

/// An array of numbers in a `.npy` file, read row by row from its map; `shape` is what it must
/// have, with 0 for any length.
pub(crate) fn npy_rows(path: &Path, shape: &[usize]) -> Result<Stored, DatasetError> {
    let stored = npy::stored(Arc::new(map(path)?)).map_err(refused(path))?;
    stored.layout().expect_shape(shape).map_err(refused(path))?;
    Ok(stored)
}

/// Whole numbers in `0..limit` of a one-dimensional array: labels.
pub(crate) fn labels_of(
    path: &Path,
    array: &crate::files::Array<'_>,
    limit: usize,
) -> Result<Vec<usize>, DatasetError> {
    if array.shape().iter().filter(|&&d| d != 1).count() > 1 {
        let found = format!("{:?}", array.shape());
        return Err(malformed(path, "shape of the labels", "[N]", found));
    }
    // some sets store their labels as floats: whole ones are taken
    let values = if array.layout().element.is_integer() {
        array.to_i64().map_err(refused(path))?.mapv(|v| v as f64)
    } else {
        array.to_f64().map_err(refused(path))?
    };
    let label = |(row, &value): (usize, &f64)| {
        let label = value as usize;
        if label < limit && value >= 0.0 && label as f64 == value {
            Ok(label)
        } else {
            let expected = format!("0..={}", limit.saturating_sub(1));
            let what = format!("label of record {row}");
            Err(malformed(path, what, expected, value.to_string()))
        }
    };
    values.iter().enumerate().map(label).collect()
}

/// Maps a file read-only; an empty file is refused, since no format here may be empty.
pub(crate) fn map(path: &Path) -> Result<Mmap, DatasetError> {
    let file = File::open(path).map_err(io(path))?;
    let metadata = file.metadata().map_err(io(path))?;
    if metadata.is_dir() {
        return Err(malformed(path, "path", "a file", "a folder"));
    }
    if metadata.len() == 0 {
        return Err(malformed(
            path,
            "file size",
            "at least one record",
            "0 bytes",
        ));
    }
    // SAFETY: the mapping is read-only and private to this process. Its one hazard is another
    // process cutting the file short meanwhile, which the system answers with SIGBUS; dataset
    // files are written once and then left alone.
    unsafe { Mmap::map(&file) }.map_err(io(path))
}

/// The non-empty lines of a text file, trimmed: class names.
pub(crate) fn names(path: &Path, expected: usize) -> Result<Vec<String>, DatasetError> {
    names_in(
        path,
        &std::fs::read_to_string(path).map_err(io(path))?,
        expected,
    )
}

/// The non-empty lines of a text, trimmed; `path` is where it comes from.
pub(crate) fn names_in(
    path: &Path,
    text: &str,
    expected: usize,
) -> Result<Vec<String>, DatasetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_string)
        .collect();
    if names.len() != expected {
        return Err(malformed(
            path,
            "number of class names",
            expected.to_string(),
            names.len().to_string(),
        ));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_absent_files_are_named_in_words() {
        let home = tempfile::tempdir().unwrap();
        let said = map(home.path()).unwrap_err().to_string();
        assert!(said.contains("expected a file, found a folder"), "{said}");
        let said = map(&home.path().join("x")).unwrap_err().to_string();
        assert!(said.ends_with("x: no file of that name"), "{said}");
        let names = names_in(Path::new("n"), "\u{feff}one\r\ntwo\r\n", 2).unwrap();
        assert_eq!(names, ["one", "two"]);
    }
}
