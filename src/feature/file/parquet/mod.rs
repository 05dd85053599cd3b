//! Feature sets as `.parquet`, through polars.
//!
//! Features are one column `features` of lists of numbers, all of one length, or what a data frame
//! of numbers becomes: columns numbered in their names without a gap, from 0 or 1 (`0, 1, 2 …`,
//! `f0, f1 …`, `pca_1 …`), in the order of their numbers. Labels are a column `labels` or `label`
//! of integers; ids `ids` or `id`, of text or integers. Class names stand in the file's metadata
//! under `class_names`, a JSON list as in safetensors, which is how we write them; or in a column
//! `class_name` (or `class_names`) of text, one a sample: beside labels it names them, alone it is
//! the labels, numbered by the names' order. Other columns are left alone; an empty cell in these
//! is an error. A file without rows has no lists and so no dimension: D is 0.
//!
//! Half precision is not read. What a file promises is checked first ([`footer`]); memory grows by row groups.
//! polars panics on some damaged files; the one place that asks it turns that into an error.

mod footer;
mod layout;

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use polars::prelude::{
    Column, DataFrame, DataType, FileMetadata, KeyValueMetadata, ListBuilderTrait,
    ListPrimitiveChunkedBuilder, ParquetCompression, ParquetReader, ParquetWriter, PolarsError,
    PolarsResult, SerReader, Series,
};

use self::footer::{check, plain};
use self::layout::{Features, Layout, layout};
use super::Contents;
use super::mapped::Mapped;
use crate::feature::{FeatureError, FeatureSet};

/// Bytes of features in a row group that we write.
const GROUP: usize = 1 << 25;

pub(super) fn read(path: &Path) -> Result<Contents, FeatureError> {
    let map = Mapped::open(path)?;
    catch_unwind(AssertUnwindSafe(|| read_mapped(path, &map))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or(panic.downcast_ref::<&str>().copied());
        Err(damaged(path)(said.unwrap_or("damage").to_owned()))
    })
}

fn damaged<E: ToString>(path: &Path) -> impl Fn(E) -> FeatureError + '_ {
    |e| FeatureError::malformed(path, "parquet", "an intact file", e.to_string().trim())
}

fn read_mapped(path: &Path, map: &Mapped) -> Result<Contents, FeatureError> {
    let bytes = map.bytes();
    let wrong = damaged::<PolarsError>(path);
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let footer = reader.get_metadata().map_err(&wrong)?.clone();
    let class_names = class_names(path, &footer)?;
    let columns: Vec<&str> = footer.schema().fields().iter().map(|f| f.name()).collect();
    let layout = layout(path, &columns)?;
    let wanted = layout.columns();
    let footer = Arc::new(plain(&footer, &wanted).map_err(|e| damaged(path)(e))?);
    check(path, &footer, bytes)?;
    let mut parts = Parts::default();
    // One allocation where the promise is plausible; else the matrix grows with what is decoded.
    let promised = layout.values(&footer);
    if promised <= bytes.len().saturating_mul(4) {
        parts.values.reserve_exact(promised);
    }
    let mut first = 0;
    for group in &footer.row_groups {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        reader.set_metadata(footer.clone());
        let frame = reader
            .with_slice(Some((first, group.num_rows())))
            .with_columns(Some(wanted.iter().map(|name| name.to_string()).collect()))
            .finish()
            .map_err(&wrong)?;
        first += group.num_rows();
        parts.take(path, &layout, &frame)?;
        for column in group.parquet_columns() {
            let range = column.byte_range();
            map.release(&bytes[range.start as usize..range.end as usize]);
        }
    }
    parts.contents(path, layout, class_names)
}

fn class_names(path: &Path, footer: &FileMetadata) -> Result<Option<Vec<String>>, FeatureError> {
    let mut entries = footer.key_value_metadata().iter().flatten();
    let text = entries.find(|entry| entry.key.as_str() == "class_names");
    let Some(text) = text.and_then(|entry| entry.value.as_ref()) else {
        return Ok(None);
    };
    serde_json::from_str(text).map(Some).map_err(|e| {
        FeatureError::malformed(path, "metadata class_names", "a JSON list of strings", e)
    })
}

/// What row groups add up to.
#[derive(Default)]
struct Parts {
    values: Vec<f32>,
    rows: usize,
    columns: Option<usize>,
    labels: Vec<i64>,
    names: Vec<String>,
    ids: Vec<String>,
}

impl Parts {
    fn take(
        &mut self,
        path: &Path,
        layout: &Layout,
        frame: &DataFrame,
    ) -> Result<(), FeatureError> {
        let column = |name: &str| -> Result<Series, FeatureError> {
            let found = frame.column(name).map_err(damaged(path))?;
            let series = found.as_materialized_series().clone();
            if series.len() != frame.height() {
                let expected = format!("{} rows", frame.height());
                return Err(FeatureError::malformed(path, name, expected, series.len()));
            }
            match series.null_count() {
                0 => Ok(series),
                n => Err(empty(path, name, n)),
            }
        };
        match &layout.features {
            Features::Lists => self.lists(path, &column("features")?)?,
            Features::Numbered(names) => {
                let columns = names.iter().map(|name| numbers(path, name, column(name)?));
                let columns: Vec<Series> = columns.collect::<Result<_, _>>()?;
                self.columns = Some(columns.len());
                let start = self.values.len();
                self.values
                    .resize(start + frame.height() * columns.len(), 0.0);
                let rows = &mut self.values[start..];
                for (i, series) in columns.iter().enumerate() {
                    let values = series.f32().map_err(damaged(path))?.into_no_null_iter();
                    for (row, value) in values.enumerate() {
                        rows[row * columns.len() + i] = value;
                    }
                }
            }
        }
        self.rows += frame.height();
        if let Some(name) = &layout.labels {
            let labels = column(name)?;
            if !labels.dtype().is_integer() {
                let found = labels.dtype().to_string();
                return Err(FeatureError::malformed(path, name, "integers", found));
            }
            let labels = labels.cast(&DataType::Int64).map_err(damaged(path))?;
            // Above the signed range a label turns empty and is refused.
            match labels.null_count() {
                0 => self
                    .labels
                    .extend(labels.i64().map_err(damaged(path))?.into_no_null_iter()),
                n => return Err(empty(path, name, n)),
            }
        }
        for (name, out) in [
            (&layout.names, &mut self.names),
            (&layout.ids, &mut self.ids),
        ] {
            if let Some(name) = name {
                let series = column(name)?;
                if !(series.dtype().is_string() || series.dtype().is_integer()) {
                    let found = series.dtype().to_string();
                    return Err(FeatureError::malformed(path, name, "text", found));
                }
                let series = series.cast(&DataType::String).map_err(damaged(path))?;
                let text = series.str().map_err(damaged(path))?;
                out.extend(text.iter().map(|t| t.unwrap_or_default().to_owned()));
            }
        }
        Ok(())
    }

    fn lists(&mut self, path: &Path, series: &Series) -> Result<(), FeatureError> {
        let lists = series.list().map_err(|_| {
            let found = series.dtype().to_string();
            FeatureError::malformed(path, "features", "lists of numbers", found)
        })?;
        let mut row = self.rows;
        for part in lists.downcast_iter() {
            let offsets = part.offsets();
            for length in offsets.lengths() {
                let expected = *self.columns.get_or_insert(length);
                if length != expected {
                    let what = format!("features, row {row}");
                    let expected = format!("{expected} numbers");
                    return Err(FeatureError::malformed(path, what, expected, length));
                }
                row += 1;
            }
            let (from, to) = (*offsets.first(), *offsets.last());
            let values = Series::from_arrow("features".into(), part.values().clone());
            let values = values.map_err(damaged(path))?;
            let values = values.slice(from, (to - from) as usize);
            if values.null_count() > 0 {
                return Err(empty(path, "features", values.null_count()));
            }
            let values = numbers(path, "features", values)?;
            let values = values.f32().map_err(damaged(path))?;
            for chunk in values.downcast_iter() {
                self.values.extend_from_slice(chunk.values());
            }
        }
        Ok(())
    }

    fn contents(
        self,
        path: &Path,
        layout: Layout,
        class_names: Option<Vec<String>>,
    ) -> Result<Contents, FeatureError> {
        let labels = layout.labels.is_some().then_some(self.labels);
        let (labels, class_names) = match (layout.names, class_names) {
            (Some(column), None) => named(path, &column, labels, self.names)?,
            (_, class_names) => (labels, class_names),
        };
        let columns = match layout.features {
            Features::Numbered(names) => names.len(),
            Features::Lists => self.columns.unwrap_or(0),
        };
        let found = self.values.len();
        let values = Array2::from_shape_vec((self.rows, columns), self.values).map_err(|_| {
            let expected = format!("{} × {columns} values", self.rows);
            FeatureError::malformed(path, "features", expected, found)
        })?;
        let ids = layout.ids.map(|_| self.ids);
        Contents::new(path, values, labels, class_names, ids)
    }
}

/// Labels and class names.
type Classes = (Option<Vec<i64>>, Option<Vec<String>>);

/// Labels and class names, from the name of every sample's class.
fn named(
    path: &Path,
    column: &str,
    labels: Option<Vec<i64>>,
    names: Vec<String>,
) -> Result<Classes, FeatureError> {
    let Some(labels) = labels else {
        let mut classes = names.clone();
        classes.sort();
        classes.dedup();
        let number = |name| classes.binary_search(name).map_or(-1, |i| i as i64);
        let labels = names.iter().map(number).collect();
        return Ok((Some(labels), Some(classes)));
    };
    let mut classes: BTreeMap<i64, String> = BTreeMap::new();
    for (row, (label, name)) in labels.iter().zip(names).enumerate() {
        let first = classes.entry(*label).or_insert_with(|| name.clone());
        if *first != name {
            let what = format!("{column}, row {row}");
            let expected = format!("{first:?}, the name of class {label}");
            return Err(FeatureError::malformed(path, what, expected, name));
        }
    }
    // A class without a sample has no name here; its number stands in. Wild labels get none.
    let most = classes.keys().next_back().map_or(0, |most| *most);
    if !(0..FeatureSet::MAX_UNNAMED as i64).contains(&most) {
        return Ok((Some(labels), None));
    }
    let name = |class| classes.remove(&class).unwrap_or_else(|| class.to_string());
    let count = if labels.is_empty() { 0 } else { most + 1 };
    let names = (0..count).map(name).collect();
    Ok((Some(labels), Some(names)))
}

/// Numbers in single precision.
fn numbers(path: &Path, name: &str, series: Series) -> Result<Series, FeatureError> {
    if !series.dtype().is_primitive_numeric() {
        let found = series.dtype().to_string();
        return Err(FeatureError::malformed(path, name, "numbers", found));
    }
    series.cast(&DataType::Float32).map_err(damaged(path))
}

fn empty(path: &Path, name: &str, count: usize) -> FeatureError {
    FeatureError::malformed(path, name, "no empty cell", format!("{count} empty"))
}

pub(super) fn write(out: impl Write, set: &FeatureSet) -> PolarsResult<()> {
    let names = serde_json::to_string(set.class_names()).map_err(std::io::Error::other)?;
    let metadata = KeyValueMetadata::from_static(vec![("class_names".into(), names)]);
    let rows = (GROUP / 4 / set.dim().max(1)).clamp(1, set.len().max(1));
    let mut writer = ParquetWriter::new(out)
        .with_compression(ParquetCompression::Snappy)
        .with_row_group_size(Some(rows))
        .with_key_value_metadata(Some(metadata))
        .batched(frame(set, 0, 0)?.schema())?;
    let mut first = 0;
    while first < set.len() {
        let last = (first + rows).min(set.len());
        writer.write_batch(&frame(set, first, last)?)?;
        first = last;
    }
    writer.finish().map(|_| ())
}

/// Some rows as columns.
fn frame(set: &FeatureSet, first: usize, last: usize) -> PolarsResult<DataFrame> {
    let (height, width) = (last - first, set.dim());
    let mut features = ListPrimitiveChunkedBuilder::<polars::prelude::Float32Type>::new(
        "features".into(),
        height,
        height * width,
        DataType::Float32,
    );
    for row in set
        .features()
        .slice(ndarray::s![first..last, ..])
        .outer_iter()
    {
        features.append_slice(row.as_slice().unwrap_or_default());
    }
    let labels: Vec<i64> = set.labels()[first..last]
        .iter()
        .map(|&l| l as i64)
        .collect();
    let mut columns = vec![
        Column::from(polars::prelude::IntoSeries::into_series(features.finish())),
        Column::new("labels".into(), labels),
    ];
    if let Some(ids) = set.ids() {
        columns.push(Column::new("ids".into(), &ids[first..last]));
    }
    DataFrame::new(height, columns)
}
