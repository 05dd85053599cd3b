//! MaPLe (Khattak et al., CVPR 2023): prompts of the text tower and linear maps that take them to the image tower train;
//! everything else stays. Published: two prompts in nine layers, SGD at 0.0035, batches of four, five epochs.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{MapleSettings, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// Coupled prompts of both towers.
pub const METHOD: Method = Method {
    name: "maple",
    title: "MaPLe",
    phrase: "MaPLe",
    role: Role::Baseline,
    what: "Trains prompts of the text tower and maps that take them to the image tower; the towers stay as they were \
           pretrained.",
    citation: "Khattak et al., CVPR 2023",
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| {
        let Settings { tokens, depth, std } = METHOD.read_settings(transfer)?;
        Ok(Tuned::Maple(MapleSettings { tokens, depth, std }))
    })),
    ..Method::OF_CLASSES
};

/// `[transfer.maple]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Prompts of a layer.
    pub tokens: usize,
    /// Layers that have some, at most those of the tower that has fewer.
    pub depth: usize,
    /// Standard deviation of the prompts at the start.
    pub std: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens: 2,
            depth: 9,
            std: 0.02,
        }
    }
}
