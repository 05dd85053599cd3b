//! What a metric of a target task is.

use super::counts::Counts;
use super::ranking::Ranking;
use crate::measure::MeasureError;
use crate::measure::about::About;
use crate::suite::task::{Metric, TargetKind};

/// A metric of a target task.
#[derive(Debug, Clone, Copy)]
pub struct TaskMetric {
    /// What is said of it; its name is that of [`TaskMetric::metric`] in files.
    pub about: About,
    /// Which it is in suites.
    pub metric: Metric,
    /// What a guess reaches.
    pub chance: &'static str,
    pub(super) how: How,
}

/// What is collected of batches, and how it becomes a score.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// Counts of every class, and the number of samples: value, terms of its mean, classes left out.
    Counts(fn(&[Counts], usize) -> (f64, usize, usize)),
    /// One minus the mean over labels of a value of their ranking; labels without one are left out.
    Ranks {
        /// What labels must have.
        needs: &'static str,
        of: fn(&Ranking) -> Option<f64>,
    },
    /// The mean of terms that samples give.
    Terms {
        /// Whether samples are square maps, which may differ in size.
        maps: bool,
        /// What a set must have.
        needs: &'static str,
        of: TermsOf,
    },
    /// Of a whole set at once: nothing is collected of batches.
    Whole,
}

/// Appends the terms of a sample, its place in the batch given: the shape of the batch, the flattened
/// prediction and target, finite and not empty. `None` is left out of the mean.
type TermsOf =
    fn(usize, &[usize], &[f64], &[f64], &mut Vec<Option<f64>>) -> Result<(), MeasureError>;

impl TaskMetric {
    /// The kind of targets it takes.
    pub fn needs(&self) -> TargetKind {
        match self.how {
            How::Counts(_) => TargetKind::Labels,
            How::Ranks { .. } => TargetKind::MultiHot,
            How::Terms { .. } => TargetKind::Dense,
            How::Whole => TargetKind::Pairs,
        }
    }
}

/// One minus the mean.
pub(super) fn complement(values: &[f64]) -> f64 {
    1.0 - values.iter().sum::<f64>() / values.len() as f64
}
