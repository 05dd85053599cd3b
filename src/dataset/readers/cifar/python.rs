//! CIFAR as torchvision leaves it: the *python version*, pickled dictionaries of `data` `[N, 3072]`,
//! the same bytes as in the binary version, and lists of labels.
//!
//! A batch is read once by the pickle reader that executes nothing and becomes the records of the
//! binary version, so that everything after it is the same code for both forms. Keys may be bytes or
//! texts and any protocol may have written them: Python 2 published the files, others pickled them
//! again. An archive is streamed, one member in memory at a time, and never unpacked.

use std::path::{Path, PathBuf};

use super::{PIXELS, Source};
use crate::dataset::DatasetError;
use crate::dataset::files::{Place, io, malformed, map, refused};
use crate::files::element::Kind;
use crate::files::pickle::{Pickle, Value};
use crate::files::{Fault, fault, gzip, tar};

/// Largest member of an archive that is read: CIFAR-100's training batch has 155 MB, and half as
/// much again where bytes were pickled as text.
const MOST_MEMBER: u64 = 400 << 20;

/// The pickled files of a set.
pub(super) struct Pickled {
    /// Its files of samples, the test part last.
    pub batches: &'static [&'static str],
    /// Its file of class names.
    pub meta: &'static str,
    /// Their key in there.
    pub names: &'static str,
    /// Keys of the labels, in the order of the binary version's label bytes, with the number of
    /// classes that each counts.
    pub labels: &'static [(&'static str, u8)],
    /// The archive, and the folder in it.
    pub archive: [&'static str; 2],
}

/// Batches in their order, and class names.
pub(super) type Parts = (Vec<Source>, Vec<String>);

/// What a file of the set holds.
enum Part {
    Batch(Source),
    Names(Vec<String>),
}

impl Pickled {
    /// The files of a folder; `None` without the test part.
    ///
    /// # Errors
    /// `Missing` for another file that is not there beside it; damage.
    pub fn unpacked(&self, place: &Place, root: &Path) -> Result<Option<Parts>, DatasetError> {
        let test = self.batches.last().copied().unwrap_or_default();
        let Ok(test) = place.find(root, &[test]) else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        for name in self.files() {
            let path = test.with_file_name(name);
            if !path.is_file() {
                return Err(place.missing(&path));
            }
            parts.push(self.part(name, &path, &map(&path)?)?);
        }
        Ok(Some(sorted(parts)))
    }

    /// The members of the archive; `None` without one.
    ///
    /// # Errors
    /// A member that is not there; damage.
    pub fn packed(&self, place: &Place, root: &Path) -> Result<Option<Parts>, DatasetError> {
        let [archive, folder] = self.archive;
        let Ok(archive) = place.find(root, &[archive]) else {
            return Ok(None);
        };
        let names: Vec<&str> = self.files().collect();
        let member = |name: &str| format!("{folder}/{name}");
        let number = |path: &str| names.iter().position(|name| member(name) == path);
        let mut parts: Vec<Option<Part>> = names.iter().map(|_| None).collect();
        let mut failed = None;
        let file = std::fs::File::open(&archive).map_err(io(&archive))?;
        let walked = tar::walk(
            gzip::unwrapped(file),
            |path| number(path).map(|_| MOST_MEMBER),
            |path, bytes| {
                let Some(number) = number(path) else {
                    return Ok(true);
                };
                match self.part(names[number], &archive.join(path), &bytes) {
                    Ok(part) => parts[number] = Some(part),
                    Err(error) => failed = Some(error),
                }
                Ok(failed.is_none() && parts.iter().any(Option::is_none))
            },
        );
        if let Some(error) = failed {
            return Err(error);
        }
        walked.map_err(refused(&archive))?;
        let absent = parts.iter().position(Option::is_none);
        if let Some(name) = absent.and_then(|at| names.get(at)) {
            let expected = format!("a file {}", member(name));
            return Err(malformed(
                &archive,
                "tar archive",
                expected,
                "none of that name",
            ));
        }
        Ok(Some(sorted(parts.into_iter().flatten())))
    }

    fn files(&self) -> impl Iterator<Item = &'static str> {
        self.batches.iter().copied().chain([self.meta])
    }

    /// What the file `name` holds; `path` is for errors.
    fn part(&self, name: &str, path: &Path, bytes: &[u8]) -> Result<Part, DatasetError> {
        let pickle = Pickle::parse(bytes).map_err(refused(path))?;
        let root = pickle.root();
        if name == self.meta {
            return self
                .class_names(root)
                .map(Part::Names)
                .map_err(refused(path));
        }
        let records = self.records(root).map_err(refused(path))?;
        Ok(Part::Batch(Source {
            path: PathBuf::from(path),
            bytes: Box::new(records),
        }))
    }

    fn class_names(&self, root: Value<'_, '_>) -> Result<Vec<String>, Fault> {
        let names = root.get(self.names)?.items()?;
        let names: Vec<String> = names.iter().map(|n| n.text()).collect::<Result<_, _>>()?;
        let expected = self.labels.last().map_or(0, |(_, classes)| *classes);
        if names.len() != usize::from(expected) {
            return fault("number of class names", expected, names.len());
        }
        Ok(names)
    }

    /// The records of the binary version: label bytes, then pixels.
    fn records(&self, root: Value<'_, '_>) -> Result<Vec<u8>, Fault> {
        let data = root.get("data")?.array().map_err(|e| e.of("data"))?;
        let layout = data.layout();
        let count = layout.rows();
        let planes: &[usize] = &[3, 32, 32];
        if !matches!(layout.shape.get(1..), Some(row) if row == [PIXELS] || row == planes) {
            let found = format!("{:?}", layout.shape);
            return fault("shape of data", "[N, 3072] or [N, 3, 32, 32]", found);
        }
        if !matches!(layout.element.kind, Kind::Unsigned | Kind::Signed) {
            return fault("values of data", "whole numbers from 0 to 255", "others");
        }
        let mut labels = Vec::with_capacity(self.labels.len());
        for &(key, classes) in self.labels {
            let found = label_bytes(root.get(key)?, classes).map_err(|e| e.of(key))?;
            if found.len() != count {
                return fault(format!("number of {key}"), count, found.len());
            }
            labels.push(found);
        }
        let mut records = Vec::with_capacity(count * (labels.len() + PIXELS));
        let mut row = vec![0.0; PIXELS];
        for index in 0..count {
            records.extend(labels.iter().map(|labels| labels[index]));
            data.read_row(index, &mut row)?;
            if let Some(value) = row.iter().find(|value| !(0.0..=255.0).contains(*value)) {
                return fault(format!("pixels of record {index}"), "0 to 255", value);
            }
            records.extend(row.iter().map(|&value| value as u8));
        }
        Ok(records)
    }
}

/// Labels from 0 to `classes` − 1: a list of whole numbers, of Python or NumPy, or an array of them.
fn label_bytes(labels: Value<'_, '_>, classes: u8) -> Result<Vec<u8>, Fault> {
    let whole: Vec<i64> = if labels.is_array() {
        let array = labels.array()?.to_i64()?;
        array.into_iter().collect()
    } else {
        let items = labels.items()?;
        items
            .iter()
            .map(|item| item.integer())
            .collect::<Result<_, _>>()?
    };
    let label = |(index, &label): (usize, &i64)| match u8::try_from(label) {
        Ok(label) if label < classes => Ok(label),
        _ => fault(
            format!("label of record {index}"),
            format!("0..={}", classes - 1),
            label,
        ),
    };
    whole.iter().enumerate().map(label).collect()
}

fn sorted(parts: impl IntoIterator<Item = Part>) -> Parts {
    let (mut batches, mut classes) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Batch(source) => batches.push(source),
            Part::Names(names) => classes = names,
        }
    }
    (batches, classes)
}

#[cfg(test)]
#[path = "python_tests.rs"]
mod tests;
