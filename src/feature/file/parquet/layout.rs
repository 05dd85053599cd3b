//! Which columns of a Parquet file are features, labels, class names and ids.

use std::collections::BTreeMap;
use std::path::Path;

use polars::prelude::{FileMetadata, PlSmallStr};
use polars_parquet::parquet::metadata::{ColumnChunkMetadata, RowGroupMetadata};

use crate::feature::FeatureError;
use crate::feature::file::few;

/// Where a file has what.
pub(super) struct Layout {
    pub(super) features: Features,
    pub(super) labels: Option<String>,
    pub(super) names: Option<String>,
    pub(super) ids: Option<String>,
}

pub(super) enum Features {
    Lists,
    Numbered(Vec<String>),
}

impl Layout {
    /// Numbers that the features are promised to be.
    pub(super) fn values(&self, footer: &FileMetadata) -> usize {
        let lists = |group: &RowGroupMetadata| {
            let own = |column: &&ColumnChunkMetadata| {
                column
                    .descriptor()
                    .path_in_schema
                    .first()
                    .is_some_and(|name| name == "features")
            };
            let columns = group.parquet_columns().iter().filter(own);
            columns
                .map(|column| column.num_values().max(0) as usize)
                .sum::<usize>()
        };
        match &self.features {
            Features::Numbered(names) => footer.num_rows.saturating_mul(names.len()),
            Features::Lists => footer.row_groups.iter().map(lists).sum(),
        }
    }

    pub(super) fn columns(&self) -> Vec<PlSmallStr> {
        let lists = ["features".to_owned()];
        let features: &[String] = match &self.features {
            Features::Lists => &lists,
            Features::Numbered(names) => names,
        };
        let others = [&self.labels, &self.names, &self.ids].into_iter().flatten();
        let all = features.iter().chain(others);
        all.map(|name| name.as_str().into()).collect()
    }
}

pub(super) fn layout(path: &Path, columns: &[&str]) -> Result<Layout, FeatureError> {
    let one = |names: [&str; 2]| {
        let found = names.into_iter().find(|name| columns.contains(name));
        found.map(str::to_owned)
    };
    let features = if columns.contains(&"features") {
        Features::Lists
    } else {
        Features::Numbered(numbered(columns).ok_or_else(|| {
            let expected =
                "features (lists), or columns numbered from 0 or 1 without a gap (f0, f1, …)";
            FeatureError::malformed(path, "parquet columns", expected, few(columns))
        })?)
    };
    Ok(Layout {
        features,
        labels: one(["labels", "label"]),
        names: one(["class_name", "class_names"]),
        ids: one(["ids", "id"]),
    })
}

/// The columns named by one prefix and all numbers from 0 or 1 on, in order, if there is one such
/// prefix.
fn numbered(columns: &[&str]) -> Option<Vec<String>> {
    let mut families: BTreeMap<&str, BTreeMap<usize, String>> = BTreeMap::new();
    for name in columns {
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Ok(number) = name[prefix.len()..].parse() {
            let family = families.entry(prefix).or_default();
            if family.insert(number, (*name).to_owned()).is_some() {
                return None;
            }
        }
    }
    let whole = |family: &BTreeMap<usize, String>| {
        let start = family.keys().next().copied().unwrap_or(2);
        start < 2 && family.keys().copied().eq(start..start + family.len())
    };
    // pandas' own index columns are no features.
    families.retain(|prefix, _| !prefix.starts_with("__"));
    match families.len() {
        1 => families.into_values().find(whole),
        _ => None,
    }
    .map(|family| family.into_values().collect())
}
