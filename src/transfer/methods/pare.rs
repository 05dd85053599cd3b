//! PaRe (Cai et al., ICML 2024): fine-tuning over intermediate modalities. Some of a target sample's embedded patches
//! are replaced by those of a source sample, many at first and few at last, and the mixture has the labels of both. The
//! mathematics is in `transfer::objectives::gradual` and `transfer::objectives::patches`.

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// Patch replacement.
pub const METHOD: Method = Method {
    name: "pare",
    title: "PaRe",
    phrase: "PaRe",
    role: Role::Baseline,
    what: "Fine-tunes everything on the target and, beside it, on mixtures in which source patches replace target \
           patches, fewer from epoch to epoch.",
    citation: "Cai et al., ICML 2024",
    reads_source: true,
    settings: Some(settings::complete::<Settings>),
    stage2: Some(stage!(training::stage2)),
    ..Method::FINE_TUNING
};

/// `[transfer.pare]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Share of the patches that are the source's in the first epoch (2,000 of 3,136).
    pub start: f64,
    /// Share that it falls towards, in equal steps an epoch; the epoch after the last would have it.
    pub end: f64,
    /// Share of the epochs in which the choice is drawn, so that the gate learns (10 of 60); afterwards the patches of
    /// largest score are chosen and the gate stays.
    pub sampled: f64,
    /// Temperature of the relaxed subset that is drawn.
    pub temperature: f64,
    /// Learning rate of gate and source predictor, in units of the encoder's.
    pub rate: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: 0.64,
            end: 0.16,
            sampled: 1.0 / 6.0,
            temperature: 0.9,
            rate: 1.0,
        }
    }
}

#[cfg(feature = "train")]
mod training {
    use super::{METHOD, Settings};
    use crate::transfer::epochs::Steps;
    use crate::transfer::error::TransferError;
    use crate::transfer::objectives::gradual::{Course, Gradual};
    use crate::transfer::request::{Request, Training};

    pub fn stage2<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
        let settings: Settings = METHOD.read_settings(request.settings)?;
        let wrong = |setting, expected: &str, found: f64| {
            Err(TransferError::Setting {
                setting,
                expected: expected.into(),
                found: found.to_string(),
            })
        };
        for (setting, share) in [
            ("pare.start", settings.start),
            ("pare.end", settings.end),
            ("pare.sampled", settings.sampled),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return wrong(setting, "a share from 0 to 1", share);
            }
        }
        for (setting, value) in [
            ("pare.temperature", settings.temperature),
            ("pare.rate", settings.rate),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return wrong(setting, "a positive number", value);
            }
        }
        let train = &request.settings.train;
        let steps = Steps {
            batch: train.batch,
            seed: request.seed,
            augment: train.augmentation(),
            per_epoch: None,
        };
        let course = Course {
            start: settings.start,
            end: settings.end,
            sampled: settings.sampled,
            temperature: settings.temperature,
            epochs: train.epochs,
            per_epoch: steps.count(request.splits),
        };
        let objective = Gradual::new(
            request.supervised(true),
            request.source,
            request.source_set.clone(),
            course,
            (train, settings.rate),
            request.seed,
        )?;
        Ok(request.training(objective))
    }
}
