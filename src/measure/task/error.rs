//! Share of samples that are decided wrongly.

use super::descriptor::{How, TaskMetric};
use crate::measure::about::{About, Better, Unit};
use crate::suite::task::Metric;

/// Share of samples whose largest score is not their label's.
pub const ERROR: TaskMetric = TaskMetric {
    about: About {
        name: "error",
        older: &[],
        title: "error",
        unit: Unit::Share,
        better: Better::Lower,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "Share of test samples whose largest score is not their label's.",
        computed: "Wrong decisions over samples; of equal scores the first counts.",
        limits: "Rare classes hardly count.",
        citation: "Tu et al., NAS-Bench-360, NeurIPS datasets and benchmarks 2022",
    },
    metric: Metric::Error,
    chance: "1 − the share of the most frequent class",
    how: How::Counts(|counts, samples| {
        let hits: usize = counts.iter().map(|c| c.hits).sum();
        ((samples - hits) as f64 / samples as f64, samples, 0)
    }),
};
