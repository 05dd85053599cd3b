//! Single arrays as `.npy` files, the way `numpy.save` writes them: features or probabilities
//! `[N, D]`, labels `[N]`, and maps that NumPy reads back. Arrays inside an `.npz` are the same
//! bytes and pass through the same functions.

use std::io::{BufWriter, Write};
use std::path::Path;

use ndarray::{Array2, ArrayD, ArrayView2, Ix2};

use super::fault_in;
use super::mapped::Mapped;
use super::parts::{Keep, Matrix};
use super::{fault_of, precision, save};
use crate::feature::FeatureError;
use crate::files::column::Column;
use crate::files::{Array, Fault, npy};

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

/// Reads classes: one value a sample, numbers from 0 or names, which come back in sorted order.
///
/// # Errors
/// [`FeatureError`] with the path: another ending, unreadable, malformed, not `[N]`, no classes, with
/// the row.
pub fn labels(path: &Path) -> Result<(Vec<usize>, Option<Vec<String>>), FeatureError> {
    let labels = column(path, "labels")?.labels(None);
    let labels = labels.map_err(|e| fault_of(path, e))?;
    Ok((labels.numbers, labels.names))
}

pub(super) fn column(path: &Path, what: &str) -> Result<Column, FeatureError> {
    Column::of_npy(map(path)?.bytes()).map_err(|e| fault_in(path, what, e))
}

/// The shape of the array in a `.npy` file.
///
/// # Errors
/// [`FeatureError`] with the path: another ending, unreadable, malformed; `what` names the array.
pub fn shape(path: &Path, what: &str) -> Result<Vec<usize>, FeatureError> {
    npy::shape(map(path)?.bytes()).map_err(|e| fault_in(path, what, e))
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

pub(super) fn features(path: &Path, keep: Keep) -> Result<Matrix, FeatureError> {
    let map = map(path)?;
    features_in(path, "features", map.bytes(), keep, &|part| {
        map.release(part)
    })
}

/// Features `[N, D]` from the bytes of a `.npy` file; `done` is told what has been read.
pub(super) fn features_in(
    path: &Path,
    what: &str,
    bytes: &[u8],
    keep: Keep,
    done: &dyn Fn(&[u8]),
) -> Result<Matrix, FeatureError> {
    if let Ok(Some(_)) = npy::object(bytes) {
        let expected = "numbers (np.stack(rows).astype('float32') makes them)";
        return Err(FeatureError::malformed(
            path,
            what,
            expected,
            "an array of Python objects",
        ));
    }
    let array = npy::parse(bytes).map_err(|e| fault_in(path, what, e))?;
    features_of(path, what, &array.releasing(done), keep)
}

/// Features `[N, D]` from an array, in the precision that they need.
pub(super) fn features_of(
    path: &Path,
    what: &str,
    array: &Array<'_>,
    keep: Keep,
) -> Result<Matrix, FeatureError> {
    if array.shape().len() != 2 {
        let found = format!("{:?}", array.shape());
        return Err(FeatureError::malformed(path, what, "shape [N, D]", found));
    }
    let wrong = |e| fault_in(path, what, e);
    let beyond = precision::beyond(array);
    let wide = keep == Keep::Wide && array.layout().element.is_wide();
    if wide || beyond.is_some() {
        let values = two_sides(path, what, array.to_f64().map_err(wrong)?)?;
        return Ok(Matrix::Double(values, beyond));
    }
    let values = array.to_f32().map_err(wrong)?;
    Ok(Matrix::Single(two_sides(path, what, values)?))
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
