//! The embedder of ViTs: patches, a learnt position added to each, and before them tokens of no patch (class,
//! distillation, registers), perhaps a norm over all.
//!
//! These tokens and the positions belong to the embedder, as in the publishers' own code: the encoder then takes any
//! tokens, and a target's embedder starts from the source's with the projection tiled to its channels and everything
//! else copied. The table keeps the grid that it was made for; on other grids it is interpolated as the publisher
//! does ([`resample`]), so that one embedder takes images of every size.

use super::PatchEmbedder;
use super::resample::{Resampling, resample};
use crate::model::dual::Dual;
use crate::model::layers::{Init, LayerNorm};
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use crate::suite::parts::EmbedderInit;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// What an embedder of this kind is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Width of the tokens.
    pub width: usize,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Side of the grid of patches that has positions.
    pub grid: usize,
    /// Whether there is a class token.
    pub class: bool,
    /// Whether there is a distillation token.
    pub distillation: bool,
    /// Number of register tokens.
    pub registers: usize,
    /// How many of the tokens before the patches have positions: the first ones.
    pub placed: usize,
    /// Whether the projection has a bias.
    pub bias: bool,
    /// What the norm over all tokens adds to variances, if there is one.
    pub norm: Option<f64>,
    /// How positions come to other grids.
    pub resampling: Resampling,
    /// Dropout while training.
    pub dropout: f64,
}

impl Layout {
    /// Number of tokens before the patches.
    pub fn before(&self) -> usize {
        usize::from(self.class) + usize::from(self.distillation) + self.registers
    }

    /// Number of positions.
    pub fn positions(&self) -> usize {
        self.placed + self.grid * self.grid
    }
}

/// Patches with positions behind tokens of no patch.
#[derive(Module, Debug)]
pub struct PositionedEmbedder {
    patches: PatchEmbedder,
    /// `[1, 1, C]`.
    class_token: Option<Param<Tensor<3>>>,
    /// `[1, 1, C]`.
    distillation_token: Option<Param<Tensor<3>>>,
    /// `[1, R, C]`.
    register_tokens: Option<Param<Tensor<3>>>,
    /// `[1, placed + grid², C]`.
    position_embeddings: Param<Tensor<3>>,
    norm: Option<LayerNorm>,
    #[module(skip)]
    layout: Layout,
}

impl PositionedEmbedder {
    /// A freshly initialised embedder for `channels` channels: truncated-normal projection, tokens and positions (std
    /// 0.02).
    pub fn new(layout: Layout, channels: usize, init: &mut Init) -> Self {
        let width = layout.width;
        let mut patches = PatchEmbedder::new(width, layout.patch, channels, init).without_norm();
        patches.set_crops(true);
        if !layout.bias {
            patches = patches.without_bias();
        }
        let mut tokens =
            |count: usize| (count > 0).then(|| init.truncated_normal(0.02, [1, count, width]));
        Self {
            patches,
            class_token: tokens(layout.class.into()),
            distillation_token: tokens(layout.distillation.into()),
            register_tokens: tokens(layout.registers),
            position_embeddings: init.truncated_normal(0.02, [1, layout.positions(), width]),
            norm: layout
                .norm
                .map(|epsilon| LayerNorm::new(width, epsilon, init)),
            layout,
        }
    }

    /// An embedder for `channels` channels that starts from this one.
    pub fn for_target(&self, channels: usize, how: EmbedderInit, init: &mut Init) -> Self {
        match how {
            EmbedderInit::Random => Self::new(self.layout.clone(), channels, init),
            EmbedderInit::SourceTiled => Self {
                patches: self.patches.for_target(channels, how, init),
                ..self.clone()
            },
        }
    }

    /// Input channels.
    pub fn channels(&self) -> usize {
        self.patches.channels()
    }

    /// Number of tokens before the patches.
    pub fn before(&self) -> usize {
        self.layout.before()
    }

    /// How many pixels of a side of `side` pixels are left out beyond the last whole patch.
    pub fn left_out(&self, side: usize) -> usize {
        self.patches.left_out(side)
    }

    /// `[B, C, H, W]` → tokens `[B, before + h·w, width]`. Pixels beyond the last whole patch are left out.
    pub fn forward(&self, x: Dual<4>, pass: &mut Pass) -> Tokens {
        let Tokens { values, grid, .. } = self.patches.forward(x, pass);
        let [batch, _, width] = values.dims();
        let (side, placed) = (self.layout.grid, self.layout.placed);
        let positions = pass.parameter(&self.position_embeddings);
        let of_grid = positions.clone().narrow(1, placed, side * side);
        let of_grid = if grid == [side; 2] {
            of_grid
        } else {
            resample(of_grid, [side; 2], grid, self.layout.resampling)
        };
        let mut values = values + of_grid;
        let before = self.before();
        if let Some(first) = self.first(positions, pass) {
            values = Dual::cat(vec![first.expand([batch, before, width]), values], 1);
        }
        let values = pass.dropout(values, self.layout.dropout);
        let values = pass.embedded(values);
        let values = match &self.norm {
            Some(norm) => norm.forward(values, pass),
            None => values,
        };
        Tokens {
            before,
            ..Tokens::new(values, grid)
        }
    }

    /// The tokens before the patches `[1, before, width]`, with their positions.
    fn first(&self, positions: Dual<3>, pass: &Pass) -> Option<Dual<3>> {
        let tokens = [
            &self.class_token,
            &self.distillation_token,
            &self.register_tokens,
        ];
        let tokens = tokens.into_iter().flatten();
        let tokens: Vec<Dual<3>> = tokens.map(|token| pass.parameter(token)).collect();
        if tokens.is_empty() {
            return None;
        }
        let (all, placed) = (Dual::cat(tokens, 1), self.layout.placed);
        let rest = all.dims()[1] - placed;
        if placed == 0 {
            return Some(all);
        }
        let with = all.clone().narrow(1, 0, placed) + positions.narrow(1, 0, placed);
        if rest == 0 {
            return Some(with);
        }
        Some(Dual::cat(vec![with, all.narrow(1, placed, rest)], 1))
    }
}
