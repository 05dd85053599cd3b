//! Control: the frozen pretrained transformer (FPT).

use super::{Method, Role};
#[cfg(feature = "train")]
use crate::transfer::request::{Training, outside_encoder};

/// The frozen pretrained transformer.
pub const METHOD: Method = Method {
    name: "frozen",
    title: "Frozen body",
    phrase: "a frozen body",
    role: Role::Control,
    what: "Trains embedder, norms and predictor; the rest of the encoder stays as it was pretrained.",
    citation: "Lu et al., AAAI 2022",
    stage2: Some(stage!(|request| {
        Ok(Training {
            trains: outside_body,
            ..super::fine_tuning(request)
        })
    })),
    ..Method::FINE_TUNING
};

/// Embedder, predictor and every norm.
#[cfg(feature = "train")]
fn outside_body(path: &str) -> bool {
    outside_encoder(path) || path.contains("norm")
}
