//! CoOp (Zhou et al., IJCV 2022): context vectors before the names of classes train, the same for all classes; everything
//! else stays. Published: 16 vectors, SGD at 0.002, batches of 32, 50 to 200 epochs by the number of shots.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{ContextSettings, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// Context vectors.
pub const METHOD: Method = Method {
    name: "coop",
    title: "CoOp",
    phrase: "CoOp",
    role: Role::Baseline,
    what: "Trains context vectors before the names of the classes, in place of a template; the towers stay as they were \
           pretrained.",
    citation: "Zhou et al., IJCV 2022",
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| {
        let Settings { tokens, std } = METHOD.read_settings(transfer)?;
        Ok(Tuned::Context(ContextSettings {
            tokens,
            std,
            classes: 0,
        }))
    })),
    ..Method::OF_CLASSES
};

/// `[transfer.coop]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Number of context vectors.
    pub tokens: usize,
    /// Standard deviation of their values at the start.
    pub std: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens: 16,
            std: 0.02,
        }
    }
}
