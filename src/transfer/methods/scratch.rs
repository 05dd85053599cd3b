//! Control: the same architecture without what was pretrained.

use super::{Method, Role, Start};

/// Training from scratch.
pub const METHOD: Method = Method {
    name: "scratch",
    title: "From scratch",
    phrase: "training from scratch",
    role: Role::Control,
    what: "Trains the same architecture from fresh parameters.",
    citation: "He et al., ICCV 2019",
    start: Start::Scratch,
    ..Method::FINE_TUNING
};
