//! ORCA with the mean pairwise Euclidean distance in place of the OTDD: one of the two alignments that its authors
//! compare with (Shen et al., ICML 2023). It knows no classes, so it is defined for every target. Its least value is
//! reached by a target that collapses to one point in the middle of the source. The distance is in
//! `transfer::objectives::embedding`.

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// ORCA by the Euclidean distance.
pub const METHOD: Method = Method {
    name: "orca-l2",
    title: "ORCA (L2)",
    phrase: "ORCA (L2)",
    role: Role::Baseline,
    what: "Trains the embedder first, to minimise the mean Euclidean distance between embedded source and \
           embedded target samples; then fine-tunes everything.",
    citation: "Shen et al., ICML 2023",
    reads_source: true,
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage!(training::stage1)),
    ..Method::FINE_TUNING
};

/// `[transfer.orca-l2]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Source samples, balanced over classes; embedded once. Every target sample is compared with all of them (ORCA
    /// draws one for each).
    pub source_samples: usize,
    /// Target samples of a step, all classes together (ORCA goes class by class).
    pub target_batch: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            source_samples: 1000,
            target_batch: 256,
        }
    }
}

#[cfg(feature = "train")]
mod training {
    use super::{METHOD, Settings};
    use crate::transfer::error::TransferError;
    use crate::transfer::methods::orca::aligned;
    use crate::transfer::objectives::embedding::Between;
    use crate::transfer::request::{Request, Training};

    pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
        let settings: Settings = METHOD.read_settings(request.settings)?;
        let samples = [settings.source_samples, settings.target_batch];
        let setting = "orca-l2.target_batch and source_samples";
        aligned(request, Between::Euclidean, setting, samples)
    }
}
