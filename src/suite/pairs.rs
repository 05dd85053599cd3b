//! What trainings on pictures with captions minimise, as data: the losses of image–text pairs and their temperature.
//! Plain settings, the same for every method of a suite, so that methods differ in what they train alone.

use serde::{Deserialize, Serialize};

/// `[transfer.pairs]`. Defaults are those of HarMA's released code, but for the bound on τ, which is ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairSettings {
    /// Weight of the contrastive loss.
    pub contrastive: f64,
    /// Weight of the adaptive triplet loss, a sum over the pairs of a batch; 0 leaves it out.
    pub triplet: f64,
    /// By how much the triplet loss wants a pair's cosine above those of others.
    pub margin: f64,
    /// γ: exponent of the triplet loss's weights.
    pub gamma: f64,
    /// Whether other captions of the same picture count as wrong ones in the triplet loss, as in the released code.
    pub same_image: bool,
    /// τ, by which cosines are divided, before the first step.
    pub temperature: f64,
    /// τ is brought back to this after every step; 0 leaves it free, as the released code does.
    pub least_temperature: f64,
    /// Captions as HarMA's released code reads them: lower-case, without `,.'!?"()*#:;~`, hyphens and strokes as spaces,
    /// the first thirty words.
    pub clean: bool,
}

impl Default for PairSettings {
    fn default() -> Self {
        Self {
            contrastive: 1.0,
            triplet: 1.0,
            margin: 0.2,
            gamma: 2.0,
            same_image: true,
            temperature: 0.07,
            least_temperature: 0.01,
            clean: false,
        }
    }
}

impl PairSettings {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
