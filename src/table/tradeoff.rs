//! Rows of the tables that hold target against source: the curve between the pretrained and a fine-tuned encoder,
//! and what every method amounts to on both axes.

table! {
    /// One encoder between the pretrained and a fine-tuned one, under the fine-tuned embedder and predictor.
    InterpolationRow in "interpolation.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method whose encoder is interpolated.
        method: String,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// α: share of the fine-tuned encoder, 0 for the pretrained one.
        alpha: f64,
        /// Name of the target metric; less is better.
        metric: String,
        /// The metric on the test part.
        test: f64,
        /// Test error of the linear probe on the surrogate.
        source_error: Option<f64>,
        /// Lower end of its 95 % interval.
        source_lower: Option<f64>,
        /// Upper end of the same.
        source_upper: Option<f64>,
    }
}

table! {
    /// What a method amounts to on target and source together, over seeds: its hypervolume, and its source error less that
    /// of an interpolated fine-tuning that reaches the same target error.
    TradeoffRow in "tradeoff.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Points of a seed: 1 for the method's result alone, more for all of its interpolations.
        points: u64,
        /// Name of the target metric; less is better.
        metric: String,
        /// Its mean on the test part; none for several points.
        target_mean: Option<f64>,
        /// Mean test error of the linear probe on the surrogate; none for several points.
        source_mean: Option<f64>,
        /// Mean share of the box between no error and guessing, on both axes, that the points dominate; none for a metric
        /// without a level of guessing.
        hypervolume: Option<f64>,
        /// Lower end of its 95 % interval, over seeds.
        hypervolume_lower: Option<f64>,
        /// Upper end of the same.
        hypervolume_upper: Option<f64>,
        /// Target error of guessing.
        guessing_target: Option<f64>,
        /// Probe error of guessing.
        guessing_source: Option<f64>,
        /// Method whose interpolation the method is set against; none where there is no such curve.
        curve: Option<String>,
        /// The least α at which the curve reaches the method's target error; none where it never does.
        alpha: Option<f64>,
        /// Probe error of the curve there.
        curve_source: Option<f64>,
        /// The method's probe error less that.
        difference: Option<f64>,
        /// Lower end of its own 95 % interval, over seeds and samples.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Two-sided p of no difference; none for one seed.
        p: Option<f64>,
        /// The same, corrected for everything that the page says.
        adjusted: Option<f64>,
        /// `lower`, `higher`, `not shown` or `not tested`; none without a difference.
        verdict: Option<String>,
        /// Why there is no difference.
        why: Option<String>,
        /// Seeds behind the row.
        seeds: Option<u64>,
        /// Test samples of the surrogate.
        samples: Option<u64>,
        /// Groups that these belong to.
        groups: Option<u64>,
    }
}
