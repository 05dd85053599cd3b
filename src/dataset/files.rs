//! Finding and mapping files: every failure becomes a [`DatasetError`] that names the file, what
//! was expected of it and how to get it.

use std::fs::File;
use std::path::{Path, PathBuf};

use std::sync::Arc;

use memmap2::Mmap;

use super::DatasetError;
use crate::container::{Fault, Stored, npy};
use crate::manifest::data::DataManifest;

/// Where a set's files lie under the data folder and how a user gets them: what its manifest says.
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
    pub fn find(&self, data_dir: Option<&Path>, names: &[&str]) -> Result<PathBuf, DatasetError> {
        let folders = self.folders();
        let expected = Path::new(folders.first().copied().unwrap_or_default())
            .join(names.first().copied().unwrap_or_default());
        let Some(data_dir) = data_dir else {
            return Err(self.missing(&expected));
        };
        for folder in folders {
            for name in names {
                let path = data_dir.join(folder).join(name);
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
            let mut places = manifest.places(file).into_iter().map(|p| data_dir.join(p));
            if let Some(path) = places.find(|path| path.is_file()) {
                return Ok(path);
            }
        }
        Err(self.missing(&data_dir.join(expected)))
    }

    /// The error for an absent file.
    pub fn missing(&self, path: &Path) -> DatasetError {
        let manifest = DataManifest::named(self.set).ok();
        let (title, how) = manifest.map_or_else(Default::default, |manifest| {
            let obtain = manifest.obtain.trim_end_matches('.');
            let how = match obtain.is_empty() {
                true => format!("see {}", manifest.homepage),
                false => format!("see {}: {obtain}", manifest.homepage),
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
    array: &crate::container::Array<'_>,
    limit: usize,
) -> Result<Vec<usize>, DatasetError> {
    if array.shape().iter().filter(|&&d| d != 1).count() > 1 {
        let found = format!("{:?}", array.shape());
        return Err(malformed(path, "shape of the labels", "[N]", found));
    }
    // some sets store their labels as floats: whole ones are taken
    let values = match array.layout().element.is_integer() {
        true => array.to_i64().map_err(refused(path))?.mapv(|v| v as f64),
        false => array.to_f64().map_err(refused(path))?,
    };
    let label = |(row, &value): (usize, &f64)| {
        let label = value as usize;
        match label < limit && value >= 0.0 && label as f64 == value {
            true => Ok(label),
            false => {
                let expected = format!("0..={}", limit.saturating_sub(1));
                let what = format!("label of record {row}");
                Err(malformed(path, what, expected, value.to_string()))
            }
        }
    };
    values.iter().enumerate().map(label).collect()
}

/// Maps a file read-only; an empty file is refused, since no format here may be empty.
pub(crate) fn map(path: &Path) -> Result<Mmap, DatasetError> {
    let file = File::open(path).map_err(io(path))?;
    if file.metadata().map_err(io(path))?.len() == 0 {
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

/// A CSV table read by column name, with typed errors that name row and column.
pub(crate) struct Table {
    path: PathBuf,
    header: csv::StringRecord,
    /// Data rows.
    pub rows: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads the whole table (indices of small sets).
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        Self::parse(path, &std::fs::read(path).map_err(io(path))?)
    }

    /// Reads a table from its bytes; `path` is where they come from.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, DatasetError> {
        let wrong =
            |e: csv::Error| malformed(path, "table", "CSV with a header row", e.to_string());
        // spreadsheets put a mark in front, and semicolons or tabs where commas are decimal
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let head = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        let by = |delimiter: &u8| head.contains(delimiter);
        let delimiter = [b',', b';', b'\t'].into_iter().find(by).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let header = reader.headers().map_err(wrong)?.clone();
        let rows = reader
            .records()
            .collect::<Result<Vec<_>, _>>()
            .map_err(wrong)?;
        if let Some(row) = rows.iter().position(|row| row.len() != header.len()) {
            let expected = format!("{} values", header.len());
            let found = rows[row].len().to_string();
            return Err(malformed(path, format!("row {row}"), expected, found));
        }
        let twice =
            |(at, name): &(usize, &str)| header.iter().take(*at).any(|other| other == *name);
        if let Some((_, name)) = header.iter().enumerate().find(twice) {
            let found = format!("“{name}” twice");
            return Err(malformed(path, "columns", "every name once", found));
        }
        Ok(Self {
            path: path.to_path_buf(),
            header,
            rows,
        })
    }

    /// The value of `column` in data row `row`, parsed.
    pub fn get<T: std::str::FromStr>(&self, row: usize, column: &str) -> Result<T, DatasetError> {
        let position = self
            .header
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| {
                let found = self.header.iter().collect::<Vec<_>>().join(", ");
                malformed(&self.path, "columns", format!("a column “{column}”"), found)
            })?;
        let text = self
            .rows
            .get(row)
            .and_then(|r| r.get(position))
            .unwrap_or_default();
        text.parse().map_err(|_| {
            let expected = match std::any::type_name::<T>() {
                "f32" | "f64" => "a number",
                "i8" | "i16" | "i32" | "i64" => "a whole number",
                _ => "a whole number, 0 or more",
            };
            malformed(
                &self.path,
                format!("row {row}, column “{column}”"),
                expected,
                text,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_spreadsheets_leave_them() {
        let plain = "name,label\na,1\n\"b,c\",2\n";
        let semicolons = "\u{feff}label;name\r\n1;a\r\n 2 ; b,c\r\n";
        for text in [plain, semicolons, "name\t label\r\na\t1\r\nb,c\t2"] {
            let table = Table::parse(Path::new("t.csv"), text.as_bytes()).unwrap();
            assert_eq!(table.rows.len(), 2);
            let row = |row| -> (String, usize) {
                (
                    table.get(row, "name").unwrap(),
                    table.get(row, "label").unwrap(),
                )
            };
            assert_eq!(
                (row(0), row(1)),
                (("a".into(), 1), ("b,c".into(), 2)),
                "{text}"
            );
        }
        let said = |text: &str| {
            let table = Table::parse(Path::new("t.csv"), text.as_bytes());
            let value = table.and_then(|table| table.get::<usize>(0, "label"));
            value.unwrap_err().to_string()
        };
        assert!(
            said("name,label\na,-1\n").contains("expected a whole number, 0 or more, found -1")
        );
        assert!(said("name,labels\na,1\n").contains("a column “label”, found name, labels"));
        assert!(said("label,label\n1,2\n").contains("“label” twice"));
        assert!(said("name,label\na\n").contains("row 0: expected 2 values, found 1"));
        let names = names_in(Path::new("n"), "\u{feff}one\r\ntwo\r\n", 2).unwrap();
        assert_eq!(names, ["one", "two"]);
    }
}
