//! CLIP-Adapter (Gao et al., IJCV 2024): a narrow MLP on the vectors of images (and, as a setting, of texts), mixed with what
//! it is given: `r·A(f) + (1 − r)·f`. It changes vectors from the first step on: the published start is no identity.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{FeatureAdapterSettings, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// An adapter on the vectors.
pub const METHOD: Method = Method {
    name: "clip-adapter",
    title: "CLIP-Adapter",
    phrase: "CLIP-Adapter",
    role: Role::Baseline,
    what: "Trains a narrow MLP on the vectors of images; the towers stay as they were pretrained.",
    citation: "Gao et al., IJCV 2024",
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| {
        let Settings {
            ratio,
            reduction,
            texts,
        } = METHOD.read_settings(transfer)?;
        Ok(Tuned::FeatureAdapter(FeatureAdapterSettings {
            ratio,
            reduction,
            texts,
        }))
    })),
    ..Method::OF_TOWERS
};

/// `[transfer.clip-adapter]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// r: the adapter's part of a vector.
    pub ratio: f64,
    /// By how much vectors are narrowed between its maps.
    pub reduction: usize,
    /// Whether texts have one too; the published adapter is of images alone.
    pub texts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ratio: 0.2,
            reduction: 4,
            texts: false,
        }
    }
}
