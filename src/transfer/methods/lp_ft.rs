//! LP-FT: a linear probe first, then fine-tuning (Kumar et al., ICLR 2022). The predictor trains alone on the
//! features of the pretrained encoder, so that the first fine-tuning steps do not distort them for the sake of
//! a random predictor. The embedder, new here as the predictor is, waits until stage 2.

use super::{Method, Role};

/// Linear probing, then fine-tuning.
pub const METHOD: Method = Method {
    name: "lp-ft",
    title: "LP-FT",
    phrase: "LP-FT",
    role: Role::Baseline,
    what: "Trains the predictor alone first, on the task loss; then fine-tunes everything.",
    citation: "Kumar et al., ICLR 2022",
    stage1: Some(stage!(training::stage1)),
    ..Method::FINE_TUNING
};

#[cfg(feature = "train")]
mod training {
    use crate::transfer::error::TransferError;
    use crate::transfer::request::{Request, Training};

    pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
        Ok(Some(Training {
            objective: Box::new(request.supervised(false)),
            trains: |path| path.starts_with("predictor."),
            batch: request.settings.train.batch,
        }))
    }
}
