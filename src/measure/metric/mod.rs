//! Metrics of the target tasks: one number for a whole test set, smaller is better.
//!
//! | Name | Mean over | Of | Targets |
//! |---|---|---|---|
//! | `error` | samples | 1 if the largest score is not the label's | labels |
//! | `one-minus-macro-f1` | classes | 1 − F1 | labels |
//! | `one-minus-mean-average-precision` | labels | 1 − average precision | multi-hot |
//! | `one-minus-auroc` | labels | 1 − area under the ROC curve | multi-hot |
//! | `relative-l2` | samples | ‖p − t‖₂ / ‖t‖₂ | dense |
//! | `nrmse` | samples and channels | RMSE / root mean square of the target | dense |
//! | `mae8` | distance maps | mean \|p − t\| of long-range contacts | dense |
//!
//! They are those of NAS-Bench-360 (Tu et al. 2022) and PDEBench (Takamoto et al. 2022), turned so
//! that all are minimised. Both benchmarks, and ORCA after them, average some of these over
//! evaluation chunks, which depends on the chunk's size; here an [`Accumulator`] takes batches of
//! any size and the score is that of the set, bit for bit the same however it was cut.

mod accumulator;
mod dense;
mod labels;
mod ranking;

pub use accumulator::{Accumulator, Score, Targets};

use serde::{Deserialize, Serialize};

use super::MeasureError;
pub use crate::suite::task::{Metric, TargetKind};

impl TargetKind {
    /// The name, as it is written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::MultiHot => "multi-hot",
            Self::Dense => "dense",
        }
    }
}

/// Which way a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Smaller is better.
    Minimise,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::OneMinusMacroF1,
        Self::OneMinusMeanAveragePrecision,
        Self::OneMinusAuroc,
        Self::RelativeL2,
        Self::Nrmse,
        Self::Mae8,
    ];

    /// The name, as it is written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::OneMinusMacroF1 => "one-minus-macro-f1",
            Self::OneMinusMeanAveragePrecision => "one-minus-mean-average-precision",
            Self::OneMinusAuroc => "one-minus-auroc",
            Self::RelativeL2 => "relative-l2",
            Self::Nrmse => "nrmse",
            Self::Mae8 => "mae8",
        }
    }

    /// The metric of a name.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] that lists the names.
    pub fn parse(name: &str) -> Result<Self, MeasureError> {
        let known = Self::ALL.map(Self::name);
        let at = known.iter().position(|&k| k == name);
        at.map(|i| Self::ALL[i]).ok_or_else(|| {
            let expected = format!("one of {}", known.join(", "));
            MeasureError::parameter("metric", expected, format!("{name:?}"))
        })
    }

    /// Which way it improves.
    pub fn direction(self) -> Direction {
        Direction::Minimise
    }

    /// Its smallest and largest value; no largest one where the error is unbounded.
    pub fn range(self) -> (f64, Option<f64>) {
        match self.needs() {
            TargetKind::Labels | TargetKind::MultiHot => (0.0, Some(1.0)),
            TargetKind::Dense => (0.0, None),
        }
    }

    /// The kind of targets it takes.
    pub fn needs(self) -> TargetKind {
        match self {
            Self::Error | Self::OneMinusMacroF1 => TargetKind::Labels,
            Self::OneMinusMeanAveragePrecision | Self::OneMinusAuroc => TargetKind::MultiHot,
            Self::RelativeL2 | Self::Nrmse | Self::Mae8 => TargetKind::Dense,
        }
    }
}

#[cfg(test)]
mod tests;
