//! Deep visual prompt tuning (Jia et al., ECCV 2022): prompts in every layer of the image tower train; everything else stays.
//! Of CLIP it is usual with eight prompts in each of twelve layers, SGD at 0.0025.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{Settings as Tuned, VisualPromptSettings};
use serde::{Deserialize, Serialize};

/// Prompts of the image tower.
pub const METHOD: Method = Method {
    name: "vpt",
    title: "VPT",
    phrase: "visual prompt tuning (VPT)",
    role: Role::Baseline,
    what: "Trains prompts in every layer of the image tower; the towers stay as they were pretrained.",
    citation: "Jia et al., ECCV 2022",
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| {
        let Settings { tokens, depth } = METHOD.read_settings(transfer)?;
        Ok(Tuned::VisualPrompts(VisualPromptSettings {
            tokens,
            depth: (depth > 0).then_some(depth),
        }))
    })),
    ..Method::OF_CLASSES
};

/// `[transfer.vpt]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Prompts of a layer.
    pub tokens: usize,
    /// Layers that have some, from the first; 0 = all.
    pub depth: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens: 8,
            depth: 0,
        }
    }
}
