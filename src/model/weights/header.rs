//! The header of a safetensors file: a length, a JSON table of tensors, and then their bytes
//! without a gap. Nothing larger than the file is ever allocated.

use super::source::{Source, malformed};
use super::{Entry, Place};
use crate::model::ModelError;
use safetensors::tensor::Metadata;
use std::collections::BTreeMap;

/// The longest header that the format allows.
const LONGEST: u64 = 100_000_000;

/// The checked header of a safetensors file, and where its tensors' bytes begin.
fn header(source: &Source) -> Result<(Metadata, u64), ModelError> {
    let wrong = |expected: &str, found: String| {
        malformed(&source.path, "safetensors header", expected, found)
    };
    let size = source.size;
    let head = source.start(8)?;
    let Some(declared) = head.first_chunk().map(|b| u64::from_le_bytes(*b)) else {
        return Err(wrong("at least 8 bytes", format!("{size} bytes")));
    };
    if declared > LONGEST.min(size - 8) {
        return Err(wrong(
            &format!("a header of at most {} bytes", LONGEST.min(size - 8)),
            format!("a declared header of {declared} bytes in a file of {size}"),
        ));
    }
    let data = 8 + declared;
    let text = source.start(data)?.split_off(8);
    // Checks types, shapes, gaps and overlaps.
    let metadata: Metadata = serde_json::from_slice(&text).map_err(|e| {
        wrong(
            "a table of tensors that follow each other without gap or overlap",
            format!("{e} (file of {size} bytes, declared header of {declared} bytes)"),
        )
    })?;
    let whole = data.saturating_add(metadata.data_len() as u64);
    if whole != size {
        return Err(wrong(
            &format!("a file of {whole} bytes, as the header describes"),
            format!("{size} bytes"),
        ));
    }
    Ok((metadata, data))
}

/// What a safetensors file says beside its tensors.
pub(super) fn metadata(source: &Source) -> Result<BTreeMap<String, String>, ModelError> {
    let (header, _) = header(source)?;
    let all = header.metadata().iter().flatten();
    Ok(all.map(|(key, text)| (key.clone(), text.clone())).collect())
}

/// The tensors of a safetensors file, as its checked header places them.
pub(super) fn entries(source: &Source, part: usize) -> Result<Vec<(String, Entry)>, ModelError> {
    let (metadata, data) = header(source)?;
    let entry = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let (from, to) = info.data_offsets;
        let place = Place::Range(data + from as u64..data + to as u64);
        let entry = Entry {
            part,
            shape: info.shape.clone(),
            dtype: info.dtype,
            place,
        };
        (name, entry)
    };
    Ok(metadata.tensors().into_iter().map(entry).collect())
}
