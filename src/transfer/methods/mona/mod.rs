//! MoNA (Ma et al., ICML 2024): the embedder first learns, by a meta-gradient, that a fine-tuning step of
//! the whole target model keeps source knowledge. The mathematics is in
//! `transfer::objectives::meta_step`.

#[cfg(feature = "train")]
mod alignment;
#[cfg(feature = "train")]
mod running;

use super::{Method, Role, settings};
use serde::{Deserialize, Serialize};

/// MoNA.
pub const METHOD: Method = Method {
    name: "mona",
    title: "MoNA",
    phrase: "MoNA",
    role: Role::Proposed,
    what: "Meta-learns the embedder first, so that a fine-tuning step keeps source knowledge; then \
           fine-tunes everything.",
    citation: "Ma et al., ICML 2024",
    contrast: Some(super::emb::METHOD.name),
    note: Some((
        "Meta-gradient",
        "MoNA's outer loss reaches the embedder only through a simulated step of the encoder. The full \
         second-order term is used; dropping it would leave no outer term at all.",
    )),
    reads_source: true,
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage!(alignment::stage1)),
    ..Method::FINE_TUNING
};

/// `[transfer.mona]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// λ: weight of the outer loss.
    pub lambda: f64,
    /// Holds the outer loss's part of the embedder's gradient at so many times the task loss's: λ follows from
    /// a running mean of the ratio of their norms. 0 = λ as given.
    pub outer_share: f64,
    /// α: length of an inner step. 0 = stage 2's learning rate.
    pub alpha: f64,
    /// What an inner step follows: the gradient (`sgd`, as in the paper), or the gradient divided by the root
    /// of its running second moment (`adamw`: what stage 2's optimiser does to it, without momentum).
    pub inner_optimiser: InnerOptimiser,
    /// K: inner steps, each on a target batch of its own.
    pub inner_steps: usize,
    /// Factor of α: one step in place of so many.
    pub horizon: f64,
    /// What source features should still be after the inner steps.
    pub outer_loss: OuterLoss,
    /// Orientation of alignment and uniformity.
    pub outer_sign: OuterSign,
    /// `outer_loss = "probe"`: the inverse regularisation strength C of the fixed probe.
    pub probe_c: f64,
    /// `outer_loss = "probe"`: source samples that it is fitted on, balanced over classes.
    pub probe_samples: usize,
    /// How the meta-gradient is computed.
    pub meta_gradient: MetaGradient,
    /// Central difference: distance of the two points from θ, in units of 1/‖v‖.
    pub difference_step: f64,
    /// What inner steps move. The source path sees only the encoder: a single step gives the same
    /// meta-gradient for all three.
    pub inner_scope: InnerScope,
    /// Whether the inner steps are undone: stage 2 then starts from the pretrained encoder.
    pub reset_encoder: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lambda: 0.5,
            outer_share: 0.0,
            alpha: 0.0,
            inner_optimiser: InnerOptimiser::Sgd,
            inner_steps: 1,
            horizon: 1.0,
            outer_loss: OuterLoss::AlignUniform,
            outer_sign: OuterSign::WangIsola,
            probe_c: 0.316,
            probe_samples: 2000,
            meta_gradient: MetaGradient::Exact,
            difference_step: 0.01,
            inner_scope: InnerScope::Encoder,
            reset_encoder: true,
        }
    }
}

/// What an inner step follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InnerOptimiser {
    /// The gradient.
    #[default]
    Sgd,
    /// The gradient over the root of its running second moment.
    Adamw,
}

/// What source features should still be after the inner steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OuterLoss {
    /// Tight in their classes and spread on the sphere.
    #[default]
    AlignUniform,
    /// Nearer to their class than to others (supervised contrastive loss).
    Contrastive,
    /// What the pretrained encoder makes of the same samples.
    Distance,
    /// Read rightly by a linear probe that was fitted on the pretrained encoder's features before stage 1, and is fixed.
    Probe,
}

/// What inner steps move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InnerScope {
    /// The encoder.
    #[default]
    Encoder,
    /// Encoder and predictor.
    EncoderPredictor,
    /// Encoder, predictor and embedder.
    All,
}

impl InnerScope {
    /// Whether the predictor moves.
    pub fn moves_predictor(self) -> bool {
        self != Self::Encoder
    }

    /// Whether the embedder moves.
    pub fn moves_embedder(self) -> bool {
        self == Self::All
    }
}

/// Orientation of the outer loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OuterSign {
    /// Alignment and uniformity are minimised, as their authors mean them and the paper's text
    /// says.
    #[default]
    WangIsola,
    /// The formula as the paper prints it: the negative. An ablation; it spreads classes apart and
    /// rewards collapse.
    Printed,
}

/// How the meta-gradient is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetaGradient {
    /// Forward over reverse: exact.
    #[default]
    Exact,
    /// Central difference of inner gradients along v: a cross-check.
    CentralDifference,
    /// The inner gradient taken as a constant: the outer term vanishes, so this equals `emb`. An
    /// ablation.
    FirstOrder,
}
