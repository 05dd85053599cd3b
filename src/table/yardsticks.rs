//! Rows of the tables with the field's other yardsticks.

use std::path::Path;

use super::csv::RawTable;
use super::{Row, TableError, typed};

table! {
    /// What the yardsticks say of the surrogate features under one encoder; a value is absent
    /// where the measure has none.
    YardstickRow in "yardsticks.csv" {
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
        /// Debiased linear CKA with the pretrained encoder, in [-1, 1].
        cka: Option<f64>,
        /// Accuracy of the nearest neighbours' vote.
        knn: Option<f64>,
        /// Mean silhouette, in [-1, 1].
        silhouette: Option<f64>,
        /// LogME.
        logme: Option<f64>,
        /// H-score with a shrunk covariance.
        hscore: Option<f64>,
        /// Test samples.
        n: Option<u64>,
    }
}

table! {
    /// Debiased linear CKA between two encoders of figure 2; every ordered pair has a row.
    CkaRow in "cka.csv" {
        /// Id of the one.
        encoder: String,
        /// Its name for readers.
        encoder_title: String,
        /// Id of the other.
        other: String,
        /// Its name for readers.
        other_title: String,
        /// CKA, in [-1, 1]; absent where it has no value.
        value: Option<f64>,
        /// Samples.
        n: Option<u64>,
    }
}

table! {
    /// What the yardsticks say of a target as its transfer starts.
    TransferabilityRow in "transferability.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// LEEP, at most 0.
        leep: Option<f64>,
        /// NCE, at most 0.
        nce: Option<f64>,
        /// LogME.
        logme: Option<f64>,
        /// H-score with a shrunk covariance.
        hscore: Option<f64>,
        /// Modality gap, in [0, 2].
        gap: Option<f64>,
        /// Debiased OTDD.
        otdd: Option<f64>,
        /// 1 if it converged.
        otdd_converged: Option<u64>,
        /// Target test samples.
        n: Option<u64>,
        /// Source samples of the OTDD.
        n_otdd_source: Option<u64>,
        /// Target samples of the OTDD.
        n_otdd_target: Option<u64>,
        /// Which measures are not defined, and why.
        undefined: Option<String>,
    }
}
