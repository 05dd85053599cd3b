//! The tables of a run as typed rows: one struct per CSV file, one field per column.
//!
//! This is the whole contract between a run and its figures. A struct's [`Row::COLUMNS`] lists
//! what its file must hold; further columns are ignored, so a run may write more. Reading never
//! guesses: a missing column or a cell of the wrong kind is an error that names the place. Only columns
//! whose cells may be empty may be missing.

use std::path::Path;

mod csv;
mod error;

use csv::RawTable;
pub use error::TableError;

/// A kind of cell: what it looks like in a file and how it is read.
trait Cell: Sized {
    /// How an error names this kind.
    const EXPECTED: &'static str;
    /// What stands for every cell of a column that the file does not have, if it need not.
    const ABSENT: Option<Self> = None;
    /// Reads the cell, or `None` if it is of another kind.
    fn parse(cell: &str) -> Option<Self>;
}

impl Cell for String {
    const EXPECTED: &'static str = "text";
    fn parse(cell: &str) -> Option<Self> {
        Some(cell.to_owned())
    }
}

impl Cell for f64 {
    const EXPECTED: &'static str = "a finite number";
    fn parse(cell: &str) -> Option<Self> {
        cell.trim()
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
    }
}

impl Cell for u64 {
    const EXPECTED: &'static str = "a whole number";
    fn parse(cell: &str) -> Option<Self> {
        cell.trim().parse().ok()
    }
}

impl Cell for bool {
    const EXPECTED: &'static str = "true or false";
    fn parse(cell: &str) -> Option<Self> {
        match cell.trim() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

/// Optional cells: empty, `-` and `NaN` all say "no value".
impl<T: Cell> Cell for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    // Tables of older versions lack columns that came later.
    const ABSENT: Option<Self> = Some(None);
    fn parse(cell: &str) -> Option<Self> {
        match cell.trim() {
            "" | "-" | "NaN" | "nan" => Some(None),
            given => T::parse(given).map(Some),
        }
    }
}

/// A typed row of one of a run's tables.
pub trait Row: Sized {
    /// File name in the `tables` folder.
    const FILE: &'static str;
    /// Columns that the file must hold.
    const COLUMNS: &'static [&'static str];
    /// Reads all rows, in file order.
    fn read(tables: &Path) -> Result<Vec<Self>, TableError>;
}

/// Takes one column out of a raw table, typed.
fn typed<T: Cell>(raw: &RawTable, path: &Path, column: &'static str) -> Result<Vec<T>, TableError> {
    let Some(cells) = raw.column(column) else {
        let absent: Option<Vec<T>> = (0..raw.height()).map(|_| T::ABSENT).collect();
        return absent.ok_or_else(|| TableError::MissingColumn {
            path: path.to_owned(),
            column,
            found: raw.columns().join(", "),
        });
    };
    let parse = |(index, cell): (usize, String)| {
        T::parse(&cell).ok_or_else(|| TableError::Cell {
            path: path.to_owned(),
            line: index + 2,
            column,
            expected: T::EXPECTED,
            found: cell.chars().take(80).collect(),
        })
    };
    cells.into_iter().enumerate().map(parse).collect()
}

/// Declares a row struct together with its reader.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident in $file:literal {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)+
        }

        impl Row for $name {
            const FILE: &'static str = $file;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn read(tables: &Path) -> Result<Vec<Self>, TableError> {
                let path = tables.join($file);
                let raw = RawTable::read(&path, $file)?;
                $(let mut $field = typed::<$kind>(&raw, &path, stringify!($field))?.into_iter();)+
                let mut rows = Vec::with_capacity(raw.height());
                // All columns have the same length, so they end together.
                while let ($(Some($field),)+) = ($($field.next(),)+) {
                    rows.push(Self { $($field),+ });
                }
                Ok(rows)
            }
        }
    };
}

mod sides;
pub use sides::{ClassRow, DifferenceRow, MeasureRow};

table! {
    /// One sample of one t-SNE map.
    TsneRow in "tsne.csv" {
        /// Id of the encoder: `pretrained` or a target.
        encoder: String,
        /// Its name for readers.
        encoder_title: String,
        /// First map coordinate.
        x: f64,
        /// Second map coordinate.
        y: f64,
        /// Class of the surrogate set.
        label: u64,
        /// Name of that class.
        class_name: String,
        /// Which test sample of the surrogate.
        sample: Option<u64>,
        /// Final KL divergence of the map, the same in every row of an encoder.
        kl: Option<f64>,
        /// Trustworthiness of the map, the same in every row of an encoder.
        trustworthiness: Option<f64>,
    }
}

table! {
    /// One linear probe on the surrogate set.
    ProbeRow in "probe.csv" {
        /// Id of the encoder: `pretrained`, `pixels` or a target.
        encoder: String,
        /// Its name for readers.
        encoder_title: String,
        /// Transfer method, `-` where nothing was transferred.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Epochs of the transfer.
        epochs: Option<u64>,
        /// Test error, a fraction.
        error: f64,
        /// Lower end of the Wilson 95 % interval.
        lower: Option<f64>,
        /// Upper end of the Wilson 95 % interval.
        upper: Option<f64>,
        /// Inverse regularisation strength chosen on the validation part.
        c: Option<f64>,
        /// Samples the probe was fitted on.
        n_train: Option<u64>,
        /// Samples the error was counted on.
        n_test: Option<u64>,
    }
}

table! {
    /// One discrepancy D(Ms, Mt).
    DiscrepancyRow in "discrepancy.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Which divergence of conditional distributions.
        divergence: String,
        /// Which embedder mapped the target into the shared space.
        embedder: String,
        /// D itself.
        value: f64,
        /// Lower end of the bootstrap 95 % interval of the found matching's cost on new samples.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Mean D with shuffled target labels.
        null_mean: Option<f64>,
        /// Lower end of the null's interval.
        null_lower: Option<f64>,
        /// Upper end of the null's interval.
        null_upper: Option<f64>,
        /// D of guessing.
        chance: Option<f64>,
        /// D over the null's mean.
        normalized: Option<f64>,
        /// Proven lower bound of the optimum.
        lower_bound: Option<f64>,
        /// Value minus lower bound, on the samples the matching was chosen on.
        gap: Option<f64>,
        /// Whether the matching is proven optimal.
        certified: bool,
        /// Samples used.
        n: Option<u64>,
        /// Classes of the target.
        target_classes: Option<u64>,
        /// Classes of the source model.
        source_classes: Option<u64>,
        /// Lower end of the conservative 95 % interval of D itself.
        infimum_lower: Option<f64>,
        /// Upper end of the same.
        infimum_upper: Option<f64>,
        /// Groups of the target's test samples.
        groups: Option<u64>,
        /// Groups of the class that has fewest.
        groups_per_class: Option<u64>,
        /// What a group is; absent where every sample is its own.
        unit: Option<String>,
    }
}

table! {
    /// One pair of the optimal matching of target classes to source classes.
    PairRow in "pairs.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Class of the target.
        target_class: String,
        /// Source class it was matched with.
        source_class: String,
        /// Mean source probability of that class over the target class's samples.
        probability: f64,
        /// Samples of the target class.
        samples: Option<u64>,
    }
}

table! {
    /// Alignment and uniformity of the surrogate features under one encoder.
    GeometryRow in "geometry.csv" {
        /// Id of the encoder.
        encoder: String,
        /// Its name for readers.
        encoder_title: String,
        /// Transfer method, `-` where nothing was transferred.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Epochs of the transfer.
        epochs: Option<u64>,
        /// Mean squared distance of same-class features on the unit sphere, in [0, 4].
        align: f64,
        /// Log mean Gaussian potential of all pairs, in [-8, 0].
        uniform: f64,
    }
}

table! {
    /// One trained target model.
    TargetRow in "targets.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Epochs trained.
        epochs: Option<u64>,
        /// Epoch chosen on the validation part.
        best_epoch: Option<u64>,
        /// Name of the metric; `error` is a fraction.
        metric: String,
        /// Metric on the validation part.
        valid: Option<f64>,
        /// Metric on the test part.
        test: f64,
        /// Metric of guessing.
        chance: Option<f64>,
        /// Training samples.
        n_train: Option<u64>,
        /// Validation samples.
        n_valid: Option<u64>,
        /// Test samples.
        n_test: Option<u64>,
        /// Shape of a sample.
        shape: String,
        /// Wall-clock seconds of the training.
        seconds: Option<f64>,
    }
}

table! {
    /// One epoch of one training.
    CurveRow in "curves.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Epoch, 0 before any training.
        epoch: u64,
        /// Mean training loss of the epoch.
        train_loss: Option<f64>,
        /// Name of the metric.
        metric: String,
        /// The metric on the validation part after it.
        valid: Option<f64>,
    }
}

mod answer;
mod comparison;
mod yardsticks;
pub use answer::*;
pub use comparison::*;
pub use yardsticks::*;
