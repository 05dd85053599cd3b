//! EWC: elastic weight consolidation (Kirkpatrick et al., PNAS 2017). Like L2-SP, but every parameter of the encoder
//! is held as firmly as the source task depends on it: by the diagonal of the Fisher information of the pretrained
//! model, `F_i = E[(∂ log p(y|x)/∂θ_i)²]`, over source samples x with labels y drawn from the model's own
//! probabilities.

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// Fine-tuning with a penalty by the Fisher information of the source.
pub const METHOD: Method = Method {
    name: "ewc",
    title: "EWC",
    phrase: "EWC",
    role: Role::Baseline,
    what: "Fine-tunes everything with a penalty on the encoder's distance from its pretrained parameters, \
           weighted by the Fisher information of the source.",
    citation: "Kirkpatrick et al., PNAS 2017",
    reads_source: true,
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage!(training::stage1)),
    stage2: Some(stage!(training::stage2)),
    ..Method::FINE_TUNING
};

/// `[transfer.ewc]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// λ: strength of the penalty; the Fisher information is divided by its mean over all entries, so that λ is
    /// comparable with L2-SP's α.
    pub lambda: f64,
    /// Source samples that the Fisher information is a mean over.
    pub samples: usize,
    /// Whether the embedder is warmed up first, as by `emb`.
    pub warm_up: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lambda: 0.01,
            samples: 256,
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
    use crate::transfer::objectives::fisher::fisher;
    use crate::transfer::objectives::penalty::{Anchored, Weights};
    use crate::transfer::request::{Request, Training, encoder};

    fn settings(request: &Request) -> Result<Settings, TransferError> {
        let settings: Settings = METHOD.read_settings(request.settings)?;
        not_negative("ewc.lambda", settings.lambda)?;
        Ok(settings)
    }

    pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
        emb::warm_up_if(settings(request)?.warm_up, request)
    }

    pub fn stage2<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
        let settings = settings(request)?;
        let set = request.source_set.as_ref();
        let source = &request.source.network;
        let weights = fisher(source, set, settings.samples, request.seed)?;
        let objective = Anchored {
            objective: request.supervised(true),
            anchor: flat(source, encoder),
            weights: Weights::Each(weights, settings.lambda),
        };
        Ok(request.training(objective))
    }
}
