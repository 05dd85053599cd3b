//! Feature sets as `.parquet`, through polars.
//!
//! Features are one column `features` of lists of numbers, all of one length and perhaps of fixed size, or what a
//! data frame of numbers becomes: columns numbered in their names without a gap, from 0 or 1
//! (`0, 1, 2 …`, `f0, f1 …`, `pca_1 …`), in the order of their numbers; half, single or double
//! precision, integers or truth values. Which columns are taken is said in `layout`. Labels are a column `labels`
//! or `label` of whole numbers, truth values or text (also categories); ids `ids` or `id`, groups
//! `groups` or `group`, of any of these. Class names stand in the file's metadata
//! under `class_names`, a JSON list as in safetensors, which is how we write them; or in a column
//! `class_name` (or `class_names`) of text, one a sample: beside labels it names them, alone it is
//! the labels, numbered by the names' order. Other columns are left alone; an empty cell in these
//! is an error. A file without rows has no lists and so no dimension: D is 0. A folder of parts is read
//! in the order of their names.
//!
//! What a file promises is checked first ([`footer`]); memory grows by row groups. Wide numbers are decoded
//! twice, to be checked ([`super::precision`]) and to be kept.
//! polars panics on some damaged files; the one place that asks it turns that into an error.

mod folder;
mod footer;
mod kind;
mod layout;
mod values;
mod write;

pub(super) use write::write;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use polars::prelude::{DataFrame, FileMetadata, ParquetReader, SerReader, Series};

use self::footer::{check, plain};
use self::kind::{Kind, Number, kind};
use self::layout::{Features, Layout, layout};
use self::values::{Real, damaged};
use super::choice::Choice;
use super::mapped::Mapped;
use super::parts::{Keep, Matrix, Parts};
use super::precision::Rounding;
use super::{fault_of, list};
use crate::feature::{FeatureError, FeatureSet};
use crate::files::column::Column;

pub(super) fn read(
    path: &Path,
    choice: &Choice,
    keep: Keep,
) -> Result<(Matrix, Parts), FeatureError> {
    if path.is_dir() {
        return folder::read(path, choice, keep, read_file);
    }
    read_file(path, choice, keep)
}

fn read_file(path: &Path, choice: &Choice, keep: Keep) -> Result<(Matrix, Parts), FeatureError> {
    let map = Mapped::open(path)?;
    let guarded = AssertUnwindSafe(|| read_mapped(path, &map, choice, keep));
    catch_unwind(guarded).unwrap_or_else(|_| Err(damaged(path)(())))
}

/// A file that is read row group by row group.
struct Open<'f> {
    path: &'f Path,
    map: &'f Mapped,
    footer: Arc<FileMetadata>,
    layout: &'f Layout,
}

impl Open<'_> {
    /// Calls `each` with the wanted columns of every row group.
    fn groups(
        &self,
        mut each: impl FnMut(&DataFrame) -> Result<(), FeatureError>,
    ) -> Result<(), FeatureError> {
        let (bytes, wanted) = (self.map.bytes(), self.layout.columns());
        let mut first = 0;
        for group in &self.footer.row_groups {
            let mut reader = ParquetReader::new(Cursor::new(bytes));
            reader.set_metadata(self.footer.clone());
            let frame = reader
                .with_slice(Some((first, group.num_rows())))
                .with_columns(Some(wanted.iter().map(|name| name.to_string()).collect()))
                .finish()
                .map_err(damaged(self.path))?;
            first += group.num_rows();
            each(&frame)?;
            for column in group.parquet_columns() {
                let range = column.byte_range();
                let part = bytes.get(range.start as usize..range.end as usize);
                self.map.release(part.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn series(&self, frame: &DataFrame, name: &str) -> Result<Series, FeatureError> {
        let found = frame.column(name).map_err(damaged(self.path))?;
        let series = found.as_materialized_series().clone();
        if series.len() == frame.height() {
            return Ok(series);
        }
        let expected = format!("{} rows", frame.height());
        Err(FeatureError::malformed(
            self.path,
            name,
            expected,
            series.len(),
        ))
    }

    /// The features of a row group, row after row, appended; returns their number of columns.
    fn features<T: Real>(
        &self,
        frame: &DataFrame,
        rows: &Rows,
        out: &mut Vec<T>,
    ) -> Result<Option<usize>, FeatureError> {
        match &self.layout.features {
            Features::Lists(name) => self.lists(&self.series(frame, name)?, name, rows, out),
            Features::Numbered(names) => {
                let (start, width) = (out.len(), names.len());
                out.resize(start + frame.height() * width, T::default());
                let mut column = Vec::new();
                for (i, name) in names.iter().enumerate() {
                    column.clear();
                    values::numbers(self.path, name, &self.series(frame, name)?, &mut column)?;
                    for (row, value) in column.iter().enumerate().take(frame.height()) {
                        out[start + row * width + i] = *value;
                    }
                }
                Ok(Some(width))
            }
        }
    }

    fn lists<T: Real>(
        &self,
        series: &Series,
        name: &str,
        rows: &Rows,
        out: &mut Vec<T>,
    ) -> Result<Option<usize>, FeatureError> {
        let path = self.path;
        if let Some(row) = series.is_null().iter().position(|null| null == Some(true)) {
            let what = format!("{name}, row {}", rows.seen + row);
            return Err(FeatureError::malformed(
                path,
                what,
                "a list",
                "an empty cell",
            ));
        }
        let lists = series.list().map_err(|_| {
            let column = self
                .footer
                .schema()
                .fields()
                .iter()
                .find(|f| f.name() == name);
            let found = match column.map(kind) {
                Some(Kind::Text) => "text",
                Some(Kind::Number(..)) => "numbers",
                _ => "another type",
            };
            FeatureError::malformed(path, name, "lists of numbers", found)
        })?;
        let (mut row, mut columns) = (rows.seen, rows.columns);
        for part in lists.downcast_iter() {
            let offsets = part.offsets();
            for length in offsets.lengths() {
                let expected = *columns.get_or_insert(length);
                if length != expected {
                    let what = format!("{name}, row {row}");
                    let expected = format!("{expected} numbers");
                    return Err(FeatureError::malformed(path, what, expected, length));
                }
                row += 1;
            }
            let (from, to) = (*offsets.first(), *offsets.last());
            let inner = Series::from_arrow(name.into(), part.values().clone());
            let inner = inner.map_err(damaged(path))?;
            values::numbers(path, name, &inner.slice(from, (to - from) as usize), out)?;
        }
        Ok(columns)
    }
}

/// How much of the features has been read.
#[derive(Default)]
struct Rows {
    seen: usize,
    columns: Option<usize>,
}

fn read_mapped(
    path: &Path,
    map: &Mapped,
    choice: &Choice,
    keep: Keep,
) -> Result<(Matrix, Parts), FeatureError> {
    let bytes = map.bytes();
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let footer = reader.get_metadata().map_err(damaged(path))?.clone();
    let class_names = class_names(path, &footer)?;
    let columns: Vec<(&str, Kind)> = footer
        .schema()
        .fields()
        .iter()
        .map(|field| (field.name(), kind(field)))
        .collect();
    let layout = layout(path, choice, &columns)?;
    let halves = |name: &str| {
        let half = |(other, kind): &(&str, Kind)| {
            *other == name && matches!(kind, Kind::Number(Number::Half, _))
        };
        columns.iter().any(half)
    };
    let wanted = layout.columns();
    let footer = Arc::new(plain(&footer, &wanted).map_err(|e| damaged(path)(e))?);
    check(path, &footer, bytes)?;
    let open = Open {
        path,
        map,
        footer,
        layout: &layout,
    };
    let beyond = if layout.wide { beyond(&open)? } else { None };
    let wide = beyond.is_some() || (layout.wide && keep == Keep::Wide);
    let mut rows = Rows::default();
    let (mut single, mut double): (Vec<f32>, Vec<f64>) = Default::default();
    // One allocation where the promise is plausible; else the matrix grows with what is decoded.
    let promised = layout.values(&open.footer);
    if promised <= bytes.len().saturating_mul(4) {
        if wide {
            double.reserve_exact(promised);
        } else {
            single.reserve_exact(promised);
        }
    }
    let roles = [
        &layout.labels.name,
        &layout.names,
        &layout.ids,
        &layout.groups,
    ];
    let mut others: [Option<Column>; 4] = Default::default();
    open.groups(|frame| {
        let width = if wide {
            open.features(frame, &rows, &mut double)?
        } else {
            open.features(frame, &rows, &mut single)?
        };
        for (name, out) in roles.iter().zip(&mut others) {
            let Some(name) = name else { continue };
            let series = open.series(frame, name)?;
            let more = values::column(path, name, &series, rows.seen, halves(name))?;
            match out {
                None => *out = Some(more),
                Some(out) => out.append(more).map_err(|found| {
                    FeatureError::malformed(path, name.as_str(), "one type", found)
                })?,
            }
        }
        rows.columns = width;
        rows.seen += frame.height();
        Ok(())
    })?;
    let columns = match &layout.features {
        Features::Numbered(names) => names.len(),
        Features::Lists(_) => rows.columns.unwrap_or(0),
    };
    let shape = (rows.seen, columns);
    let found = single.len() + double.len();
    let wrong = |_| {
        let expected = format!("{} × {columns} values", rows.seen);
        FeatureError::malformed(path, "features", expected, found)
    };
    let features = if wide {
        Matrix::Double(
            Array2::from_shape_vec(shape, double).map_err(wrong)?,
            beyond,
        )
    } else {
        Matrix::Single(Array2::from_shape_vec(shape, single).map_err(wrong)?)
    };
    // A file without a row group has its columns all the same.
    let whole = |column: Option<Column>, name: &Option<String>| {
        column.or_else(|| name.as_ref().map(|_| Column::Whole(Vec::new())))
    };
    let [labels, names, ids, groups] = others;
    let labels = whole(labels, &layout.labels.name);
    let class_names = match (&layout.names, names, class_names) {
        (Some(name), Some(names), None) => {
            let names = names.texts(name).map_err(|e| fault_of(path, e))?;
            named(path, name, labels.as_ref(), names)?
        }
        (_, _, class_names) => class_names,
    };
    let parts = Parts {
        labels,
        class_names,
        ids: whole(ids, &layout.ids),
        groups: whole(groups, &layout.groups),
        told: layout.told.iter().cloned().collect(),
        found: layout.labels,
    };
    Ok((features, parts))
}

/// The column that single precision cannot hold, in a pass of its own.
fn beyond(open: &Open<'_>) -> Result<Option<super::Beyond>, FeatureError> {
    let mut rows = Rows::default();
    let mut rounding: Option<Rounding> = None;
    let mut values: Vec<f64> = Vec::new();
    open.groups(|frame| {
        values.clear();
        rows.columns = open.features(frame, &rows, &mut values)?;
        rows.seen += frame.height();
        let columns = rows.columns.unwrap_or(0);
        let rounding =
            rounding.get_or_insert_with(|| Rounding::new(open.footer.num_rows, columns, false));
        rounding.add(&values);
        Ok(())
    })?;
    Ok(rounding.and_then(|rounding| rounding.verdict()))
}

fn class_names(path: &Path, footer: &FileMetadata) -> Result<Option<Vec<String>>, FeatureError> {
    let mut entries = footer.key_value_metadata().iter().flatten();
    let text = entries.find(|entry| entry.key.as_str() == "class_names");
    match text.and_then(|entry| entry.value.as_ref()) {
        Some(text) => list(path, "class_names", text).map(Some),
        None => Ok(None),
    }
}

/// Class names by position, from the name of every sample's class beside its number.
fn named(
    path: &Path,
    column: &str,
    labels: Option<&Column>,
    names: Vec<String>,
) -> Result<Option<Vec<String>>, FeatureError> {
    let Some(labels) = labels.filter(|labels| !matches!(labels, Column::Text(_))) else {
        return Ok(None);
    };
    let labels = labels.clone().labels(None);
    let labels = labels.map_err(|e| fault_of(path, e))?.numbers;
    let mut classes: BTreeMap<usize, String> = BTreeMap::new();
    for (row, (label, name)) in labels.iter().zip(names).enumerate() {
        let first = classes.entry(*label).or_insert_with(|| name.clone());
        if *first != name {
            let what = format!("{column}, row {row}");
            let expected = format!("{first:?}, the name of class {label}");
            return Err(FeatureError::malformed(path, what, expected, name));
        }
    }
    // A class without a sample has no name here; its number stands in. Wild labels get none.
    let Some(most) = classes.keys().next_back().copied() else {
        return Ok(Some(Vec::new()));
    };
    if most >= FeatureSet::MAX_UNNAMED {
        return Ok(None);
    }
    let name = |class| classes.remove(&class).unwrap_or_else(|| class.to_string());
    Ok(Some((0..=most).map(name).collect()))
}
