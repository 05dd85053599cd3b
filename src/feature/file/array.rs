//! Single arrays as `.npy` files, the way `numpy.save` writes them: features or probabilities
//! `[N, D]`, labels `[N]`, and maps that NumPy reads back. Arrays inside an `.npz` are the same
//! bytes and pass through the same functions.

use std::io::{BufWriter, Write};
use std::path::Path;

use ndarray::{Array2, ArrayD, ArrayView2, Ix1, Ix2};

use super::mapped::Mapped;
use super::{contents, save};
use crate::container::{Array, Fault, npy};
use crate::feature::FeatureError;

/// The file's ending in small letters, without the dot.
pub fn ending(path: &Path) -> String {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    ending.unwrap_or_default()
}

/// Whether the file's name ends in `.npy`.
pub fn is_npy(path: &Path) -> bool {
    ending(path) == "npy"
}

/// Reads a matrix of numbers in double precision; `what` names it in errors.
///
/// # Errors
/// [`FeatureError`] with the path: another ending, unreadable, malformed, not `[N, K]`.
pub fn matrix(path: &Path, what: &str) -> Result<Array2<f64>, FeatureError> {
    let map = map(path)?;
    let read = |array: Array<'_>| array.releasing(&|part| map.release(part)).to_f64();
    two_sides(path, what, parse(path, what, map.bytes(), read)?)
}

/// Reads classes: one integer from 0 a sample.
///
/// # Errors
/// [`FeatureError`] with the path: another ending, unreadable, malformed, not `[N]`, not integers,
/// a negative one with its row.
pub fn labels(path: &Path) -> Result<Vec<usize>, FeatureError> {
    contents::classes(path, labels_in(path, map(path)?.bytes())?)
}

/// Whether a `.npy` file holds a matrix.
///
/// # Errors
/// [`FeatureError`] with the path: another ending, unreadable, malformed; `what` names the array.
pub fn is_matrix(path: &Path, what: &str) -> Result<bool, FeatureError> {
    parse(path, what, map(path)?.bytes(), |a| Ok(a.shape().len() == 2))
}

/// Writes a matrix atomically, in double precision and row-major.
///
/// # Errors
/// [`FeatureError::Io`] with the path. An existing file is left as it was.
pub fn write_matrix(path: &Path, matrix: ArrayView2<'_, f64>) -> Result<(), FeatureError> {
    save(path, |file| {
        let mut out = BufWriter::new(file);
        out.write_all(&npy::header("<f8", &[matrix.nrows(), matrix.ncols()]))?;
        for value in matrix {
            out.write_all(&value.to_le_bytes())?;
        }
        Ok(out.flush()?)
    })
}

pub(super) fn features(path: &Path) -> Result<Array2<f32>, FeatureError> {
    let map = map(path)?;
    features_in(path, map.bytes(), &|part| map.release(part))
}

/// Features `[N, D]` from the bytes of a `.npy` file; `done` is told what has been read.
pub(super) fn features_in(
    path: &Path,
    bytes: &[u8],
    done: &dyn Fn(&[u8]),
) -> Result<Array2<f32>, FeatureError> {
    let read = |array: Array<'_>| array.releasing(done).to_f32();
    two_sides(path, "features", parse(path, "features", bytes, read)?)
}

/// Labels `[N]` from the bytes of a `.npy` file.
pub(super) fn labels_in(path: &Path, bytes: &[u8]) -> Result<Vec<i64>, FeatureError> {
    let found = parse(path, "labels", bytes, |a| a.to_i64())?;
    let shape = format!("{:?}", found.shape());
    let row = found
        .into_dimensionality::<Ix1>()
        .map_err(|_| FeatureError::malformed(path, "labels", "shape [N]", shape))?;
    Ok(row.to_vec())
}

/// Something from the bytes of a `.npy` file; errors say of which array.
pub(super) fn parse<T>(
    path: &Path,
    what: &str,
    bytes: &[u8],
    read: impl FnOnce(Array<'_>) -> Result<T, Fault>,
) -> Result<T, FeatureError> {
    npy::parse(bytes).and_then(read).map_err(|e| {
        FeatureError::malformed(path, format!("{what}: {}", e.what), e.expected, e.found)
    })
}

fn two_sides<T>(path: &Path, what: &str, array: ArrayD<T>) -> Result<Array2<T>, FeatureError> {
    let shape = format!("{:?}", array.shape());
    array
        .into_dimensionality::<Ix2>()
        .map_err(|_| FeatureError::malformed(path, what, "shape [N, D]", shape))
}

fn map(path: &Path) -> Result<Mapped, FeatureError> {
    if !is_npy(path) {
        let found = format!("{:?}", ending(path));
        let expected = "one that ends in .npy";
        return Err(FeatureError::malformed(path, "file name", expected, found));
    }
    Mapped::open(path)
}
