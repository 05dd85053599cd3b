//! Writes safetensors files: the header first, then tensor by tensor, so that no second copy of a
//! model stands in memory. The order and the bytes are those of the `safetensors` crate.

use super::Array;
use super::source::malformed;
use crate::model::ModelError;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a tensor's bytes, little-endian and row-major.
type Fill<'a> = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + 'a>;

/// A tensor to be written.
pub struct Outgoing<'a> {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Lengths of its axes.
    pub shape: Vec<usize>,
    /// Writes exactly its bytes.
    pub fill: Fill<'a>,
}

impl<'a> Outgoing<'a> {
    /// Floats to be written as `dtype`: F32 as they are, F64 exactly, F16 and BF16 rounded to the
    /// nearest. Other types are refused when the file is written.
    pub fn floats(
        name: impl Into<String>,
        dtype: Dtype,
        shape: Vec<usize>,
        values: &'a [f32],
    ) -> Self {
        Self {
            name: name.into(),
            dtype,
            shape,
            fill: Box::new(move |out| match dtype {
                Dtype::F32 => encode(values, out, f32::to_le_bytes),
                Dtype::F64 => encode(values, out, |v| f64::from(v).to_le_bytes()),
                Dtype::F16 => encode(values, out, |v| half::f16::from_f32(v).to_le_bytes()),
                Dtype::BF16 => encode(values, out, |v| half::bf16::from_f32(v).to_le_bytes()),
                other => Err(io::Error::other(format!(
                    "floats cannot be written as {other}"
                ))),
            }),
        }
    }
}

fn encode<const N: usize>(
    values: &[f32],
    out: &mut dyn Write,
    bytes: impl Fn(f32) -> [u8; N],
) -> io::Result<()> {
    for block in values.chunks(1 << 14) {
        let block: Vec<[u8; N]> = block.iter().map(|v| bytes(*v)).collect();
        out.write_all(block.as_flattened())?;
    }
    Ok(())
}

/// Writes arrays as 32-bit floats and metadata as one safetensors file, atomically.
pub fn write(
    path: &Path,
    arrays: &BTreeMap<String, Array>,
    metadata: HashMap<String, String>,
) -> Result<(), ModelError> {
    let tensors = arrays
        .iter()
        .map(|(name, a)| Outgoing::floats(name, Dtype::F32, a.shape.clone(), &a.values));
    write_tensors(path, tensors, metadata)
}

/// Writes tensors and metadata as one safetensors file, atomically, each tensor when its turn
/// comes.
pub fn write_tensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = Outgoing<'a>>,
    metadata: HashMap<String, String>,
) -> Result<(), ModelError> {
    let mut tensors: Vec<Outgoing> = tensors.into_iter().collect();
    // The widest type first keeps every tensor aligned.
    tensors.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
    let wrong = |what: &str, expected: &str, found| malformed(path, what, expected, found);
    if let Some(pair) = tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(wrong(
            "tensors to write",
            "names once each",
            pair[0].name.clone(),
        ));
    }
    let mut table = Vec::with_capacity(tensors.len());
    let mut offset = 0usize;
    for tensor in &tensors {
        let end = size(tensor).and_then(|size| offset.checked_add(size));
        let end = end.ok_or_else(|| {
            let found = format!("{} of shape {:?}", tensor.name, tensor.shape);
            wrong("tensors to write", "sizes that can be counted", found)
        })?;
        let info = TensorInfo {
            dtype: tensor.dtype,
            shape: tensor.shape.clone(),
            data_offsets: (offset, end),
        };
        table.push((tensor.name.clone(), info));
        offset = end;
    }
    let sizes: Vec<usize> = table
        .iter()
        .map(|(_, info)| info.data_offsets.1 - info.data_offsets.0)
        .collect();
    let header = header(metadata, table)
        .map_err(|e| wrong("header to write", "a valid table of tensors", e))?;
    crate::files::atomic::write_with(path, |file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let padding = header.len().next_multiple_of(8) - header.len();
        out.write_all(&((header.len() + padding) as u64).to_le_bytes())?;
        out.write_all(&header)?;
        out.write_all(&b"       "[..padding])?;
        for (tensor, size) in tensors.into_iter().zip(sizes) {
            let mut counted = Counted {
                out: &mut out,
                count: 0,
            };
            (tensor.fill)(&mut counted)?;
            if counted.count != size {
                return Err(io::Error::other(format!(
                    "tensor {}: expected {size} bytes for shape {:?} of {}, found {}",
                    tensor.name, tensor.shape, tensor.dtype, counted.count
                )));
            }
        }
        out.flush()
    })
    .map_err(|source| ModelError::Io {
        path: path.into(),
        source,
    })
}

/// The header's text. The crate writes metadata in the order of a hash map, another one every time; here it is sorted, so
/// that equal content gives equal bytes.
fn header(
    metadata: HashMap<String, String>,
    table: Vec<(String, TensorInfo)>,
) -> Result<Vec<u8>, String> {
    let sorted: BTreeMap<String, String> = metadata.into_iter().collect();
    let table = Metadata::new(None, table).map_err(|e| e.to_string())?;
    let tensors = serde_json::to_string(&table).map_err(|e| e.to_string())?;
    let metadata = serde_json::to_string(&sorted).map_err(|e| e.to_string())?;
    let rest = tensors.strip_prefix('{').unwrap_or(&tensors);
    let comma = if rest == "}" { "" } else { "," };
    Ok(format!("{{\"__metadata__\":{metadata}{comma}{rest}").into_bytes())
}

/// Bytes of a tensor, if they can be counted.
fn size(tensor: &Outgoing) -> Option<usize> {
    let bits = tensor
        .shape
        .iter()
        .try_fold(tensor.dtype.bitsize(), |bits, n| bits.checked_mul(*n))?;
    Some(bits / 8)
}

/// Counts what a closure writes.
struct Counted<W> {
    out: W,
    count: usize,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.count += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::Weights;
    use safetensors::tensor::TensorView;

    #[test]
    fn the_bytes_are_those_of_the_safetensors_crate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
        let values = [0.5f32, -2.0, 3.25];
        let tensors = [
            Outgoing::floats("b", Dtype::F32, vec![3], &values),
            Outgoing::floats("a", Dtype::F32, vec![1, 3], &values),
            Outgoing::floats("c", Dtype::F16, vec![3, 1], &values),
            Outgoing::floats("d", Dtype::F64, vec![3], &values),
        ];
        write_tensors(&path, tensors, metadata.clone()).unwrap();
        let f32s: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let f64s: Vec<u8> = values
            .iter()
            .flat_map(|v| f64::from(*v).to_le_bytes())
            .collect();
        let f16s: Vec<u8> = values
            .iter()
            .flat_map(|v| half::f16::from_f32(*v).to_le_bytes())
            .collect();
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).unwrap();
        let views = [
            ("a", view(Dtype::F32, vec![1, 3], &f32s)),
            ("b", view(Dtype::F32, vec![3], &f32s)),
            ("c", view(Dtype::F16, vec![3, 1], &f16s)),
            ("d", view(Dtype::F64, vec![3], &f64s)),
        ];
        let expected = safetensors::serialize(views, Some(metadata)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), expected);
        let weights = Weights::open(&path).unwrap();
        for name in ["a", "b", "c", "d"] {
            assert_eq!(weights.read(name).unwrap().values, values, "{name}");
        }
    }

    #[test]
    fn a_tensor_of_the_wrong_size_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let short = Outgoing::floats("a", Dtype::F32, vec![2], &[1.0]);
        let error = write_tensors(&path, [short], HashMap::new()).unwrap_err();
        assert!(error.to_string().contains("expected 8 bytes"), "{error}");
        let twice = || Outgoing::floats("a", Dtype::F32, vec![1], &[1.0]);
        let error = write_tensors(&path, [twice(), twice()], HashMap::new()).unwrap_err();
        assert!(error.to_string().contains("names once each"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
