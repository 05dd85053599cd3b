//! Rows of the tables of the discrepancy D and of the matchings behind it.

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
