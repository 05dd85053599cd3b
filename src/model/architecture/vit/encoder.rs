//! The encoder of ViTs (Dosovitskiy et al., ICLR 2021), numerically that of Hugging Face `transformers` or of timm, as
//! its checkpoint is: layers of full attention and an MLP, each behind its norm, on residual branches that may be scaled
//! (Touvron et al., ICCV 2021); then the last norm and the pooling.

use super::config::{Activation, VitConfig};
use crate::model::attention;
use crate::model::dual::Dual;
use crate::model::family::Blocks;
use crate::model::layers::{Init, LayerNorm, Linear};
use crate::model::ops;
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use crate::suite::parts::Pooling;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// Two linear maps with an activation between them.
#[derive(Module, Debug)]
pub struct Plain {
    fc1: Linear,
    fc2: Linear,
    /// Whether the activation is the quick GELU.
    #[module(skip)]
    quick: bool,
}

/// SwiGLU: two halves of the first map, of which one gates the other.
#[derive(Module, Debug)]
pub struct Gated {
    /// Gates first, then values: `[2·hidden, C]`.
    weights_in: Linear,
    weights_out: Linear,
}

/// The MLP of a layer.
#[derive(Module, Debug)]
pub enum Mlp {
    /// Of ViT.
    Plain(Plain),
    /// Of DINOv2's giant.
    Gated(Gated),
}

/// The factor of `x·σ(f·x)` that comes near the GELU.
const QUICK: f64 = 1.702;

impl Mlp {
    fn new(config: &VitConfig, init: &mut Init) -> Self {
        let (width, hidden) = (config.hidden_size, config.intermediate_size);
        match config.activation {
            Activation::SwiGlu => Self::Gated(Gated {
                weights_in: Linear::new(width, 2 * hidden, true, init),
                weights_out: Linear::new(hidden, width, true, init),
            }),
            activation => Self::Plain(Plain {
                fc1: Linear::new(width, hidden, true, init),
                fc2: Linear::new(hidden, width, true, init),
                quick: activation == Activation::QuickGelu,
            }),
        }
    }

    fn forward(&self, x: Dual<3>, pass: &Pass) -> Dual<3> {
        match self {
            Self::Plain(plain) => {
                let hidden = plain.fc1.forward(x, pass);
                let hidden = if plain.quick {
                    hidden.mul_scalar(QUICK).silu().mul_scalar(1.0 / QUICK)
                } else {
                    ops::gelu(hidden)
                };
                plain.fc2.forward(hidden, pass)
            }
            Self::Gated(gated) => {
                let both = gated.weights_in.forward(x, pass);
                let half = both.dims()[2] / 2;
                let gates = both.clone().narrow(2, 0, half).silu();
                let hidden = gates * both.narrow(2, half, half);
                gated.weights_out.forward(hidden, pass)
            }
        }
    }
}

/// Attention, MLP and their norms.
#[derive(Module, Debug)]
pub struct Layer {
    norm1: LayerNorm,
    /// Queries, keys and values in one product: `[3C, C]`.
    qkv: Linear,
    projection: Linear,
    /// Factors on the branch of attention, `[C]`.
    scale1: Option<Param<Tensor<1>>>,
    norm2: LayerNorm,
    mlp: Mlp,
    /// Factors on the branch of the MLP, `[C]`.
    scale2: Option<Param<Tensor<1>>>,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    attention_dropout: f64,
    #[module(skip)]
    drop_path: f64,
}

impl Layer {
    fn new(config: &VitConfig, index: usize, init: &mut Init) -> Self {
        let width = config.hidden_size;
        let norm = |init: &mut Init| LayerNorm::new(width, config.layer_norm_eps, init);
        let scale = |init: &mut Init| config.layer_scale.map(|s| init.constant(s as f32, [width]));
        Self {
            norm1: norm(init),
            qkv: Linear::new(width, 3 * width, config.qkv_bias, init),
            projection: Linear::new(width, width, true, init),
            scale1: scale(init),
            norm2: norm(init),
            mlp: Mlp::new(config, init),
            scale2: scale(init),
            heads: config.num_attention_heads,
            dropout: config.branch_dropout(),
            attention_dropout: config.attention_probs_dropout_prob,
            drop_path: config.drop_path(index),
        }
    }

    fn forward(&self, x: Dual<3>, keep: Option<&Tensor<2>>, pass: &mut Pass) -> Dual<3> {
        let qkv = self.qkv.forward(self.norm1.forward(x.clone(), pass), pass);
        let mixed = attention::whole(qkv, self.heads, keep, self.attention_dropout, pass);
        let attended = self.projection.forward(mixed, pass);
        let x = x + self.branch(attended, self.scale1.as_ref(), pass);
        let hidden = self.mlp.forward(self.norm2.forward(x.clone(), pass), pass);
        x + self.branch(hidden, self.scale2.as_ref(), pass)
    }

    /// What a residual branch adds.
    fn branch(&self, y: Dual<3>, scale: Option<&Param<Tensor<1>>>, pass: &mut Pass) -> Dual<3> {
        let y = pass.dropout(y, self.dropout);
        let y = match scale {
            Some(scale) => {
                let width = y.dims()[2];
                y * pass.parameter(scale).reshape([1, 1, width])
            }
            None => y,
        };
        pass.drop_path(y, self.drop_path)
    }
}

/// The encoder f: embedded tokens in, tokens of the last layer and the samples' features out.
#[derive(Module, Debug)]
pub struct VitEncoder {
    layers: Vec<Layer>,
    layernorm: Option<LayerNorm>,
    /// The last norm where it comes after the pooling.
    pooled_norm: Option<LayerNorm>,
    #[module(skip)]
    pooling: Pooling,
}

impl VitEncoder {
    /// A freshly initialised encoder of a checked configuration.
    pub fn new(config: &VitConfig, init: &mut Init) -> Self {
        let norm = |there: bool, init: &mut Init| {
            there.then(|| LayerNorm::new(config.hidden_size, config.layer_norm_eps, init))
        };
        Self {
            layers: (0..config.num_hidden_layers)
                .map(|index| Layer::new(config, index, init))
                .collect(),
            layernorm: norm(config.token_norm, init),
            pooled_norm: norm(config.pooled_norm, init),
            pooling: config.pooling,
        }
    }

    /// The feature of every sample `[B, D]`, or twice as wide.
    fn pool(&self, x: &Tokens, pass: &Pass) -> Dual<2> {
        let mean = || x.clone().pool();
        let parts = match self.pooling {
            Pooling::Mean => vec![mean()],
            Pooling::First => vec![x.token(0)],
            Pooling::ClassAndDistillation => vec![(x.token(0) + x.token(1)).mul_scalar(0.5)],
            Pooling::FirstAndMean => vec![x.token(0), mean()],
        };
        let parts = parts.into_iter().map(|part| match &self.pooled_norm {
            Some(norm) => {
                let [batch, width] = part.dims();
                let rows = norm.forward(part.reshape([batch, 1, width]), pass);
                rows.reshape([batch, width])
            }
            None => part,
        });
        let mut parts: Vec<Dual<2>> = parts.collect();
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => Dual::cat(parts.into_iter().chain(last).collect(), 1),
        }
    }
}

impl Blocks for VitEncoder {
    fn steps(&self) -> usize {
        self.layers.len()
    }

    fn step(&self, index: usize, x: Tokens, pass: &mut Pass) -> (Tokens, bool) {
        let Some(layer) = self.layers.get(index) else {
            return (x, true);
        };
        let values = layer.forward(x.values.clone(), x.keep.as_ref(), pass);
        (x.with(values), true)
    }

    /// The last norm, and the features.
    fn finish(&self, x: Tokens, pass: &Pass) -> Tokens {
        let x = match &self.layernorm {
            Some(norm) => {
                let values = norm.forward(x.values.clone(), pass);
                x.with(values)
            }
            None => x,
        };
        let pooled = self.pool(&x, pass);
        Tokens {
            pooled: Some(pooled),
            ..x
        }
    }
}
