//! NFT: naive fine-tuning of everything.

use super::{Method, Role};
#[cfg(feature = "train")]
use crate::model::adapters::{Nothing, Settings as Tuned};

/// Plain fine-tuning.
pub const METHOD: Method = Method {
    name: "nft",
    title: "NFT",
    phrase: "plain fine-tuning (NFT)",
    role: Role::Baseline,
    what: "Fine-tunes everything on the target.",
    citation: "Ma et al., ICML 2024 (naive fine-tuning)",
    towers: Some(stage!(|_| Ok(Tuned::Whole(Nothing {})))),
    ..Method::FINE_TUNING
};
