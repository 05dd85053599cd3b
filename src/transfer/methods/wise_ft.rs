//! WiSE-FT (Wortsman et al., CVPR 2022): after fine-tuning the encoder's parameters are set between the pretrained and
//! the fine-tuned ones, `θ = (1 − α) θ⁰ + α θ¹`. Embedder and predictor, which have no pretrained values, stay
//! fine-tuned. α = 1 is plain fine-tuning.

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// Weights between the pretrained and the fine-tuned encoder.
pub const METHOD: Method = Method {
    name: "wise-ft",
    title: "WiSE-FT",
    phrase: "WiSE-FT",
    role: Role::Baseline,
    what: "Fine-tunes everything, then sets the encoder between its pretrained and its fine-tuned parameters.",
    citation: "Wortsman et al., CVPR 2022",
    settings: Some(settings::complete::<Settings>),
    stage2: Some(stage!(training::stage2)),
    ..Method::FINE_TUNING
};

/// `[transfer.wise-ft]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// α: share of the fine-tuned encoder, from 0 to 1.
    pub alpha: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { alpha: 0.5 }
    }
}

#[cfg(feature = "train")]
mod training {
    use super::{METHOD, Settings};
    use crate::transfer::error::TransferError;
    use crate::transfer::objectives::interpolation::Interpolated;
    use crate::transfer::request::{Request, Training};

    pub fn stage2<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
        let Settings { alpha } = METHOD.read_settings(request.settings)?;
        if !(0.0..=1.0).contains(&alpha) {
            return Err(TransferError::Setting {
                setting: "wise-ft.alpha",
                expected: "from 0 to 1".into(),
                found: alpha.to_string(),
            });
        }
        let objective = Interpolated {
            objective: request.supervised(true),
            pretrained: &request.source.network.encoder,
            share: alpha,
        };
        Ok(request.training(objective))
    }
}
