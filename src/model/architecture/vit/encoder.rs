//! The encoder of ViTs (Dosovitskiy et al., ICLR 2021), numerically that of Hugging Face `transformers` or of timm, as
//! its checkpoint is: layers of full attention and an MLP, then the last norm and the pooling.

use super::config::VitConfig;
use crate::model::dual::Dual;
use crate::model::family::Blocks;
use crate::model::layers::{Init, LayerNorm};
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use crate::model::transformer::Layer;
use crate::suite::parts::Pooling;
use burn::module::Module;

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
                .map(|index| Layer::new(&config.layer(index), init))
                .collect(),
            layernorm: norm(config.token_norm, init),
            pooled_norm: norm(config.pooled_norm, init),
            pooling: config.pooling,
        }
    }

    /// What the feature of every sample is made of, `[B, D]` each.
    fn parts(&self, x: &Tokens) -> Vec<Dual<2>> {
        let mean = || x.clone().pool();
        match self.pooling {
            Pooling::Mean => vec![mean()],
            Pooling::First => vec![x.token(0)],
            Pooling::ClassAndDistillation => vec![(x.token(0) + x.token(1)).mul_scalar(0.5)],
            Pooling::FirstAndMean => vec![x.token(0), mean()],
            Pooling::End => vec![x.ending()],
        }
    }

    /// The feature of every sample `[B, D]`, or twice as wide.
    fn pool(&self, x: &Tokens, pass: &Pass) -> Dual<2> {
        let parts = self
            .parts(x)
            .into_iter()
            .map(|part| match &self.pooled_norm {
                Some(norm) => {
                    let [batch, width] = part.dims();
                    let rows = norm.forward(part.reshape([batch, 1, width]), pass);
                    rows.reshape([batch, width])
                }
                None => part,
            });
        beside(parts.collect())
    }
}

/// Parts of a feature side by side.
fn beside(mut parts: Vec<Dual<2>>) -> Dual<2> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => Dual::cat(parts.into_iter().chain(last).collect(), 1),
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
        let values = layer.forward(index, x.values.clone(), x.keep.as_ref(), pass);
        (x.with(values), true)
    }

    fn pooled(&self, x: &Tokens) -> Dual<2> {
        beside(self.parts(x))
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
