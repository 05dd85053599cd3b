//! A Parquet dataset: a folder of parts with the same columns, read in the order of their names.

use std::path::{Path, PathBuf};

use ndarray::{Axis, concatenate};

use crate::feature::FeatureError;
use crate::feature::file::choice::Choice;
use crate::feature::file::few;
use crate::feature::file::parts::{Keep, Matrix, Parts};
use crate::feature::file::precision::matrix_beyond;
use crate::files::column::Column;

/// More parts than anyone writes features in.
const MOST_PARTS: usize = 10_000;

/// Reads one part.
type ReadFile = fn(&Path, &Choice, Keep) -> Result<(Matrix, Parts), FeatureError>;

/// Reads all parts as one set.
pub(super) fn read(
    path: &Path,
    choice: &Choice,
    keep: Keep,
    read_file: ReadFile,
) -> Result<(Matrix, Parts), FeatureError> {
    let paths = parts(path)?;
    let read_file =
        |part: &PathBuf, keep| read_file(part, choice, keep).map_err(|e| of_folder(path, part, e));
    let mut wide = false;
    let mut all = Vec::with_capacity(paths.len());
    for part in &paths {
        let read = read_file(part, keep)?;
        wide |= matches!(read.0, Matrix::Double(..));
        all.push(read);
    }
    if wide && keep == Keep::Single {
        // One part is beyond single precision: all of them are needed in double.
        all = paths
            .iter()
            .map(|part| read_file(part, Keep::Wide))
            .collect::<Result<_, _>>()?;
    }
    let mut matrices = Vec::with_capacity(all.len());
    let mut whole: Option<Parts> = None;
    for (part, (matrix, parts)) in paths.iter().zip(all) {
        matrices.push(matrix);
        match &mut whole {
            None => whole = Some(parts),
            Some(whole) => append(whole, parts).map_err(|e| of_folder(path, part, e))?,
        }
    }
    let mut whole = whole.unwrap_or_default();
    whole.told.push(format!(
        "a folder: its {} parts are read in the order of their names",
        paths.len()
    ));
    Ok((joined(path, matrices, wide)?, whole))
}

/// The parts of a folder, by name.
fn parts(path: &Path) -> Result<Vec<PathBuf>, FeatureError> {
    let io = |e| FeatureError::io(path, e);
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Writers leave marks beside the parts: _SUCCESS, _metadata, .crc.
        if name.starts_with(['_', '.']) {
            continue;
        }
        if name.ends_with(".parquet") && entry.path().is_file() {
            files.push(entry.path());
        } else {
            others.push(name);
        }
    }
    others.sort_unstable();
    if files.is_empty() || !others.is_empty() || files.len() > MOST_PARTS {
        let expected = "a file, or a folder of parts that end in .parquet (pandas.read_parquet(folder)\
                        .to_parquet(file) makes one file of it)";
        let found = match (files.len(), others.as_slice()) {
            (0, []) => "an empty folder".to_owned(),
            (count, []) => format!("a folder of {count} parts"),
            (_, others) => format!("a folder with {}", few(others)),
        };
        return Err(FeatureError::malformed(path, "file", expected, found));
    }
    files.sort_unstable();
    Ok(files)
}

/// The same error, said of the folder that the part lies in.
fn of_folder(folder: &Path, part: &Path, error: FeatureError) -> FeatureError {
    match error {
        FeatureError::Malformed {
            what,
            expected,
            found,
            ..
        } => {
            let name = part.file_name().unwrap_or_default().to_string_lossy();
            let what = format!("{name} of this folder: {what}");
            FeatureError::malformed(folder, what, expected, found)
        }
        other => other,
    }
}

fn append(whole: &mut Parts, part: Parts) -> Result<(), FeatureError> {
    let differs = |what: &str| {
        let expected = "the same columns and class names as in the parts before";
        Err(FeatureError::malformed(
            Path::new(""),
            what,
            expected,
            "others",
        ))
    };
    if whole.class_names != part.class_names || whole.found.name != part.found.name {
        return differs("labels");
    }
    let columns: [(&str, &mut Option<Column>, Option<Column>); 3] = [
        ("labels", &mut whole.labels, part.labels),
        ("ids", &mut whole.ids, part.ids),
        ("groups", &mut whole.groups, part.groups),
    ];
    for (what, all, more) in columns {
        match (all, more) {
            (None, None) => {}
            // An empty part has no kind of its own.
            (Some(_), Some(more)) if more.len() == 0 => {}
            (Some(all), Some(more)) => {
                if all.append(more).is_err() {
                    return differs(what);
                }
            }
            _ => return differs(what),
        }
    }
    Ok(())
}

fn joined(path: &Path, all: Vec<Matrix>, wide: bool) -> Result<Matrix, FeatureError> {
    let rows = |matrix: &Matrix| matrix.dim().0 > 0;
    let all: Vec<Matrix> = match all.iter().any(rows) {
        true => all.into_iter().filter(rows).collect(),
        false => all.into_iter().take(1).collect(),
    };
    let wrong = |_| {
        let expected = "as many columns in every part";
        FeatureError::malformed(path, "features", expected, "different numbers")
    };
    if wide {
        let all: Vec<_> = all.into_iter().map(Matrix::into_double).collect();
        let views: Vec<_> = all.iter().map(|matrix| matrix.view()).collect();
        let whole = concatenate(Axis(0), &views).map_err(wrong)?;
        let beyond = matrix_beyond(whole.view());
        return Ok(Matrix::Double(whole, beyond));
    }
    let all: Vec<_> = all
        .into_iter()
        .filter_map(|matrix| match matrix {
            Matrix::Single(values) => Some(values),
            Matrix::Double(..) => None,
        })
        .collect();
    let views: Vec<_> = all.iter().map(|matrix| matrix.view()).collect();
    Ok(Matrix::Single(concatenate(Axis(0), &views).map_err(wrong)?))
}
