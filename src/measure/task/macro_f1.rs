//! One minus the mean F1 of classes.

use super::descriptor::{How, TaskMetric, complement};
use crate::measure::about::{About, Better, Unit};
use crate::suite::task::Metric;

/// 1 − mean F1 over the classes that occur among labels or decisions.
pub const MACRO_F1: TaskMetric = TaskMetric {
    about: About {
        name: "one-minus-macro-f1",
        older: &[],
        title: "1 − macro F1",
        unit: Unit::Number(4),
        better: Better::Lower,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "One minus the mean over classes of F1, the harmonic mean of precision and recall.",
        computed: "As scikit-learn's f1_score(average=\"macro\"), over the classes that occur among labels or decisions.",
        limits: "A class of few samples weighs as much as one of many, and so does its noise.",
        citation: "Tu et al., NAS-Bench-360, NeurIPS datasets and benchmarks 2022; scikit-learn's f1_score",
    },
    metric: Metric::OneMinusMacroF1,
    chance: "near 1 − 1/K for K classes",
    how: How::Counts(|counts, _| {
        let occurring = counts.iter().filter(|c| c.truths + c.decisions > 0);
        let f1 = occurring.map(|c| 2.0 * c.hits as f64 / (c.truths + c.decisions) as f64);
        let f1: Vec<f64> = f1.collect();
        (complement(&f1), f1.len(), counts.len() - f1.len())
    }),
};
