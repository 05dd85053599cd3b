//! The columns of every table of a run. What figures and reports need of them is in
//! `figure::table`, whose readers ignore columns they do not know.

use super::{Table, Tables, Verdicts};
use crate::run::samples::SAMPLES;

/// Columns that say whose encoder a row is about.
macro_rules! encoder_columns {
    ($($more:literal),*) => { &["encoder", "encoder_title", "method", "seed", "epochs", $($more),*] };
}

/// Columns that say which transfer a row is about.
macro_rules! cell_columns {
    ($($more:literal),*) => { &["target", "target_title", "method", "seed", $($more),*] };
}

impl Default for Tables {
    /// Empty tables.
    fn default() -> Self {
        Self {
            probe: Table::new(encoder_columns!(
                "error", "lower", "upper", "c", "n_train", "n_test"
            )),
            geometry: Table::new(encoder_columns!("align", "uniform")),
            yardsticks: Table::new(encoder_columns!(
                "cka",
                "knn",
                "silhouette",
                "logme",
                "hscore",
                "n"
            )),
            cka: Table::new(&[
                "encoder",
                "encoder_title",
                "other",
                "other_title",
                "value",
                "n",
            ]),
            transferability: Table::new(&[
                "target",
                "target_title",
                "leep",
                "nce",
                "logme",
                "hscore",
                "gap",
                "otdd",
                "otdd_converged",
                "n",
                "n_otdd_source",
                "n_otdd_target",
                "undefined",
            ]),
            tsne: Table::new(&[
                "encoder",
                "encoder_title",
                "x",
                "y",
                "label",
                "class_name",
                "sample",
                "kl",
                "trustworthiness",
            ]),
            discrepancy: Table::new(&[
                "target",
                "target_title",
                "divergence",
                "embedder",
                "value",
                "lower",
                "upper",
                "null_mean",
                "null_lower",
                "null_upper",
                "chance",
                "normalized",
                "lower_bound",
                "gap",
                "certified",
                "n",
                "target_classes",
                "source_classes",
                "infimum_lower",
                "infimum_upper",
                "groups",
                "groups_per_class",
                "unit",
            ]),
            pairs: Table::new(&[
                "target",
                "target_title",
                "target_class",
                "source_class",
                "probability",
                "samples",
            ]),
            matching: Table::new(&[
                "target",
                "target_title",
                "target_class",
                "source_class",
                "source",
                "probability",
                "matched",
            ]),
            samples: Table::new(SAMPLES),
            cells: Table::new(cell_columns!(
                "state", "epochs", "seconds", "memory", "device"
            )),
            stages: Table::new(cell_columns!(
                "stage",
                "value",
                "lower",
                "upper",
                "normalized"
            )),
            targets: Table::new(cell_columns!(
                "epochs",
                "best_epoch",
                "metric",
                "valid",
                "test",
                "chance",
                "n_train",
                "n_valid",
                "n_test",
                "shape",
                "seconds"
            )),
            curves: Table::new(cell_columns!("epoch", "train_loss", "metric", "valid")),
            stage1: Table::new(cell_columns!(
                "epoch",
                "inner",
                "align",
                "uniform",
                "outer_share",
                "otdd",
                "converged"
            )),
            verdicts: Verdicts::default(),
            notes: Vec::new(),
            unfinished: 0,
        }
    }
}
