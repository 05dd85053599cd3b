//! Rows of the tables of single transfers: what the suite asks for, what each took, and how it went.

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
        /// Epoch that counts: the last one, unless the suite chooses another.
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
        /// Its settings: the method's name and, where others than the suite's were chosen, what differs.
        variant: Option<String>,
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
        /// Weight of the outer loss.
        lambda: Option<f64>,
        /// Mean distance of the embedded batch from the embedded source by a method that takes another one than the OTDD.
        distance: Option<f64>,
        /// Mean outer loss after the simulated steps, without its weight.
        outer: Option<f64>,
    }
}

impl CellRow {
    /// Whether it was run to its end.
    pub fn done(&self) -> bool {
        self.state == "done"
    }
}
