//! Feature sets as `.safetensors`: tensors `features` and `labels`, lists of strings as JSON in
//! the header's metadata.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::mapped::Mapped;
use super::{Contents, write_features};
use crate::feature::{FeatureError, FeatureSet};

pub(super) fn read(path: &Path) -> Result<Contents, FeatureError> {
    let map = Mapped::open(path)?;
    let bytes = map.bytes();
    let wrong = |e: safetensors::SafeTensorError| {
        FeatureError::malformed(path, "safetensors", "a valid file", e)
    };
    let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let features = file.tensor("features").map_err(|_| {
        let mut names = file.names();
        names.sort_unstable();
        FeatureError::malformed(path, "tensors", "features", super::few(&names))
    })?;
    let &[rows, columns] = features.shape() else {
        return Err(FeatureError::malformed(
            path,
            "features",
            "shape [N, D]",
            format!("{:?}", features.shape()),
        ));
    };
    let values = floats(&features, &map).ok_or_else(|| {
        FeatureError::malformed(
            path,
            "features",
            "F16, BF16, F32 or F64",
            format!("{:?}", features.dtype()),
        )
    })?;
    let values = Array2::from_shape_vec((rows, columns), values).map_err(|e| {
        FeatureError::malformed(path, "features", format!("[{rows}, {columns}]"), e)
    })?;
    let labels = match file.tensor("labels") {
        Ok(tensor) => Some(labels(path, &tensor)?),
        Err(_) => None,
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let list = |key: &str| -> Result<Option<Vec<String>>, FeatureError> {
        let Some(text) = header.metadata().as_ref().and_then(|m| m.get(key)) else {
            return Ok(None);
        };
        serde_json::from_str(text).map(Some).map_err(|e| {
            FeatureError::malformed(path, format!("metadata {key}"), "a JSON list of strings", e)
        })
    };
    Contents::new(path, values, labels, list("class_names")?, list("ids")?)
}

fn labels(path: &Path, tensor: &TensorView<'_>) -> Result<Vec<i64>, FeatureError> {
    if tensor.shape().len() != 1 {
        return Err(FeatureError::malformed(
            path,
            "labels",
            "shape [N]",
            format!("{:?}", tensor.shape()),
        ));
    }
    integers(tensor).ok_or_else(|| {
        let found = format!("{:?}", tensor.dtype());
        FeatureError::malformed(path, "labels", "an integer type", found)
    })
}

/// Numbers in single precision, block by block; pages that were read are given back.
fn floats(tensor: &TensorView<'_>, map: &Mapped) -> Option<Vec<f32>> {
    fn read<const W: usize>(data: &[u8], map: &Mapped, of: impl Fn([u8; W]) -> f32) -> Vec<f32> {
        let mut values = Vec::with_capacity(data.len() / W);
        for block in data.chunks(W << 24) {
            values.extend(block.as_chunks::<W>().0.iter().map(|b| of(*b)));
            map.release(block);
        }
        values
    }
    let data = tensor.data();
    Some(match tensor.dtype() {
        Dtype::F32 => read(data, map, f32::from_le_bytes),
        Dtype::F64 => read(data, map, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => read(data, map, |b| half::f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => read(data, map, |b| half::bf16::from_le_bytes(b).to_f32()),
        _ => return None,
    })
}

fn integers(tensor: &TensorView<'_>) -> Option<Vec<i64>> {
    let data = tensor.data();
    Some(match tensor.dtype() {
        Dtype::I64 => data
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| i64::from_le_bytes(*b))
            .collect(),
        // Above the signed range a label turns negative and is refused later.
        Dtype::U64 => data
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| u64::from_le_bytes(*b) as i64)
            .collect(),
        Dtype::I32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| i64::from(i32::from_le_bytes(*b)))
            .collect(),
        Dtype::I16 => data
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| i64::from(i16::from_le_bytes(*b)))
            .collect(),
        Dtype::U32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| i64::from(u32::from_le_bytes(*b)))
            .collect(),
        Dtype::U16 => data
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| i64::from(u16::from_le_bytes(*b)))
            .collect(),
        Dtype::I8 => data.iter().map(|&b| i64::from(b as i8)).collect(),
        Dtype::U8 | Dtype::BOOL => data.iter().map(|&b| i64::from(b)).collect(),
        _ => return None,
    })
}

/// Written by hand because the crate keeps metadata in a hash map, whose order changes by run.
pub(super) fn write(out: impl Write, set: &FeatureSet) -> std::io::Result<()> {
    let (n, d) = (set.len(), set.dim());
    let text = |list: &[String]| serde_json::to_string(list).map_err(std::io::Error::other);
    let mut metadata = BTreeMap::from([("class_names", text(set.class_names())?)]);
    if let Some(ids) = set.ids() {
        metadata.insert("ids", text(ids)?);
    }
    // 8-byte elements first, so that both tensors are aligned.
    let header = serde_json::json!({
        "__metadata__": metadata,
        "labels": { "dtype": "I64", "shape": [n], "data_offsets": [0, 8 * n] },
        "features": { "dtype": "F32", "shape": [n, d], "data_offsets": [8 * n, 8 * n + 4 * n * d] },
    });
    let mut header = header.to_string();
    header.extend(std::iter::repeat_n(
        ' ',
        header.len().next_multiple_of(8) - header.len(),
    ));
    let mut out = BufWriter::new(out);
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    write_body(&mut out, set)?;
    out.flush()
}

fn write_body(out: &mut impl Write, set: &FeatureSet) -> std::io::Result<()> {
    for &label in set.labels() {
        out.write_all(&(label as i64).to_le_bytes())?;
    }
    write_features(out, set)
}
