//! A features file with two modalities: beside `features [N, D]` stands `text_features`, the embeddings `[K, D]` of one
//! text a class or `[N, D]` of one text a sample, in `.npz` or `.safetensors`. `text_of` says which (`classes` or
//! `samples`; a list of one text, in safetensors' metadata as JSON); without it the number of rows does, and is told.
//!
//! Whoever asks for features alone sees nothing of it, and a file without it is read as ever.

use std::path::Path;

use super::contents::invalid;
use super::parts::Matrix;
use super::{Contents, Format, few, format_of, npz, safetensors};
use crate::feature::texts::{TextsOf, inferred};
use crate::feature::{FeatureError, FeatureSet};

/// The embeddings of texts.
pub(super) const VALUES: &str = "text_features";
/// What each of them stands for.
pub(super) const OF: &str = "text_of";

/// A matrix, and the list of texts that says what it is, as a format's reader finds them.
pub(super) type Named = (Matrix, Option<Vec<String>>);

/// A set with texts beside its features.
#[derive(Debug, Clone, PartialEq)]
pub struct Both {
    /// The set; it has texts.
    pub set: FeatureSet,
    /// What was inferred in reading and has to be told.
    pub told: Vec<String>,
}

/// Reads features and text features.
///
/// # Errors
/// [`FeatureError`] with the path: as [`read`](super::read); no `text_features`; another width than the features'; as
/// many rows as neither classes nor samples, or as both where it matters.
pub fn read_both(path: &Path) -> Result<Both, FeatureError> {
    let found = match format_of(path)? {
        Format::Npz => npz::named(path, VALUES, OF)?,
        Format::Safetensors => safetensors::named(path, VALUES, OF)?,
        Format::Parquet => return Err(no_parquet(path)),
    };
    let Some((matrix, of)) = found else {
        let expected = "embeddings of texts, one a class or one a sample";
        return Err(FeatureError::malformed(path, VALUES, expected, "none"));
    };
    let values = match matrix {
        Matrix::Single(values) => values,
        Matrix::Double(values, _) => values.mapv(|v| v as f32),
    };
    let contents = Contents::read(path)?;
    let mut told = contents.told();
    let set = contents.set()?;
    let (rows, classes) = (values.nrows(), set.classes());
    let of = match of.as_deref() {
        None => {
            let of = inferred(rows, set.labels(), classes);
            let of = of.ok_or_else(|| unclear(path, rows, &set))?;
            told.push(format!(
                "{VALUES} are {rows}, one a {}",
                match of {
                    TextsOf::Classes => "class",
                    TextsOf::Samples => "sample",
                }
            ));
            of
        }
        Some(names) => {
            let one = names.first().filter(|_| names.len() == 1);
            let known = one.and_then(|name| TextsOf::named(name));
            let found = || few(names);
            known.ok_or_else(|| {
                FeatureError::malformed(path, OF, "\"classes\" or \"samples\"", found())
            })?
        }
    };
    let set = set
        .with_texts(values, of)
        .map_err(|source| invalid(path, source))?;
    Ok(Both { set, told })
}

/// The error of a number of texts that is not that of one thing alone.
fn unclear(path: &Path, rows: usize, set: &FeatureSet) -> FeatureError {
    let (samples, classes) = (set.len(), set.classes());
    let expected = if rows == samples && rows == classes {
        format!(
            "{OF} = \"classes\" or \"samples\", which tells what each of {rows} texts stands for"
        )
    } else {
        format!("{classes} rows, one a class, or {samples}, one a sample")
    };
    FeatureError::malformed(path, VALUES, expected, format!("{rows} rows"))
}

/// The error of a format that has no place for a second matrix.
pub(super) fn no_parquet(path: &Path) -> FeatureError {
    let expected = "one that ends in .npz or .safetensors, for text features beside features";
    FeatureError::malformed(path, "file name", expected, ".parquet")
}
