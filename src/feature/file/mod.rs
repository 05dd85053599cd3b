//! Feature sets as files: `.safetensors`, `.npz` and `.parquet`; a single array as `.npy`.
//!
//! The first three hold `features [N, D]` (floats), `labels [N]` (integers), optional `class_names` and
//! optional `ids`. In safetensors the two lists of strings are JSON lists in the header's
//! `__metadata__`; in npz they are unicode arrays; Parquet's columns, also those of a data frame of
//! numbers, are described in `parquet.rs`. The first two may hold the embeddings of texts beside (`both.rs`). Without class names, classes are named by
//! their numbers. A `.npy` file holds features alone; its labels are another file ([`Contents`]).
//! Reading allocates in proportion to the file and never to what a header promises
//! (deflated npz members and Parquet: up to [`MAX_MEMBER`]). `.npy`, `.safetensors` and stored npz
//! members are mapped and read once: of 500,000 × 1,024 features in single precision only that
//! matrix, 2 GB, is in memory. Writing is atomic (temporary file in the same
//! folder, fsync, rename, fsync of the folder) and the same set gives the same bytes.
//!
//! To export from PyTorch: `safetensors.torch.save_file({"features": f, "labels": y}, path)`.

pub mod array;
mod arrays;
mod blocks;
mod both;
mod choice;
mod contents;
mod mapped;
mod npz;
mod parquet;
mod parts;
mod precision;
mod safetensors;
mod within;

pub use arrays::{Arrays, write_arrays};
pub use blocks::{Blocks, Number, Open};
pub use both::{Both, read_both};
pub use choice::Choice;
pub use contents::{Contents, sorted_order};
pub use parts::{Keep, Matrix};
pub use precision::{Beyond, matrix_beyond};

use std::fs::File;
use std::io::Write;
use std::path::Path;

use zip::result::ZipError;

use super::layers::layer_of;
use super::{FeatureError, FeatureSet, TextFeatures};
use crate::files::Fault;

/// Inflated npz members and Parquet columns above this many bytes are refused (16 GiB).
pub const MAX_MEMBER: u64 = 1 << 34;

enum Format {
    Safetensors,
    Npz,
    Parquet,
}

fn format_of(path: &Path) -> Result<Format, FeatureError> {
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    match ending.as_str() {
        "safetensors" => Ok(Format::Safetensors),
        "npz" => Ok(Format::Npz),
        "parquet" => Ok(Format::Parquet),
        _ => Err(FeatureError::UnknownFormat {
            path: path.to_owned(),
            found: ending,
        }),
    }
}

/// Reads a feature set; the file's ending decides the format.
///
/// ```
/// use modalign::feature::{FeatureSet, file};
/// use ndarray::array;
///
/// let set = FeatureSet::unnamed(array![[0.5, 1.0], [2.0, -1.0]], vec![0, 1])?;
/// let folder = tempfile::tempdir()?;
/// for name in ["set.npz", "set.safetensors", "set.parquet"] {
///     let path = folder.path().join(name);
///     file::write(&path, &set)?;
///     assert_eq!(file::read(&path)?, set);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FeatureError`] with the path: unreadable, malformed, or a set that is not valid.
pub fn read(path: &Path) -> Result<FeatureSet, FeatureError> {
    Contents::read(path)?.set()
}

/// Names of the arrays with features of layers, as `modalign extract --outputs layers` writes them, from the embedder's on.
///
/// # Errors
/// [`FeatureError`] with the path: unreadable, another format than `.npz` and `.safetensors`, a file without layers or with
/// gaps between them.
pub fn layers(path: &Path) -> Result<Vec<String>, FeatureError> {
    let names = match format_of(path)? {
        Format::Safetensors => safetensors::names(path)?,
        Format::Npz => npz::names(path)?,
        Format::Parquet => {
            let expected = ".npz or .safetensors, which hold layers beside one another";
            return Err(FeatureError::malformed(
                path, "format", expected, ".parquet",
            ));
        }
    };
    let numbered = names
        .iter()
        .filter_map(|name| Some((layer_of(name)?, name.clone())));
    let mut layers: Vec<(usize, String)> = numbered.collect();
    layers.sort_unstable();
    let whole = layers.iter().enumerate().all(|(place, of)| place == of.0);
    if layers.is_empty() || !whole {
        let expected =
            "layer_00, layer_01, … without a gap, as modalign extract --outputs layers writes them";
        return Err(FeatureError::malformed(
            path,
            "arrays",
            expected,
            few(&names),
        ));
    }
    Ok(layers.into_iter().map(|(_, name)| name).collect())
}

/// Writes a feature set atomically; the file's ending decides the format.
///
/// # Errors
/// [`FeatureError`] with the path. An existing file is left as it was.
pub fn write(path: &Path, set: &FeatureSet) -> Result<(), FeatureError> {
    let format = format_of(path)?;
    if matches!(format, Format::Parquet) && set.texts().is_some() {
        return Err(both::no_parquet(path));
    }
    save(path, |file| match format {
        Format::Safetensors => Ok(safetensors::write(file, set)?),
        Format::Npz => npz::write(file, set),
        Format::Parquet => parquet::write(file, set)
            .map_err(|e| ZipError::Io(std::io::Error::other(e.to_string()))),
    })
}

/// Writes a file atomically, with errors that name it.
fn save(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), ZipError>,
) -> Result<(), FeatureError> {
    crate::files::atomic::write_with(path, write).map_err(|e| {
        FeatureError::io(
            path,
            match e {
                ZipError::Io(e) => e,
                e => std::io::Error::other(e),
            },
        )
    })
}

/// A fault in the array `what`, with its file.
fn fault_in(path: &Path, what: &str, e: Fault) -> FeatureError {
    FeatureError::malformed(path, format!("{what}: {}", e.what), e.expected, e.found)
}

/// A fault that names its place itself.
fn fault_of(path: &Path, e: Fault) -> FeatureError {
    FeatureError::malformed(path, e.what, e.expected, e.found)
}

/// A JSON list of strings, as metadata holds them.
fn list(path: &Path, key: &str, text: &str) -> Result<Vec<String>, FeatureError> {
    serde_json::from_str(text).map_err(|_| {
        let found = match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => "other JSON",
            Err(_) => "no JSON",
        };
        FeatureError::malformed(
            path,
            format!("metadata {key}"),
            "a JSON list of strings",
            found,
        )
    })
}

/// Names in a line, however many there are.
fn few(names: &[impl AsRef<str>]) -> String {
    const MOST: usize = 12;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match shown.is_empty() {
        true => "nothing".into(),
        false => shown.join(", ") + &more,
    }
}

fn write_texts(out: &mut impl Write, texts: &TextFeatures) -> std::io::Result<()> {
    let values = texts.values();
    values
        .iter()
        .try_for_each(|v| out.write_all(&v.to_le_bytes()))
}

fn write_features(out: &mut impl Write, set: &FeatureSet) -> std::io::Result<()> {
    set.features()
        .iter()
        .try_for_each(|v| out.write_all(&v.to_le_bytes()))
}

#[cfg(test)]
mod tests;
