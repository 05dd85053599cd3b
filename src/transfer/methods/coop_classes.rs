//! CoOp with context vectors of every class (Zhou et al., IJCV 2022, "class-specific"): as [`coop`](super::coop), but no class
//! shares its vectors. Published: 16 vectors a class.
//!
//! Texts of other classes (the source's) have no vectors of their own; they take the mean over classes, which is our choice.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{ContextSettings, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// Context vectors of every class.
pub const METHOD: Method = Method {
    name: "coop-classes",
    title: "CoOp per class",
    phrase: "CoOp per class",
    role: Role::Baseline,
    what: "Trains context vectors of every class before its name, in place of a template; the towers stay as they were \
           pretrained.",
    citation: "Zhou et al., IJCV 2022",
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| {
        let Settings { tokens, std } = METHOD.read_settings(transfer)?;
        // As many classes as the target has ([`Tuned::of_classes`]).
        let classes = 1;
        Ok(Tuned::Context(ContextSettings {
            tokens,
            std,
            classes,
        }))
    })),
    ..Method::OF_CLASSES
};

/// `[transfer.coop-classes]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Number of context vectors of a class.
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
