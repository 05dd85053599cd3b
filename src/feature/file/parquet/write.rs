//! Writing a feature set as `.parquet`: lists of single-precision numbers, integer labels, text ids,
//! class names in the metadata.

use std::io::Write;

use polars::prelude::{
    Column, DataFrame, DataType, KeyValueMetadata, ListBuilderTrait, ListPrimitiveChunkedBuilder,
    ParquetCompression, ParquetWriter, PolarsResult,
};

use crate::feature::FeatureSet;

/// Bytes of features in a row group that we write.
const GROUP: usize = 1 << 25;

pub(in crate::feature::file) fn write(out: impl Write, set: &FeatureSet) -> PolarsResult<()> {
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
    if let Some(groups) = set.groups() {
        let groups: Vec<i64> = groups[first..last].iter().map(|&g| g as i64).collect();
        columns.push(Column::new("groups".into(), groups));
    }
    DataFrame::new(height, columns)
}
