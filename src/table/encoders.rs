//! Rows of the tables that measure encoders by the surrogate set: probe, alignment and uniformity, CKA, maps.

/// Id of the encoder before any transfer.
pub const PRETRAINED: &str = "pretrained";
/// Id of the probe on raw pixels.
pub const PIXELS: &str = "pixels";

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

impl ProbeRow {
    /// Whether it is of a reference and not of a transfer.
    pub fn is_reference(&self) -> bool {
        self.encoder == PRETRAINED || self.encoder == PIXELS
    }
}
