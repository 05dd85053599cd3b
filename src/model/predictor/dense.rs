//! Predictors of dense targets. 2D (docs/method.md): a linear map of every token to r²·3 numbers,
//! pixel shuffle to 3 full-size channels, adaptive averages over channels and over space. 1D: the
//! features of every token averaged to the numbers of its patch; nothing to learn.

use super::adaptive;
use crate::model::dual::Dual;
use crate::model::layers::Linear;
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use burn::module::Module;

/// Tokens of a grid → field `[channels, height, width]`.
#[derive(Module, Debug)]
pub struct Dense2d {
    /// The 1×1 convolution: `[inner·r², D]`, rows ordered channel, row, column.
    pub projection: Linear,
    #[module(skip)]
    pub(super) upscale: usize,
    #[module(skip)]
    pub(super) inner: usize,
    #[module(skip)]
    pub(super) shape: [usize; 3],
}

impl Dense2d {
    /// Tokens whose grid is `[B, h·w, D]` → `[B, channels·height·width]`, row-major.
    pub fn forward(&self, x: Tokens, pass: &Pass) -> Dual<2> {
        let x = x.of_grid();
        let ([rows, columns], r, inner) = (x.grid, self.upscale, self.inner);
        let [channels, height, width] = self.shape;
        let batch = x.values.dims()[0];
        let (device, dtype) = (x.values.device(), x.values.dtype());
        let pool = |x: Dual<2>, inputs, outputs| {
            let weights = adaptive::matrix(inputs, outputs, &device, dtype);
            x.matmul(weights.into())
        };
        // pixel shuffle: channel, then the row and the column inside the token's square
        let full = self
            .projection
            .forward(x.values, pass)
            .reshape([batch, rows, columns, inner, r, r])
            .permute([0, 1, 4, 2, 5, 3]);
        let (tall, wide) = (rows * r, columns * r);
        let mixed = pool(full.reshape([batch * tall * wide, inner]), inner, channels);
        let across = mixed
            .reshape([batch * tall, wide, channels])
            .permute([0, 2, 1])
            .reshape([batch * tall * channels, wide]);
        let down = pool(across, wide, width)
            .reshape([batch, tall, channels, width])
            .permute([0, 2, 3, 1])
            .reshape([batch * channels * width, tall]);
        pool(down, tall, height)
            .reshape([batch, channels, width, height])
            .permute([0, 1, 3, 2])
            .reshape([batch, channels * height * width])
    }
}

/// Tokens of a sequence → signal `[channels, length]`.
#[derive(Module, Debug)]
pub struct Dense1d {
    #[module(skip)]
    pub(super) stack: usize,
    #[module(skip)]
    pub(super) shape: [usize; 2],
}

impl Dense1d {
    /// Tokens `[B, N, D]` → `[B, channels·length]`, row-major. Position `n·stack + s` comes from
    /// token n (ORCA's own reshape is channel-major and leaves the place of a token when the stack
    /// is above one).
    pub fn forward(&self, x: Tokens) -> Dual<2> {
        let x = x.of_grid();
        let [batch, patches, features] = x.values.dims();
        let [channels, length] = self.shape;
        let (device, dtype) = (x.values.device(), x.values.dtype());
        let weights = adaptive::matrix(features, self.stack * channels, &device, dtype);
        x.values
            .reshape([batch * patches, features])
            .matmul(weights.into())
            .reshape([batch, patches * self.stack, channels])
            .permute([0, 2, 1])
            .narrow(2, 0, length)
            .reshape([batch, channels * length])
    }
}
