//! Rows of the table of the settings that were tried. All scores are of validation parts.

table! {
    /// One setting of a method on a target, with one seed.
    TuningRow in "tuning.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// The method's name and what differs from the suite's own settings: `mona@alpha=0.05`.
        variant: String,
        /// Seed of the transfer.
        seed: u64,
        /// `done`, `failed` or `not run`.
        state: String,
        /// Name of the target's metric.
        metric: Option<String>,
        /// That metric on the target's validation part.
        target_valid: Option<f64>,
        /// Probe error on the surrogate's validation part, a fraction.
        source_valid: Option<f64>,
        /// Whether the report compares the method with these settings.
        chosen: bool,
        /// Epochs trained.
        epochs: Option<u64>,
        /// Wall-clock seconds of the training.
        seconds: Option<f64>,
        /// Why it failed, if it did.
        note: Option<String>,
    }
}
