//! Safetensors files as named arrays: memory-mapped, checked before anything is allocated, and
//! converted one tensor at a time.

use super::ModelError;
use burn::tensor::{DType, TensorData};
use memmap2::Mmap;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A tensor on its way to or from a file: shape and row-major `f32` values.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// Where the bytes of a file are.
enum Bytes {
    Mapped(Mmap),
    Embedded(&'static [u8]),
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Embedded(bytes) => bytes,
        }
    }
}

/// A tensor of the file, as the checked header places it.
struct Entry {
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: Range<usize>,
}

/// A checked safetensors file, mapped or part of the program.
pub struct Weights {
    path: PathBuf,
    bytes: Bytes,
    entries: BTreeMap<String, Entry>,
}

impl Weights {
    /// Maps and checks a file; no tensor is read yet.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => ModelError::Missing {
                path: path.into(),
                hint: "a safetensors file was expected there".into(),
            },
            _ => ModelError::Io {
                path: path.into(),
                source,
            },
        };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if length < 8 {
            return Err(malformed(
                path,
                "safetensors header",
                "at least 8 bytes",
                format!("{length} bytes"),
            ));
        }
        // SAFETY: the file is only read; a process that truncates it while we run breaks its own
        // contract, as with every memory-mapped reader.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        Self::check(path, Bytes::Mapped(map))
    }

    /// Checks a file that is part of the program; `name` stands for its path in errors.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self, ModelError> {
        Self::check(Path::new(name), Bytes::Embedded(bytes))
    }

    fn check(path: &Path, bytes: Bytes) -> Result<Self, ModelError> {
        let entries = SafeTensors::deserialize(bytes.all())
            .map_err(|e| {
                let found = describe(&e, bytes.all());
                malformed(
                    path,
                    "safetensors header",
                    "a header that covers the file exactly",
                    found,
                )
            })?
            .iter()
            .map(|(name, view)| {
                // The view borrows from the file: its place is the distance of the pointers.
                let start = view.data().as_ptr() as usize - bytes.all().as_ptr() as usize;
                let entry = Entry {
                    shape: view.shape().to_vec(),
                    dtype: view.dtype(),
                    bytes: start..start + view.data().len(),
                };
                (name.to_string(), entry)
            })
            .collect();
        Ok(Self {
            path: path.into(),
            bytes,
            entries,
        })
    }

    /// SHA-256 of the whole file, in hexadecimal.
    pub fn sha256(&self) -> String {
        use sha2::Digest;
        sha2::Sha256::digest(self.bytes.all())
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Shape of a tensor, if the file has it.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|e| e.shape.as_slice())
    }

    /// Reads a tensor as `f32`; refuses other than floating types and values that are not finite.
    pub fn read(&self, name: &str) -> Result<Array, ModelError> {
        let Some(Entry {
            shape,
            dtype,
            bytes,
        }) = self.entries.get(name)
        else {
            return Err(ModelError::Mismatch {
                path: self.path.clone(),
                missing: vec![name.into()],
                unexpected: vec![],
                shapes: vec![],
            });
        };
        let bytes = &self.bytes.all()[bytes.clone()];
        let values: Vec<f32> = match dtype {
            Dtype::F32 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
            Dtype::F64 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f64::from_le_bytes(*b) as f32)
                .collect(),
            Dtype::F16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| half::f16::from_le_bytes(*b).to_f32())
                .collect(),
            Dtype::BF16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| half::bf16::from_le_bytes(*b).to_f32())
                .collect(),
            other => {
                return Err(malformed(
                    &self.path,
                    &format!("type of tensor {name}"),
                    "F32, F64, F16 or BF16",
                    format!("{other:?}"),
                ));
            }
        };
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(malformed(
                &self.path,
                &format!("tensor {name}"),
                "finite values",
                format!("{} at element {at}", values[at]),
            ));
        }
        Ok(Array {
            shape: shape.clone(),
            values,
        })
    }
}

fn malformed(path: &Path, what: &str, expected: &str, found: String) -> ModelError {
    ModelError::Malformed {
        path: path.into(),
        what: what.into(),
        expected: expected.into(),
        found,
    }
}

/// Says what is wrong with a header in numbers where there are any.
fn describe(error: &safetensors::SafeTensorError, map: &[u8]) -> String {
    let declared = map.first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    format!(
        "{error} (file of {} bytes, declared header of {declared} bytes)",
        map.len()
    )
}

/// Writes arrays and metadata as one safetensors file, atomically.
pub fn write(
    path: &Path,
    arrays: &BTreeMap<String, Array>,
    metadata: HashMap<String, String>,
) -> Result<(), ModelError> {
    let io = |source| ModelError::Io {
        path: path.into(),
        source,
    };
    let bytes: BTreeMap<&str, Vec<u8>> = arrays
        .iter()
        .map(|(name, a)| {
            (
                name.as_str(),
                a.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let mut views = Vec::with_capacity(arrays.len());
    for (name, array) in arrays {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), &bytes[name.as_str()])
            .map_err(|e| io(std::io::Error::other(e)))?;
        views.push((name.as_str(), view));
    }
    let file =
        safetensors::serialize(views, Some(metadata)).map_err(|e| io(std::io::Error::other(e)))?;
    crate::atomic::write(path, &file).map_err(io)
}

impl Array {
    /// The array as tensor data of float type `dtype`.
    pub fn into_data(self, dtype: DType) -> TensorData {
        TensorData::new(self.values, self.shape).convert_dtype(dtype)
    }
}
