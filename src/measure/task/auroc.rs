//! One minus the mean area under the ROC curve of labels.

use super::descriptor::{How, TaskMetric};
use super::ranking::Ranking;
use crate::measure::about::{About, Better, Unit};
use crate::suite::task::Metric;

/// 1 − mean AUROC over the labels that have positive and negative samples.
pub const AUROC: TaskMetric = TaskMetric {
    about: About {
        name: "one-minus-auroc",
        older: &[],
        title: "1 − AUROC",
        unit: Unit::Number(4),
        better: Better::Lower,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "One minus the mean over labels of the probability that a positive scores higher than a negative.",
        computed: "Exact, by sorting; equal scores count half.",
        limits: "Of rare positives it is high long before precision is.",
        citation: "Tu et al., NAS-Bench-360, NeurIPS datasets and benchmarks 2022; Zhou and Troyanskaya, DeepSEA, Nature Methods 2015",
    },
    metric: Metric::OneMinusAuroc,
    chance: "0.5",
    how: How::Ranks {
        needs: "labels with positive and negative samples",
        of: Ranking::auroc,
    },
};
