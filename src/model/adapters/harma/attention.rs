//! The attention inside of HarMA's adapters: that of PyTorch's `MultiheadAttention`, over all tokens.

use crate::model::attention;
use crate::model::dual::Dual;
use crate::model::layers::{Init, Linear};
use crate::model::pass::Pass;
use burn::module::Module;

/// Multi-head attention with queries, keys and values of one matrix.
#[derive(Module, Debug)]
pub struct Attention {
    /// `[3d, d]`.
    in_proj: Linear,
    out_proj: Linear,
    #[module(skip)]
    heads: usize,
}

impl Attention {
    /// As PyTorch starts it: Xavier-uniform, biases 0.
    pub(super) fn new(width: usize, heads: usize, init: &mut Init) -> Self {
        let bound = 1.0 / (width as f32).sqrt();
        Self {
            in_proj: Linear {
                weight: init.xavier_uniform(1.0, [width, 3 * width], [3 * width, width]),
                bias: Some(init.constant(0.0, [3 * width])),
            },
            out_proj: Linear {
                weight: init.uniform(bound, [width, width]),
                bias: Some(init.constant(0.0, [width])),
            },
            heads,
        }
    }

    pub(super) fn forward(&self, x: Dual<3>, pass: &mut Pass) -> Dual<3> {
        let qkv = self.in_proj.forward(x, pass);
        let mixed = attention::whole(qkv, self.heads, None, 0.0, pass);
        self.out_proj.forward(mixed, pass)
    }
}
