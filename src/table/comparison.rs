//! Rows of the tables that compare methods and tell of stage 1.

use std::path::Path;

use super::csv::RawTable;
use super::{Row, TableError, typed};

table! {
    /// D of one transfer at one stage.
    StageRow in "stages.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// `initial`, `stage-1` or `fine-tuned`: which embedder.
        stage: String,
        /// D itself.
        value: f64,
        /// Lower end of the bootstrap 95 % interval.
        lower: Option<f64>,
        /// Upper end of the bootstrap 95 % interval.
        upper: Option<f64>,
        /// D over the null's mean.
        normalized: Option<f64>,
    }
}

table! {
    /// One epoch of one stage 1; what a method does not compute is absent.
    Stage1Row in "stage1.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Epoch of stage 1, from 1.
        epoch: u64,
        /// Mean task loss.
        inner: Option<f64>,
        /// Mean alignment of the source batch after the simulated step.
        align: Option<f64>,
        /// Mean uniformity of the same.
        uniform: Option<f64>,
        /// The outer loss's part of the embedder's gradient, relative to the task loss's.
        outer_share: Option<f64>,
        /// Mean OTDD of the embedded batch from the embedded source.
        otdd: Option<f64>,
        /// Share of those distances that converged.
        converged: Option<f64>,
    }
}

table! {
    /// One paired difference between two methods on one target, over seeds.
    PairedRow in "paired.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// The method.
        method: String,
        /// What it is compared with.
        baseline: String,
        /// Which quantity: `source-error`, `target-error` or (where that is not the metric)
        /// `target-metric`, `align`, `uniform`, `d-stage-1`, `d-fine-tuned`.
        quantity: String,
        /// Mean of the method.
        method_mean: f64,
        /// Mean of the baseline.
        baseline_mean: f64,
        /// Method minus baseline.
        difference: f64,
        /// Lower end of its own 95 % interval, over seeds and samples; none where nothing varies.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Two-sided p of no difference; none for one seed.
        p: Option<f64>,
        /// The same, corrected for everything that the page says.
        adjusted: Option<f64>,
        /// `lower`, `higher`, `not shown` or `not tested`; tables of older versions have none.
        verdict: Option<String>,
        /// Pairs of seeds.
        seeds: Option<u64>,
        /// Samples of each seed.
        samples: Option<u64>,
        /// Groups that these belong to.
        groups: Option<u64>,
    }
}

table! {
    /// Both sides of one paired difference for one seed.
    SeedRow in "seeds.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// The method.
        method: String,
        /// What it is compared with.
        baseline: String,
        /// Which quantity, as in [`PairedRow`].
        quantity: String,
        /// The seed.
        seed: u64,
        /// What the method reached.
        method_value: f64,
        /// What the baseline reached.
        baseline_value: f64,
    }
}
