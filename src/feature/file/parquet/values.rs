//! The values of polars' columns: features as numbers, labels and the like as [`Column`]s.

use std::path::Path;

use polars::prelude::{DataType, Series};

use crate::feature::FeatureError;
use crate::files::column::Column;

/// The library's own words name its parts and not the file's: what is said is where to look.
pub(super) fn damaged<E>(path: &Path) -> impl Fn(E) -> FeatureError + '_ {
    |_| {
        let found = "damage, or an encoding or compression that is not read";
        FeatureError::malformed(path, "parquet", "an intact file", found)
    }
}

/// Numbers in one of the two precisions.
pub(super) trait Real: Copy + Default {
    /// Of polars' numbers.
    fn of(
        path: &Path,
        name: &str,
        series: &Series,
        out: &mut Vec<Self>,
    ) -> Result<(), FeatureError>;
}

fn halves(path: &Path, name: &str, series: &Series) -> Result<Option<Vec<f32>>, FeatureError> {
    let Ok(bytes) = series.binary() else {
        return Ok(None);
    };
    let number = |bytes: Option<&[u8]>| match bytes {
        Some(&[low, high]) => Ok(half::f16::from_le_bytes([low, high]).to_f32()),
        _ => Err(FeatureError::malformed(path, name, "numbers", "bytes")),
    };
    let numbers: Result<Vec<f32>, FeatureError> = bytes.iter().map(number).collect();
    numbers.map(Some)
}

fn refused(path: &Path, name: &str, series: &Series) -> FeatureError {
    FeatureError::malformed(path, name, "numbers", words(series.dtype()))
}

/// A type of polars in words.
fn words(kind: &DataType) -> String {
    match kind {
        DataType::String => "text".into(),
        DataType::Binary => "bytes".into(),
        DataType::Boolean => "truth values".into(),
        DataType::Date | DataType::Datetime(..) | DataType::Time => "dates or times".into(),
        DataType::Duration(_) => "time spans".into(),
        DataType::List(inner) => format!("lists of {}", words(inner)),
        DataType::Null => "empty cells alone".into(),
        kind if kind.is_float() => "floats".into(),
        kind if kind.is_integer() => "whole numbers".into(),
        _ => "another type".into(),
    }
}

impl Real for f32 {
    fn of(
        path: &Path,
        name: &str,
        series: &Series,
        out: &mut Vec<Self>,
    ) -> Result<(), FeatureError> {
        if let Some(numbers) = halves(path, name, series)? {
            out.extend(numbers);
            return Ok(());
        }
        if !series.dtype().is_primitive_numeric() && !series.dtype().is_bool() {
            return Err(refused(path, name, series));
        }
        let series = series.cast(&DataType::Float32).map_err(damaged(path))?;
        let values = series.f32().map_err(damaged(path))?;
        for chunk in values.downcast_iter() {
            out.extend_from_slice(chunk.values());
        }
        Ok(())
    }
}

impl Real for f64 {
    fn of(
        path: &Path,
        name: &str,
        series: &Series,
        out: &mut Vec<Self>,
    ) -> Result<(), FeatureError> {
        if let Some(numbers) = halves(path, name, series)? {
            out.extend(numbers.into_iter().map(Self::from));
            return Ok(());
        }
        if !series.dtype().is_primitive_numeric() && !series.dtype().is_bool() {
            return Err(refused(path, name, series));
        }
        let series = series.cast(&DataType::Float64).map_err(damaged(path))?;
        let values = series.f64().map_err(damaged(path))?;
        for chunk in values.downcast_iter() {
            out.extend_from_slice(chunk.values());
        }
        Ok(())
    }
}

/// Numbers of a column or of lists without an empty cell, appended to `out`.
pub(super) fn numbers<T: Real>(
    path: &Path,
    name: &str,
    series: &Series,
    out: &mut Vec<T>,
) -> Result<(), FeatureError> {
    match series.null_count() {
        0 => T::of(path, name, series, out),
        count => {
            let found = format!("{count} empty");
            Err(FeatureError::malformed(path, name, "no empty cell", found))
        }
    }
}

/// Labels, ids or groups; `first` is the number of the first row, `half` says that bytes are floats.
pub(super) fn column(
    path: &Path,
    name: &str,
    series: &Series,
    first: usize,
    half: bool,
) -> Result<Column, FeatureError> {
    let empty = series.is_null();
    if let Some(row) = empty.iter().position(|null| null == Some(true)) {
        let what = format!("{name}, row {}", first + row);
        return Err(FeatureError::malformed(
            path,
            what,
            "a value",
            "an empty cell",
        ));
    }
    let wrong = damaged(path);
    Ok(match series.dtype() {
        DataType::Boolean => {
            let values = series.bool().map_err(wrong)?;
            Column::Whole(
                values
                    .iter()
                    .map(|v| i128::from(v.unwrap_or_default()))
                    .collect(),
            )
        }
        DataType::UInt64 => {
            let values = series.u64().map_err(wrong)?.into_no_null_iter();
            Column::Whole(values.map(i128::from).collect())
        }
        kind if kind.is_integer() => {
            let values = series.cast(&DataType::Int64).map_err(damaged(path))?;
            let values = values.i64().map_err(wrong)?.into_no_null_iter();
            Column::Whole(values.map(i128::from).collect())
        }
        kind if kind.is_float() => {
            let values = series.cast(&DataType::Float64).map_err(damaged(path))?;
            Column::Float(values.f64().map_err(wrong)?.into_no_null_iter().collect())
        }
        DataType::String => {
            let values = series.str().map_err(wrong)?;
            Column::Text(
                values
                    .iter()
                    .map(|t| t.unwrap_or_default().to_owned())
                    .collect(),
            )
        }
        DataType::Binary if half => {
            let values = halves(path, name, series)?.unwrap_or_default();
            Column::Float(values.into_iter().map(f64::from).collect())
        }
        DataType::Binary => {
            let values = series.binary().map_err(wrong)?;
            let text =
                |b: Option<&[u8]>| String::from_utf8_lossy(b.unwrap_or_default()).into_owned();
            Column::Text(values.iter().map(text).collect())
        }
        kind => {
            let expected = "whole numbers or text, one a sample";
            return Err(FeatureError::malformed(path, name, expected, words(kind)));
        }
    })
}
