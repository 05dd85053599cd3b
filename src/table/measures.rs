//! Measured values in long form: a row a value, whatever was measured, so that a new measure adds no column, no
//! field and no reader. A run writes those of its encoders and targets that have no table of their own
//! (`probe.csv`, `geometry.csv`, `discrepancy.csv`), a comparison all that it measures of its encoders.

use crate::measure::about::About;
use crate::measure::{encoder, transferability};

table! {
    /// One measured value of an encoder or, as its transfer starts, of a target.
    MeasureRow in "measures.csv" [formerly super::legacy::measures] {
        /// Id of the encoder that the features come from; in a comparison its title.
        encoder: String [formerly "side"],
        /// Its name for readers.
        encoder_title: String [formerly "side"],
        /// Id of the target that is measured; none where the encoder itself is, by the surrogate.
        target: Option<String>,
        /// Name of the target for readers.
        target_title: Option<String>,
        /// Transfer method; none where nothing was transferred.
        method: Option<String>,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Epochs of the transfer.
        epochs: Option<u64>,
        /// Number of features; recorded by comparisons.
        dim: Option<u64>,
        /// Name of the measure: of [`encoder::ALL`], or of [`transferability::ALL`] where a target is measured.
        measure: String,
        /// The value; none where it is not defined.
        value: Option<f64>,
        /// Lower end of its 95 % interval.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Where the interval comes from: `wilson`, `stratified` (over classes) or `jackknife`.
        interval: Option<String>,
        /// `lower` or `higher`: which is better, or nearer.
        better: Option<String>,
        /// Samples that were measured.
        samples: Option<u64>,
        /// What a reader must know of the value, or why there is none.
        note: Option<String>,
    }
}

impl MeasureRow {
    /// A value of an encoder of which nothing more is known.
    pub fn of(measure: &About, value: Option<f64>, encoder: &str, title: &str) -> Self {
        let better = measure.better.name();
        Self {
            encoder: encoder.into(),
            encoder_title: title.into(),
            target: None,
            target_title: None,
            method: None,
            seed: None,
            epochs: None,
            dim: None,
            measure: measure.name.into(),
            value,
            lower: None,
            upper: None,
            interval: None,
            better: (!better.is_empty()).then(|| better.into()),
            samples: None,
            note: None,
        }
    }

    /// What is said of the measure; `None` for one of a newer version.
    pub fn about(&self) -> Option<&'static About> {
        if self.target.is_some() {
            transferability::named(&self.measure).map(|score| &score.about)
        } else {
            encoder::named(&self.measure).map(|measure| &measure.about)
        }
    }

    /// Name of the measure for readers.
    pub fn measure_title(&self) -> &str {
        self.about().map_or(&self.measure, |about| about.title)
    }

    /// The value as readers see it; `None` where it is not defined.
    pub fn shown(&self) -> Option<String> {
        let value = self.value?;
        Some(self.about().map_or_else(
            || value.to_string().replace('-', "\u{2212}"),
            |about| about.unit.show(value),
        ))
    }
}
