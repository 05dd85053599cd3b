//! The encoder of CLIP's text tower (Radford et al., ICML 2021): layers in which a token sees those before it, a last
//! norm, and the token that ends a text as its feature.

use super::config::ClipTextConfig;
use crate::model::dual::Dual;
use crate::model::family::Blocks;
use crate::model::layers::{Init, LayerNorm};
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use crate::model::transformer::Layer;
use burn::module::Module;

/// The encoder f: embedded tokens in, tokens of the last layer and the texts' features out.
#[derive(Module, Debug)]
pub struct ClipTextEncoder {
    layers: Vec<Layer>,
    layernorm: LayerNorm,
}

impl ClipTextEncoder {
    /// A freshly initialised encoder of a checked configuration.
    pub fn new(config: &ClipTextConfig, init: &mut Init) -> Self {
        let shape = config.layer();
        Self {
            layers: (0..config.num_hidden_layers)
                .map(|_| Layer::new(&shape, init))
                .collect(),
            layernorm: LayerNorm::new(shape.width, shape.epsilon, init),
        }
    }
}

impl Blocks for ClipTextEncoder {
    fn steps(&self) -> usize {
        self.layers.len()
    }

    fn step(&self, index: usize, x: Tokens, pass: &mut Pass) -> (Tokens, bool) {
        let Some(layer) = self.layers.get(index) else {
            return (x, true);
        };
        let values = layer.forward(index, x.values.clone(), None, pass);
        (x.with(values), true)
    }

    fn pooled(&self, x: &Tokens) -> Dual<2> {
        x.ending()
    }

    /// The last norm, and the features.
    fn finish(&self, x: Tokens, pass: &Pass) -> Tokens {
        let values = self.layernorm.forward(x.values.clone(), pass);
        let x = x.with(values);
        Tokens {
            pooled: Some(self.pooled(&x)),
            ..x
        }
    }
}
