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
    /// Weight of the early image–text matching, experimental: the contrastive loss also of what the second half of the blocks
    /// has to say, a term a block. HarMA's paper describes it, its released code has it switched off.
    #[serde(skip_serializing_if = "is_zero")]
    pub early_matching: f64,
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
            early_matching: 0.0,
            clean: false,
        }
    }
}

/// What is off is not written down: settings of before say the same.
fn is_zero(weight: &f64) -> bool {
    *weight == 0.0
}

impl PairSettings {
    /// The first setting that cannot be: its key, what is expected and what there is.
    pub fn conflict(&self) -> Option<(&'static str, &'static str, String)> {
        let positive = "a positive number";
        let any = "zero or a positive number";
        for (setting, value, expected) in [
            ("pairs.contrastive", self.contrastive, any),
            ("pairs.triplet", self.triplet, any),
            ("pairs.margin", self.margin, any),
            ("pairs.temperature", self.temperature, positive),
            ("pairs.least_temperature", self.least_temperature, any),
            ("pairs.early_matching", self.early_matching, any),
        ] {
            if !(value.is_finite() && (value > 0.0 || expected == any && value == 0.0)) {
                return Some((setting, expected, value.to_string()));
            }
        }
        if !(self.gamma == 0.0 || self.gamma.is_finite() && self.gamma >= 1.0) {
            let expected = "0, which leaves the weights out, or a number of at least 1";
            return Some(("pairs.gamma", expected, self.gamma.to_string()));
        }
        if self.temperature < self.least_temperature {
            let expected =
                "at least pairs.least_temperature, to which it would be brought after a step";
            let found = format!("{} below {}", self.temperature, self.least_temperature);
            return Some(("pairs.temperature", expected, found));
        }
        if self.contrastive == 0.0 && self.triplet == 0.0 {
            let expected = "a positive weight of one loss at least, contrastive or triplet";
            return Some(("pairs", expected, "both 0".into()));
        }
        None
    }

    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
