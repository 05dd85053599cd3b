//! LoRA (Hu et al., ICLR 2022): the encoder's matrices move in a space of low rank, `W = W⁰ + (α/r) B A` with `A [r, in]`
//! and `B [out, r]`, while everything else of the encoder stays. Embedder and predictor, which are new, train as
//! they are. The product is added to the matrix, so the result is an ordinary encoder: nothing is to be merged. Of two
//! towers the matrices of both move so, and nothing else.

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// Low-rank adaptation of the encoder.
pub const METHOD: Method = Method {
    name: "lora",
    title: "LoRA",
    phrase: "LoRA",
    role: Role::Baseline,
    what: "Trains embedder, predictor and an addition of low rank to every matrix of the encoder; the rest of the \
           encoder stays as it was pretrained.",
    citation: "Hu et al., ICLR 2022",
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage!(training::stage1)),
    stage2: Some(stage!(training::stage2)),
    towers: Some(stage!(training::towers)),
    ..Method::FINE_TUNING
};

/// `[transfer.lora]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// r: rank of the addition; at most the smaller side of a matrix.
    pub rank: usize,
    /// α: the addition is multiplied by α / r.
    pub alpha: f64,
    /// Learning rate of A and B in units of stage 2's.
    pub rate: f64,
    /// Whether the embedder is warmed up first, as by `emb`.
    pub warm_up: bool,
    /// Which matrices of two towers move: `all`, or those of `attention`.
    pub scope: Scope,
}

/// Which matrices of a layer of two towers move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Those of attention.
    Attention,
    /// Those of the MLP too.
    #[default]
    All,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 8.0,
            rate: 1.0,
            warm_up: false,
            scope: Scope::All,
        }
    }
}

#[cfg(feature = "train")]
mod training {
    use super::{METHOD, Scope, Settings};
    use crate::model::adapters::{LowRankSettings, Scope as LowRankScope, Settings as Tuned};
    use crate::suite::definition::Transfer;
    use crate::transfer::error::TransferError;
    use crate::transfer::methods::emb;
    use crate::transfer::objectives::low_rank::LowRank;
    use crate::transfer::request::{Request, Training};

    fn settings(transfer: &Transfer) -> Result<Settings, TransferError> {
        let settings: Settings = METHOD.read_settings(transfer)?;
        let wrong = |setting, expected: &str, found: String| {
            Err(TransferError::Setting {
                setting,
                expected: expected.into(),
                found,
            })
        };
        if settings.rank == 0 {
            return wrong("lora.rank", "at least 1", "0".into());
        }
        for (setting, value) in [("lora.alpha", settings.alpha), ("lora.rate", settings.rate)] {
            if !(value > 0.0 && value.is_finite()) {
                return wrong(setting, "a positive number", value.to_string());
            }
        }
        Ok(settings)
    }

    pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
        emb::warm_up_if(settings(request.settings)?.warm_up, request)
    }

    pub fn stage2<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
        let Settings {
            rank, alpha, rate, ..
        } = settings(request.settings)?;
        let encoder = &request.source.network;
        let scale = alpha / rank as f64;
        let train = &request.settings.train;
        let task = request.supervised(true);
        let objective = LowRank::new(task, encoder, rank, [scale, rate], train, request.seed);
        // The gradients of A and B follow from those of the matrices: everything asks for its own.
        Ok(request.training(objective))
    }

    pub fn towers(transfer: &Transfer) -> Result<Tuned, TransferError> {
        let Settings {
            rank,
            alpha,
            scope,
            rate,
            warm_up,
        } = settings(transfer)?;
        let expected = "left out of two towers, of which nothing else trains";
        for (setting, asked, found) in [
            ("lora.rate", rate != 1.0, rate.to_string()),
            ("lora.warm_up", warm_up, warm_up.to_string()),
        ] {
            if asked {
                return Err(TransferError::Setting {
                    setting,
                    expected: expected.into(),
                    found,
                });
            }
        }
        let scope = match scope {
            Scope::Attention => LowRankScope::Attention,
            Scope::All => LowRankScope::All,
        };
        Ok(Tuned::LowRank(LowRankSettings { rank, alpha, scope }))
    }
}
