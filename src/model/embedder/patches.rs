//! The 2D embedder e: non-overlapping patches, a linear map and, where the architecture has one, LayerNorm
//! (docs/method.md: `C×H×W` cut into patches of `p²`, projected to the encoder's first width).
//!
//! The projection keeps the shape of the convolution it is (`[out, C, p, p]`), as checkpoints do.

use crate::model::dual::Dual;
use crate::model::layers::{Init, LayerNorm};
use crate::model::ops;
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use crate::suite::parts::EmbedderInit;
use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};

/// Patch embedding, perhaps followed by LayerNorm.
#[derive(Module, Debug)]
pub struct PatchEmbedder {
    /// `[out, C, p, p]`.
    weight: Param<Tensor<4>>,
    /// `[out]`; none where a norm follows the positions.
    bias: Option<Param<Tensor<1>>>,
    norm: Option<LayerNorm>,
    /// Whether pixels beyond the last whole patch are left out, as timm does, and not filled up.
    #[module(skip)]
    crops: bool,
}

impl PatchEmbedder {
    /// A freshly initialised embedder of patches of side `p` to `out` channels, for `channels` input
    /// channels.
    pub fn new(out: usize, p: usize, channels: usize, init: &mut Init) -> Self {
        Self {
            weight: init.truncated_normal(0.02, [out, channels, p, p]),
            bias: Some(init.constant(0.0, [out])),
            norm: Some(LayerNorm::new(out, 1e-5, init)),
            crops: false,
        }
    }

    /// The same without a norm after the projection.
    pub fn without_norm(self) -> Self {
        Self { norm: None, ..self }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// Whether pixels beyond the last whole patch are left out.
    pub fn set_crops(&mut self, crops: bool) {
        self.crops = crops;
    }

    /// How many pixels of a side of `side` pixels are left out beyond the last whole patch.
    pub fn left_out(&self, side: usize) -> usize {
        let patch = self.weight.dims()[2];
        match self.crops && side >= patch {
            true => side % patch,
            false => 0,
        }
    }

    /// An embedder for `channels` channels that starts from this one.
    pub fn for_target(&self, channels: usize, how: EmbedderInit, init: &mut Init) -> Self {
        let [out, own, p, _] = self.weight.dims();
        if how == EmbedderInit::Random {
            let fresh = Self::new(out, p, channels, init);
            return Self {
                bias: fresh.bias.filter(|_| self.bias.is_some()),
                norm: fresh.norm.filter(|_| self.norm.is_some()),
                crops: self.crops,
                ..fresh
            };
        }
        let source: Vec<f32> = self
            .weight
            .val()
            .cast(DType::F32)
            .into_data()
            .try_to_vec()
            .expect("values were cast to f32");
        let mut tiled = Vec::with_capacity(out * channels * p * p);
        for o in 0..out {
            for c in 0..channels {
                let from = (o * own + c % own) * p * p;
                tiled.extend_from_slice(&source[from..from + p * p]);
            }
        }
        let mut copy = self.clone();
        copy.weight = init.parameter(tiled, [out, channels, p, p]);
        copy
    }

    /// Input channels.
    pub fn channels(&self) -> usize {
        self.weight.dims()[1]
    }

    /// `[B, C, H, W]` → tokens `[B, h·w, out]`; sides that are no multiple of the patch are padded
    /// with zeros, or cut off where the checkpoint is timm's (and the side has a whole patch).
    pub fn forward(&self, x: Dual<4>, pass: &Pass) -> Tokens {
        let [out, channels, p, _] = self.weight.dims();
        let crops = self.crops;
        let x = x.linear(|t| pad(if crops { crop(t, p) } else { t }, [p, p]));
        let [batch, _, height, width] = x.dims();
        let grid = [height / p, width / p];
        let patches = x
            .reshape([batch, channels, grid[0], p, grid[1], p])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, grid[0] * grid[1], channels * p * p]);
        let kernel = pass
            .parameter(&self.weight)
            .reshape([out, channels * p * p]);
        let tokens = ops::linear(patches, kernel, pass.optional(self.bias.as_ref()));
        let tokens = match &self.norm {
            Some(norm) => norm.forward(tokens, pass),
            None => tokens,
        };
        Tokens::new(tokens, grid)
    }
}

/// Leaves out the rows and columns beyond the last whole patch.
fn crop(mut x: Tensor<4>, patch: usize) -> Tensor<4> {
    for axis in [2, 3] {
        let whole = x.dims()[axis] / patch * patch;
        if whole > 0 {
            x = x.narrow(axis, 0, whole);
        }
    }
    x
}

/// Pads bottom and right with zeros to multiples of the two sides.
pub(super) fn pad(mut x: Tensor<4>, sides: [usize; 2]) -> Tensor<4> {
    for (axis, side) in [2, 3].into_iter().zip(sides) {
        let mut shape = x.dims();
        let missing = shape[axis].next_multiple_of(side) - shape[axis];
        if missing > 0 {
            shape[axis] = missing;
            let zeros = Tensor::zeros(shape, (&x.device(), x.dtype()));
            x = Tensor::cat(vec![x, zeros], axis);
        }
    }
    x
}
