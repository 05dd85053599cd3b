//! Emb: a warm-up of the embedder on the task loss, before everything is fine-tuned.

use super::{Method, Role};
#[cfg(feature = "train")]
use crate::transfer::error::TransferError;
#[cfg(feature = "train")]
use crate::transfer::request::{Request, Training, embedder, outside_encoder};

/// A warmed-up embedder.
pub const METHOD: Method = Method {
    name: "emb",
    title: "Emb",
    phrase: "a mere warm-up (Emb)",
    role: Role::Control,
    what: "Trains the embedder first, on the task loss; then fine-tunes everything.",
    citation: "Ma et al., ICML 2024",
    stage1: Some(stage!(stage1)),
    ..Method::FINE_TUNING
};

#[cfg(feature = "train")]
fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
    warm_up(request).map(Some)
}

/// A warm-up as the stage 1 of another method, where its settings ask for one.
#[cfg(feature = "train")]
pub fn warm_up_if<'a>(
    asked: bool,
    request: &Request<'a>,
) -> Result<Option<Training<'a>>, TransferError> {
    asked.then(|| warm_up(request)).transpose()
}

/// The embedder, and the predictor if asked, on the task loss.
#[cfg(feature = "train")]
fn warm_up<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
    let with_predictor = request.settings.stage1.train_predictor;
    Ok(Training {
        objective: Box::new(request.supervised(false)),
        trains: if with_predictor {
            outside_encoder
        } else {
            embedder
        },
        batch: request.settings.train.batch,
    })
}
