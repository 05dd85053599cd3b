//! Metrics of the target tasks: one number for a whole test set, lower is better, 0 is perfect.
//!
//! A metric is one file with its computation and one descriptor, a [`TaskMetric`]; [`ALL`] lists them. The
//! names, which suites and tables use, are those of [`Metric`].
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
//! | `one-minus-mean-recall` | six recalls | 1 − R@K of images to captions and back | pairs |
//!
//! They are those of NAS-Bench-360 (Tu et al. 2022) and PDEBench (Takamoto et al. 2022), turned so
//! that all are minimised. Both benchmarks, and ORCA after them, average some of these over
//! evaluation chunks, which depends on the chunk's size; here an [`Accumulator`] takes batches of
//! any size and the score is that of the set, bit for bit the same however it was cut. Retrieval alone is no matter of
//! batches, since every image is set against every caption: [`mean_recall::score`] takes it of a whole set.

mod accumulator;
mod auroc;
mod average_precision;
mod counts;
mod descriptor;
mod error;
mod macro_f1;
mod mae8;
pub mod mean_recall;
mod nrmse;
mod ranking;
mod relative_l2;

pub use accumulator::{Accumulator, Score, Targets};
pub use descriptor::TaskMetric;

use super::MeasureError;
pub use crate::suite::task::{Metric, TargetKind};

/// All of them.
pub const ALL: &[TaskMetric] = &[
    error::ERROR,
    macro_f1::MACRO_F1,
    average_precision::AVERAGE_PRECISION,
    auroc::AUROC,
    relative_l2::RELATIVE_L2,
    nrmse::NRMSE,
    mae8::MAE8,
    mean_recall::MEAN_RECALL,
];

impl TargetKind {
    /// The name, as it is written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::MultiHot => "multi-hot",
            Self::Dense => "dense",
            Self::Pairs => "pairs",
        }
    }
}

impl Metric {
    /// Its descriptor.
    pub fn descriptor(self) -> &'static TaskMetric {
        match self {
            Self::Error => &error::ERROR,
            Self::OneMinusMacroF1 => &macro_f1::MACRO_F1,
            Self::OneMinusMeanAveragePrecision => &average_precision::AVERAGE_PRECISION,
            Self::OneMinusAuroc => &auroc::AUROC,
            Self::RelativeL2 => &relative_l2::RELATIVE_L2,
            Self::Nrmse => &nrmse::NRMSE,
            Self::Mae8 => &mae8::MAE8,
            Self::OneMinusMeanRecall => &mean_recall::MEAN_RECALL,
        }
    }

    /// The name, as it is written in files.
    pub fn name(self) -> &'static str {
        self.descriptor().about.name
    }

    /// The metric of a name.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] that lists the names.
    pub fn parse(name: &str) -> Result<Self, MeasureError> {
        let own = ALL.iter().find(|known| known.about.is(name));
        own.map(|known| known.metric).ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|known| known.about.name).collect();
            let expected = format!("one of {}", names.join(", "));
            MeasureError::parameter("metric", expected, format!("{name:?}"))
        })
    }

    /// The kind of targets it takes.
    pub fn needs(self) -> TargetKind {
        self.descriptor().needs()
    }
}

#[cfg(test)]
mod tests;
