//! The linear probe of retrieval: both towers stay as they were pretrained, and the matrices that take their features to the
//! common space train.

use super::{Method, Role};
#[cfg(feature = "train")]
use crate::model::adapters::{Nothing, Settings as Tuned};

/// Both projections.
pub const METHOD: Method = Method {
    name: "projections",
    title: "Projections",
    phrase: "training the projections alone",
    role: Role::Control,
    what: "Trains the projections of both towers to their common space; the towers stay as they were pretrained.",
    citation: "Radford et al., ICML 2021 (linear probe, here of both towers)",
    towers: Some(stage!(|_| Ok(Tuned::Projections(Nothing {})))),
    ..Method::OF_TOWERS
};
