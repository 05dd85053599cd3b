//! The shape of a vision transformer, of whichever publisher: what its tokens, blocks, norms and pooling are.

use super::kind::Kind;
use crate::model::ModelError;
use crate::model::embedder::{Layout, Resampling};
use crate::model::limits;
pub use crate::model::transformer::Activation;
use crate::model::transformer::{LayerShape, Sight};
use crate::suite::parts::Pooling;
use std::collections::BTreeMap;

/// A checked ViT architecture. Field names are those of Hugging Face's `ViTConfig` where it has them.
#[derive(Debug, Clone, PartialEq)]
pub struct VitConfig {
    /// Whose it is.
    pub kind: Kind,
    /// Side in pixels of the square images that the positions were made for.
    pub image_size: usize,
    /// Side of the images that enter, where another was asked for.
    pub asked_size: Option<usize>,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Input channels.
    pub num_channels: usize,
    /// Width of the tokens.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads of every layer.
    pub num_attention_heads: usize,
    /// Hidden width of the MLPs; of SwiGLU, of each half.
    pub intermediate_size: usize,
    /// Activation of the MLPs.
    pub activation: Activation,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: bool,
    /// Added to variances.
    pub layer_norm_eps: f64,
    /// Dropout after embeddings, attention and MLP while training.
    pub hidden_dropout_prob: f64,
    /// Dropout of attention probabilities while training.
    pub attention_probs_dropout_prob: f64,
    /// Largest drop-path rate.
    pub drop_path_rate: f64,
    /// First value of the factors on residual branches, if there are such.
    pub layer_scale: Option<f64>,
    /// Whether there is a class token.
    pub class_token: bool,
    /// Whether there is a distillation token.
    pub distillation_token: bool,
    /// Number of register tokens.
    pub num_register_tokens: usize,
    /// How many of the tokens before the patches have positions.
    pub placed: usize,
    /// Whether a norm comes before the first block; the projection then has no bias.
    pub pre_norm: bool,
    /// Whether the last norm is over tokens.
    pub token_norm: bool,
    /// Whether the last norm is over the pooled feature.
    pub pooled_norm: bool,
    /// How tokens become a feature.
    pub pooling: Pooling,
    /// How positions come to other grids.
    pub resampling: Resampling,
    /// Class names by index.
    pub id2label: BTreeMap<usize, String>,
}

impl VitConfig {
    /// Returns the configuration if a model can be built from it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key.
    pub fn check(self) -> Result<Self, ModelError> {
        limits::sizes(&[
            ("image_size", self.image_size, 8192),
            ("patch_size", self.patch_size, 256),
            ("num_channels", self.num_channels, 65_536),
            ("hidden_size", self.hidden_size, 65_536),
            ("num_hidden_layers", self.num_hidden_layers, 1024),
            ("num_attention_heads", self.num_attention_heads, 1024),
            ("intermediate_size", self.intermediate_size, 1 << 20),
        ])?;
        if self.num_register_tokens > 1024 {
            let found = self.num_register_tokens;
            return Err(ModelError::config(
                "num_register_tokens",
                "0 to 1024",
                found,
            ));
        }
        // Attention holds the tokens of an image squared.
        if !(1..=256).contains(&self.grid()) {
            let expected = format!("{0} to {1}, of 1 to 256 patches", self.patch_size, {
                self.patch_size.saturating_mul(256)
            });
            return Err(ModelError::config("image_size", expected, self.image_size));
        }
        limits::heads(self.num_attention_heads, self.hidden_size)?;
        limits::epsilon(self.layer_norm_eps)?;
        limits::rates(&[
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            (
                "attention_probs_dropout_prob",
                self.attention_probs_dropout_prob,
            ),
            ("drop_path_rate", self.drop_path_rate),
        ])?;
        if let Some(value) = self.layer_scale.filter(|value| !value.is_finite()) {
            return Err(ModelError::config(
                "layerscale_value",
                "a finite number",
                value,
            ));
        }
        self.poolable(self.pooling)?;
        Ok(self)
    }

    /// Refuses a pooling for which the model lacks a token.
    pub(super) fn poolable(&self, pooling: Pooling) -> Result<(), ModelError> {
        let lacks = match pooling {
            Pooling::Mean => None,
            Pooling::First | Pooling::FirstAndMean => (!self.class_token).then_some("class token"),
            Pooling::ClassAndDistillation => {
                (!(self.class_token && self.distillation_token)).then_some("distillation token")
            }
            Pooling::End => Some("token that ends it"),
        };
        match lacks {
            None => Ok(()),
            Some(token) => Err(ModelError::config(
                "pooling",
                "mean, or one whose tokens the model has",
                format!("{} of a model without a {token}", pooling.name()),
            )),
        }
    }

    /// Patches along a side of the images that the positions were made for.
    pub fn grid(&self) -> usize {
        self.image_size / self.patch_size.max(1)
    }

    /// Whether timm pools like this before one classifier: its distilled models have two.
    pub(super) fn timm_pools(&self) -> bool {
        let known = matches!(self.pooling, Pooling::Mean | Pooling::First);
        known && !self.distillation_token
    }

    /// What its embedder is made of.
    pub(super) fn layout(&self) -> Layout {
        Layout {
            width: self.hidden_size,
            patch: self.patch_size,
            grid: self.grid(),
            class: self.class_token,
            distillation: self.distillation_token,
            registers: self.num_register_tokens,
            placed: self.placed,
            bias: !self.pre_norm,
            norm: self.pre_norm.then_some(self.layer_norm_eps),
            resampling: self.resampling,
            dropout: match self.kind {
                Kind::Mae => 0.0,
                _ => self.hidden_dropout_prob,
            },
        }
    }

    /// What its layer `index` is made of.
    pub(super) fn layer(&self, index: usize) -> LayerShape {
        LayerShape {
            width: self.hidden_size,
            hidden: self.intermediate_size,
            heads: self.num_attention_heads,
            activation: self.activation,
            qkv_bias: self.qkv_bias,
            epsilon: self.layer_norm_eps,
            scale: self.layer_scale,
            dropout: self.branch_dropout(),
            attention_dropout: self.attention_probs_dropout_prob,
            drop_path: self.drop_path(index),
            sight: Sight::All,
        }
    }

    /// Dropout on the residual branches: DINOv2 has it on embeddings alone.
    fn branch_dropout(&self) -> f64 {
        match self.kind {
            Kind::Dinov2 | Kind::Dinov2WithRegisters => 0.0,
            _ => self.hidden_dropout_prob,
        }
    }

    /// The drop-path rate of layer `index`: Hugging Face's models have one for all layers, timm's grows linearly.
    pub fn drop_path(&self, index: usize) -> f64 {
        match self.kind {
            Kind::Timm(_) => {
                let last = self.num_hidden_layers.max(2) - 1;
                self.drop_path_rate * index as f64 / last as f64
            }
            _ => self.drop_path_rate,
        }
    }
}
