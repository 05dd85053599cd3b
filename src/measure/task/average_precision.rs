//! One minus the mean average precision of labels.

use super::descriptor::{How, TaskMetric};
use super::ranking::Ranking;
use crate::measure::about::{About, Better, Unit};
use crate::suite::task::Metric;

/// 1 − mean average precision over the labels that have a positive sample.
pub const AVERAGE_PRECISION: TaskMetric = TaskMetric {
    about: About {
        name: "one-minus-mean-average-precision",
        older: &[],
        title: "1 − mAP",
        unit: Unit::Number(4),
        better: Better::Lower,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "One minus the mean over labels of their average precision: how well scores rank a label's positives first.",
        computed: "Σ (Rₙ − Rₙ₋₁) Pₙ over distinct thresholds without interpolation, as scikit-learn's average_precision_score.",
        limits: "It depends on how frequent a label is, so sets of other frequencies do not compare.",
        citation: "Tu et al., NAS-Bench-360, NeurIPS datasets and benchmarks 2022; Fonseca et al., FSD50K, TASLP 2022",
    },
    metric: Metric::OneMinusMeanAveragePrecision,
    chance: "1 − the mean share of positives",
    how: How::Ranks {
        needs: "labels with a positive sample",
        of: Ranking::average_precision,
    },
};
