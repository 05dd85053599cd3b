//! Feature distillation (learning without forgetting, Li & Hoiem, ECCV 2016, on features): fine-tuning with a term
//! that keeps the encoder's features what the pretrained encoder makes of the same tokens,
//! `w · mean ‖z − z⁰‖²` on the unit sphere. The samples are the target's own, as in the paper, or the source's.

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// Fine-tuning with the pretrained encoder's features as a second target.
pub const METHOD: Method = Method {
    name: "distillation",
    title: "Distillation",
    phrase: "feature distillation",
    role: Role::Baseline,
    what: "Fine-tunes everything with a penalty on how far features move from the pretrained encoder's.",
    citation: "Li & Hoiem, ECCV 2016",
    reads_source: true,
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage!(training::stage1)),
    stage2: Some(stage!(training::stage2)),
    ..Method::FINE_TUNING
};

/// `[transfer.distillation]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// w: weight of the distance.
    pub weight: f64,
    /// Whose samples are compared.
    pub samples: Samples,
    /// Whether the embedder is warmed up first, as by `emb`.
    pub warm_up: bool,
}

/// Whose samples are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Samples {
    /// The target's own, through its embedder: no source data is needed.
    #[default]
    Target,
    /// Class-balanced source batches (`stage1.source_batch`) through the source embedder.
    Source,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            weight: 1.0,
            samples: Samples::Target,
            warm_up: false,
        }
    }
}

#[cfg(feature = "train")]
mod training {
    use super::{METHOD, Samples, Settings};
    use crate::transfer::error::TransferError;
    use crate::transfer::methods::{emb, not_negative};
    use crate::transfer::objectives::distance::{Near, Where};
    use crate::transfer::request::{Request, Training};

    fn settings(request: &Request) -> Result<Settings, TransferError> {
        let settings: Settings = METHOD.read_settings(request.settings)?;
        not_negative("distillation.weight", settings.weight)?;
        Ok(settings)
    }

    pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
        emb::warm_up_if(settings(request)?.warm_up, request)
    }

    pub fn stage2<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
        let settings = settings(request)?;
        let place = match settings.samples {
            Samples::Target => Where::Target,
            Samples::Source => Where::Source {
                batches: request.source_batches()?,
                embedder: &request.source.network.embedder,
                seed: request.seed,
            },
        };
        let objective = Near {
            task: request.supervised(true),
            pretrained: &request.source.network.encoder,
            weight: settings.weight,
            place,
        };
        Ok(request.training(objective))
    }
}
