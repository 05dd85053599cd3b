//! Arguments that choose arrays or columns of a features file by name.

use crate::feature::file::{Choice, array};
use clap::Args;
use std::path::{Path, PathBuf};

/// Which array or column of a features file is what.
#[derive(Debug, Clone, Default, Args)]
pub struct ColumnArgs {
    /// Array or column of the features where it is not called features; in Parquet also a prefix (f for f0, f1, …) or columns with commas between
    #[arg(long, value_name = "NAME", aliases = ["features-name", "features-column"])]
    pub features: Option<String>,
    /// Array or column of the labels where it is not called labels or label
    #[arg(long, value_name = "NAME", aliases = ["labels-name", "labels-column"])]
    pub labels: Option<String>,
}

impl ColumnArgs {
    /// The choice.
    pub fn choice(&self) -> Choice {
        Choice {
            features: self.features.clone(),
            labels: self.labels.clone(),
            ..Choice::default()
        }
    }
}

/// What `--labels` means where it may be a file: one that ends in `.npy`, else an array's name.
pub fn labels_of(given: Option<&str>) -> (Option<PathBuf>, Option<String>) {
    match given {
        Some(given) if array::is_npy(Path::new(given)) => (Some(given.into()), None),
        given => (None, given.map(str::to_owned)),
    }
}
