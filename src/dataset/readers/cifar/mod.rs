//! The CIFAR binary formats: fixed records without header, a few label bytes and then 3,072
//! bytes of pixels (red, green and blue planes of 32 × 32, row-major).
//!
//! Files are memory-mapped and decoded per sample, so a set costs no memory beyond the page
//! cache. Where only the official `.tar.gz` is there, its members are streamed into memory and
//! nothing is unpacked. The pickled version (`python`), folder or archive, is read where the binary
//! one is absent. Labels are validated once at opening, so that reading needs no check. All CIFAR sets
//! share one [`Normalise`]: CIFAR-100's constants for models of ours, and none for others, whose own
//! preprocessing follows.

mod hundred;
mod python;
mod ten;

pub use hundred::{HELDOUT, HELDOUT_SPHERICAL, HUNDRED, SOURCE};
pub use ten::READER as TEN;

use std::path::{Path, PathBuf};

use crate::dataset::files::{io, malformed, map, refused};
use crate::dataset::subset::with_validation;
use crate::dataset::{Dataset, DatasetError, Normalise, check_request};
use crate::files::{gzip, tar};

/// Bytes of pixels in a record.
const PIXELS: usize = 3 * 32 * 32;

/// Largest member of an archive that is read: CIFAR-100's training file has 154 MB.
const MOST_MEMBER: u64 = 200 << 20;

/// A file's bytes, mapped or held, and the name that errors give it.
pub(crate) struct Source {
    path: PathBuf,
    bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
}

impl Source {
    /// Maps a file.
    pub fn map(path: &Path) -> Result<Self, DatasetError> {
        Ok(Self {
            path: path.to_path_buf(),
            bytes: Box::new(map(path)?),
        })
    }

    /// The regular files `names` of a `.tar.gz`, in that order.
    pub fn members(archive: &Path, names: &[&str]) -> Result<Vec<Self>, DatasetError> {
        let file = std::fs::File::open(archive).map_err(io(archive))?;
        let stream = gzip::unwrapped(file);
        let members = tar::members(stream, names, MOST_MEMBER).map_err(refused(archive))?;
        let source = |(name, bytes): (&&str, Vec<u8>)| Self {
            path: archive.join(name),
            bytes: Box::new(bytes),
        };
        Ok(names.iter().zip(members).map(source).collect())
    }

    /// The lines of a member that is a text.
    pub fn names(&self, expected: usize) -> Result<Vec<String>, DatasetError> {
        let text = String::from_utf8_lossy((*self.bytes).as_ref());
        crate::dataset::files::names_in(&self.path, &text, expected)
    }
}

/// A form in which a set may be there, by name: `None` where nothing of it is.
type Form<'a, T> = (
    &'static str,
    &'a dyn Fn() -> Result<Option<T>, DatasetError>,
);

/// Names of the forms, in the order in which they are looked for.
const FORMS: [&str; 4] = [
    "binary version",
    "archive of the binary version",
    "Python version",
    "archive of the Python version",
];

/// The first of several forms of a set that is there and whole, and its name. A form that lacks a file
/// gives way to the next; a damaged one is an error.
fn first<T>(
    forms: &[Form<'_, T>],
    missing: DatasetError,
) -> Result<(T, &'static str), DatasetError> {
    let mut partial = None;
    for (name, form) in forms {
        match form() {
            Ok(Some(found)) => return Ok((found, name)),
            Ok(None) => {}
            Err(error @ DatasetError::Missing { .. }) => partial = partial.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(partial.unwrap_or(missing))
}

/// Records of one or more files, seen as one sequence.
pub(crate) struct Records {
    maps: Vec<Source>,
    /// First record number of each file, and the total at the end.
    starts: Vec<usize>,
    label_bytes: usize,
}

impl Records {
    /// Checks lengths and labels. `limits[b]` is the number of classes that label byte `b` counts.
    ///
    /// # Errors
    /// `Malformed` if a file is not a whole number of records or a label is out of range.
    pub fn open(sources: Vec<Source>, limits: &[u8]) -> Result<Self, DatasetError> {
        let record = limits.len() + PIXELS;
        let mut starts = vec![0];
        for source in &sources {
            let bytes = (*source.bytes).as_ref();
            if bytes.len() % record != 0 || bytes.is_empty() {
                return Err(malformed(
                    &source.path,
                    "file size",
                    format!("a multiple of {record} bytes"),
                    format!(
                        "{} bytes ({} records and {} bytes)",
                        bytes.len(),
                        bytes.len() / record,
                        bytes.len() % record
                    ),
                ));
            }
            check_labels(&source.path, bytes, record, limits)?;
            starts.push(starts[starts.len() - 1] + bytes.len() / record);
        }
        Ok(Self {
            maps: sources,
            starts,
            label_bytes: limits.len(),
        })
    }

    fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Label bytes and pixels of record `index`.
    fn record(&self, index: usize) -> (&[u8], &[u8]) {
        let file = self.starts.partition_point(|&s| s <= index) - 1;
        let size = self.label_bytes + PIXELS;
        let offset = (index - self.starts[file]) * size;
        (*self.maps[file].bytes).as_ref()[offset..offset + size].split_at(self.label_bytes)
    }
}

fn check_labels(
    path: &Path,
    bytes: &[u8],
    record: usize,
    limits: &[u8],
) -> Result<(), DatasetError> {
    for (index, row) in bytes.chunks_exact(record).enumerate() {
        for (byte, (&label, &limit)) in row.iter().zip(limits).enumerate() {
            if label >= limit {
                return Err(malformed(
                    path,
                    format!("label byte {byte} of record {index}"),
                    format!("0..={}", limit - 1),
                    label.to_string(),
                ));
            }
        }
    }
    Ok(())
}

/// A CIFAR set: records, which label byte counts, names, normalisation.
pub struct Cifar {
    records: Records,
    /// Which of the label bytes is the label.
    label_byte: usize,
    classes: Vec<String>,
    /// Normalised value of every byte, per channel: `table[channel][byte]`.
    table: [[f32; 256]; 3],
}

impl Cifar {
    fn new(records: Records, label_byte: usize, classes: Vec<String>, norm: &Normalise) -> Self {
        let mut table = [[0.0; 256]; 3];
        for (channel, values) in table.iter_mut().enumerate() {
            for (byte, value) in values.iter_mut().enumerate() {
                *value = (byte as f32 / 255.0 - norm.mean()[channel]) / norm.std()[channel];
            }
        }
        Self {
            records,
            label_byte,
            classes,
            table,
        }
    }
}

impl Dataset for Cifar {
    fn shape(&self) -> [usize; 3] {
        [3, 32, 32]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.records.len()
    }

    fn label(&self, index: usize) -> usize {
        usize::from(self.records.record(index).0[self.label_byte])
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("CIFAR", self, index, out.len())?;
        let (_, pixels) = self.records.record(index);
        for ((table, plane), target) in self
            .table
            .iter()
            .zip(pixels.chunks_exact(1024))
            .zip(out.chunks_exact_mut(1024))
        {
            for (value, &byte) in target.iter_mut().zip(plane) {
                *value = table[usize::from(byte)];
            }
        }
        Ok(())
    }
}

/// Writes a CIFAR-100 of so many training records, of the hundred classes in turn, below `root`.
#[cfg(test)]
pub fn write_hundred(root: &Path, count: usize) {
    let place = root.join("cifar100");
    std::fs::create_dir_all(&place).expect("a folder");
    let labels: Vec<[u8; 2]> = (0..count)
        .map(|i| [(i % 20) as u8, (i % 100) as u8])
        .collect();
    let labels: Vec<&[u8]> = labels.iter().map(<[u8; 2]>::as_slice).collect();
    tests::write(&place.join("train.bin"), &labels);
    tests::write(&place.join("test.bin"), &labels[..100]);
    let names: String = (0..100).map(|class| format!("{class:03}\n")).collect();
    std::fs::write(place.join("fine_label_names.txt"), names).expect("a file");
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Writes `labels.len()` records whose pixels are the record number.
    pub fn write(path: &Path, labels: &[&[u8]]) {
        let mut bytes = Vec::new();
        for (index, label) in labels.iter().enumerate() {
            bytes.extend_from_slice(label);
            bytes.extend(std::iter::repeat_n(index as u8, PIXELS));
        }
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn files_follow_one_another_and_pixels_are_normalised() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a.bin"), dir.path().join("b.bin"));
        write(&a, &[&[3], &[1]]);
        write(&b, &[&[9], &[0], &[2]]);
        let sources = [a, b].map(|path| Source::map(&path).unwrap());
        let records = Records::open(sources.into(), &[10]).unwrap();
        let names = (0..10).map(|i| i.to_string()).collect();
        let set = Cifar::new(records, 0, names, &Normalise::cifar());
        assert_eq!(crate::dataset::labels(&set), vec![3, 1, 9, 0, 2]);
        let mut out = vec![0.0; PIXELS];
        set.read(4, &mut out).unwrap();
        let expected = (2.0f32 / 255.0 - 0.4408) / 0.2761;
        assert_eq!(out[PIXELS - 1].to_bits(), expected.to_bits());
        assert!(set.read(5, &mut out).is_err());
        assert!(set.read(0, &mut out[1..]).is_err());
    }

    #[test]
    fn wrong_lengths_and_labels_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bad.bin");
        write(&path, &[&[3], &[1]]);
        let good = std::fs::read(&path).unwrap();
        let open = || {
            Source::map(&path)
                .and_then(|source| Records::open(vec![source], &[10]))
                .err()
                .map(|e| e.to_string())
        };
        for bytes in [&good[..good.len() - 1], &[&good[..], &[0]].concat()] {
            std::fs::write(&path, bytes).unwrap();
            let message = open().unwrap();
            assert!(message.contains("multiple of 3073"), "{message}");
            assert!(message.contains(&bytes.len().to_string()), "{message}");
        }
        let mut wrong = good.clone();
        wrong[3073] = 255;
        std::fs::write(&path, wrong).unwrap();
        let message = open().unwrap();
        assert!(
            message.contains("record 1") && message.contains("255"),
            "{message}"
        );
        std::fs::write(&path, []).unwrap();
        assert!(open().unwrap().contains("0 bytes"));
    }
    #[test]
    fn no_flip_makes_cifar_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data_batch_1.bin");
        write(&path, &[&[3], &[1], &[7]]);
        let good = std::fs::read(&path).unwrap();
        let tar = tar::write::archive(&[("x/data_batch_1.bin", &good)]);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        std::io::Write::write_all(&mut gz, &tar).unwrap();
        let read = |sources: Vec<Source>| {
            let set = Cifar::new(
                Records::open(sources, &[10])?,
                0,
                (0..10).map(|c| c.to_string()).collect(),
                &Normalise::cifar(),
            );
            let mut out = vec![0.0; PIXELS];
            (0..set.len()).try_for_each(|i| set.read(i, &mut out))
        };
        crate::files::fuzz::rounds(&good, 100, |bytes, folder| {
            let path = folder.join("data_batch_1.bin");
            std::fs::write(&path, bytes).unwrap();
            read(vec![Source::map(&path)?])
        });
        crate::files::fuzz::rounds(&gz.finish().unwrap(), 100, |bytes, folder| {
            let path = folder.join("cifar.tar.gz");
            std::fs::write(&path, bytes).unwrap();
            read(Source::members(&path, &["x/data_batch_1.bin"])?)
        });
    }
}
