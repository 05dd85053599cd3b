//! HDF5 files (PDEBench; MATLAB's v7.3): numeric datasets by path, read row by row.
//!
//! The format is read by `hdf5-reader`, the one of the pure-Rust crates that survived damaged files
//! (`Cargo.toml` says against which). All of its calls go through one place here, which turns a panic
//! into a fault; reads are capped before they allocate. Virtual and external data are not followed.
//!
//! Compression: gzip, szip, n-bit and scale-offset by the crate, LZF by `lzf`; other filters are
//! refused by their name when a dataset is opened, before anything of it is read.

mod lzf;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use hdf5_reader::error::Error;
use hdf5_reader::filters::FilterRegistry;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};

use super::{Fault, fault};

/// Largest chunk that is inflated (256 MiB).
const MOST_CHUNK: usize = 1 << 28;
/// Largest selection that is read at once (1 GiB).
const MOST_READ: usize = 1 << 30;
/// Chunks kept inflated between reads (64 MiB).
const CACHE: usize = 1 << 26;

/// The number under which h5py registered LZF.
const LZF: u16 = 32_000;

/// An open HDF5 file; cheap to clone and to share.
#[derive(Clone)]
pub struct File {
    inner: Arc<Hdf5File>,
}

/// The one place where the crate is called.
fn guarded<T>(what: &str, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => {
            let (expected, found) = words::error(&e);
            fault(what, expected, found)
        }
        Err(_) => fault(what, "intact HDF5", "damage that the reader gave up on"),
    }
}

/// Whether a file begins as HDF5 does, at its start or behind MATLAB's header.
pub fn is_hdf5(bytes: &[u8]) -> bool {
    let magic = b"\x89HDF\r\n\x1a\n";
    [0, 512]
        .iter()
        .any(|&at| bytes.get(at..at + 8) == Some(magic))
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// No HDF5 file, or a damaged beginning.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let mut filters = FilterRegistry::new();
        filters.register(
            LZF,
            Box::new(|_, stream, _| {
                let inflated = lzf::inflate(stream, MOST_CHUNK);
                inflated.map_err(|e| Error::DecompressionError(e.to_string()))
            }),
        );
        let options = OpenOptions::default()
            .with_filter_registry(filters)
            .with_chunk_cache_bytes(CACHE)
            .with_max_chunk_bytes(MOST_CHUNK)
            .with_max_read_bytes(MOST_READ);
        let inner = guarded("HDF5 file", || Hdf5File::open_with_options(path, options))?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Names of the groups at the root, sorted.
    ///
    /// # Errors
    /// Damage.
    pub fn groups(&self) -> Result<Vec<String>, Fault> {
        let (mut groups, _) = self.names()?;
        groups.sort();
        Ok(groups)
    }

    /// Names of the datasets at the root, sorted.
    ///
    /// # Errors
    /// Damage.
    pub fn datasets(&self) -> Result<Vec<String>, Fault> {
        let (_, mut datasets) = self.names()?;
        datasets.sort();
        Ok(datasets)
    }

    fn names(&self) -> Result<(Vec<String>, Vec<String>), Fault> {
        guarded("HDF5 root group", || {
            self.inner.root_group()?.member_names()
        })
    }

    /// A dataset of numbers.
    ///
    /// # Errors
    /// No dataset at `path`, one of another type, an absurd shape.
    pub fn dataset(&self, path: &str) -> Result<Numbers, Fault> {
        let what = format!("HDF5 dataset {path}");
        let inner = guarded(&what, || self.inner.dataset(path))?;
        let shape: Result<Vec<usize>, _> =
            inner.shape().iter().map(|&d| usize::try_from(d)).collect();
        let fits = |shape: &Vec<usize>| {
            let count = shape
                .iter()
                .try_fold(8usize, |n, &d| n.checked_mul(d.max(1)));
            count.is_some_and(|n| n <= isize::MAX as usize) && shape.len() <= 8
        };
        let Some(shape) = shape.ok().filter(fits) else {
            let found = format!("{:?}", inner.shape());
            return fault(what, "a shape that fits into memory", found);
        };
        words::check_filters(&what, &self.filters(&what, &inner)?)?;
        let raw = guarded(&what, || inner.raw_datatype())?;
        let read = match inner.dtype() {
            Datatype::FloatingPoint { size: 4, .. } if is_ieee(&raw, &SINGLE) => Read::Single,
            Datatype::FloatingPoint { size: 8, .. } if is_ieee(&raw, &DOUBLE) => Read::Double,
            Datatype::FloatingPoint { size: 4 | 8, .. } => {
                return fault(
                    what,
                    "floats as IEEE 754 has them",
                    "floats of another layout",
                );
            }
            other => return fault(what, "floats of 32 or 64 bits", words::kind(other)),
        };
        Ok(Numbers {
            inner: Arc::new(inner),
            shape,
            read,
            path: path.to_owned(),
        })
    }

    /// Numbers of the filters that a dataset's chunks went through.
    fn filters(&self, what: &str, dataset: &Dataset) -> Result<Vec<u16>, Fault> {
        let header = guarded(what, || self.inner.get_or_parse_header(dataset.address()))?;
        let of = |message: &HdfMessage| match message {
            HdfMessage::FilterPipeline(pipeline) => pipeline.filters.iter().map(|f| f.id).collect(),
            _ => Vec::new(),
        };
        Ok(header.messages.iter().flat_map(of).collect())
    }
}

/// Properties of a float in a file: offset and number of its bits, place and width of exponent and
/// mantissa, bias.
const SINGLE: [u8; 12] = [0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];
const DOUBLE: [u8; 12] = [0, 0, 64, 0, 52, 11, 0, 52, 0xff, 3, 0, 0];

/// Whether a float has these properties: the crate looks at its size alone, and HDF5 can describe
/// others (bfloat16's relatives, n-bit floats, VAX).
fn is_ieee(raw: &[u8], properties: &[u8; 12]) -> bool {
    const VAX: u8 = 0x40;
    raw.get(8..20) == Some(properties) && raw.get(1).is_some_and(|flags| flags & VAX == 0)
}

#[derive(Clone, Copy)]
enum Read {
    Single,
    Double,
}

/// A dataset of floats.
#[derive(Clone)]
pub struct Numbers {
    inner: Arc<Dataset>,
    shape: Vec<usize>,
    read: Read,
    path: String,
}

/// Positions along an axis: first, one past the last, step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Along {
    /// First position.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// From one to the next; not 0.
    pub step: usize,
}

impl Along {
    /// One position.
    pub fn at(position: usize) -> Self {
        Self {
            start: position,
            end: position.saturating_add(1),
            step: 1,
        }
    }

    /// Every `step`-th of `length` positions.
    pub fn every(step: usize, length: usize) -> Self {
        Self {
            start: 0,
            end: length,
            step: step.max(1),
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.end
            .saturating_sub(self.start)
            .div_ceil(self.step.max(1))
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl Numbers {
    /// Length of every axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Reads the positions `select` of every axis into `out`, row-major.
    ///
    /// # Errors
    /// A selection beyond the shape, a buffer of another length, damaged data.
    pub fn read(&self, select: &[Along], out: &mut [f32]) -> Result<(), Fault> {
        let what = format!("HDF5 dataset {}", self.path);
        let count: usize = select.iter().map(|s| s.len()).product();
        let within = select.len() == self.shape.len()
            && select.iter().zip(&self.shape).all(|(s, &d)| s.end <= d);
        if !within || count != out.len() {
            let ends: Vec<usize> = select.iter().map(|s| s.end).collect();
            let expected = format!("a selection within {:?}", self.shape);
            return fault(
                what,
                expected,
                format!("{} values up to {ends:?}", out.len()),
            );
        }
        // the crate reads a stepped row point by point: whole rows are read and thinned here
        let selections = select.iter().map(|s| SliceInfoElem::Slice {
            start: s.start as u64,
            end: s.end as u64,
            step: 1,
        });
        let whole: Vec<usize> = select.iter().map(|s| s.end - s.start.min(s.end)).collect();
        let whole_count: usize = whole.iter().product();
        let slice = SliceInfo {
            selections: selections.collect(),
        };
        let values: Vec<f32> = match self.read {
            Read::Single => guarded(&what, || self.inner.read_slice::<f32>(&slice))?
                .iter()
                .copied()
                .collect(),
            Read::Double => guarded(&what, || self.inner.read_slice::<f64>(&slice))?
                .iter()
                .map(|&v| v as f32)
                .collect(),
        };
        if values.len() != whole_count {
            return fault(&what, format!("{whole_count} values"), values.len());
        }
        thin(&values, &whole, select, &mut out.iter_mut());
        Ok(())
    }
}

/// Gives every `step`-th position of every axis of `values`, which have the shape `whole`.
fn thin<'o>(
    values: &[f32],
    whole: &[usize],
    select: &[Along],
    out: &mut impl Iterator<Item = &'o mut f32>,
) {
    let step = select.first().map_or(1, |s| s.step.max(1));
    match whole {
        [_, inner @ ..] if !inner.is_empty() => {
            let each = inner.iter().product::<usize>().max(1);
            let parts = values.chunks_exact(each).step_by(step);
            parts.for_each(|part| thin(part, inner, &select[1..], out));
        }
        _ => {
            let chosen = values.iter().step_by(step);
            chosen.zip(out).for_each(|(value, out)| *out = *value);
        }
    }
}

#[cfg(test)]
mod tests;
