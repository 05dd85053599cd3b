//! Rows of the tables that answer, in short: what came out, what it took, what the data look like and
//! which classes were matched.

use std::path::Path;

use super::csv::RawTable;
use super::{Row, TableError, typed};

table! {
    /// What came out of one method on one target, over seeds.
    AnswerRow in "answer.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Name of the target metric; less is better.
        metric: String,
        /// Its mean on the test part.
        target_mean: Option<f64>,
        /// Lower end of its 95 % interval.
        target_lower: Option<f64>,
        /// Upper end of the same.
        target_upper: Option<f64>,
        /// Whether it is below every other method's beyond noise.
        target_best: bool,
        /// Mean test error of the linear probe on the surrogate.
        source_mean: Option<f64>,
        /// Lower end of its 95 % interval.
        source_lower: Option<f64>,
        /// Upper end of the same.
        source_upper: Option<f64>,
        /// Whether it is below every other method's beyond noise.
        source_best: bool,
        /// Mean D through the embedder that the fine-tuning starts from.
        d_mean: Option<f64>,
        /// Lower end of its 95 % interval.
        d_lower: Option<f64>,
        /// Upper end of the same.
        d_upper: Option<f64>,
        /// Whether it is below every other method's beyond noise.
        d_best: bool,
        /// Seeds behind it.
        seeds: Option<u64>,
    }
}

table! {
    /// One transfer that the suite asks for.
    CellRow in "cells.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// `done`, `not run`, `failed` or `not defined`.
        state: String,
        /// Epochs trained.
        epochs: Option<u64>,
        /// Wall-clock seconds of the training.
        seconds: Option<f64>,
        /// Most memory that the process held meanwhile, in bytes.
        memory: Option<u64>,
        /// What it was trained on.
        device: String,
    }
}

impl CellRow {
    /// Whether it was run to its end.
    pub fn done(&self) -> bool {
        self.state == "done"
    }
}

table! {
    /// A picture of a sample: row `row` of the bytes in `file`.
    SampleRow in "pictures.csv" {
        /// Id of the dataset.
        dataset: String,
        /// Its name for readers.
        title: String,
        /// Part of the dataset.
        part: String,
        /// Which sample of that part.
        sample: u64,
        /// Its class, labels or number.
        name: String,
        /// How it is looked at: `image`, `map`, `spectrogram` or `signal`.
        view: String,
        /// File below the run folder.
        file: String,
        /// Row of that file.
        row: u64,
    }
}

table! {
    /// Mean probability of one source class over the samples of one target class.
    MatchingRow in "matching.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Class of the target.
        target_class: String,
        /// Class of the source model.
        source_class: String,
        /// Number of that class.
        source: u64,
        /// The mean, in [0, 1].
        probability: f64,
        /// Whether it stands for the target class.
        matched: bool,
    }
}
