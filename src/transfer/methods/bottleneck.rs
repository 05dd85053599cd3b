//! Bottleneck adapters (Houlsby et al., ICML 2019) behind the MLP of every layer of both towers, inside its residual:
//! `m + Up(gelu(Down m))`, the identity at the start. The towers stay.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{BottleneckSettings, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// Bottleneck adapters.
pub const METHOD: Method = Method {
    name: "bottleneck",
    title: "Bottleneck",
    phrase: "bottleneck adapters",
    role: Role::Baseline,
    what: "Trains an adapter of two narrow maps behind the MLP of every layer of both towers; the towers stay as they \
           were pretrained.",
    citation: "Houlsby et al., ICML 2019",
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| {
        let Settings { width } = METHOD.read_settings(transfer)?;
        Ok(Tuned::Bottleneck(BottleneckSettings { width }))
    })),
    ..Method::OF_TOWERS
};

/// `[transfer.bottleneck]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Width that tokens are brought down to.
    pub width: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { width: 64 }
    }
}
