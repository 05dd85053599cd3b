//! Multi-task fine-tuning: everything trains, one copy of the towers on all tasks of the suite together, by the sum of their
//! losses.

#[cfg(feature = "train")]
use super::{Groups, Together};
use super::{Method, Role};
#[cfg(feature = "train")]
use crate::model::adapters::{Nothing, Settings as Tuned};

/// One fine-tuning for all tasks.
pub const METHOD: Method = Method {
    name: "nft-tasks",
    title: "NFT, all tasks",
    phrase: "one fine-tuning (NFT, all tasks)",
    role: Role::Control,
    what: "Fine-tunes everything, one model on all tasks of the suite together.",
    citation: "the control for learning together",
    contrast: Some("nft"),
    towers: Some(stage!(|_| Ok(Tuned::Whole(Nothing {})))),
    together: Some(stage!(|_| Ok(Some(Together {
        groups: Groups::All,
        own: None,
    })))),
    ..Method::OF_CLASSES
};
