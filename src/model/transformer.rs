//! The layer of ViTs and of CLIP's text tower: attention and an MLP, each behind its norm, on residual branches that may
//! be scaled (Touvron et al., ICCV 2021). Whose numbers it gives is said by its shape.

use super::attention;
use super::dual::Dual;
use super::layers::{Init, LayerNorm, Linear};
use super::ops;
use super::pass::Pass;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// What is between the two linear maps of an MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The exact GELU.
    Gelu,
    /// `x·σ(1.702 x)`, of OpenAI's CLIP.
    QuickGelu,
    /// `silu(a)·b` of two halves (Shazeer 2020).
    SwiGlu,
}

/// Which tokens a token attends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All.
    All,
    /// Itself and those before it.
    Before,
}

/// What a layer is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerShape {
    /// Width of the tokens.
    pub width: usize,
    /// Hidden width of the MLP; of SwiGLU, of each half.
    pub hidden: usize,
    /// Attention heads.
    pub heads: usize,
    /// Activation of the MLP.
    pub activation: Activation,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: bool,
    /// Added to variances.
    pub epsilon: f64,
    /// First value of the factors on the residual branches, if there are such.
    pub scale: Option<f64>,
    /// Dropout on the residual branches while training.
    pub dropout: f64,
    /// Dropout of attention probabilities while training.
    pub attention_dropout: f64,
    /// Rate at which samples lose a branch while training.
    pub drop_path: f64,
    /// Which tokens a token attends to.
    pub sight: Sight,
}

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

impl Mlp {
    fn new(shape: &LayerShape, init: &mut Init) -> Self {
        let (width, hidden) = (shape.width, shape.hidden);
        match shape.activation {
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
                    ops::quick_gelu(hidden)
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
    #[module(skip)]
    sight: Sight,
}

impl Layer {
    /// A freshly initialised layer.
    pub fn new(shape: &LayerShape, init: &mut Init) -> Self {
        let width = shape.width;
        let norm = |init: &mut Init| LayerNorm::new(width, shape.epsilon, init);
        let scale = |init: &mut Init| shape.scale.map(|s| init.constant(s as f32, [width]));
        Self {
            norm1: norm(init),
            qkv: Linear::new(width, 3 * width, shape.qkv_bias, init),
            projection: Linear::new(width, width, true, init),
            scale1: scale(init),
            norm2: norm(init),
            mlp: Mlp::new(shape, init),
            scale2: scale(init),
            heads: shape.heads,
            dropout: shape.dropout,
            attention_dropout: shape.attention_dropout,
            drop_path: shape.drop_path,
            sight: shape.sight,
        }
    }

    /// `[B, T, C]` → the same shape; `keep [B, T]` is 0 for tokens that nobody attends to. `index` is its place among the
    /// layers, for what the pass inserts there.
    pub fn forward(
        &self,
        index: usize,
        x: Dual<3>,
        keep: Option<&Tensor<2>>,
        pass: &mut Pass,
    ) -> Dual<3> {
        let x = pass.before_layer(index, x);
        let qkv = self.qkv.forward(self.norm1.forward(x.clone(), pass), pass);
        let mixed = match self.sight {
            Sight::All => attention::whole(qkv, self.heads, keep, self.attention_dropout, pass),
            Sight::Before => attention::causal(qkv, self.heads, self.attention_dropout, pass),
        };
        let attended = self.projection.forward(mixed, pass);
        let x = x + self.branch(attended, self.scale1.as_ref(), pass);
        let hidden = self.mlp.forward(self.norm2.forward(x.clone(), pass), pass);
        let hidden = pass.after_mlp(index, hidden);
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
