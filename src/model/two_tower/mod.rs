//! CLIP whole (Radford et al., ICML 2021): a tower of images and one of texts, whose features a matrix each takes to one
//! space, in which a picture and its text lie near each other.
//!
//! Each tower is an embedder and an encoder as every [`Network`](super::Network) has them; `config` says their shapes,
//! `open` finds description and weights, `load` fills, `save` writes, `fresh` begins anew.

mod activation;
mod config;
mod fresh;
mod infer;
mod load;
mod open;
pub(super) mod open_clip;
mod save;
#[cfg(test)]
mod tests;

pub use config::{MODEL_TYPE, TwoTowerConfig};
pub use load::{LoadedTowers, TokenizerAt, load, opened};
pub use open::{FAMILIES, TowerFiles, inside, is_two_tower, of_image, open};
pub use save::{Written, export, save, write};

use super::architecture::Architecture;
use super::architecture::clip::openai;
use super::dual::Dual;
use super::embedder::Embedder;
use super::encoder::Encoder;
use super::layers::{Init, Linear};
use super::ops;
use super::pass::Pass;
use super::tokens::Tokens;
use super::{ModelError, state};
use crate::random::INITIAL_VALUES;
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor};

/// One tower: samples to vectors of the common space.
#[derive(Module, Debug)]
pub struct Tower {
    /// e: samples to tokens.
    pub embedder: Embedder,
    /// f: tokens to features.
    pub encoder: Encoder,
    /// Features to the common space: `[E, D]`, no bias.
    pub projection: Linear,
}

/// Both towers.
#[derive(Module, Debug)]
pub struct TwoTower {
    /// Of images.
    pub image: Tower,
    /// Of texts.
    pub text: Tower,
    /// Logarithm of the factor on cosines, `[1]`.
    pub logit_scale: Param<Tensor<1>>,
}

/// Added to squared lengths before their root: a vector of zeros stays one.
const TINY: f64 = 1e-24;

/// Rows `[B, D]` of length one.
pub fn unit_rows(x: Dual<2>) -> Dual<2> {
    let [rows, width] = x.dims();
    let square = x.clone().square().sum_dim(1);
    let square = square.add_constant(Tensor::full([rows, 1], TINY, (&x.device(), x.dtype())));
    // 1/√s as e^(−½ ln s) has a tangent of its own: −½ s^(−3/2) ṡ.
    let inverse = Dual {
        primal: square.primal.clone().sqrt().recip(),
        tangent: square.tangent.map(|t| {
            let root = square.primal.clone().sqrt();
            (t * (root * square.primal).recip()).mul_scalar(-0.5)
        }),
    };
    x * inverse.expand([rows, width])
}

impl Tower {
    fn new(config: &Architecture, embed: usize, channels: usize, init: &mut Init) -> Self {
        Self {
            embedder: config.shape().embedder(channels, init),
            encoder: config.encoder(init),
            projection: Linear::new(config.features(), embed, false, init),
        }
    }

    /// Embedded tokens → vectors of the common space `[B, E]`, of length one.
    pub fn embed(&self, tokens: Tokens, pass: &mut Pass) -> Dual<2> {
        let features = self.encoder.features(tokens, pass);
        self.project(features, pass)
    }

    /// Features `[B, D]` → vectors of the common space `[B, E]`, of length one.
    pub fn project(&self, features: Dual<2>, pass: &Pass) -> Dual<2> {
        unit_rows(self.projected(features, pass))
    }

    /// The same before they are brought to length one.
    pub fn projected(&self, features: Dual<2>, pass: &Pass) -> Dual<2> {
        let [batch, width] = features.dims();
        let weight = pass.parameter(&self.projection.weight);
        let found = ops::linear(features.reshape([1, batch, width]), weight, None);
        let embed = found.dims()[2];
        found.reshape([batch, embed])
    }
}

impl TwoTower {
    /// A freshly initialised pair of a checked configuration.
    pub fn new(config: &TwoTowerConfig, seed: u64, device: &Device, dtype: DType) -> Self {
        let mut rng = INITIAL_VALUES.rng(seed, &[]);
        Self::build(
            config,
            &mut Init {
                device,
                dtype,
                rng: Some(&mut rng),
            },
        )
    }

    /// The same with initial values from `init`.
    fn build(config: &TwoTowerConfig, init: &mut Init) -> Self {
        let (image, text) = (config.image.clone().into(), config.text.clone().into());
        Self {
            image: Tower::new(&image, config.projection, config.image.num_channels, init),
            text: Tower::new(&text, config.projection, 1, init),
            logit_scale: init.constant(config::LOGIT_SCALE as f32, [1]),
        }
    }

    /// Images `[B, C, H, W]` → vectors `[B, E]` of length one.
    pub fn image_embeds(&self, pixels: impl Into<Dual<4>>, pass: &mut Pass) -> Dual<2> {
        let tokens = self.image.embedder.forward(pixels, pass);
        self.image.embed(tokens, pass)
    }

    /// Token ids `[B, T]` → vectors `[B, E]` of length one.
    ///
    /// Ids must be below the vocabulary's size and T at most the longest text: callers check.
    pub fn text_embeds(&self, ids: Tensor<2, Int>, pass: &mut Pass) -> Dual<2> {
        let tokens = self.text.embedder.embed_ids(ids, None, pass);
        self.text.embed(tokens, pass)
    }

    /// One of the two.
    pub fn tower(&self, which: openai::Tower) -> &Tower {
        match which {
            openai::Tower::Image => &self.image,
            openai::Tower::Text => &self.text,
        }
    }

    /// The factor on cosines, e^`logit_scale`.
    pub fn scale(&self) -> f64 {
        let value = self.logit_scale.val().into_data();
        value.iter::<f64>().next().unwrap_or_default().exp()
    }

    /// Device and float type of the parameters.
    pub fn place(&self) -> (Device, DType) {
        state::place(self)
    }

    /// Refuses ids that the text tower cannot embed.
    ///
    /// # Errors
    /// An id beyond the vocabulary, a text longer than there are positions, or one without the token that ends it.
    pub fn check_ids(&self, ids: &[i64], length: usize) -> Result<(), ModelError> {
        let Embedder::Text(embedder) = &self.text.embedder else {
            return Ok(());
        };
        if length == 0 || length > embedder.longest() {
            let expected = format!("1 to {} token ids a text", embedder.longest());
            return Err(ModelError::config("texts", expected, length));
        }
        let vocabulary = embedder.vocabulary() as i64;
        if let Some(id) = ids.iter().find(|id| !(0..vocabulary).contains(*id)) {
            let expected = format!("ids of 0 to {}, the model's vocabulary", vocabulary - 1);
            return Err(ModelError::config("token ids", expected, id));
        }
        let mut texts = ids.chunks(length);
        match texts.position(|text| embedder.end().of(text).is_none()) {
            Some(row) => {
                let expected = format!("the token that ends a text in each: {:?}", embedder.end());
                let found = format!("none in text {row}");
                Err(ModelError::config("token ids", expected, found))
            }
            None => Ok(()),
        }
    }
}
