//! Feature sets as files: `.safetensors` and `.npz`.
//!
//! Both hold `features [N, D]` (floats), `labels [N]` (integers), optional `class_names` and
//! optional `ids`. In safetensors the two lists of strings are JSON lists in the header's
//! `__metadata__`; in npz they are unicode arrays. Without class names, classes are named by
//! their numbers. Reading allocates no more than the file holds (for deflated npz members, than
//! [`MAX_MEMBER`]); writing is atomic (temporary file in the same folder, fsync, rename, fsync of
//! the folder) and the same set gives the same bytes.
//!
//! To export from PyTorch: `safetensors.torch.save_file({"features": f, "labels": y}, path)`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use ndarray::{Array2, Ix1, Ix2};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use zip::{
    CompressionMethod, DateTime, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions,
};

use super::npy::{self, Npy, NpyError};
use super::{FeatureError, FeatureSet};

/// Inflated npz members above this many bytes are refused (16 GiB).
pub const MAX_MEMBER: u64 = 1 << 34;

enum Format {
    Safetensors,
    Npz,
}

fn format_of(path: &Path) -> Result<Format, FeatureError> {
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    match ending.as_str() {
        "safetensors" => Ok(Format::Safetensors),
        "npz" => Ok(Format::Npz),
        _ => Err(FeatureError::UnknownFormat {
            path: path.to_owned(),
            found: ending,
        }),
    }
}

/// Reads a feature set; the file's ending decides the format.
///
/// # Errors
/// [`FeatureError`] with the path: unreadable, malformed, or a set that is not valid.
pub fn read(path: &Path) -> Result<FeatureSet, FeatureError> {
    match format_of(path)? {
        Format::Safetensors => read_safetensors(path),
        Format::Npz => read_npz(path),
    }
}

/// Writes a feature set atomically; the file's ending decides the format.
///
/// # Errors
/// [`FeatureError`] with the path. An existing file is left as it was.
pub fn write(path: &Path, set: &FeatureSet) -> Result<(), FeatureError> {
    let format = format_of(path)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let io = |e| FeatureError::io(path, e);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    match format {
        Format::Safetensors => write_safetensors(&mut file, set).map_err(io)?,
        Format::Npz => write_npz(&mut file, set).map_err(|e| match e {
            ZipError::Io(e) => FeatureError::io(path, e),
            e => FeatureError::io(path, std::io::Error::other(e)),
        })?,
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(path)
        .map_err(|e| FeatureError::io(path, e.error))?;
    // The rename itself lives in the folder.
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| FeatureError::io(folder, e))
}

/// Builds the set from its parts as a file has them.
fn assemble(
    path: &Path,
    features: Array2<f32>,
    labels: impl IntoIterator<Item = i64>,
    class_names: Option<Vec<String>>,
    ids: Option<Vec<String>>,
) -> Result<FeatureSet, FeatureError> {
    let invalid = |source| FeatureError::Invalid {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let labels = labels
        .into_iter()
        .enumerate()
        .map(|(row, l)| {
            usize::try_from(l).map_err(|_| {
                FeatureError::malformed(path, format!("labels, row {row}"), "a class, from 0", l)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let set = match class_names {
        Some(names) => FeatureSet::new(features, labels, names),
        None => FeatureSet::unnamed(features, labels),
    };
    let set = set.map_err(invalid)?;
    match ids {
        Some(ids) => set.with_ids(ids).map_err(invalid),
        None => Ok(set),
    }
}

fn read_safetensors(path: &Path) -> Result<FeatureSet, FeatureError> {
    let bytes = std::fs::read(path).map_err(|e| FeatureError::io(path, e))?;
    let wrong = |e: safetensors::SafeTensorError| {
        FeatureError::malformed(path, "safetensors", "a valid file", e)
    };
    let file = SafeTensors::deserialize(&bytes).map_err(wrong)?;
    let tensor = |name: &str| {
        file.tensor(name)
            .map_err(|_| FeatureError::malformed(path, "tensors", name, file.names().join(", ")))
    };
    let (features, labels) = (tensor("features")?, tensor("labels")?);
    let &[rows, columns] = features.shape() else {
        return Err(FeatureError::malformed(
            path,
            "features",
            "shape [N, D]",
            format!("{:?}", features.shape()),
        ));
    };
    if labels.shape().len() != 1 {
        return Err(FeatureError::malformed(
            path,
            "labels",
            "shape [N]",
            format!("{:?}", labels.shape()),
        ));
    }
    let values = floats(&features).ok_or_else(|| {
        FeatureError::malformed(
            path,
            "features",
            "F32, F64 or BF16",
            format!("{:?}", features.dtype()),
        )
    })?;
    let values = Array2::from_shape_vec((rows, columns), values).map_err(|e| {
        FeatureError::malformed(path, "features", format!("[{rows}, {columns}]"), e)
    })?;
    let labels = integers(&labels).ok_or_else(|| {
        FeatureError::malformed(
            path,
            "labels",
            "I64, I32, I16, U8 or U64",
            format!("{:?}", labels.dtype()),
        )
    })?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(wrong)?;
    let list = |key: &str| -> Result<Option<Vec<String>>, FeatureError> {
        let Some(text) = header.metadata().as_ref().and_then(|m| m.get(key)) else {
            return Ok(None);
        };
        serde_json::from_str(text).map(Some).map_err(|e| {
            FeatureError::malformed(path, format!("metadata {key}"), "a JSON list of strings", e)
        })
    };
    assemble(path, values, labels, list("class_names")?, list("ids")?)
}

fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = tensor.data();
    Some(match tensor.dtype() {
        Dtype::F32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect(),
        Dtype::F64 => data
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b) as f32)
            .collect(),
        // bfloat16 is the upper half of a float.
        Dtype::BF16 => data
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes([0, 0, b[0], b[1]]))
            .collect(),
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
        Dtype::U8 => data.iter().map(|&b| i64::from(b)).collect(),
        _ => return None,
    })
}

/// Written by hand because the crate keeps metadata in a hash map, whose order changes by run.
fn write_safetensors(out: impl Write, set: &FeatureSet) -> std::io::Result<()> {
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

fn write_features(out: &mut impl Write, set: &FeatureSet) -> std::io::Result<()> {
    set.features()
        .iter()
        .try_for_each(|v| out.write_all(&v.to_le_bytes()))
}

fn read_npz(path: &Path) -> Result<FeatureSet, FeatureError> {
    let file = File::open(path).map_err(|e| FeatureError::io(path, e))?;
    let mut archive = ZipArchive::new(std::io::BufReader::new(file))
        .map_err(|e| FeatureError::malformed(path, "npz", "a zip archive", e))?;
    let mut member = |name: &str| -> Result<Option<Vec<u8>>, FeatureError> {
        let entry = match archive.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(e) => {
                return Err(FeatureError::malformed(
                    path,
                    format!("npz member {name}"),
                    "readable",
                    e,
                ));
            }
        };
        // The stated size is not believed: bytes are kept as they come, up to the cap.
        let mut bytes = Vec::new();
        let mut bounded = entry.take(MAX_MEMBER + 1);
        bounded.read_to_end(&mut bytes).map_err(|e| {
            FeatureError::malformed(path, format!("npz member {name}"), "intact data", e)
        })?;
        if bytes.len() as u64 > MAX_MEMBER {
            return Err(FeatureError::malformed(
                path,
                format!("npz member {name}"),
                format!("≤ {MAX_MEMBER} bytes"),
                "more",
            ));
        }
        Ok(Some(bytes))
    };
    let mut need = |name: &str| {
        member(name)?
            .ok_or_else(|| FeatureError::malformed(path, "npz members", name, "no such member"))
    };
    let (features, labels) = (need("features")?, need("labels")?);
    let (class_names, ids) = (member("class_names")?, member("ids")?);
    let npy = |e: NpyError| FeatureError::malformed(path, e.what, e.expected, e.found);
    let parsed = Npy::parse(&features).map_err(npy)?;
    let values = parsed
        .to_f32()
        .map_err(npy)?
        .into_dimensionality::<Ix2>()
        .map_err(|_| {
            FeatureError::malformed(
                path,
                "features",
                "shape [N, D]",
                format!("{:?}", parsed.shape()),
            )
        })?;
    let parsed = Npy::parse(&labels).map_err(npy)?;
    let labels = parsed
        .to_i64()
        .map_err(npy)?
        .into_dimensionality::<Ix1>()
        .map_err(|_| {
            FeatureError::malformed(path, "labels", "shape [N]", format!("{:?}", parsed.shape()))
        })?;
    let list = |bytes: Option<Vec<u8>>| match bytes {
        Some(bytes) => Npy::parse(&bytes)
            .and_then(|a| a.to_strings())
            .map(Some)
            .map_err(npy),
        None => Ok(None),
    };
    assemble(path, values, labels, list(class_names)?, list(ids)?)
}

fn write_npz(out: impl Write + std::io::Seek, set: &FeatureSet) -> Result<(), ZipError> {
    let mut zip = ZipWriter::new(BufWriter::new(out));
    // Stored, and dated as the epoch of zip: the same set is the same file.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(set.len().saturating_mul(set.dim()) > 1 << 29);
    zip.start_file("features.npy", options)?;
    zip.write_all(&npy::header("<f4", &[set.len(), set.dim()]))?;
    write_features(&mut zip, set)?;
    zip.start_file("labels.npy", options)?;
    zip.write_all(&npy::header("<i8", &[set.len()]))?;
    set.labels()
        .iter()
        .try_for_each(|&l| zip.write_all(&(l as i64).to_le_bytes()))?;
    zip.start_file("class_names.npy", options)?;
    zip.write_all(&npy::strings(set.class_names()))?;
    if let Some(ids) = set.ids() {
        zip.start_file("ids.npy", options)?;
        zip.write_all(&npy::strings(ids))?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn example() -> FeatureSet {
        FeatureSet::new(
            array![[1.0, 2.5], [-3.0, 4.0], [0.0, 1e-8]],
            vec![1, 0, 1],
            vec!["cat".into(), "größe".into()],
        )
        .and_then(|s| s.with_ids(vec!["a".into(), "b".into(), "</script>".into()]))
        .expect("valid")
    }

    #[test]
    fn both_formats_return_what_was_written_and_the_same_bytes() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["f.safetensors", "f.npz"] {
            let path = folder.path().join(name);
            write(&path, &example()).expect("writes");
            let first = std::fs::read(&path).expect("bytes");
            assert_eq!(read(&path).expect("reads"), example());
            write(&path, &example()).expect("overwrites");
            assert_eq!(
                std::fs::read(&path).expect("bytes"),
                first,
                "{name}: same set, same bytes"
            );
        }
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("folder").count(),
            2,
            "no temporary is left"
        );
        let empty =
            FeatureSet::new(Array2::zeros((0, 4)), vec![], vec!["a".into()]).expect("empty");
        let path = folder.path().join("e.npz");
        write(&path, &empty).expect("writes");
        assert_eq!(read(&path).expect("reads"), empty);
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_survived() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["f.safetensors", "f.npz"] {
            let path = folder.path().join(name);
            write(&path, &example()).expect("writes");
            let good = std::fs::read(&path).expect("bytes");
            let bad = folder.path().join(format!("bad-{name}"));
            for end in 0..good.len() {
                std::fs::write(&bad, &good[..end]).expect("writes");
                assert!(read(&bad).is_err(), "{name} cut to {end}");
            }
            for at in 0..good.len() {
                let mut bytes = good.clone();
                bytes[at] ^= 0xff;
                std::fs::write(&bad, &bytes).expect("writes");
                // Some bytes are padding or names; what matters is that nothing panics.
                if let Err(e) = read(&bad) {
                    assert!(e.to_string().contains("bad-f"), "{e}");
                }
            }
        }
    }

    #[test]
    fn nan_weights_missing_parts_and_unknown_endings_are_named() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("f.safetensors");
        write(&path, &example()).expect("writes");
        let mut bytes = std::fs::read(&path).expect("bytes");
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(&path, &bytes).expect("writes");
        let error = read(&path).expect_err("NaN").to_string();
        assert!(error.contains("row 2, column 1"), "{error}");
        assert!(matches!(
            read(Path::new("x.csv")),
            Err(FeatureError::UnknownFormat { .. })
        ));
        assert!(matches!(
            read(&folder.path().join("none.npz")),
            Err(FeatureError::Io { .. })
        ));
    }
}
