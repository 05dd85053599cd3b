//! BitFit (Ben Zaken et al., ACL 2022): the biases of both towers train; everything else stays.

use super::{Method, Role};
#[cfg(feature = "train")]
use crate::model::adapters::{Nothing, Settings as Tuned};

/// All biases.
pub const METHOD: Method = Method {
    name: "bitfit",
    title: "BitFit",
    phrase: "BitFit",
    role: Role::Baseline,
    what: "Trains the biases of both towers, those of their norms among them; every matrix stays as it was pretrained.",
    citation: "Ben Zaken et al., ACL 2022",
    towers: Some(stage!(|_| Ok(Tuned::Biases(Nothing {})))),
    ..Method::OF_TOWERS
};
