//! The CIFAR binary formats: fixed records without header, a few label bytes and then 3,072
//! bytes of pixels (red, green and blue planes of 32 × 32, row-major).
//!
//! Files are memory-mapped and decoded per sample, so a set costs no memory beyond the page
//! cache. Labels are validated once at opening, so that reading needs no check. All CIFAR sets
//! share one [`Normalise`]: CIFAR-100's constants, because a surrogate image has to go through
//! the source model's own preprocessing.

mod hundred;
mod ten;

pub(super) use hundred::{heldout, heldout_spherical, source};
pub(super) use ten::open as ten;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use super::files::{malformed, map};
use super::subset::hold_out;
use super::{Dataset, DatasetError, Normalise, Splits, Subset, check_request, labels};

/// Bytes of pixels in a record.
const PIXELS: usize = 3 * 32 * 32;
/// Share of the training files held out for validation, per class.
const VALID_SHARE: f64 = 0.1;
/// The held-out part is the same for every run seed: were it not, a source model trained under
/// one seed would have seen validation images of another.
const SPLIT_SEED: u64 = 0;

/// Records of one or more files, seen as one sequence.
pub(crate) struct Records {
    maps: Vec<Mmap>,
    /// First record number of each file, and the total at the end.
    starts: Vec<usize>,
    label_bytes: usize,
}

impl Records {
    /// Maps `paths` and checks lengths and labels. `limits[b]` is the number of classes that
    /// label byte `b` counts.
    ///
    /// # Errors
    /// `Malformed` if a file is not a whole number of records or a label is out of range.
    pub fn open(paths: &[PathBuf], limits: &[u8]) -> Result<Self, DatasetError> {
        let record = limits.len() + PIXELS;
        let mut maps = Vec::with_capacity(paths.len());
        let mut starts = vec![0];
        for path in paths {
            let bytes = map(path)?;
            if bytes.len() % record != 0 {
                return Err(malformed(
                    path,
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
            check_labels(path, &bytes, record, limits)?;
            starts.push(starts[starts.len() - 1] + bytes.len() / record);
            maps.push(bytes);
        }
        Ok(Self {
            maps,
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
        self.maps[file][offset..offset + size].split_at(self.label_bytes)
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

/// The three parts: a share of the training set is held out for validation (see [`SPLIT_SEED`]).
fn split(train: Arc<dyn Dataset>, test: Arc<dyn Dataset>) -> Result<Splits, DatasetError> {
    let (kept, held) = hold_out(&labels(train.as_ref()), VALID_SHARE, SPLIT_SEED);
    Ok(Splits {
        valid: Arc::new(Subset::new(train.clone(), held)?),
        train: Arc::new(Subset::new(train, kept)?),
        test,
    })
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
        let records = Records::open(&[a, b], &[10]).unwrap();
        let names = (0..10).map(|i| i.to_string()).collect();
        let set = Cifar::new(records, 0, names, &Normalise::cifar());
        assert_eq!(super::super::labels(&set), vec![3, 1, 9, 0, 2]);
        let mut out = vec![0.0; PIXELS];
        set.read(4, &mut out).unwrap();
        let expected = (2.0 / 255.0 - 0.4408) / 0.2761;
        assert!((out[PIXELS - 1] - expected).abs() < 1e-6);
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
            Records::open(std::slice::from_ref(&path), &[10])
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
}
