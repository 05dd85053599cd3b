//! The RoBERTa encoder (Liu et al. 2019), numerically that of Hugging Face `transformers`:
//! layers of full attention and an MLP, each with its norm **after** the residual sum.

use super::config::RobertaConfig;
use crate::model::attention;
use crate::model::dual::Dual;
use crate::model::family::Blocks;
use crate::model::layers::{Init, LayerNorm, Linear};
use crate::model::ops;
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use burn::module::Module;
use burn::tensor::Tensor;

/// Attention, MLP and their norms.
#[derive(Module, Debug)]
pub struct Layer {
    /// Queries, keys and values in one product: `[3C, C]`.
    qkv: Linear,
    projection: Linear,
    attention_norm: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    output_norm: LayerNorm,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    attention_dropout: f64,
}

impl Layer {
    fn new(config: &RobertaConfig, init: &mut Init) -> Self {
        let (width, hidden) = (config.hidden_size, config.intermediate_size);
        let norm = |init: &mut Init| LayerNorm::new(width, config.layer_norm_eps, init);
        Self {
            qkv: Linear::new(width, 3 * width, true, init),
            projection: Linear::new(width, width, true, init),
            attention_norm: norm(init),
            fc1: Linear::new(width, hidden, true, init),
            fc2: Linear::new(hidden, width, true, init),
            output_norm: norm(init),
            heads: config.num_attention_heads,
            dropout: config.hidden_dropout_prob,
            attention_dropout: config.attention_probs_dropout_prob,
        }
    }

    fn forward(&self, x: Dual<3>, keep: Option<&Tensor<2>>, pass: &mut Pass) -> Dual<3> {
        let qkv = self.qkv.forward(x.clone(), pass);
        let mixed = attention::whole(qkv, self.heads, keep, self.attention_dropout, pass);
        let attended = self.projection.forward(mixed, pass);
        let attended = pass.dropout(attended, self.dropout);
        let x = self.attention_norm.forward(x + attended, pass);
        let hidden = ops::gelu(self.fc1.forward(x.clone(), pass));
        let hidden = self.fc2.forward(hidden, pass);
        let hidden = pass.dropout(hidden, self.dropout);
        self.output_norm.forward(x + hidden, pass)
    }
}

/// The encoder f: embedded tokens in, tokens of the last layer out.
#[derive(Module, Debug)]
pub struct RobertaEncoder {
    layers: Vec<Layer>,
}

impl RobertaEncoder {
    /// A freshly initialised encoder of a checked configuration.
    pub fn new(config: &RobertaConfig, init: &mut Init) -> Self {
        Self {
            layers: (0..config.num_hidden_layers)
                .map(|_| Layer::new(config, init))
                .collect(),
        }
    }
}

impl Blocks for RobertaEncoder {
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

    fn finish(&self, x: Tokens, _: &Pass) -> Tokens {
        x
    }
}
