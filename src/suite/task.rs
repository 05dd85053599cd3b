//! What a target task asks: the loss that its training minimises and the metric that judges it.
//! Plain data; the transfer room computes losses, the measure room metrics.

use serde::{Deserialize, Serialize};

/// What a metric compares predictions with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// One class a sample.
    Labels,
    /// Any of K labels a sample, as zeros and ones.
    MultiHot,
    /// Numbers a sample.
    Dense,
    /// Pictures with their captions: which belong together is known of the whole set alone.
    Pairs,
}

/// A metric of a target task. All are minimised; 0 is perfect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of samples whose largest score is not their label's; equal scores: the first counts.
    Error,
    /// 1 − mean F1 over the classes that occur among labels or decisions (largest score); the rest
    /// is left out and counted. As scikit-learn's `f1_score(average="macro")`.
    OneMinusMacroF1,
    /// 1 − mean average precision over the labels that have a positive sample; the rest is left out
    /// and counted. AP = Σ (Rₙ − Rₙ₋₁) Pₙ over distinct thresholds, without interpolation, as
    /// scikit-learn's `average_precision_score`.
    OneMinusMeanAveragePrecision,
    /// 1 − mean area under the ROC curve over the labels that have positive and negative samples;
    /// the rest is left out and counted. Equal scores count half (midranks). The AUROC of all
    /// pixels of masks is that of one label: give them as `[N · pixels, 1]`.
    OneMinusAuroc,
    /// Mean over samples of ‖p − t‖₂ / ‖t‖₂ over all numbers of the sample.
    RelativeL2,
    /// Mean over samples and channels of RMSE / root mean square of the target, both over the
    /// numbers of one channel. Predictions `[N, C, …]`; `[N, n]` is one channel.
    Nrmse,
    /// Distance maps `[N, L, L]`: mean absolute error in the target's unit (Å) over pairs of
    /// residues at least 24 apart in sequence and at most 8 apart in truth, then the mean over
    /// maps; maps without such a pair are left out and counted. A distance has no direction, so the
    /// predictions of both triangles are averaged first (Adhikari 2020, as in NAS-Bench-360, which
    /// also raises predictions to 0.01 before: that is left to the caller).
    Mae8,
    /// 1 − mean of R@1, R@5, R@10 of images to captions and captions to images, ties pessimistic: of
    /// equal scores a wrong one comes first. It is taken of a whole set, not of batches.
    OneMinusMeanRecall,
}

/// The loss of a task. Settings are checked by `TaskLoss::check`. Losses without a setting have
/// braces because serde would let unknown keys pass for names without.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "name")]
pub enum TaskLoss {
    /// Cross-entropy of one class a sample .
    CrossEntropy {
        /// Label smoothing in `[0, 1)`.
        #[serde(default)]
        smoothing: f64,
    },
    /// Mean over samples and labels of −w·t·ln σ(z) − (1 − t)·ln σ(−z).
    MultiLabel {
        /// w, what a positive counts (ORCA: 10 for FSD50K, 4 for DeepSEA).
        #[serde(default = "one")]
        pos_weight: f64,
    },
    /// Mean over samples of ‖p − t‖₂ / ‖t‖₂.
    RelativeL2 {},
    /// Mean over samples and numbers of (p − t)².
    Mse {},
    /// Mean over samples and channels of RMSE / root mean square of the target.
    Nrmse {
        /// Channels of a sample, which are equally long.
        #[serde(default = "one_channel")]
        channels: usize,
    },
    /// As [`TaskLoss::MultiLabel`], for dense targets: masks in `[0, 1]`.
    BinaryCrossEntropy {
        /// w, what a positive counts.
        #[serde(default = "one")]
        pos_weight: f64,
    },
}

fn one() -> f64 {
    1.0
}

fn one_channel() -> usize {
    1
}

impl Metric {
    /// A value with its name, for people: shares of samples in percent.
    pub fn say(self, value: f64) -> String {
        let name = match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name.replace('-', " "),
            _ => String::new(),
        };
        match self {
            Self::Error => format!("{name} {:.1} %", 100.0 * value),
            _ => format!("{name} {value:.4}"),
        }
    }
}
