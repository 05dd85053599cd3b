//! ORCA with the maximum mean discrepancy in place of the OTDD: one of the two alignments that its authors compare with
//! (Shen et al., ICML 2023). It knows no classes, so it is defined for every target. The distance is in
//! `transfer::objectives::embedding`.

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// ORCA by the MMD.
pub const METHOD: Method = Method {
    name: "orca-mmd",
    title: "ORCA (MMD)",
    phrase: "ORCA (MMD)",
    role: Role::Baseline,
    what: "Trains the embedder first, to minimise the maximum mean discrepancy between embedded source and \
           embedded target; then fine-tunes everything.",
    citation: "Shen et al., ICML 2023; Gretton et al., JMLR 2012",
    reads_source: true,
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage!(training::stage1)),
    ..Method::FINE_TUNING
};

/// `[transfer.orca-mmd]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// σ² of the kernel exp(−‖x − y‖²/σ²), in squared units of the embedded features. 0 = the median of the squared
    /// distances between all samples of a step, source and target together.
    pub bandwidth: f64,
    /// Factors of σ²: the kernel is the mean of one of each (ORCA's five).
    pub factors: Vec<f64>,
    /// How means over the pairs within a set are taken.
    pub estimator: Estimator,
    /// Source samples, balanced over classes; embedded once, and all of them in every step.
    pub source_samples: usize,
    /// Target samples of a step, all classes together (ORCA goes class by class).
    pub target_batch: usize,
}

/// How means over the pairs within a set are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// With the pairs of a sample and itself, as in ORCA: never negative.
    #[default]
    Biased,
    /// Without them: right on average, and negative at times.
    Unbiased,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bandwidth: 0.0,
            factors: vec![0.25, 0.5, 1.0, 2.0, 4.0],
            estimator: Estimator::Biased,
            source_samples: 1000,
            target_batch: 256,
        }
    }
}

#[cfg(feature = "train")]
mod training {
    use super::{METHOD, Settings};
    use crate::transfer::error::TransferError;
    use crate::transfer::methods::not_negative;
    use crate::transfer::methods::orca::aligned;
    use crate::transfer::objectives::embedding::{Between, Kernel};
    use crate::transfer::request::{Request, Training};

    pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
        let settings: Settings = METHOD.read_settings(request.settings)?;
        not_negative("orca-mmd.bandwidth", settings.bandwidth)?;
        let positive = |factor: &f64| *factor > 0.0 && factor.is_finite();
        if settings.factors.is_empty() || !settings.factors.iter().all(positive) {
            return Err(TransferError::Setting {
                setting: "orca-mmd.factors",
                expected: "at least one number, all positive".into(),
                found: format!("{:?}", settings.factors),
            });
        }
        let kernel = Kernel {
            bandwidth: (settings.bandwidth > 0.0).then_some(settings.bandwidth),
            factors: settings.factors,
            estimator: settings.estimator,
        };
        let samples = [settings.source_samples, settings.target_batch];
        let setting = "orca-mmd.target_batch and source_samples";
        aligned(request, Between::Mmd(kernel), setting, samples)
    }
}
