//! Rows of the tables that set methods against each other.

/// Name of a quantity of [`PairedRow`]: the probe error on the surrogate.
pub const SOURCE_ERROR: &str = "source-error";

/// Name of a quantity of [`PairedRow`]: the test error on the target, a share.
pub const TARGET_ERROR: &str = "target-error";
/// Name of a quantity of [`PairedRow`]: one minus the mean recall on a target of pictures with captions, a share.
pub const RECALL_ERROR: &str = "recall-error";

/// An ordering of [`OrderingRow`]: more epochs of a fine-tuning distort more.
pub const MORE_EPOCHS: &str = "more-epochs";
/// An ordering of [`OrderingRow`]: fine-tuning on a farther target distorts more.
pub const FARTHER_TARGETS: &str = "farther-targets";

table! {
    /// What came out of one method on one target, over seeds.
    ResultRow in "results.csv" [formerly super::legacy::results] {
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
        /// p of that claim, corrected for everything that the page says; none where nothing is claimed.
        target_adjusted: Option<f64>,
        /// Mean test error of the linear probe on the surrogate.
        source_mean: Option<f64>,
        /// Lower end of its 95 % interval.
        source_lower: Option<f64>,
        /// Upper end of the same.
        source_upper: Option<f64>,
        /// Whether it is below every other method's beyond noise.
        source_best: bool,
        /// p of that claim, corrected for everything that the page says; none where nothing is claimed.
        source_adjusted: Option<f64>,
        /// Mean D through the embedder that the fine-tuning starts from.
        d_mean: Option<f64>,
        /// Lower end of its 95 % interval.
        d_lower: Option<f64>,
        /// Upper end of the same.
        d_upper: Option<f64>,
        /// Whether it is below every other method's beyond noise.
        d_best: bool,
        /// p of that claim, corrected for everything that the page says; none where nothing is claimed.
        d_adjusted: Option<f64>,
        /// Seeds behind it.
        seeds: Option<u64>,
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
        /// `recall-error` (one minus the mean recall) or `target-metric`, `align`, `uniform`, `d-stage-1`, `d-fine-tuned`.
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
    /// One paired difference in probe error on the surrogate between two encoders of one method, over seeds.
    OrderingRow in "orderings.csv" {
        /// `more-epochs` (the epoch that counts against the earliest probed one) or `farther-targets` (the farthest
        /// target by D against the nearest).
        ordering: String,
        /// Transfer method of both.
        method: String,
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Epochs of the fine-tuning.
        epochs: u64,
        /// Id of the other's target.
        other_target: String,
        /// Its name for readers.
        other_title: String,
        /// Epochs of the other's fine-tuning.
        other_epochs: u64,
        /// Mean probe error.
        mean: f64,
        /// The other's.
        other_mean: f64,
        /// The one less the other.
        difference: f64,
        /// Lower end of its own 95 % interval, over seeds and samples.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Two-sided p of no difference; none for one seed.
        p: Option<f64>,
        /// The same, corrected for everything that the page says.
        adjusted: Option<f64>,
        /// `lower`, `higher`, `not shown` or `not tested`.
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
