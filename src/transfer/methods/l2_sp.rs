//! L2-SP: fine-tuning with the starting point as reference (Li, Grandvalet & Davoine, ICML 2018). The penalty
//! `α/2 ‖θ_f − θ_f⁰‖²` holds the encoder near its pretrained parameters; embedder and predictor, which have no
//! pretrained values to go back to, are free (the paper's `β/2 ‖·‖²` on new parameters is the optimiser's weight decay
//! here, which stays as the suite says).

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// Fine-tuning with a penalty on the distance from the pretrained encoder.
pub const METHOD: Method = Method {
    name: "l2-sp",
    title: "L2-SP",
    phrase: "L2-SP",
    role: Role::Baseline,
    what: "Fine-tunes everything with a quadratic penalty on the encoder's distance from its pretrained \
           parameters.",
    citation: "Li, Grandvalet & Davoine, ICML 2018",
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage!(training::stage1)),
    stage2: Some(stage!(training::stage2)),
    ..Method::FINE_TUNING
};

/// `[transfer.l2-sp]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// α: strength of the penalty.
    pub alpha: f64,
    /// Whether the embedder is warmed up first, as by `emb`.
    pub warm_up: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            alpha: 0.01,
            warm_up: false,
        }
    }
}

#[cfg(feature = "train")]
mod training {
    use super::{METHOD, Settings};
    use crate::model::parameters::flat;
    use crate::transfer::error::TransferError;
    use crate::transfer::methods::{emb, not_negative};
    use crate::transfer::objectives::penalty::{Anchored, Weights};
    use crate::transfer::request::{Request, Training, encoder};

    fn settings(request: &Request) -> Result<Settings, TransferError> {
        let settings: Settings = METHOD.read_settings(request.settings)?;
        not_negative("l2-sp.alpha", settings.alpha)?;
        Ok(settings)
    }

    pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
        emb::warm_up_if(settings(request)?.warm_up, request)
    }

    pub fn stage2<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
        let objective = Anchored {
            objective: request.supervised(true),
            anchor: flat(&request.source.network, encoder),
            weights: Weights::Same(settings(request)?.alpha),
        };
        Ok(request.training(objective))
    }
}
