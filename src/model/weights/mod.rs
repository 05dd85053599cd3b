//! Weights files as named arrays: safetensors and PyTorch checkpoints, whole or in shards, opened
//! by content, checked before anything is allocated, and converted one tensor at a time.

mod archive;
mod choose;
mod decode;
mod dress;
mod header;
mod legacy;
mod open;
mod shards;
mod sniff;
mod source;
mod stand;
mod storage;
mod tensor;
mod torch;
mod tree;
mod view;
mod write;

#[cfg(test)]
mod bad_tests;
#[cfg(test)]
mod speed_tests;
#[cfg(test)]
mod torch_tests;

pub use safetensors::Dtype;
pub(super) use shards::{NAMES, find, weight_map};
pub use sniff::Format;
pub use write::{Outgoing, write, write_tensors};

use super::architecture::ARCHITECTURES;
use super::family::Family;
use super::{ModelError, timm};
use decode::NotFinite;
use source::{Source, malformed};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A tensor on its way to or from a file: shape and row-major `f32` values.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// Where a tensor's bytes are in its file.
enum Place {
    /// As they are, little-endian and row-major.
    Range(Range<u64>),
    /// To be spelt out.
    View(Box<view::View>),
    /// Nowhere that we read: an object of that class.
    Foreign(String),
}

/// A tensor of the weights.
struct Entry {
    /// Which of the files.
    part: usize,
    shape: Vec<usize>,
    dtype: Dtype,
    place: Place,
}

impl Entry {
    /// Something that is no tensor which we read, by its class.
    fn foreign(part: usize, class: String) -> Self {
        Self {
            part,
            shape: Vec::new(),
            dtype: Dtype::U8,
            place: Place::Foreign(class),
        }
    }
}

/// Checked weights: one file, several, or a part of the program.
pub struct Weights {
    path: PathBuf,
    parts: Vec<Source>,
    format: Format,
    key: Option<String>,
    prefix: Option<String>,
    entries: BTreeMap<String, Entry>,
    left_out: Vec<String>,
    foreign: Vec<String>,
    notes: Vec<String>,
    /// Whether names are those of timm's `features_only`.
    stages_only: bool,
    digest: OnceLock<String>,
}

impl Weights {
    /// SHA-256 in hexadecimal, computed once: of the file, or of shards of the text that
    /// `sha256sum` prints for them in the order of their names. If a file can no longer be read,
    /// "unknown" and why.
    pub fn sha256(&self) -> String {
        self.digest
            .get_or_init(|| shards::digest(&self.parts))
            .clone()
    }

    /// The file, or the index of the shards.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The container that the content has.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What a safetensors file says beside its tensors, by key; nothing of another format.
    ///
    /// # Errors
    /// A file that has changed since it was opened.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>, ModelError> {
        match (self.format, self.parts.first()) {
            (Format::Safetensors, Some(source)) => header::metadata(source),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// The keys of the checkpoint that led to the state dict, joined by dots; `None` if it was the
    /// whole file.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The prefix that was taken off the names of tensors.
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// Tensors of the file, by their names there, that are no part of the model: outside of its
    /// prefix, or left out by `--ignore`.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Foreign classes and functions that the file names; none was called.
    pub fn foreign(&self) -> &[String] {
        &self.foreign
    }

    /// Whether they are those of a backbone for detectors, which has norms of its stages in place
    /// of a last one, or was taken out of a whole model (timm's `features_only`).
    pub fn is_backbone(&self) -> bool {
        let norm = |n: &str| n.starts_with("hidden_states_norms.") || timm::is_stage_norm(n);
        self.stages_only || self.names().any(norm)
    }

    /// The families that its names are those of.
    pub fn families(&self) -> impl Iterator<Item = &'static Family> {
        let names: Vec<&str> = self.names().collect();
        let all = ARCHITECTURES.iter().copied();
        all.filter(move |family| !stand::stands(&names, Some(&[*family])).is_empty())
    }

    /// How the tensors were found, where there was a choice: to be told.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether a tensor is a bare number (a step, an accuracy) or bytes (the state of a generator),
    /// or no tensor at all: no parameter of any model.
    pub fn is_no_parameter(&self, name: &str) -> bool {
        let entry = self.entries.get(name);
        entry.is_some_and(|entry| choose::bare(&entry.shape, entry.dtype))
    }

    /// The class of what stands under a name where a tensor should, if it is none.
    pub fn foreign_at(&self, name: &str) -> Option<&str> {
        match &self.entries.get(name)?.place {
            Place::Foreign(class) => Some(class),
            _ => None,
        }
    }

    /// Bytes of the file, or of all shards.
    pub fn file_size(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Shape of a tensor, if the file has it.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|e| e.shape.as_slice())
    }

    /// Element type of a tensor, if the file has it.
    pub fn dtype(&self, name: &str) -> Option<Dtype> {
        self.entries.get(name).map(|e| e.dtype)
    }

    /// Number of elements of a tensor, if the file has it.
    pub fn len(&self, name: &str) -> Option<usize> {
        self.shape(name).map(|shape| shape.iter().product())
    }

    /// Reads a tensor as `f32`; refuses other than floating types and values that are not finite.
    pub fn read(&self, name: &str) -> Result<Array, ModelError> {
        let mut values = Vec::new();
        self.read_into(name, &mut values)?;
        let shape = self.entry(name)?.shape.clone();
        Ok(Array { shape, values })
    }

    /// Appends the values of a tensor as [`read`](Self::read) gives them; on an error `values`
    /// stays as it was.
    pub fn read_into(&self, name: &str, values: &mut Vec<f32>) -> Result<(), ModelError> {
        self.append(name, values, decode::append_f32)
    }

    /// Reads a tensor as `f64`, exactly for every floating type; refuses what
    /// [`read`](Self::read) refuses.
    pub fn read_f64(&self, name: &str) -> Result<Vec<f64>, ModelError> {
        let mut values = Vec::new();
        self.append(name, &mut values, decode::append_f64)?;
        Ok(values)
    }

    /// Reads a tensor of integers (token ids) or truth values (masks), false as 0 and true as 1.
    pub fn read_ints(&self, name: &str) -> Result<Vec<i64>, ModelError> {
        let entry = self.entry(name)?;
        let source = &self.parts[entry.part];
        let wrong = |expected: &str, found: String| {
            malformed(&source.path, &format!("tensor {name}"), expected, found)
        };
        let width = match entry.dtype {
            Dtype::I64 => 8,
            Dtype::I32 => 4,
            Dtype::U8 | Dtype::BOOL => 1,
            other => return Err(wrong("type I64, I32, U8 or BOOL", other.to_string())),
        };
        self.length(name, entry)?;
        let bytes = match &entry.place {
            Place::Range(range) => {
                let mut all = Vec::new();
                source.blocks(range.clone(), &mut |block: &[u8]| {
                    all.extend_from_slice(block);
                    Ok(())
                })?;
                all
            }
            Place::View(view) => view.read(source, &entry.shape)?,
            Place::Foreign(class) => return Err(wrong("a tensor", class.clone())),
        };
        Ok(bytes
            .chunks_exact(width)
            .map(|bytes| match bytes {
                [one] => i64::from(*one),
                [a, b, c, d] => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
                _ => bytes.first_chunk().map_or(0, |b| i64::from_le_bytes(*b)),
            })
            .collect())
    }

    fn entry(&self, name: &str) -> Result<&Entry, ModelError> {
        self.entries.get(name).ok_or_else(|| ModelError::Mismatch {
            path: self.path.clone(),
            missing: vec![name.into()],
            unexpected: vec![],
            shapes: vec![],
        })
    }

    /// Elements of a tensor. None is larger than its file: only a view that repeats its values is,
    /// and it could be of any size.
    fn length(&self, name: &str, entry: &Entry) -> Result<usize, ModelError> {
        let source = &self.parts[entry.part];
        let length = entry.shape.iter().product::<usize>();
        let bytes = length as u64 * (entry.dtype.bitsize() / 8) as u64;
        let size = match &entry.place {
            Place::View(view) => source.size.max(view.bytes.size()),
            _ => source.size,
        };
        if bytes <= size {
            return Ok(length);
        }
        Err(malformed(
            &source.path,
            &format!("tensor {name}"),
            &format!("at most the {size} bytes of the file"),
            format!("{bytes} bytes of shape {:?}", entry.shape),
        ))
    }

    fn append<T>(
        &self,
        name: &str,
        values: &mut Vec<T>,
        decode: impl Fn(Dtype, &[u8], &mut Vec<T>) -> Result<(), NotFinite>,
    ) -> Result<(), ModelError> {
        let entry = self.entry(name)?;
        let source = &self.parts[entry.part];
        let start = values.len();
        let wrong = |what: String, expected: &str, found: String| {
            malformed(&source.path, &what, expected, found)
        };
        if !decode::is_float(entry.dtype) && self.foreign_at(name).is_none() {
            return Err(wrong(
                format!("type of tensor {name}"),
                "F32, F64, F16 or BF16",
                entry.dtype.to_string(),
            ));
        }
        values.reserve_exact(self.length(name, entry)?);
        let mut block = |bytes: &[u8]| {
            let before = values.len() - start;
            decode(entry.dtype, bytes, values).map_err(|bad| {
                let at = before + bad.at;
                let expected = if bad.value.is_finite() {
                    "values that fit 32-bit floats"
                } else {
                    "finite values"
                };
                let found = format!("{} at element {at}", bad.value);
                wrong(format!("tensor {name}"), expected, found)
            })
        };
        let read = match &entry.place {
            Place::Range(range) => source.blocks(range.clone(), &mut block),
            Place::View(view) => view
                .read(source, &entry.shape)
                .and_then(|bytes| bytes.chunks(1 << 18).try_for_each(&mut block)),
            Place::Foreign(class) => {
                return Err(wrong(format!("tensor {name}"), "a tensor", class.clone()));
            }
        };
        if read.is_err() {
            values.truncate(start);
        }
        read
    }
}
