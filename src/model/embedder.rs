//! The 2D embedder e: non-overlapping patches, a linear map, LayerNorm (method.md: `C×H×W` cut
//! into patches of `p²`, projected to the encoder's first width).
//!
//! The projection keeps the shape of the convolution it is (`[out, C, p, p]`), as checkpoints do.

use super::config::SwinConfig;
use super::layers::{Init, LayerNorm};
use super::ops;
use super::swin::Grid;
use crate::manifest::training::EmbedderInit;
use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor, TensorData};

/// Patch embedding followed by LayerNorm.
#[derive(Module, Debug)]
pub struct Embedder {
    /// `[out, C, p, p]`.
    weight: Param<Tensor<4>>,
    /// `[out]`.
    bias: Param<Tensor<1>>,
    norm: LayerNorm,
}

impl Embedder {
    /// A freshly initialised embedder for `channels` input channels.
    pub fn new(config: &SwinConfig, channels: usize, init: &mut Init) -> Self {
        let (out, p) = (config.embed_dim, config.patch_size);
        Self {
            weight: init.truncated_normal(0.02, [out, channels, p, p]),
            bias: init.constant(0.0, [out]),
            norm: LayerNorm::new(out, 1e-5, init),
        }
    }

    /// An embedder for `channels` channels that starts from this one.
    pub fn for_target(
        &self,
        config: &SwinConfig,
        channels: usize,
        how: EmbedderInit,
        init: &mut Init,
    ) -> Self {
        if how == EmbedderInit::Random {
            return Self::new(config, channels, init);
        }
        let [out, own, p, _] = self.weight.dims();
        let source: Vec<f32> = self
            .weight
            .val()
            .cast(DType::F32)
            .into_data()
            .try_to_vec()
            .unwrap_or_default();
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

    /// `[B, C, H, W]` → tokens `[B, h·w, out]` and their grid; sides that are no multiple of the
    /// patch are padded with zeros.
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<3>, Grid) {
        let [out, channels, p, _] = self.weight.dims();
        let x = pad(x, p);
        let [batch, _, height, width] = x.dims();
        let grid = [height / p, width / p];
        let patches = x
            .reshape([batch, channels, grid[0], p, grid[1], p])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, grid[0] * grid[1], channels * p * p]);
        let kernel = self.weight.val().reshape([out, channels * p * p]);
        let tokens = ops::linear(patches, kernel, Some(self.bias.val()));
        (self.norm.forward(tokens), grid)
    }
}

/// Pads bottom and right to multiples of `p`.
fn pad(x: Tensor<4>, p: usize) -> Tensor<4> {
    let mut x = x;
    for axis in 2..4 {
        let mut shape = x.dims();
        let missing = shape[axis].next_multiple_of(p) - shape[axis];
        if missing > 0 {
            shape[axis] = missing;
            let zeros = Tensor::<4>::from_data(
                TensorData::zeros::<f32, _>(shape),
                (&x.device(), x.dtype()),
            );
            x = Tensor::cat(vec![x, zeros], axis);
        }
    }
    x
}
